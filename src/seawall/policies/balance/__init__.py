"""The balance policy: which target of several an attempt goes to."""

from seawall.contracts.policy import Spec
from seawall.policies.balance.policy import build, explain
from seawall.policies.balance.settings import BalanceSettings

__all__ = ["SPEC", "BalanceSettings"]

SPEC = Spec("balance", BalanceSettings, build, explain)
