"""What a door needs of the deadline policy when it builds a call; doors do not import policies."""

from seawall.policies.deadline.core import hinted

__all__ = ["hinted"]
