"""The same question asked by several at once: one call upstream, errors and departures nobody else's business."""

import asyncio
from typing import Any

import orjson
import pytest
from model_rig import Provider, asked, chunk, first_call, route, stream, whole

from seawall.contracts.call import Call
from seawall.contracts.errors import DeadlineExceeded, QuotaExceeded, Saturated, UpstreamBroken
from seawall.contracts.reply import Reply
from seawall.contracts.wheel import Wheel
from seawall.gateway.models.asking import Asking
from seawall.gateway.models.flights import Flights
from seawall.gateway.models.kept import LARGEST, Answers, question_of
from seawall.gateway.models.sharing import Asker, Sharing
from seawall.stores.memory import MemoryEntries
from seawall.testing import virtual

DONE = b"data: [DONE]\n\n"


class Desk:
    """Asks one upstream for several callers.

    Attributes:
        up: what is asked.
        flights: on their way.
        held, paid: tokens of callers' limits that were held, and charged to who left.
        refused: holds that are refused first.
    """

    def __init__(self, up: Provider, **fields: Any) -> None:
        loop: Any = asyncio.get_running_loop()
        wheel = Wheel(loop.clock(), loop)
        answers = Answers(MemoryEntries(8 << 20), None, loop.time)
        self.up = up
        self.flights = Flights(answers, wheel)
        self.held: list[int] = []
        self.paid: list[int] = []
        self.refused = 0
        self._route = route(up.target(), cache=60.0, **fields)
        self._sharing = Sharing(answers, self.flights, Asking(loop.clock(), wheel, lambda least, _most: least))

    async def _hold(self) -> int:
        if self.refused:
            self.refused -= 1
            raise QuotaExceeded("used up", policy="callers")
        self.held.append(7)
        return 7

    async def ask(self, said: str | None = None, call: Call | None = None, **fields: Any) -> Reply:
        """Ask a question; `said` is the request's Cache-Control."""
        what = asked(**fields)
        question = question_of(what, self._route, None if said is None else said.encode())
        assert question is not None
        asker = Asker(call or first_call(), what, self._route, self._hold, self.paid.append)
        return (await self._sharing(asker, question))[0]

    def start(self, said: str | None = None, **fields: Any) -> "asyncio.Task[Reply]":
        """Ask it beside others."""
        return asyncio.get_running_loop().create_task(self.ask(said, **fields))


async def text_of(reply: Reply) -> bytes:
    """Read a reply to its end."""
    parts = [reply.body] if isinstance(reply.body, bytes) else []
    if not parts:
        while part := await reply.body.read():  # type: ignore[union-attr]
            parts.append(part)
    reply.close()
    return b"".join(parts)


def hits(replies: list[Reply]) -> int:
    """Return how many cost nothing and say that another one's call served them."""
    free = [one for one in replies if (b"x-seawall-cost", b"0") in (one.marks or ())]
    assert all((b"cache-status", b"seawall; fwd=uri-miss; collapsed") in one.headers for one in free)
    return len(free)


@virtual
async def test_of_equal_questions_at_once_one_is_asked():
    """The others get its answer for nothing, hold no tokens, and whoever comes later finds it kept."""
    desk = Desk(Provider("one", whole(), after=1.0))
    replies = await asyncio.gather(*(desk.ask() for _ in range(20)))
    assert {orjson.loads(one.body)["choices"][0]["message"]["content"] for one in replies} == {"hello"}
    assert (hits(list(replies)), len(desk.up.seen), desk.held) == (19, 1, [7])
    assert (b"cache-status", b"seawall; hit; ttl=60") in (await desk.ask()).headers
    await asyncio.sleep(0)
    assert (len(desk.flights), len(desk.flights._table)) == (0, 0)


@virtual
async def test_other_questions_are_asked_beside_it():
    """Streamed or not, hotter or not: each is another one."""
    desk = Desk(Provider("one", whole(), after=1.0))
    await asyncio.gather(desk.ask(), desk.ask(temperature=0.5), desk.ask(user="b"), desk.ask(temperature=0.7))
    assert len(desk.up.seen) == 3


@virtual
async def test_a_stream_comes_to_all_of_them_as_it_comes():
    """Also to who asks in the middle of it, from its beginning; then it is kept."""
    loop = asyncio.get_running_loop()
    desk = Desk(Provider("one", stream(chunk("a"), chunk("b"), DONE, gap=1.0)))
    first, second = await asyncio.gather(desk.ask(stream=True), desk.ask(stream=True))
    began = loop.time()
    assert await first.body.read() == await second.body.read() == chunk("a")  # type: ignore[union-attr]
    assert loop.time() == began
    late = await desk.ask(stream=True)
    assert await text_of(late) == chunk("a") + chunk("b") + DONE
    assert await text_of(first) == await text_of(second) == chunk("b") + DONE
    assert (hits([first, second, late]), len(desk.up.seen), desk.paid) == (2, 1, [])
    assert (await desk.ask(stream=True)).body == chunk("a") + chunk("b") + DONE


@pytest.mark.parametrize("step", [whole(503, "down"), UpstreamBroken("reset"), stream(chunk(), error=UpstreamBroken())])
@virtual
async def test_an_error_is_told_to_one_and_the_others_ask_for_themselves(step: Any):
    """Before anything of the answer has come; nothing of it is kept."""
    desk = Desk(Provider("one", step, whole(), after=1.0))
    told = await asyncio.gather(*(desk.ask(stream=True) for _ in range(4)), return_exceptions=True)
    good = [one for one in told if isinstance(one, Reply) and one.status == 200]
    assert (len(good), len(desk.up.seen)) == (3, 4)
    assert hits(good) == 0
    assert isinstance(told[0], Exception) or told[0].status == 503


@virtual
async def test_who_is_refused_by_a_limit_of_its_own_refuses_nobody_else():
    """The first two have no tokens left: the next one asks, for all."""
    desk = Desk(Provider("one", whole(), after=1.0))
    desk.refused = 2
    told = await asyncio.gather(*(desk.ask() for _ in range(5)), return_exceptions=True)
    assert [type(one) for one in told] == [QuotaExceeded, QuotaExceeded, Reply, Reply, Reply]
    assert len(desk.up.seen) == 1


@virtual
async def test_who_asked_first_may_leave():
    """The call goes on for the others, and the one who left is charged what was held for it."""
    desk = Desk(Provider("one", whole(), after=1.0))
    first, others = desk.start(), [desk.start() for _ in range(3)]
    await asyncio.sleep(0.5)
    first.cancel()
    replies = [await one for one in others]
    assert (hits(replies), len(desk.up.seen), desk.paid) == (3, 1, [7])
    with pytest.raises(asyncio.CancelledError):
        await first


@pytest.mark.parametrize(("order", "paid"), [((0, 1, 2), [7]), ((2, 1, 0), [])])
@virtual
async def test_the_last_one_who_leaves_ends_the_call(order: tuple[int, ...], paid: list[int]):
    """Nobody waits for the answer any more; who asked is charged all it held only where it left others behind."""
    desk = Desk(Provider("one", whole(), after=100.0))
    asking = [desk.start() for _ in range(3)]
    for number in order:
        await asyncio.sleep(0.5)
        assert len(desk.flights) == 1
        asking[number].cancel()
    await asyncio.wait(asking)
    await asyncio.sleep(0.1)
    assert (len(desk.flights), desk.up.replies, desk.paid) == (0, [], paid)


@virtual
async def test_a_stream_ends_with_the_last_one_who_reads_it():
    """The first may leave in the middle; when the other does too, the upstream is closed, and nothing is kept."""
    desk = Desk(Provider("one", stream(chunk("a"), chunk("b"), chunk("c"), gap=1.0)))
    first, second = await asyncio.gather(desk.ask(stream=True), desk.ask(stream=True))
    await first.body.read()  # type: ignore[union-attr]
    first.close()
    assert desk.paid == [7]
    assert await second.body.read() + await second.body.read() == chunk("a") + chunk("b")  # type: ignore[union-attr]
    source = desk.up.replies[0].body._inner  # type: ignore[union-attr]
    assert not source.closed
    second.close()
    assert source.closed  # at once: what it came to is settled before the call is told
    await asyncio.sleep(0.1)
    assert len(desk.flights) == 0
    await text_of(await desk.ask(stream=True))
    assert len(desk.up.seen) == 2


@virtual
async def test_a_stream_that_breaks_after_content_ends_in_an_error_event_for_all():
    """They have seen a part of it; who asks after that asks anew."""
    desk = Desk(
        Provider("one", stream(chunk("a"), error=UpstreamBroken("cut", answered=True)), stream(chunk("b"), DONE))
    )
    first, second = await asyncio.gather(desk.ask(stream=True), desk.ask(stream=True))
    texts = [await text_of(first), await text_of(second)]
    assert texts[0] == texts[1]
    assert b'"error"' in texts[0]
    assert [one.body.error.type for one in (first, second)] == ["upstream-broken"] * 2  # type: ignore[union-attr]
    assert chunk("b") in await text_of(await desk.ask(stream=True))


@virtual
async def test_an_answer_too_large_to_keep_reaches_all_who_had_asked():
    """The fastest is held back by the slowest; who comes later asks for itself."""
    many = [chunk("x" * 60_000) for _ in range(LARGEST // 60_000 + 20)]
    desk = Desk(Provider("one", stream(*many)))
    first, second = await asyncio.gather(desk.ask(stream=True), desk.ask(stream=True))
    texts = await asyncio.gather(text_of(first), text_of(second))
    assert texts[0] == texts[1] == b"".join(many)
    await text_of(await desk.ask(stream=True))
    assert len(desk.up.seen) == 2


@virtual
async def test_each_waits_no_longer_than_its_own_deadline():
    """Those that have a second are let go after it, the first one too; its call goes on for who has more time."""
    desk = Desk(Provider("one", whole(), after=5.0))
    hurried = first_call(30.0)
    hurried.deadline = hurried.run.started + 1.0  # as a hint of the client shortens it
    first = asyncio.get_running_loop().create_task(desk.ask(call=hurried))
    await asyncio.sleep(0.1)
    second, third = asyncio.get_running_loop().create_task(desk.ask(call=first_call(1.0))), desk.start()
    for one in (first, second):
        with pytest.raises(DeadlineExceeded):
            await one
    assert ((await third).status, len(desk.up.seen)) == (200, 1)


@virtual
async def test_who_wants_it_anew_asks_alone():
    """`no-cache` and `no-store` neither join nor are joined."""
    desk = Desk(Provider("one", whole(), after=1.0))
    replies = await asyncio.gather(desk.ask("no-cache"), desk.ask("no-store"), desk.ask(), desk.ask("no-cache"))
    assert (hits(list(replies)), len(desk.up.seen)) == (0, 4)


@virtual
async def test_taken_down_it_lets_everybody_go():
    """Whoever waits is told, and nothing starts any more."""
    desk = Desk(Provider("one", whole(), after=5.0))
    asking = [desk.start() for _ in range(3)]
    await asyncio.sleep(1)
    await desk.flights.close()
    told = await asyncio.gather(*asking, desk.ask(), return_exceptions=True)
    assert all(isinstance(one, Saturated) for one in told)


@virtual
async def test_a_fault_of_ours_is_told_and_harms_nobody_else():
    """What nobody expected reaches the first one; the others ask for themselves."""
    desk = Desk(Provider("one", whole(), after=1.0))
    send, faults = desk.up.send, [ZeroDivisionError()]

    async def broken(sent: Call) -> Reply:
        await asyncio.sleep(1)
        if faults:
            raise faults.pop()
        return await send(sent)

    routes = desk.up.upstream.routes
    desk.up.upstream.routes = (type(routes[0])("", None, routes[0].timeouts, True, 3, broken),)
    told = await asyncio.gather(*(desk.ask() for _ in range(2)), return_exceptions=True)
    assert [type(one) for one in told] == [ZeroDivisionError, Reply]
