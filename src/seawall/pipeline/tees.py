"""What answers of models need of the cache policy, to be read by several at once; doors do not import policies."""

from seawall.policies.cache.tee import Tee, TeeReader

__all__ = ["Tee", "TeeReader"]
