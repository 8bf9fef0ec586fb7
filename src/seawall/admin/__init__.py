"""The operations door: health, metrics, diagnostics, and a typed API whose framework is imported when asked for."""

from seawall.admin.door import AdminDoor
from seawall.admin.events import Streams
from seawall.admin.kept import AnswerView, CacheView, PathView
from seawall.admin.view import (
    Controls,
    PoolView,
    QueueView,
    Runtime,
    ScheduleView,
    Status,
    StoreView,
    TargetView,
    TrafficView,
    UpstreamView,
    VitalsView,
)

__all__ = [
    "AdminDoor",
    "AnswerView",
    "CacheView",
    "Controls",
    "PathView",
    "PoolView",
    "QueueView",
    "Runtime",
    "ScheduleView",
    "Status",
    "StoreView",
    "Streams",
    "TargetView",
    "TrafficView",
    "UpstreamView",
    "VitalsView",
]
