"""The hedge policy: a second attempt beside a slow first one."""

from seawall.contracts.policy import Spec
from seawall.policies.hedge.policy import build, explain
from seawall.policies.hedge.settings import HedgeSettings

__all__ = ["SPEC", "HedgeSettings"]

SPEC = Spec("hedge", HedgeSettings, build, explain)
