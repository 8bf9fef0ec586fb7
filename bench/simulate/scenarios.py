"""Outage, brown-out, retry storm and recovery, each with and without each policy."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, NamedTuple

from bench.simulate.clients import CAREFUL, NAIVE, Habit, closed_loop
from bench.simulate.figures import amplification, quantile, recovery, success
from bench.simulate.upstream import Mode, Sites, Upstream, lognormal
from bench.simulate.world import BACKUP, TARGET, World
from seawall.contracts.target import Timeouts
from seawall.testing import run_virtual

__all__ = ["SCENARIOS", "VARIANTS", "Outcome", "Scenario", "Variant", "measured", "run"]

SERVERS, MEDIAN, SIGMA = 20, 0.05, 0.15  # about 395 calls a second
CLIENTS, THINK = 3000, 15.0  # about 200 calls a second


@dataclass(frozen=True, slots=True)
class Scenario:
    """What happens to the upstream, and who calls.

    Attributes:
        name, says: for tables and pages.
        modes: of the upstream; the first begins the event, `over` ends it.
        over: seconds of the run at which the upstream is well again.
        until: seconds at which clients stop calling.
        habit: of the clients.
        timeouts: of each call.
    """

    name: str
    says: str
    modes: Sequence[Mode]
    over: float
    until: float
    habit: Habit = CAREFUL
    timeouts: Timeouts = field(default=Timeouts(total=5.0, attempt=2.0))

    @property
    def began(self) -> float:
        """When the event begins."""
        return self.modes[0].at


@dataclass(frozen=True, slots=True)
class Variant:
    """Policies in use. `spare` puts a second upstream, which stays well, beside the first."""

    name: str
    policies: Mapping[str, Any]
    spare: bool = False


BREAKER = {"open": "5s", "window": "10s"}
SCENARIOS = (
    Scenario("outage", "Nothing accepts a connection for 40 s.", (Mode(20.0, "refuse"), Mode(60.0)), 60.0, 115.0),
    Scenario(
        "brown-out",
        "For 40 s every answer takes ten times as long, so that the upstream can do a tenth.",
        (Mode(20.0, slower=10.0), Mode(60.0)),
        60.0,
        100.0,
    ),
    Scenario(
        "retry storm",
        "A brown-out of 10 s meets clients that give up after 1 s and ask again up to three times, 100 ms later.",
        (Mode(20.0, slower=10.0), Mode(30.0)),
        30.0,
        80.0,
        NAIVE,
        Timeouts(total=1.0, attempt=1.0),
    ),
    Scenario(
        "recovery",
        "An outage of 20 s, after which the upstream needs three times as long for another 15 s: cold caches.",
        (Mode(20.0, "refuse"), Mode(40.0, slower=3.0), Mode(55.0)),
        40.0,
        100.0,
    ),
)
RATE = {"limit": "400/s", "wait": "250ms"}  # what the upstream can do
LIMIT = {"mode": "adaptive", "wait": "250ms"}
EVERY = {"retry": {}, "breaker": BREAKER, "rate": RATE, "concurrency": LIMIT, "hedge": "p95"}
BACKUPS = {"targets": ["backup"]}
VARIANTS = (
    Variant("none", {}),
    Variant("retry", {"retry": {}}),
    Variant("breaker", {"breaker": BREAKER}),
    Variant("rate", {"rate": RATE}),
    Variant("concurrency", {"concurrency": LIMIT}),
    Variant("hedge", {"hedge": "p95"}),
    Variant("balance", {"balance": "least_loaded"}, spare=True),
    Variant("fallback", {"fallback": BACKUPS}, spare=True),
    Variant("all", EVERY),
    Variant("all, long queues", {**EVERY, "rate": {**RATE, "wait": "1s"}, "concurrency": {**LIMIT, "wait": "1s"}}),
    Variant("all, and a spare", {**EVERY, "rate": {**RATE, "limit": "800/s"}, "fallback": BACKUPS}, spare=True),
)


class Outcome(NamedTuple):
    """One cell of a table: attempts at the ailing upstream per call and success meanwhile, p99 of a call, recovery."""

    amplification: float
    success: float
    p99: float
    recovery: float


def run(scenario: Scenario, variant: Variant, scale: float = 1.0, seed: int = 1) -> tuple[Upstream, World]:
    """Run a scenario; `scale` makes clients and servers fewer alike."""

    async def drive() -> tuple[Upstream, World]:
        servers = max(1, round(SERVERS * scale))
        first = Upstream(servers, lognormal(MEDIAN, SIGMA), scenario.modes, seed)
        sites = {TARGET: first}
        if variant.spare:
            sites[BACKUP] = Upstream(servers, lognormal(MEDIAN, SIGMA), (), seed + 1)
        world = World(Sites(sites), variant.policies, scenario.timeouts, tuple(sites), seed)
        await closed_loop(world, round(CLIENTS * scale), THINK, scenario.until, scenario.habit)
        return first, world

    return run_virtual(drive())


def measured(scenario: Scenario, upstream: Upstream, world: World) -> Outcome:
    """Return the figures of a run: of the event itself, and how long until calls succeed after it."""
    began, over = scenario.began, scenario.over
    return Outcome(
        amplification(upstream.came, world.done, began, over),
        success(world.done, began, over),
        quantile((one.seconds for one in world.done if began <= one.at < over), 0.99),
        recovery(world.done, over),
    )
