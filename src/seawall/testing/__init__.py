"""The test kit, shipped: time that jumps, upstreams that follow a script, faults on real sockets."""

from seawall.testing.recorder import Recorder
from seawall.testing.script import ScriptedTransport, Seen, Step, answer, fail, hang, stream
from seawall.testing.source import ScriptedSource
from seawall.testing.virtual import EPOCH, START, VirtualError, VirtualLoop, run_virtual, virtual

__all__ = [
    "EPOCH",
    "START",
    "Recorder",
    "ScriptedSource",
    "ScriptedTransport",
    "Seen",
    "Step",
    "VirtualError",
    "VirtualLoop",
    "answer",
    "fail",
    "hang",
    "run_virtual",
    "stream",
    "virtual",
]
