"""All calls of a connection run in one task, and it goes with the connection."""

import asyncio

import pytest
from http_calls import CLOSE, GET, Answers, Held

from http_raw import Rig, turns
from seawall.contracts.reply import Reply
from seawall.contracts.request import Request
from seawall.testing import virtual


@virtual
async def test_the_calls_of_a_connection_share_a_task() -> None:
    """It is made for the first and waits for the next; another connection has its own."""
    tasks: list[asyncio.Task[object] | None] = []

    async def noted(_: Request) -> Reply:
        tasks.append(asyncio.current_task())
        return Reply(200, [], b"")

    rig = Rig(noted)
    assert rig.state.tasks == set()  # a connection that asks nothing costs none
    await rig.feed(GET)
    await rig.feed(GET + GET)
    other = Rig(noted, state=rig.state)
    await other.feed(GET)
    assert len(tasks) == 4
    assert len({id(task) for task in tasks[:3]}) == 1
    assert tasks[3] is not tasks[0]
    await rig.leave()
    await other.leave()
    assert rig.state.tasks == set()


@virtual
async def test_the_task_ends_with_the_last_answer() -> None:
    """Nothing waits for a request that cannot come."""
    rig = Rig(Answers(Reply(200, [], b"")))
    await rig.feed(CLOSE)
    await turns()
    assert rig.statuses() == [200]
    assert rig.state.tasks == set()


@virtual
async def test_a_client_that_sends_and_leaves_in_one_turn_is_not_counted_for_ever() -> None:
    """The request was handed to the waiting task, which is cancelled before it takes it."""
    held = Held()
    held.release.set_result(None)
    rig = Rig(held)
    await rig.feed(GET)
    assert held.started == 1
    rig.connection.data_received(GET)
    assert rig.state.inflight == 1
    await rig.leave()
    assert held.started == 1
    assert rig.state.inflight == 0
    assert rig.state.tasks == set()


@pytest.mark.pure("looks into the frame of a coroutine")
@virtual
async def test_a_connection_that_waits_holds_on_to_nothing_of_its_last_call() -> None:
    """Bodies are large, and most connections wait."""
    answers = Answers(Reply(200, [], b""))
    rig = Rig(answers)
    await rig.feed(GET)
    (task,) = rig.state.tasks
    frame = task.get_coro().cr_frame  # type: ignore[union-attr]  # a coroutine's
    assert not {"request", "reply", "body"} & set(frame.f_locals)
    await rig.leave()
