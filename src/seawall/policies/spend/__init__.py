"""What an attempt may cost is held before it, what it did cost is settled after it."""

from seawall.contracts.policy import Spec
from seawall.policies.spend.policy import Spend, build, explain
from seawall.policies.spend.settings import SpendStageSettings

__all__ = ["SPEC", "Spend", "SpendStageSettings"]

SPEC = Spec("spend", SpendStageSettings, build, explain)
