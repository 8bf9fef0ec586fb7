"""The scripted transport: attempts meet steps, times and leaks are seen."""

import asyncio
from collections.abc import Callable

import pytest

from seawall.contracts.call import Attempt, Call, Run
from seawall.contracts.errors import ConnectError, DeadlineExceeded, UpstreamBroken, UpstreamError, UpstreamTimeout
from seawall.contracts.events import AttemptEnded, Notice
from seawall.contracts.policy import Transport
from seawall.contracts.reply import Reply
from seawall.contracts.target import Target, Timeouts
from seawall.testing import (
    START,
    Recorder,
    ScriptedSource,
    ScriptedTransport,
    answer,
    fail,
    hang,
    run_virtual,
    stream,
    virtual,
)

TARGET = Target("api", "api", "http", "127.0.0.1", 80)


@pytest.fixture
def attempt() -> Callable[[], Attempt]:
    """Return a factory of attempts that may take ten seconds from the start."""

    def make() -> Attempt:
        call = Call(b"GET", b"/", [], TARGET, Timeouts(), START + 30, Run(START))
        return Attempt(call, 1, [], START + 10)

    return make


@virtual
async def test_attempts_meet_the_steps_in_order_and_are_recorded(attempt: Callable[[], Attempt]) -> None:
    """Numbers, errors, steps and factories each do what they say, at their time."""
    transport = ScriptedTransport(
        [503, ConnectError(), answer(200, b"late", [(b"a", b"b")], after=2), lambda _: Reply(204, [])], then=418
    )
    wire: Transport = transport
    assert (await wire.send(attempt())).status == 503
    tried = attempt()
    with pytest.raises(ConnectError):
        await wire.send(tried)
    assert not tried.sent
    late = await wire.send(attempt())
    assert (late.body, late.headers) == (b"late", [(b"a", b"b")])
    assert [(await wire.send(attempt())).status for _ in range(3)] == [204, 418, 418]
    assert transport.results == ["503", "ConnectError", "200", "204", "418", "418"]
    assert transport.times == [START, START, START, START + 2, START + 2, START + 2]
    assert transport.seen[2].handed == START + 2


@virtual
async def test_replies_not_closed_are_counted_as_open(attempt: Callable[[], Attempt]) -> None:
    """A test can assert that nothing leaks, and when each reply was closed."""
    transport = ScriptedTransport(then=200)
    first, second = await transport.send(attempt()), await transport.send(attempt())
    assert (transport.open, transport.peak, transport.waiting) == (2, 2, 0)
    first.close()
    first.close()
    assert transport.open == 1
    await asyncio.sleep(3)
    second.close()
    assert transport.open == 0
    assert [seen.closed for seen in transport.seen] == [START, START + 3]


@virtual
async def test_a_hanging_step_ends_at_the_deadline_of_its_attempt(attempt: Callable[[], Attempt]) -> None:
    """Like the wire, the script gives up when the attempt's time is over, and so do answers that are too late."""
    transport = ScriptedTransport([hang(), answer(after=60)])
    tried = attempt()
    with pytest.raises(UpstreamTimeout) as caught:
        await transport.send(tried)
    assert caught.value.phase == "attempt"
    assert (tried.sent, caught.value.sent) == (True, True)
    assert asyncio.get_running_loop().time() == START + 10
    with pytest.raises(UpstreamTimeout):
        await transport.send(attempt())
    assert transport.waiting == 0


@virtual
async def test_a_script_that_does_not_obey_waits_for_its_canceller(attempt: Callable[[], Attempt]) -> None:
    """Whoever enforces deadlines above the wire can be tested without the wire's own."""
    transport = ScriptedTransport([hang()], obey=False)
    task = asyncio.create_task(transport.send(attempt()))
    await asyncio.sleep(100)
    assert transport.waiting == 1
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    assert (transport.waiting, transport.results) == (0, ["CancelledError"])


def test_an_attempt_past_the_script_is_an_assertion_error(attempt: Callable[[], Attempt]) -> None:
    """One retry too many fails the test in words."""
    with pytest.raises(AssertionError, match="attempt 1 came, but the script has ended"):
        run_virtual(ScriptedTransport().send(attempt()))


@virtual
async def test_a_step_may_await_and_errors_may_be_made_anew(attempt: Callable[[], Attempt]) -> None:
    """Factories of both kinds are called once per attempt."""

    async def slow(_: Attempt) -> Reply:
        await asyncio.sleep(1)
        return Reply(202, [])

    transport = ScriptedTransport([slow], then=fail(lambda: UpstreamBroken("again"), after=1))
    assert (await transport.send(attempt())).status == 202
    errors: list[UpstreamError] = []
    for _ in range(2):
        tried = attempt()
        with pytest.raises(UpstreamBroken) as caught:
            await transport.send(tried)
        assert tried.sent
        errors.append(caught.value)
    assert errors[0] is not errors[1]
    assert transport.times == [START, START + 1, START + 2]


@virtual
async def test_a_stream_comes_chunk_by_chunk_and_breaks_where_told(attempt: Callable[[], Attempt]) -> None:
    """Gaps pass between chunks; after the cut the error comes, on every later read too."""
    transport = ScriptedTransport([stream(b"abc", b"defg", b"never", gap=0.5, cut=5)])
    reply = await transport.send(attempt())
    source = reply.body
    assert isinstance(source, ScriptedSource)
    assert (reply.streamed, reply.length, reply.whole) == (True, None, False)
    assert [await source.read(), await source.read()] == [b"abc", b"de"]
    assert asyncio.get_running_loop().time() == START + 1
    for _ in range(2):
        with pytest.raises(UpstreamBroken, match="cut by the script"):
            await source.read()
    reply.close()
    assert (source.closed, transport.open, source.taken) == (True, 0, 5)


@virtual
async def test_a_source_ends_with_empty_bytes_for_ever() -> None:
    """The contract's end: no chunk is empty before it, every read after it is."""
    source = ScriptedSource([b"a", b"", b"b"])
    assert [await source.read() for _ in range(4)] == [b"a", b"b", b"", b""]
    assert source.reads == 4


@virtual
async def test_a_limit_fails_the_read_that_waits_and_those_after_it() -> None:
    """`limit` reaches a pending read, at its moment."""
    loop = asyncio.get_running_loop()
    source = ScriptedSource([b"a"], hang=True)
    assert await source.read() == b"a"
    loop.call_later(1, source.limit, START + 5)
    for _ in range(2):
        with pytest.raises(DeadlineExceeded):
            await source.read()
        assert loop.time() == START + 5
    assert source.limits == [START + 5]


@pytest.mark.parametrize("hanging", [True, False])
@virtual
async def test_a_closed_source_fails_its_reader(hanging: bool) -> None:
    """Reading what was given up is a fault, also for the read that was pending."""
    source = ScriptedSource([], hang=hanging)
    asyncio.get_running_loop().call_later(1 if hanging else 0, source.close)
    await asyncio.sleep(0 if hanging else 1)
    with pytest.raises(UpstreamBroken, match="read after close"):
        await source.read()
    source.close()
    assert source.closes == 2


def test_the_recorder_finds_events_by_kind_and_field() -> None:
    """Everything emitted is kept in order and can be asked for."""
    recorder = Recorder()
    recorder(Notice("info", "start", "started"))
    recorder(AttemptEnded("api", "api", "", 1, "503", 0.1))
    recorder(AttemptEnded("api", "api", "", 2, "200", 0.1))
    assert [event.number for event in recorder.of(AttemptEnded)] == [1, 2]
    assert recorder.one(AttemptEnded, result="200").number == 2
    with pytest.raises(AssertionError, match="2 of AttemptEnded"):
        recorder.one(AttemptEnded)
    with pytest.raises(AttributeError):
        recorder.of(Notice, colour="red")
    recorder.clear()
    assert recorder.events == []
