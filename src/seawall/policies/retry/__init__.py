"""The retry policy."""

from seawall.contracts.policy import Spec
from seawall.policies.retry.policy import build, explain
from seawall.policies.retry.settings import RetrySettings

__all__ = ["SPEC", "RetrySettings"]

SPEC = Spec("retry", RetrySettings, build, explain)
