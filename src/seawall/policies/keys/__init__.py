"""The keys policy: of several keys for one upstream, one that is refused rests while the others serve."""

from seawall.contracts.policy import Spec
from seawall.policies.keys.policy import build, explain
from seawall.policies.keys.settings import KeysSettings

__all__ = ["SPEC", "KeysSettings"]

SPEC = Spec("keys", KeysSettings, build, explain)
