"""What the routing of models needs of the fallback policy; doors do not import policies."""

from seawall.policies.fallback.core import until

__all__ = ["until"]
