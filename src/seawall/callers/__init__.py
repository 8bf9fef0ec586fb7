"""Who may call and how often: keys, limits of callers and of the users behind them (semantics 5, security.md 11)."""

from seawall.callers.admission import Callers, Strangers
from seawall.callers.directory import CallerConflict, Directory, Listed, NoSuchCaller, key_id
from seawall.callers.keys import digest, new_key
from seawall.callers.rules import ANONYMOUS, Rules, UserRules
from seawall.callers.shared import SharedLimits

__all__ = [
    "ANONYMOUS",
    "CallerConflict",
    "Callers",
    "Directory",
    "Listed",
    "NoSuchCaller",
    "Rules",
    "SharedLimits",
    "Strangers",
    "UserRules",
    "digest",
    "key_id",
    "new_key",
]
