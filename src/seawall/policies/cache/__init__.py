"""The cache policy: what is kept is given again, to whom it may be given, for as long as it may be."""

from seawall.contracts.policy import Spec
from seawall.policies.cache.entry import Entry
from seawall.policies.cache.explained import explain
from seawall.policies.cache.flight import Flights
from seawall.policies.cache.policy import build, bystander
from seawall.policies.cache.settings import CacheSettings

__all__ = ["SPEC", "CacheSettings", "Entry", "Flights", "bystander"]

SPEC = Spec("cache", CacheSettings, build, explain)
