"""The fallback policy: what is given where every attempt failed."""

from seawall.contracts.policy import Spec
from seawall.policies.fallback.policy import build, explain
from seawall.policies.fallback.settings import FallbackSettings

__all__ = ["SPEC", "FallbackSettings"]

SPEC = Spec("fallback", FallbackSettings, build, explain)
