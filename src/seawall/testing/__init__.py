"""The test kit, shipped: time that jumps, upstreams that follow a script, faults on real sockets."""

from seawall.testing.virtual import EPOCH, START, VirtualError, VirtualLoop, run_virtual, virtual

__all__ = ["EPOCH", "START", "VirtualError", "VirtualLoop", "run_virtual", "virtual"]
