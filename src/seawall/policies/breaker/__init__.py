"""The breaker policy."""

from seawall.contracts.policy import Spec
from seawall.policies.breaker.policy import build, explain
from seawall.policies.breaker.settings import BreakerSettings

__all__ = ["SPEC", "BreakerSettings"]

SPEC = Spec("breaker", BreakerSettings, build, explain)
