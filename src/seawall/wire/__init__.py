"""Calls to bytes for upstreams; the one place that opens a socket to an upstream."""

from seawall.wire.dns import Resolve
from seawall.wire.pool import PoolStats
from seawall.wire.transport import Wire

__all__ = ["PoolStats", "Resolve", "Wire"]
