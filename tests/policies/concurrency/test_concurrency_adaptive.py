"""The limit that finds itself, in a simulated upstream: servers with a queue, offered too much."""

import heapq
import random
from collections import deque

import pytest

from seawall.policies.concurrency.adaptive import MOST, Gradient
from seawall.policies.concurrency.core import Gate, Ticket


class Simulation:
    """Poisson arrivals, a gate in front, `servers` behind; everything by events, no loop.

    Args:
        servers: what the upstream does at once; more wait inside it, first come first served.
        load: offered, as a multiple of its capacity.
        service: one call's time, from a random generator.
        mean: of it.
    """

    def __init__(self, servers, load, service, mean, seed=1):
        self.random = random.Random(seed)
        self.servers, self.service, self.mean = servers, service, mean
        self.rate = load * servers / mean
        self.now = 0.0
        self.gradient = Gradient(256, 0.0)
        self.gate = Gate(self.gradient.limit, 128)
        self.busy = 0
        self.inside = deque()
        self.events = []
        self.number = 0
        self.slower = 1.0
        self.latencies = []

    def push(self, after, what, began=0.0):
        """Put an event into the future."""
        self.number += 1
        heapq.heappush(self.events, (self.now + after, self.number, what, began))

    def begin(self):
        """A call is let through."""
        if self.busy < self.servers:
            self.busy += 1
            self.push(self.service(self.random) * self.slower, "end", self.now)
        else:
            self.inside.append(self.now)

    def run(self, until):
        """Go on; return throughput as a share of capacity and the latencies seen since."""
        self.latencies, begun_at = [], self.now
        if not self.events:
            self.push(0.0, "come")
        while self.events[0][0] <= until:
            self.now, _, what, began = heapq.heappop(self.events)
            if what == "come":
                self.push(self.random.expovariate(self.rate), "come")
                if self.gate.taken < self.gate.limit:
                    self.gate.taken += 1
                    self.begin()
                else:
                    self.gate.join(Ticket(), self.now)
            else:
                self.end(began)
        share = len(self.latencies) * self.mean * self.slower / self.servers / (until - begun_at)
        return share, sorted(self.latencies)

    def end(self, began):
        """A call is answered."""
        self.busy -= 1
        if self.inside:
            self.busy += 1
            self.push(self.service(self.random) * self.slower, "end", self.inside.popleft())
        self.latencies.append(self.now - began)
        self.gradient.sample(began, self.now, self.gate.taken)
        for _ in self.gate.resize(self.gradient.limit, self.now):
            self.begin()
        if self.gate.leave(self.now) is not None:
            self.begin()


def lognormal(rng):
    """Return times around 50 ms, sigma 0.15."""
    return rng.lognormvariate(-2.9957, 0.15)


def fixed(_):
    """Return 50 ms."""
    return 0.05


def at(latencies, share):
    """Return a quantile."""
    return latencies[int(len(latencies) * share)]


@pytest.mark.parametrize("servers", [8, 20, 64])
@pytest.mark.parametrize("service", [lognormal, fixed])
def test_threefold_load_keeps_p99_and_throughput(servers, service):
    """p99 within twice the unloaded p99 at 90 % of the capacity or more (semantics 4.5, Envoy's gradient tests)."""
    world = Simulation(servers, 3.0, service, 0.0506 if service is lognormal else 0.05)
    world.run(15.0)
    share, latencies = world.run(45.0)
    rng = random.Random(2)
    unloaded = sorted(service(rng) for _ in range(5000))
    assert at(latencies, 0.99) <= 2 * at(unloaded, 0.99) + 1e-9
    assert share >= 0.9


def test_without_load_the_limit_is_out_of_the_way():
    """A third of the capacity never meets it, and the unloaded latency is known."""
    world = Simulation(20, 0.33, lognormal, 0.0506)
    world.run(30.0)
    assert world.gradient.limit >= 20
    assert world.gradient.base == pytest.approx(0.05, rel=0.15)
    assert world.gate.refused == 0


def test_a_brown_out_shrinks_the_limit_and_recovery_restores_it():
    """Ten times slower, then as before: the limit follows the capacity both ways."""
    world = Simulation(20, 3.0, lognormal, 0.0506)
    world.run(15.0)
    world.slower = 10.0
    world.run(120.0)
    _, latencies = world.run(240.0)
    assert at(latencies, 0.5) <= 2 * 0.5
    world.slower = 1.0
    world.run(270.0)
    share, latencies = world.run(300.0)
    assert share >= 0.9
    assert at(latencies, 0.99) <= 2 * 0.0715


def feed(gradient, latency, count, now, in_flight=None):
    """Give samples one millisecond apart; return the moment after."""
    for _ in range(count):
        now += 0.001
        gradient.sample(now - latency, now, gradient.limit if in_flight is None else in_flight)
    return now


def test_growth_doubles_until_latency_rises():
    """4, 8, 16, … up to the bound."""
    gradient, now, limits = Gradient(100, 0.0), 0.0, [4]
    while gradient.limit < 100:
        now = feed(gradient, 0.01, 1, now)
        if gradient.limit != limits[-1]:
            limits.append(gradient.limit)
    assert limits == [4, 8, 16, 32, 64, 100]


def test_never_below_1_nor_above_the_bound():
    """Whatever the latencies."""
    gradient, now, rng = Gradient(10, 0.0), 0.0, random.Random(3)
    for _ in range(3000):
        now = feed(gradient, rng.choice([0.001, 0.1, 10.0]), 1, now)
        if rng.random() < 0.02:
            gradient.cut(now, now)
        assert 1 <= gradient.limit <= 10


def test_a_limit_nobody_uses_does_not_grow_nor_fall():
    """Two calls in flight say nothing about eight; they say what unloaded is."""
    gradient, now = Gradient(100, 0.0), 0.0
    while gradient.limit <= 8:
        now = feed(gradient, 0.01, 1, now)
    limit = gradient.limit
    feed(gradient, 0.015, MOST * 3, now, in_flight=2)
    assert gradient.limit == limit
    assert gradient.base == pytest.approx(0.015, rel=0.2)


def test_timeouts_cut_once_for_calls_in_flight_together():
    """Ten calls that began before the cut say one thing."""
    gradient = Gradient(100, 0.0)
    now = feed(gradient, 0.01, MOST * 2, 0.0)
    limit = gradient._exact
    for _ in range(10):
        gradient.cut(now, now + 1)
    assert gradient._exact == pytest.approx(limit * 0.9)
    gradient.cut(now + 1.5, now + 2)
    assert gradient._exact == pytest.approx(limit * 0.81)


def test_a_timeout_of_a_call_that_had_no_time_is_no_sign_of_load():
    """Its time went by in a queue of ours: the limit stays, so that the queue can shorten."""
    gradient = Gradient(100, 0.0)
    now = feed(gradient, 0.05, MOST * 2, 0.0)
    exact = gradient._exact
    for _ in range(10):
        now += 1.0
        gradient.cut(now, now + 0.09)
    assert gradient._exact == exact
    gradient.cut(now, now + 0.11)
    assert gradient._exact == pytest.approx(exact * 0.9)


def test_a_lower_bound_counts_at_once():
    """A reload may lower it."""
    gradient = Gradient(100, 0.0)
    now = feed(gradient, 0.01, MOST * 2, 0.0)
    assert gradient.limit > 5
    gradient.bound(5, now)
    assert gradient.limit == 5
