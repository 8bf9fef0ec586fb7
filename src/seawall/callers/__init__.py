"""Who may call and how often: keys, limits of callers and of the users behind them (semantics 5, security.md 11)."""

from seawall.callers.admission import Callers, Strangers
from seawall.callers.keys import digest, new_key
from seawall.callers.rules import ANONYMOUS, Rules, UserRules
from seawall.callers.shared import Shared

__all__ = ["ANONYMOUS", "Callers", "Rules", "Shared", "Strangers", "UserRules", "digest", "new_key"]
