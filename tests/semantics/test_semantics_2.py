"""Semantics section 2, retry: one test or more for each numbered line."""

import asyncio
import contextlib
import time
from collections.abc import Iterator
from email.utils import formatdate
from itertools import repeat

import pytest

from pipelines import Bench, high, low, retrying, target
from seawall.contracts.errors import (
    AddressRefused,
    CallError,
    ConnectError,
    RequestBodyError,
    Saturated,
    UpstreamBroken,
    UpstreamTimeout,
)
from seawall.contracts.events import UpstreamPaused
from seawall.contracts.reply import Reply
from seawall.contracts.retry_after import asked
from seawall.testing import EPOCH, ScriptedSource, ScriptedTransport, Step, answer, hang, stream, virtual


def _retry_after(value: bytes, status: int = 503) -> Step:
    return answer(status, b"", [(b"retry-after", value)])


async def _attempts(step: object, method: bytes = b"GET", **settings: object) -> int:
    """Return how many attempts a call makes that always meets `step`."""
    script = ScriptedTransport(then=step)
    bench = Bench(script, {"retry": retrying(**settings)})
    with contextlib.suppress(CallError):
        (await bench.send(method=method)).close()
    return len(script.seen)


RETRIED_WHERE_IDEMPOTENT = [
    429,
    502,
    503,
    504,
    UpstreamTimeout("attempt"),
    UpstreamTimeout("first_byte"),
    UpstreamBroken("reset"),
    UpstreamTimeout("idle"),
    UpstreamBroken("in a body that was still collected", answered=True),
]
RETRIED_ALWAYS = [ConnectError(), UpstreamTimeout("connect", sent=False), UpstreamBroken("reset", sent=False)]
RETRIED_NEVER = [
    200,
    400,
    404,
    500,
    501,
    AddressRefused(),
    Saturated(),
]


@virtual
@pytest.mark.parametrize("step", RETRIED_WHERE_IDEMPOTENT, ids=repr)
async def test_2_1_retried_where_twice_does_no_harm(step: int | CallError):
    """What may have been processed is tried again for GET and not for a POST without a key."""
    assert await _attempts(step, b"GET") == 3
    assert await _attempts(step, b"PUT") == 3
    assert await _attempts(step, b"POST") == 1


@virtual
@pytest.mark.parametrize("step", RETRIED_ALWAYS, ids=repr)
async def test_2_1_retried_whatever_the_method_when_provably_not_processed(step: CallError):
    """A POST is tried again where nothing of it was sent."""
    assert await _attempts(step, b"GET") == 3
    assert await _attempts(step, b"POST") == 3


@virtual
@pytest.mark.parametrize("step", RETRIED_NEVER, ids=repr)
async def test_2_1_not_retried(step: int | CallError):
    """Answers that are no failure, refusals of our own."""
    assert await _attempts(step, b"GET") == 1


@virtual
async def test_2_1_route_says_idempotent():
    """A POST that the route (or an Idempotency-Key) makes idempotent is tried again."""
    script = ScriptedTransport([503, 200])
    bench = Bench(script, {"retry": retrying()})
    assert await bench.status(method=b"POST", idempotent=True) == 200


@virtual
async def test_2_1_only_what_settings_name():
    """`on` decides: 500 where it is named, and no 503 where it is not."""
    assert await _attempts(500, on=("500",)) == 3
    assert await _attempts(503, on=("500",)) == 1
    assert await _attempts(ConnectError(), on=("timeout",)) == 1
    assert await _attempts(UpstreamTimeout("connect", sent=False), on=("connect",)) == 3
    assert await _attempts(UpstreamTimeout("first_byte"), on=("connect",)) == 1


@virtual
async def test_2_2_full_jitter_doubles_up_to_the_longest():
    """The wait before retry n is drawn from 0 to min(max, base * 2^n)."""
    drawn: list[tuple[float, float]] = []

    def uniform(least: float, most: float) -> float:
        drawn.append((least, most))
        return most

    script = ScriptedTransport(then=503)
    bench = Bench(script, {"retry": retrying(attempts=6, base=0.1, max=1.0)}, uniform=uniform)
    await bench.status(budget=6)
    assert drawn == [(0.0, pytest.approx(most)) for most in (0.1, 0.2, 0.4, 0.8, 1.0)]
    gaps = [later - earlier for earlier, later in zip(script.times, script.times[1:], strict=False)]
    assert gaps == pytest.approx([0.1, 0.2, 0.4, 0.8, 1.0])


@virtual
@pytest.mark.parametrize(
    ("headers", "wait"),
    [
        ([(b"retry-after", b"7")], 7.0),
        ([(b"retry-after", b"1.5")], 1.5),
        ([(b"retry-after-ms", b"250")], 0.25),
        ([(b"retry-after", b"7"), (b"retry-after-ms", b"250")], 0.25),
        ([(b"retry-after", formatdate(EPOCH + 5, usegmt=True).encode())], 5.0),
        ([(b"retry-after", formatdate(EPOCH - 500, usegmt=True).encode())], 0.0),
    ],
)
@pytest.mark.parametrize("status", [429, 503])
async def test_2_3_retry_after_wins_over_backoff(status: int, headers: list[tuple[bytes, bytes]], wait: float):
    """The next attempt comes when the upstream said, not when the backoff would."""
    script = ScriptedTransport([answer(status, b"", headers), 200])
    bench = Bench(script, {"retry": retrying(base=3.0, max=3.0, pause_max=0)}, uniform=low)
    assert await bench.status() == 200
    assert script.times[1] - script.times[0] == pytest.approx(wait, abs=0.001)


@virtual
async def test_2_3_not_on_other_statuses():
    """A Retry-After on a 502 is not what it is defined for; backoff decides."""
    script = ScriptedTransport([_retry_after(b"7", 502), 200])
    bench = Bench(script, {"retry": retrying(base=0.5)}, uniform=high)
    await bench.status()
    assert script.times[1] - script.times[0] == pytest.approx(0.5)


@virtual
async def test_2_3_jitter_is_added_and_never_taken_off():
    """uniform(0, max(base, 10 %)) comes on top: at least what was asked, at most a tenth or the base more."""
    for uniform, value, base, expected in [
        (low, b"10", 0.1, 10.0),
        (high, b"10", 0.1, 11.0),
        (high, b"1", 0.5, 1.5),
    ]:
        script = ScriptedTransport([_retry_after(value), 200])
        await Bench(script, {"retry": retrying(base=base, pause_max=0)}, uniform=uniform).status()
        assert script.times[1] - script.times[0] == pytest.approx(expected)


@virtual
async def test_2_3_newest_answer_counts():
    """Two answers ask for different waits: each wait is the one of its own answer."""
    script = ScriptedTransport([_retry_after(b"5"), _retry_after(b"1"), 200])
    await Bench(script, {"retry": retrying()}).status()
    assert [at - script.times[0] for at in script.times] == pytest.approx([0, 5, 6], abs=0.01)


@virtual
async def test_2_3_longer_than_what_is_left_gives_up_at_once_with_the_same_retry_after():
    """A wait past the deadline is not waited for: the status goes on with its header, in the same moment."""
    script = ScriptedTransport([_retry_after(b"31", 429)])
    bench = Bench(script, {"retry": retrying()})
    reply = await bench.send()
    assert (reply.status, reply.header(b"retry-after")) == (429, b"31")
    assert bench.loop.time() == 1000


@virtual
@pytest.mark.parametrize(
    ("word", "status", "method", "attempts"),
    [
        (b"true", 500, b"GET", 3),
        (b"true", 409, b"POST", 3),
        (b"True", 500, b"GET", 3),
        (b"false", 503, b"GET", 1),
        (b"maybe", 503, b"GET", 3),
        (b"true", 200, b"GET", 1),
    ],
)
async def test_2_3_x_should_retry_is_obeyed(word: bytes, status: int, method: bytes, attempts: int):
    """The upstream's word goes before our own rules, on errors only."""
    assert await _attempts(answer(status, b"", [(b"x-should-retry", word)]), method) == attempts


@virtual
async def test_2_3_a_429_pauses_the_target_for_everybody():
    """While one target rests, no other call reaches it; calls with time enough wait, others are told when."""
    script = ScriptedTransport([_retry_after(b"8", 429)], then=200)
    bench = Bench(script, {"retry": retrying(attempts=1)})
    assert await bench.status() == 429
    paused = bench.events.one(UpstreamPaused)
    assert (paused.upstream, paused.target, paused.seconds) == ("api", "api", 8)
    await asyncio.sleep(1)
    with pytest.raises(Saturated) as caught:
        await bench.send(deadline=bench.loop.time() + 5)
    assert caught.value.retry_after == pytest.approx(7)
    assert bench.loop.time() == 1001
    assert await bench.status() == 200
    assert script.times[1] - script.times[0] == pytest.approx(8, abs=0.01)


@virtual
async def test_2_3_pause_is_of_one_target_only():
    """Another target of the same upstream is called meanwhile."""
    eu, us = target("eu"), target("us")
    script = ScriptedTransport([_retry_after(b"8", 429), 200])
    bench = Bench(script, {"retry": retrying(attempts=1)}, targets=(eu, us))
    await bench.status(target=eu)
    assert await bench.status(target=us) == 200
    assert bench.loop.time() == 1000


@virtual
async def test_2_3_pause_is_at_most_pause_max():
    """A target that asks for an hour is asked again after `pause_max`."""
    script = ScriptedTransport([_retry_after(b"3600", 503)], then=200)
    bench = Bench(script, {"retry": retrying(attempts=1, pause_max=10)})
    await bench.status()
    assert bench.events.one(UpstreamPaused).seconds == 10
    assert await bench.status() == 200
    assert script.times[1] - script.times[0] == pytest.approx(10, abs=0.01)


@virtual
async def test_2_3_after_the_pause_one_call_goes_first():
    """Ten calls wait; one goes, and the others only when it has come back well."""
    script = ScriptedTransport([_retry_after(b"5", 429), answer(200, after=2)], then=200)
    bench = Bench(script, {"retry": retrying(attempts=1)})
    await bench.status()
    tasks = [bench.start() for _ in range(10)]
    await asyncio.sleep(6)
    assert len(script.seen) == 2
    assert {(await task).status for task in tasks} == {200}
    assert [round(at - script.times[0]) for at in script.times] == [0, 5, *repeat(7, 9)]


@virtual
async def test_2_3_first_call_is_told_to_wait_again_and_so_is_everybody():
    """The call that goes first meets another 429: the pause is renewed and told once more."""
    script = ScriptedTransport([_retry_after(b"5", 429), _retry_after(b"3", 429)], then=200)
    bench = Bench(script, {"retry": retrying(attempts=1)})
    await bench.status()
    tasks = [bench.start() for _ in range(4)]
    assert sorted([(await task).status for task in tasks]) == [200, 200, 200, 429]
    assert [round(at - script.times[0]) for at in script.times] == [0, 5, 8, 8, 8]
    assert [event.seconds for event in bench.events.of(UpstreamPaused)] == [5, 3]


@virtual
async def test_2_3_first_call_is_cancelled_and_the_next_goes_first():
    """Whoever goes first and leaves makes room for the next; nobody waits for ever."""
    script = ScriptedTransport([_retry_after(b"5", 429), hang()], then=200)
    bench = Bench(script, {"retry": retrying(attempts=1)})
    await bench.status()
    tasks = [bench.start() for _ in range(3)]
    await asyncio.sleep(7)
    assert len(script.seen) == 2
    tasks[0].cancel()
    await asyncio.wait(tasks)
    assert tasks[0].cancelled()
    assert [task.result().status for task in tasks[1:]] == [200, 200]
    assert bench.loop.time() == pytest.approx(1007)


GARBAGE = [
    b"",
    b" ",
    b"soon",
    b"-5",
    b"+5",
    b"1_000",
    "٥".encode(),
    "１２".encode(),
    b"1e3",
    b"inf",
    b"nan",
    b"0x10",
    b"1.",
    b".5",
    b"1.5.2",
    b"5 seconds",
    b"Mon, 99 Foo 2026 00:00:00 GMT",
    b"Thu, 01 Jan 2026",
    b"Thu, 32 Jan 2026 00:00:00 GMT",
    b"A" * 5000,
    b"Thu, 01 Jan 99999 00:00:00 GMT",
]


@pytest.mark.parametrize("value", GARBAGE)
def test_2_3_garbage_is_no_retry_after(value: bytes):
    """What cannot be read exactly is not guessed at."""
    assert asked(503, [(b"retry-after", value)], EPOCH) is None


@pytest.mark.parametrize(
    ("value", "seconds"),
    [
        (b"0", 0.0),
        (b"00012", 12.0),
        (b"1.5", 1.5),
        (b"99999999999999999999999999", 2.0**31),
        (b"9" * 5000, 2.0**31),
        (b"Thu, 01 Jan 2026 00:00:30 GMT", 30.0),
        (b"Thu, 01 Jan 2026 00:00:30 -0000", 30.0),
        (b"Thursday, 01-Jan-26 00:00:30 GMT", 30.0),
        (b"Thu Jan  1 00:00:30 2026", 30.0),
        (b"Thu, 01 Jan 2026 01:00:30 +0100", 30.0),
        (b"Wed, 31 Dec 2025 23:00:00 GMT", 0.0),
        (b"Fri, 01 Jan 9999 00:00:00 GMT", 2.0**31),
    ],
)
def test_2_3_readable_forms_of_retry_after(value: bytes, seconds: float):
    """Seconds, seconds with a fraction, and the three forms of an HTTP-date, a past one being now."""
    assert asked(429, [(b"retry-after", value)], EPOCH) == seconds


@pytest.fixture
def far_from_greenwich(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Let local time be UTC-5."""
    monkeypatch.setenv("TZ", "EST5")
    time.tzset()
    yield
    monkeypatch.undo()
    time.tzset()


@pytest.mark.skipif(not hasattr(time, "tzset"), reason="this platform cannot change its time zone")
@pytest.mark.parametrize("value", [b"Thu, 01 Jan 2026 00:00:30 -0000", b"Thu Jan  1 00:00:30 2026"])
def test_2_3_date_without_a_zone_is_utc(far_from_greenwich: None, value: bytes):
    """`parsedate_to_datetime` returns naive dates for these; local time has nothing to do with them."""
    assert asked(429, [(b"retry-after", value)], EPOCH) == 30.0


@virtual
async def test_2_3_garbage_falls_back_to_backoff():
    """An unreadable Retry-After neither pauses the target nor moves the retry."""
    script = ScriptedTransport([_retry_after(b"-5"), 200])
    bench = Bench(script, {"retry": retrying(base=0.5)}, uniform=high)
    assert await bench.status() == 200
    assert script.times[1] - script.times[0] == pytest.approx(0.5)
    assert bench.events.of(UpstreamPaused) == []


@virtual
async def test_2_4_budget_is_a_fifth_of_calls_plus_the_floor():
    """A hundred calls within 10 s to an upstream that is down cost 120 attempts and three."""
    script = ScriptedTransport(then=ConnectError())
    bench = Bench(script, {"retry": {"base": 0.001}})
    for _ in range(100):
        with pytest.raises(ConnectError):
            await bench.send()
    assert bench.loop.time() < 1001
    assert len(script.seen) == 123


@virtual
async def test_2_4_quiet_upstream_retries_by_the_floor():
    """A first call is tried three times although no call has added a token yet; after 10 s again."""
    script = ScriptedTransport(then=ConnectError())
    bench = Bench(script, {"retry": {"base": 0.001, "budget": 0.0}})
    counts = []
    for wait in (0, 0, 0, 11):
        await asyncio.sleep(wait)
        before = len(script.seen)
        with pytest.raises(ConnectError):
            await bench.send()
        counts.append(len(script.seen) - before)
    assert counts == [3, 2, 1, 3]


@virtual
async def test_2_4_budget_is_shared_by_all_routes_of_an_upstream():
    """Another pipeline of the same upstream finds the tokens gone."""
    script = ScriptedTransport(then=ConnectError())
    bench = Bench(script, {"retry": {"base": 0.001, "budget": 0.0}})
    other = Bench(script, {}, own={"retry": {"base": 0.001, "budget": 0.0}}, route="GET /x", states=bench.states)
    for each in (bench, bench, other):
        with pytest.raises(ConnectError):
            await each.send()
    assert len(script.seen) == 3 + 2 + 1


@virtual
async def test_2_5_every_abandoned_body_is_closed():
    """An answer that is tried again is closed before the next attempt begins; the last one is the caller's."""
    script = ScriptedTransport([stream(b"x", status=503), stream(b"x", status=503), stream(b"x", status=503)])
    bench = Bench(script, {"retry": retrying(base=0.5)}, uniform=high)
    reply = await bench.send()
    first, second, last = script.seen
    assert first.closed == first.handed
    assert second.closed == second.handed
    assert last.closed is None
    reply.close()
    assert script.open == 0


async def _echo(attempt) -> Reply:
    """Read the request's body and answer 503 with it."""
    chunks = []
    while chunk := await attempt.call.body.read():
        chunks.append(chunk)
    return Reply(503, [], b"".join(chunks))


async def _upload(chunks: list[bytes], *, body: int = 1 << 20, buffers: int = 1 << 20, **fields: object):
    script = ScriptedTransport(then=_echo)
    bench = Bench(script, {"retry": retrying(body=body)}, buffers=buffers)
    fields = {"method": b"PUT", "length": None, **fields}
    reply = await bench.send(body=ScriptedSource(chunks), **fields)
    return len(script.seen), [seen.reply.body for seen in script.seen], reply, bench


@virtual
async def test_2_5_bodies_are_kept_for_replay():
    """Every attempt reads the same bytes, though the client sent them once."""
    attempts, bodies, _, bench = await _upload([b"one", b"two", b"three"])
    assert attempts == 3
    assert bodies == [b"onetwothree"] * 3
    assert bench.buffers.used == 0


@virtual
async def test_2_5_larger_bodies_stream_and_are_not_retried():
    """One byte more than `retry.body` passes through whole and is sent once; with as many it is kept."""
    assert (await _upload([b"12345"], body=5))[0] == 3
    attempts, bodies, _, bench = await _upload([b"123", b"456"], body=5)
    assert (attempts, bodies) == (1, [b"123456"])
    assert bench.buffers.used == 0
    assert (await _upload([b"12"], body=5, length=6))[0] == 1


@virtual
async def test_2_5_all_kept_bodies_share_one_allowance():
    """Where the allowance is used up, a body streams and is not retried; what others hold stays theirs."""
    script = ScriptedTransport(then=_echo)
    bench = Bench(script, {"retry": retrying()}, buffers=10)
    assert bench.buffers.take(8)
    reply = await bench.send(method=b"PUT", length=None, body=ScriptedSource([b"123"]))
    assert (reply.status, len(script.seen), bench.buffers.used) == (503, 1, 8)


@virtual
async def test_2_5_untouched_body_is_sent_again_whatever_its_size():
    """An attempt that never connected has read nothing, so the stream is still whole."""
    script = ScriptedTransport([ConnectError(), _echo])
    bench = Bench(script, {"retry": retrying(body=1)})
    reply = await bench.send(method=b"POST", length=None, body=ScriptedSource([b"large"]))
    assert reply.body == b"large"


@virtual
async def test_2_5_broken_client_body_is_nobodys_retry():
    """A body the client broke off ends the call with that error."""
    script = ScriptedTransport(then=_echo)
    bench = Bench(script, {"retry": retrying(), "breaker": {"min_calls": 1}})
    source = ScriptedSource([b"a"], error=RequestBodyError(499, "the client left"))
    with pytest.raises(RequestBodyError):
        await bench.send(method=b"PUT", length=None, body=source)
    assert len(script.seen) == 1
    assert bench.kept("breaker").status().state == "closed"


@virtual
async def test_2_6_never_after_the_first_byte_reached_the_client():
    """Once something is committed a failure is passed on."""
    script = ScriptedTransport(then=503)
    bench = Bench(script, {"retry": retrying()})
    call = bench.call()
    call.run.committed = True
    assert await bench.status(call) == 503
    assert len(script.seen) == 1


@virtual
async def test_2_6_streamed_answer_is_handed_on_at_its_headers():
    """A stream that breaks after its head is the reader's to see, not tried again."""
    script = ScriptedTransport([stream(b"a", b"b", cut=1)], then=200)
    bench = Bench(script, {"retry": retrying()})
    reply = await bench.send()
    assert await reply.body.read() == b"a"
    with pytest.raises(UpstreamBroken):
        await reply.body.read()
    assert len(script.seen) == 1


@virtual
async def test_2_7_reload_carries_state_over_and_never_doubles_it():
    """After a reload the budget is used up as before, the target still paused, the breaker still open."""
    settings = {"retry": {"base": 0.001, "budget": 0.0}, "breaker": {"min_calls": 3}}
    script = ScriptedTransport(then=ConnectError())
    old = Bench(script, settings)
    with pytest.raises(ConnectError):
        await old.send()
    assert old.kept("breaker").status().state == "open"
    new = Bench(script, settings, states=old.states)
    assert new.kept("breaker") is old.kept("breaker")
    new.kept("breaker").force("closed")
    with pytest.raises(ConnectError):
        await new.send()
    assert len(script.seen) == 4 + 1


@virtual
async def test_2_7_reload_drops_what_no_settings_name():
    """State of a policy or target that is gone is gone, once the new settings are in force and not before."""
    bench = Bench(ScriptedTransport(), {"retry": {}, "breaker": {}})
    held = {key for key, _ in bench.states.items()}
    assert held == {("api", "retry", "budget"), ("api", "retry", "pause api"), ("api", "breaker", "api")}
    keep = bench.states.round()
    keep("api", "retry", "budget", object)
    assert len(bench.states) == 3
    keep.settle()
    assert [key for key, _ in bench.states.items()] == [("api", "retry", "budget")]


@virtual
async def test_2_7_same_idempotency_key_on_every_attempt():
    """All attempts carry the headers of the call, the client's key among them."""
    script = ScriptedTransport([503, 503, 200])
    bench = Bench(script, {"retry": retrying()})
    await bench.status(method=b"POST", idempotent=True, headers=[(b"idempotency-key", b"k1")])
    assert [seen.attempt.call.headers for seen in script.seen] == [[(b"idempotency-key", b"k1")]] * 3


@virtual
async def test_2_7_each_attempt_has_its_own_trace_parent():
    """`traceparent` keeps trace id and flags and names a new, valid span each time."""
    script = ScriptedTransport([503, 503, 200])
    bench = Bench(script, {"retry": retrying()})
    await bench.status(trace=("a" * 32, "b" * 16, "01"))
    values = [dict(seen.attempt.headers)[b"traceparent"].split(b"-") for seen in script.seen]
    assert {(version, trace, flags) for version, trace, _, flags in values} == {(b"00", b"a" * 32, b"01")}
    spans = {span for _, _, span, _ in values}
    assert len(spans) == 3
    assert all(len(span) == 16 and span != b"0" * 16 for span in spans)
