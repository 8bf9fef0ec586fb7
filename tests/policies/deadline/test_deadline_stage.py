"""The deadline stage in virtual time, alone around a scripted inside."""

import asyncio

import pytest

from seawall.contracts.call import Call, Run
from seawall.contracts.errors import DeadlineExceeded, UpstreamBroken
from seawall.contracts.policy import Context
from seawall.contracts.reply import Reply
from seawall.contracts.target import Target, Timeouts
from seawall.contracts.wheel import Wheel
from seawall.pipeline.states import States
from seawall.policies.deadline.policy import Deadline
from seawall.testing import ScriptedSource, virtual


def _stage() -> tuple[Deadline, Call]:
    loop = asyncio.get_running_loop()
    clock = loop.clock()
    target = Target("u", "u", "http", "h", 80)
    keep = States().round()
    ctx = Context("u", "", (target,), clock, Wheel(clock, loop), loop, max, lambda _: None, keep, {})
    return Deadline(ctx), Call(b"GET", b"/", [], target, Timeouts(), loop.time() + 5, Run(loop.time()))


@virtual
async def test_ends_what_hangs_at_the_deadline():
    """Whatever waits inside is cancelled there, and the wheel holds nothing afterwards."""
    stage, call = _stage()
    seen = []

    async def inside(_: Call) -> Reply:
        try:
            await asyncio.get_running_loop().create_future()
        except asyncio.CancelledError:
            seen.append(asyncio.get_running_loop().time())
            raise

    with pytest.raises(DeadlineExceeded):
        await stage.send(call, inside)
    assert seen == [pytest.approx(1005, abs=0.02)]
    assert len(stage._wheel) == 0


@virtual
async def test_refuses_a_call_whose_deadline_has_passed():
    """Nothing inside begins: no queue, no attempt."""
    stage, call = _stage()
    call.deadline = asyncio.get_running_loop().time()
    with pytest.raises(DeadlineExceeded):
        await stage.send(call, None)


@virtual
async def test_error_from_inside_passes_untouched():
    """An error is itself, and no limit is left behind."""
    stage, call = _stage()
    error = UpstreamBroken("x")

    async def inside(_: Call) -> Reply:
        raise error

    with pytest.raises(UpstreamBroken) as caught:
        await stage.send(call, inside)
    assert caught.value is error
    assert len(stage._wheel) == 0


@virtual
async def test_error_raised_while_the_deadline_ends_the_call_passes():
    """What cleaning up raises inside is seen, and the task is not left cancelled."""
    stage, call = _stage()

    async def inside(_: Call) -> Reply:
        try:
            await asyncio.get_running_loop().create_future()
        except asyncio.CancelledError:
            raise UpstreamBroken("while cleaning up") from None

    with pytest.raises(UpstreamBroken):
        await stage.send(call, inside)
    assert asyncio.current_task().cancelling() == 0


@virtual
async def test_whole_reply_needs_no_limit_and_a_source_gets_one():
    """Bytes are handed on as they are; a Source is limited before anybody reads it."""
    stage, call = _stage()
    source = ScriptedSource([b"x"])
    replies = [Reply(200, [], b"x"), Reply(200, [], source)]

    async def inside(_: Call) -> Reply:
        return replies.pop(0)

    assert (await stage.send(call, inside)).body == b"x"
    assert (await stage.send(call, inside)).body is source
    assert source.limits == [1005]


@virtual
async def test_cancelled_from_outside_is_cancelled():
    """The only await point: a caller that leaves there is a cancellation, and nothing stays in the wheel."""
    stage, call = _stage()

    async def inside(_: Call) -> Reply:
        return await asyncio.get_running_loop().create_future()

    task = asyncio.get_running_loop().create_task(stage.send(call, inside))
    await asyncio.sleep(1)
    task.cancel()
    await asyncio.wait([task])
    assert task.cancelled()
    assert len(stage._wheel) == 0
