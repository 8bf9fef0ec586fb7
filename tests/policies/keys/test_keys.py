"""Several keys for one upstream: one that is refused rests, the others serve, and nobody's call fails for it."""

import asyncio
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipelines import Bench, Places, retrying, target
from seawall.contracts.errors import CallError, Saturated
from seawall.contracts.events import Notice
from seawall.policies.keys.core import BUSY, LONGEST, REFUSED, Rest
from seawall.testing import ScriptedSource, ScriptedTransport, answer, virtual

ONE, TWO = target("one"), target("two")
SETTINGS = {"keys": {"count": 2}, "balance": {"mode": "failover"}, "retry": retrying(), "breaker": {}}


def bench(one: ScriptedTransport, two: ScriptedTransport, **changes: object) -> tuple[Bench, Places]:
    """Return an upstream with two keys, the first of which is asked first."""
    places = Places(one=one, two=two)
    return Bench(places, {**SETTINGS, **changes}, targets=[ONE, TWO]), places


@virtual
@pytest.mark.parametrize("status", sorted(REFUSED))
async def test_what_one_key_is_refused_another_is_given(status: int):
    """The caller sees nothing of it, not even for a POST: a refused request was not processed."""
    made, places = bench(ScriptedTransport([status]), ScriptedTransport(then=200))
    assert await made.status(method=b"POST") == 200
    assert places.seen == ["one", "two"]
    assert await made.status() == 200
    assert places.seen == ["one", "two", "two"]


@virtual
async def test_a_key_serves_again_after_its_rest():
    """After a minute for one that was refused."""
    made, places = bench(ScriptedTransport([401], then=200), ScriptedTransport(then=200))
    await made.status()
    await asyncio.sleep(61)
    await made.status()
    assert places.seen[-1] == "one"


@virtual
async def test_a_429_rests_as_long_as_it_asks_for():
    """Its Retry-After is the key's and not the upstream's."""
    made, places = bench(
        ScriptedTransport([answer(429, headers=[(b"retry-after", b"30")])], then=200), ScriptedTransport(then=200)
    )
    await made.status()
    await asyncio.sleep(25)
    await made.status()
    await asyncio.sleep(10)
    await made.status()
    assert places.seen == ["one", "two", "two", "one"]


@virtual
async def test_the_last_refusal_is_passed_on_where_every_key_is_refused():
    """The caller sees what the upstream says; then nobody asks until one serves again."""
    made, places = bench(ScriptedTransport([401]), ScriptedTransport([403]))
    assert await made.status() == 403
    with pytest.raises(Saturated, match="Every key rests") as refused:
        await made.send()
    assert refused.value.retry_after == pytest.approx(60, abs=1)
    assert places.seen == ["one", "two"]


@virtual
async def test_the_breaker_of_a_key_sees_no_refusal():
    """A 401 says nothing about the upstream (semantics 3.2); a rest is told once."""
    made, _ = bench(ScriptedTransport(then=401), ScriptedTransport(then=200))
    for _ in range(40):
        await made.status()
    assert made.kept("breaker", "one").status().state == "closed"
    assert len(made.events.of(Notice, event="key_rests")) == 1


@virtual
async def test_a_body_that_comes_in_pieces_is_not_sent_to_another_key():
    """Half of it is gone: the refusal is passed on."""
    made, places = bench(ScriptedTransport([401]), ScriptedTransport(then=200))
    call = made.call(b"POST", body=ScriptedSource([b"a", b"b"]), length=None)
    assert await made.status(call) == 401
    assert places.seen == ["one"]


@virtual
async def test_another_key_takes_nothing_of_the_retry_budget():
    """Nor does it need retries to be on."""
    made, places = bench(
        ScriptedTransport([402]), ScriptedTransport(then=200), retry=retrying(attempts=1, floor=0, budget=0.0)
    )
    assert await made.status(budget=1) == 200
    assert places.seen == ["one", "two"]


@virtual
async def test_a_call_whose_time_is_over_is_not_sent_again():
    """The deadline covers every key."""
    made, places = bench(ScriptedTransport([answer(401, after=29.0)]), ScriptedTransport([answer(200, after=5.0)]))
    began = made.loop.time()
    with pytest.raises(CallError):
        await made.send()
    assert made.loop.time() - began == pytest.approx(30.0, abs=0.2)
    assert places.left == (0, 0)


def test_a_rest_grows_while_the_key_is_refused_again():
    """A minute, two, four, at most a quarter of an hour; one good answer and it is a minute again."""
    rest, now = Rest(), 0.0
    grown = []
    for _ in range(6):
        rest.heard(401, None, now)
        grown.append(rest.left(now))
        now = rest.until
    assert grown == [60.0, 120.0, 240.0, 480.0, 900.0, 900.0]
    rest.heard(200, None, now)
    rest.heard(403, None, now)
    assert rest.left(now) == 60.0


def test_refusals_of_calls_that_were_under_way_together_are_one():
    """Fifty calls that find the key revoked do not make it rest for hours."""
    rest = Rest()
    for _ in range(50):
        rest.heard(401, None, 1.0)
    assert rest.left(1.0) == 60.0


@given(st.lists(st.tuples(st.integers(200, 599), st.none() | st.floats(0, 1e9), st.floats(0, 100)), max_size=30))
def test_no_answer_makes_a_key_rest_longer_than_the_longest(answers: list[tuple[int, float | None, float]]):
    """Whatever an upstream asks for."""
    rest, now = Rest(), 0.0
    for status, asked, passed in answers:
        now += passed
        assert rest.heard(status, asked, now) is (status in REFUSED)
        assert rest.left(now) <= LONGEST
    assert BUSY < LONGEST
    assert replace(ONE, label="x").headers == ()
