"""The deadline policy."""

from seawall.contracts.policy import Spec
from seawall.policies.deadline.policy import build, explain
from seawall.policies.deadline.settings import DeadlineSettings

__all__ = ["SPEC", "DeadlineSettings"]

SPEC = Spec("deadline", DeadlineSettings, build, explain)
