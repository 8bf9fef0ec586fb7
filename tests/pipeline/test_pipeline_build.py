"""Folding stages, building from settings, keeping state."""

import asyncio

import pytest

from pipelines import Bench, retrying
from seawall.contracts.call import Call
from seawall.contracts.policy import Position, Proceed
from seawall.contracts.reply import Reply
from seawall.pipeline.build import build, explain
from seawall.pipeline.compose import compose
from seawall.pipeline.states import States
from seawall.policies.breaker import BreakerSettings
from seawall.policies.concurrency import ConcurrencySettings
from seawall.policies.deadline import DeadlineSettings
from seawall.policies.ratelimit import RateSettings
from seawall.policies.retry import RetrySettings
from seawall.registry import BUILTIN
from seawall.testing import ScriptedTransport, answer, virtual


class _Named:
    def __init__(self, name: str, order: list[str]) -> None:
        self.name = name
        self.order = order

    async def send(self, call: Call, proceed: Proceed) -> Reply:
        self.order.append(self.name)
        return await proceed(call)


@virtual
async def test_stages_run_by_position_whatever_order_they_come_in():
    """Outermost first; stages of one position keep the order they came in."""
    order: list[str] = []

    async def end(_: Call) -> Reply:
        order.append("end")
        return Reply(200, [])

    placed = [
        (Position.PERMIT, "permit"),
        (Position.GATE, "gate 1"),
        (Position.DEADLINE, "deadline"),
        (Position.GATE, "gate 2"),
        (Position.RETRY, "retry"),
    ]
    proceed = compose([(position, _Named(name, order)) for position, name in placed], end)
    await proceed(None)
    assert order == ["deadline", "retry", "gate 1", "gate 2", "permit", "end"]


@virtual
async def test_no_stages_are_the_end_itself():
    """Nothing is put around an end that has no policies."""

    async def end(_: Call) -> Reply:
        return Reply(204, [])

    assert compose([], end) is end


@virtual
async def test_settings_of_an_unknown_policy_are_refused():
    """A name nobody knows is an error when the pipeline is built, not a policy that silently is not there."""
    script = ScriptedTransport()
    with pytest.raises(KeyError, match="deadline"):
        build([], {"deadline": DeadlineSettings()}, Bench(script).ctx, script)


@virtual
async def test_route_of_its_own_rate_stands_beside_the_upstreams():
    """Two slots for the upstream and one for the route: the route's calls meet both limits."""
    script = ScriptedTransport(then=answer(200, after=1))
    both = Bench(
        script,
        {"concurrency": {"limit": 2, "wait": 30.0}},
        own={"concurrency": {"limit": 1, "wait": 30.0}},
        route="GET /x",
    )
    assert both.kept("concurrency", "") is not None
    assert both.kept("concurrency", "GET /x") is not None
    await asyncio.gather(*(both.status() for _ in range(4)))
    assert script.peak == 1
    assert both.loop.time() == pytest.approx(1004, abs=0.05)


@virtual
async def test_route_of_its_own_retry_replaces_the_upstreams():
    """A route that is never retried is not retried by its upstream's settings either."""
    script = ScriptedTransport(then=503)
    bench = Bench(script, {"retry": retrying()}, own={"retry": retrying(attempts=1)}, route="GET /x")
    assert await bench.status() == 503
    assert len(script.seen) == 1


@virtual
async def test_route_of_its_own_deadline_header():
    """The header of the deadline settings in force is the one that goes upstream."""
    script = ScriptedTransport([200, 200])
    await Bench(script, own={"deadline": {"deadline_header": "X-Left"}}, route="GET /x").status()
    assert [name for name, _ in script.seen[0].attempt.headers] == [b"x-left"]


def test_explain_has_a_line_for_each_policy_in_force():
    """A route's own beside or in place of the upstream's, marked as such."""
    lines = explain(
        BUILTIN,
        {
            "deadline": DeadlineSettings(),
            "breaker": BreakerSettings(),
            "retry": RetrySettings(),
            "rate": RateSettings(limit="5/s"),
        },
        {"retry": RetrySettings(attempts=1), "rate": RateSettings(limit="1/s"), "concurrency": ConcurrencySettings()},
    )
    names = [line.partition(":")[0] for line in lines]
    assert names == ["deadline", "breaker", "retry", "rate", "rate", "concurrency"]
    assert lines[2] == "retry: never tried again (this route's own)"
    assert [line.endswith("(this route's own)") for line in lines] == [False, False, True, False, True, True]


def test_registry_names_are_unique_and_match_their_settings():
    """One line for each policy, named as in the settings file."""
    assert [spec.name for spec in BUILTIN] == [
        "deadline",
        "cache",
        "fallback",
        "hedge",
        "breaker",
        "keys",
        "retry",
        "balance",
        "rate",
        "concurrency",
        "spend",
    ]
    assert len({spec.settings for spec in BUILTIN}) == len(BUILTIN)


def test_state_is_made_once_and_found_again():
    """One object for each key, in one round and in the next."""
    states = States()
    first = states.round()
    made = first("u", "p", "s", object)
    assert first("u", "p", "s", object) is made
    assert first("u", "p", "other", object) is not made
    first.settle()
    assert states.round()("u", "p", "s", object) is made
    assert states.get("u", "p", "s") is made
    assert states.get("u", "p", "none") is None


def test_dropped_round_changes_nothing():
    """A reload whose settings turn out wrong leaves everything as it was."""
    states = States()
    good = states.round()
    made = good("u", "p", "s", object)
    good.settle()
    bad = states.round()
    bad("v", "p", "s", object)
    assert dict(states.items()) == {("u", "p", "s"): made}


def test_settled_round_keeps_what_is_made_later():
    """State made while calls run is kept like the rest."""
    states = States()
    keep = states.round()
    keep.settle()
    made = keep("u", "p", "late", object)
    assert states.get("u", "p", "late") is made
    assert keep("u", "p", "late", object) is made
