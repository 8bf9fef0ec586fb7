"""What the operations pages see of a running gateway; `app` makes it, nothing here looks anything up by itself."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Literal, Protocol, runtime_checkable

from seawall.admin.kept import CacheView
from seawall.callers import Directory
from seawall.contracts.ledger import Ledger

__all__ = [
    "Controls",
    "KeepsCallers",
    "KeepsLedger",
    "Phase",
    "PoolView",
    "QueueView",
    "Reloads",
    "Runtime",
    "ScheduleView",
    "Schedules",
    "Status",
    "StoreView",
    "TargetView",
    "TrafficView",
    "UpstreamView",
    "VitalsView",
]

Phase = Literal["starting", "ready", "draining"]


@dataclass(frozen=True, slots=True)
class PoolView:
    """Connections of one target."""

    idle: int = 0
    busy: int = 0
    waiting: int = 0


@dataclass(frozen=True, slots=True)
class TargetView:
    """One address of an upstream.

    Attributes:
        label: of the target.
        url: scheme, host, port and base; no user info, no query.
        breaker: `closed`, `open`, `half_open`, or `off` where there is none.
        mode: of the breaker: `on`, `shadow`, `forced_open`, `forced_closed`, `off`.
        retry_after: seconds until an open breaker lets a probe through.
        paused: seconds for which the target asked to be left alone.
        pool: its connections.
    """

    label: str
    url: str
    breaker: str = "closed"
    mode: str = "on"
    retry_after: float = 0.0
    paused: float = 0.0
    pool: PoolView = field(default_factory=PoolView)


@dataclass(frozen=True, slots=True)
class QueueView:
    """One concurrency limit.

    Attributes:
        route: `""` for the upstream's own.
        used, limit: slots.
        waiting, most: calls in the queue and how many may be.
    """

    route: str
    used: int
    limit: int
    waiting: int
    most: int


@dataclass(frozen=True, slots=True)
class TrafficView:
    """The last minute as it went by; nothing is ever called to find out (semantics 8.6)."""

    attempts: int = 0
    failures: int = 0
    mean_seconds: float = 0.0


@dataclass(frozen=True, slots=True)
class UpstreamView:
    """One upstream.

    Attributes:
        name, mount: from settings.
        required: whether `/ready` fails while no target of it may be called.
        routes: names, in order.
        policies: name of a policy to one line of its values.
    """

    name: str
    mount: str
    required: bool = False
    targets: tuple[TargetView, ...] = ()
    queues: tuple[QueueView, ...] = ()
    traffic: TrafficView = field(default_factory=TrafficView)
    routes: tuple[str, ...] = ()
    policies: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class StoreView:
    """Shared state or a durable store; `url` without user info and query."""

    name: str
    url: str
    connected: bool
    required: bool = False


@dataclass(frozen=True, slots=True)
class ScheduleView:
    """One schedule.

    Attributes:
        name: in settings.
        call: method and path, without the query.
        rhythm: `every` in seconds, or the cron expression and its time zone.
        publish: channel its answers are published on, `""` none.
        running: whether a run is under way.
        elsewhere: whether another replica has the run that was due last.
        last: when the latest run started, seconds since the epoch, None where there was none.
        last_seconds: how long it took.
        result: what it came to: `ok`, `failed`, `unpublished`, `""` where there was none.
        status: of its answer, 0 where there was none.
        detail: what is wrong, in words.
        succeeded: when the latest run that was `ok` started.
        next: when the next one starts, None where there is none.
        late: seconds since a run was due that has not begun.
        runs: how many came to what, by result.
    """

    name: str
    call: str
    rhythm: str
    publish: str = ""
    running: bool = False
    elsewhere: bool = False
    last: float | None = None
    last_seconds: float = 0.0
    result: str = ""
    status: int = 0
    detail: str = ""
    succeeded: float | None = None
    next: float | None = None
    late: float = 0.0
    runs: Mapping[str, int] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class VitalsView:
    """How the process is: seconds and bytes."""

    uptime: float = 0.0
    lag: float = 0.0
    lag_max: float = 0.0
    resident: int = 0
    tasks: int = 0
    inflight: int = 0
    connections: int = 0
    replay_bytes: int = 0
    log_dropped: int = 0


@dataclass(frozen=True, slots=True)
class Status:
    """Everything at one moment.

    Attributes:
        wall: seconds since the epoch.
        version: of Seawall.
    """

    phase: Phase
    wall: float
    version: str
    upstreams: tuple[UpstreamView, ...] = ()
    stores: tuple[StoreView, ...] = ()
    vitals: VitalsView = field(default_factory=VitalsView)
    schedules: tuple[ScheduleView, ...] = ()
    cache: CacheView = field(default_factory=CacheView)


class Runtime(Protocol):
    """The running gateway; every method answers at once, from memory."""

    def status(self) -> Status:
        """Return what is now."""
        ...

    def settings(self) -> Mapping[str, Any]:
        """Return the settings as plain values that JSON can hold, with every secret masked."""
        ...

    def versions(self) -> Mapping[str, str]:
        """Return versions of Seawall, Python, the loop and the libraries in use."""
        ...

    def tasks(self) -> tuple[str, ...]:
        """Return names of the tasks that are owned, for `/diagnostics`."""
        ...


@runtime_checkable
class Controls(Protocol):
    """What a runtime offers beside being looked at; one without it shows no operation that changes anything."""

    def force(self, upstream: str, target: str, state: Literal["open", "closed"] | None) -> bool:
        """Hold a target's breaker open or closed, or let it decide again; return whether there is such a breaker."""
        ...


@runtime_checkable
class KeepsCallers(Protocol):
    """A runtime whose callers can be looked at and, where something keeps them, changed."""

    @property
    def callers(self) -> Directory:
        """The callers in force."""
        ...


@runtime_checkable
class KeepsLedger(Protocol):
    """A runtime that knows what was spent."""

    @property
    def ledger(self) -> Ledger:
        """The record of it."""
        ...


@runtime_checkable
class Reloads(Protocol):
    """A runtime whose settings come from somewhere they can be loaded from again."""

    async def reload(self) -> tuple[str, ...]:
        """Load the settings anew and put them in force; return the tables whose change needs a restart.

        Raises:
            SettingsError: they are wrong or cannot be served; the old ones stay in force.
        """
        ...


@runtime_checkable
class Schedules(Protocol):
    """A runtime with schedules that can be run now."""

    async def run(self, schedule: str) -> bool:
        """Run a schedule now, or wait for the run under way, to its end; whether there is one of that name."""
        ...
