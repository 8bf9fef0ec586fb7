"""The innermost end: limits, headers, counts and events of one attempt."""

import asyncio

import pytest

from pipelines import Bench
from seawall.contracts.errors import (
    AddressRefused,
    DeadlineExceeded,
    DnsError,
    RequestBodyError,
    UpstreamBroken,
    UpstreamTimeout,
)
from seawall.contracts.events import AttemptEnded
from seawall.contracts.target import Timeouts
from seawall.pipeline.attempt import Attempts
from seawall.testing import ScriptedTransport, answer, hang, virtual


@virtual
async def test_counts_attempts_and_time_on_the_wire():
    """Both are of the whole call, over all its attempts."""
    bench = Bench(ScriptedTransport([answer(200, after=1), answer(200, after=2)]))
    call = bench.call()
    await bench.status(call)
    await bench.status(call)
    assert (call.run.attempts, call.run.wire_time) == (2, pytest.approx(3))
    events = bench.events.of(AttemptEnded)
    assert [(event.number, event.result, event.seconds) for event in events] == [
        (1, "200", pytest.approx(1)),
        (2, "200", pytest.approx(2)),
    ]
    assert events[0][:3] == ("api", "api", "")


@virtual
@pytest.mark.parametrize(
    ("error", "result"),
    [
        (DnsError(), "connect"),
        (AddressRefused(), "connect"),
        (UpstreamBroken("reset"), "reset"),
        (UpstreamTimeout("first_byte"), "timeout"),
    ],
)
async def test_result_of_a_failed_attempt(error: Exception, result: str):
    """One of three words, so that a metric label stays small."""
    bench = Bench(ScriptedTransport([error]))
    with pytest.raises(type(error)):
        await bench.send()
    assert bench.events.one(AttemptEnded).result == result


@virtual
async def test_attempt_nobody_wants_any_more_is_cancelled():
    """A client that left, or whose body broke, is no result of the upstream's; its time on the wire counts."""

    async def broken(_):
        raise RequestBodyError(400, "framing")

    bench = Bench(ScriptedTransport([hang(), broken]))
    call = bench.call()
    task = bench.start(call)
    await asyncio.sleep(2)
    task.cancel()
    await asyncio.wait([task])
    with pytest.raises(RequestBodyError):
        await bench.send()
    assert [event.result for event in bench.events.of(AttemptEnded)] == ["cancelled", "cancelled"]
    assert call.run.wire_time == pytest.approx(2)


@virtual
async def test_attempt_that_comes_too_late_is_none():
    """A call whose deadline passed in a queue sends nothing, counts no attempt and tells of none."""
    script = ScriptedTransport()
    bench = Bench(script)
    call = bench.call(deadline=bench.loop.time())
    with pytest.raises(DeadlineExceeded):
        await Attempts(bench.ctx, script)(call)
    assert (call.run.attempts, bench.events.events) == (0, [])


@virtual
async def test_attempt_limit_leaves_nothing_in_the_wheel():
    """An answer in time takes its limit out again."""
    bench = Bench(ScriptedTransport([200]), timeouts=Timeouts(total=30, attempt=5))
    await bench.status()
    assert len(bench.wheel) == 0


@virtual
@pytest.mark.parametrize(
    ("bits", "expected"), [(0, b"0000000000000001"), (2**64 - 1, b"f" * 16), (255, b"00000000000000ff")]
)
async def test_span_ids_are_sixteen_digits_and_never_zero(bits: int, expected: bytes):
    """W3C trace context, section 3.2.2.4: all zeros is invalid."""
    script = ScriptedTransport([200])
    bench = Bench(script)
    attempts = Attempts(bench.ctx, script, span=lambda: bits)
    await attempts(bench.call(trace=("a" * 32, "b" * 16, "00")))
    assert dict(script.seen[0].attempt.headers)[b"traceparent"] == b"00-" + b"a" * 32 + b"-" + expected + b"-00"


@virtual
async def test_deadline_header_is_never_below_one_millisecond():
    """An upstream that reads 0 as "no limit" is not told 0."""
    script = ScriptedTransport([200])
    bench = Bench(script, {"deadline": {"deadline_header": "X-Left"}})
    await bench.status(deadline=bench.loop.time() + 0.0001)
    assert script.seen[0].attempt.headers == [(b"x-left", b"1")]
