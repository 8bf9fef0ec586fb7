"""What watches: a hub that tells listeners what happened, the log, metrics, and how the process is."""

from seawall.observers.bridge import Bridge
from seawall.observers.exposition import Exposition
from seawall.observers.hub import Hub, Listener
from seawall.observers.log import Log, LogRules
from seawall.observers.metrics import Metrics
from seawall.observers.redact import Redactor
from seawall.observers.traffic import Minute, Traffic
from seawall.observers.vitals import Vitals
from seawall.observers.writer import LineWriter

__all__ = [
    "Bridge",
    "Exposition",
    "Hub",
    "LineWriter",
    "Listener",
    "Log",
    "LogRules",
    "Metrics",
    "Minute",
    "Redactor",
    "Traffic",
    "Vitals",
]
