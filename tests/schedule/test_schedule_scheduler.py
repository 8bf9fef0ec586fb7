"""Schedules at work in virtual time: when they run, never twice at once, once for what was missed."""

import asyncio

import orjson
import pytest
from scheduler_rig import fine, plans, rig

from seawall.contracts.errors import UpstreamBroken
from seawall.contracts.events import Notice
from seawall.contracts.problem import problem
from seawall.contracts.reply import Reply
from seawall.contracts.request import Request
from seawall.contracts.state import StateLost
from seawall.testing import EPOCH, ScriptedSource, VirtualLoop, virtual


@virtual
async def test_a_period_begins_with_a_run_and_repeats() -> None:
    """At the start, then each quarter of an hour; under the schedule's name, as an ordinary call would ask."""
    seen: list[Request] = []

    async def answer(request: Request) -> Reply:
        seen.append(request)
        return await fine(request)

    async with rig(answer) as here:
        here.scheduler.keep(plans(s={"every": "15m", "jitter": "0s", "call": "POST /a/x?q=1"}))
        await asyncio.sleep(1801)
        assert here.times("s") == [0, 900, 1800]
    assert (seen[0].method, seen[0].target, seen[0].body) == (b"POST", b"/a/x?q=1", b"")
    assert seen[0].header(b"cache-control") == b"no-cache"


@virtual
async def test_jitter_is_a_tenth_of_the_period_unless_said() -> None:
    """Drawn anew for each run but the first; the moments stay where they are."""
    async with rig(jitter=1.0) as here:
        here.scheduler.keep(plans(usual={"every": "100s"}, own={"every": "100s", "jitter": "30s"}))
        await asyncio.sleep(331)
        assert here.times("usual") == [0, 110, 210, 310]
        assert here.times("own") == [0, 130, 230, 330]


@virtual
async def test_cron_waits_for_its_wall_time() -> None:
    """Nothing at the start; `EPOCH` is midnight by UTC and one in the morning in Berlin."""
    async with rig() as here:
        here.scheduler.keep(plans(s={"cron": "30 2 * * *", "timezone": "Europe/Berlin"}))
        await asyncio.sleep(2 * 86400)
        assert here.times("s") == [5400, 5400 + 86400]


@virtual
async def test_10_4_a_long_run_overlaps_with_none_and_what_it_missed_is_run_once() -> None:
    """A run of 250 s, due every 60: the next begins when it ends, for all four that were missed; then as usual."""
    slow = [250.0]

    async def answer(request: Request) -> Reply:
        await asyncio.sleep(slow.pop() if slow else 0)
        return await fine(request)

    async with rig(answer) as here:
        here.scheduler.keep(plans(s={"every": "60s", "jitter": "0s"}))
        await asyncio.sleep(299)
        assert here.times("s") == [0, 250]
        assert here.job("s").late(EPOCH + 299) == 0
        await asyncio.sleep(62)
        assert here.times("s") == [0, 250, 300, 360]
        assert here.most == 1


@virtual
async def test_10_4_a_machine_that_slept_runs_once_and_soon() -> None:
    """A day without a turn of the loop is one run, not 1440."""
    async with rig() as here:
        here.scheduler.keep(plans(s={"every": "60s", "jitter": "0s"}))
        await asyncio.sleep(30)
        loop = asyncio.get_running_loop()
        assert isinstance(loop, VirtualLoop)
        loop.advance(86_400)
        await asyncio.sleep(31)
        times = here.times("s")
        assert len(times) == 3
        assert times[1] - 86_430 < 15.1
        assert times[2] == 86_460


@virtual
async def test_a_clock_that_is_set_ahead_is_noticed_within_seconds() -> None:
    """Waits are on the monotonic clock, moments on the wall: it is looked at four times a minute."""
    async with rig() as here:
        here.scheduler.keep(plans(s={"cron": "0 12 * * *"}))
        await asyncio.sleep(1)
        loop = asyncio.get_running_loop()
        assert isinstance(loop, VirtualLoop)
        loop._start -= 12 * 3600  # what `wall` is reckoned from
        await asyncio.sleep(16)
        assert len(here.asked) == 1


@virtual
async def test_10_4_run_now_joins_the_run_under_way() -> None:
    """Ten who ask at once get one run; what was due meanwhile follows it."""

    async def answer(request: Request) -> Reply:
        await asyncio.sleep(5)
        return await fine(request)

    async with rig(answer) as here:
        here.scheduler.keep(plans(s={"cron": "1 0 * * *"}))
        await asyncio.sleep(57)
        assert await asyncio.gather(*(here.scheduler.run("s") for _ in range(10))) == [True] * 10
        last = here.job("s").last
        assert last is not None
        assert (last.result, last.seconds, last.at - EPOCH) == ("ok", 5.0, 57.0)
        await asyncio.sleep(10)
        assert here.times("s") == [57, 62]
        assert here.most == 1
        assert await here.scheduler.run("nobody") is False


@virtual
async def test_who_asks_for_a_run_and_leaves_does_not_end_it() -> None:
    """The run is the schedule's and not the client's."""

    async def answer(request: Request) -> Reply:
        await asyncio.sleep(5)
        return await fine(request)

    async with rig(answer) as here:
        here.scheduler.keep(plans(s={"cron": "0 12 * * *"}))
        client = asyncio.ensure_future(here.scheduler.run("s"))
        await asyncio.sleep(1)
        client.cancel()
        await asyncio.sleep(5)
        assert here.job("s").results == {"ok": 1}


@virtual
async def test_answers_are_published() -> None:
    """The selected part, with channel and time."""
    async with rig() as here:
        listener = here.messages.listen()
        here.scheduler.keep(plans(s={"every": "60s", "publish": "home.weather", "select": "/t"}))
        one = await anext(listener)
        assert one.channel == "home.weather"
        assert orjson.loads(one.data) == {"channel": "home.weather", "time": "2026-01-01T00:00:00.000Z", "data": 3}
        await listener.aclose()


@virtual
async def test_10_4_what_is_too_large_to_publish_is_an_error_said_once() -> None:
    """And once more that it is well again."""
    size = [9000]

    async def answer(request: Request) -> Reply:
        return Reply(200, [], orjson.dumps("x" * size[0]))

    async with rig(answer) as here:
        here.scheduler.keep(plans(s={"every": "60s", "jitter": "0s", "publish": "c"}))
        await asyncio.sleep(200)
        assert here.notices() == ["The schedule s cannot publish its answer"]
        notice = here.events.of(Notice)[0]
        assert notice.level == "error"
        assert "8192 at most" in str(dict(notice.fields)["detail"])
        assert here.published == 0
        size[0] = 10
        await asyncio.sleep(120)
        assert here.notices()[1:] == ["The schedule s is well again"]
        assert here.published == 2
        assert here.job("s").results == {"unpublished": 4, "ok": 2}


OWN = [(b"proxy-status", b"seawall; error=destination_unavailable")]
STALE = [(b"cache-status", b"up; hit, seawall; hit; ttl=-30; detail=ERROR")]


@virtual
@pytest.mark.parametrize(
    ("reply", "detail"),
    [
        (lambda: Reply(503, [], b"{}"), "the answer was 503"),
        (lambda: problem(503, "breaker-open", "Open"), "the answer was 503, breaker-open"),
        (lambda: Reply(502, OWN, b"<html>secret"), "the answer was 502"),
        (lambda: Reply(502, OWN, b'{"error":{"type":"a secret 123"}}'), "the answer was 502"),
        (lambda: Reply(304, []), "the answer was 304"),
        (lambda: Reply(200, [(b"x-seawall-fallback", b"fixed")], b"{}"), "the answer was the fallback"),
        (lambda: Reply(200, STALE, b"{}"), "the answer was a stale copy"),
    ],
)
async def test_what_is_no_answer_of_now_is_a_failure_and_not_published(reply, detail) -> None:
    """An error, a fallback or a stale copy would be taken for news; told once, however often."""

    async def answer(request: Request) -> Reply:
        return reply()

    async with rig(answer) as here:
        here.scheduler.keep(plans(s={"every": "60s", "publish": "c"}))
        await asyncio.sleep(200)
        last = here.job("s").last
        assert last is not None
        assert (last.result, last.detail, here.published) == ("failed", detail, 0)
        assert here.job("s").succeeded is None
        assert here.notices() == ["The schedule s fails"]


@virtual
async def test_a_kept_answer_of_an_upstreams_own_cache_is_an_answer() -> None:
    """Only our own member of Cache-Status counts, which is the last."""

    async def answer(request: Request) -> Reply:
        return Reply(200, [(b"cache-status", b"cdn; hit, seawall; fwd=request; stored")], b"{}")

    async with rig(answer) as here:
        here.scheduler.keep(plans(s={"every": "60s"}))
        await asyncio.sleep(1)
        assert here.job("s").results == {"ok": 1}


@virtual
async def test_an_answer_is_read_to_its_end_and_closed() -> None:
    """As a client would, so that it is kept; one that breaks is a failure, and the next run comes."""
    closed: list[bool] = []
    bodies = [ScriptedSource([b'{"a":', b"1}"]), ScriptedSource([b'{"a":'], error=UpstreamBroken("reset"))]

    async def answer(request: Request) -> Reply:
        reply = Reply(200, [], bodies.pop(0))
        reply.on_close(lambda: closed.append(reply.finished))
        return reply

    async with rig(answer) as here:
        here.scheduler.keep(plans(s={"every": "60s", "jitter": "0s", "publish": "c"}))
        await asyncio.sleep(61)
        assert closed == [True, False]
        assert here.job("s").results == {"ok": 1, "failed": 1}
        assert here.published == 1


@virtual
async def test_an_answer_too_long_to_keep_is_read_and_not_published() -> None:
    """A mebibyte is kept for publishing; what is longer passes by."""
    chunk = b"x" * 65536

    async def answer(request: Request) -> Reply:
        return Reply(200, [], ScriptedSource([chunk] * 17))

    async with rig(answer) as here:
        here.scheduler.keep(plans(s={"every": "60s", "publish": "c"}))
        await asyncio.sleep(1)
        last = here.job("s").last
        assert last is not None
        assert (last.result, last.detail) == ("unpublished", "the answer has more than 1048576 bytes")


@virtual
async def test_an_error_nobody_expected_is_reported_and_the_next_run_comes() -> None:
    """A fault in one run does not end the schedule."""
    fails = [True]

    async def answer(request: Request) -> Reply:
        if fails.pop() if fails else False:
            raise ZeroDivisionError
        return await fine(request)

    async with rig(answer) as here:
        here.scheduler.keep(plans(s={"every": "60s", "jitter": "0s"}))
        await asyncio.sleep(61)
        assert [type(error) for error in here.lost] == [ZeroDivisionError]
        assert here.job("s").results == {"failed": 1, "ok": 1}
        assert here.notices() == ["The schedule s fails", "The schedule s is well again"]


@virtual
async def test_settings_that_stay_the_same_keep_their_rhythm_over_a_reload() -> None:
    """One that changes begins anew with a run, one that goes is run no more, one that comes begins."""
    async with rig() as here:
        here.scheduler.keep(plans(same={"every": "60s"}, changed={"every": "60s"}, gone={"every": "60s"}))
        await asyncio.sleep(30)
        here.scheduler.keep(plans(same={"every": "60s"}, changed={"every": "50s"}, new={"every": "60s"}))
        await asyncio.sleep(31)
        assert here.times("same") == [0, 60]
        assert here.times("changed") == [0, 30]
        assert here.times("gone") == [0]
        assert here.times("new") == [30]
        assert here.job("changed").results == {"ok": 2}
        await asyncio.sleep(20)
        assert here.times("changed") == [0, 30, 80]


@virtual
async def test_a_reload_in_the_middle_of_a_run_starts_no_second_one() -> None:
    """The changed schedule waits for the run of its earlier form."""

    async def answer(request: Request) -> Reply:
        await asyncio.sleep(10)
        return await fine(request)

    async with rig(answer) as here:
        here.scheduler.keep(plans(s={"every": "60s"}))
        await asyncio.sleep(5)
        here.scheduler.keep(plans(s={"every": "50s"}))
        await asyncio.sleep(20)
        assert here.times("s") == [0, 10]
        assert here.most == 1


@virtual
async def test_stopping_begins_no_more_runs_and_lets_the_one_under_way_end() -> None:
    """Draining; closing then ends what still runs."""

    async def answer(request: Request) -> Reply:
        await asyncio.sleep(10)
        return await fine(request)

    async with rig(answer) as here:
        here.scheduler.keep(plans(s={"every": "60s"}))
        await asyncio.sleep(5)
        here.scheduler.stop()
        await asyncio.sleep(200)
        assert here.times("s") == [0]
        assert here.job("s").results == {"ok": 1}
        hanging = asyncio.ensure_future(here.scheduler.run("s"))
        await asyncio.sleep(1)
        await here.scheduler.close()
        await hanging
        assert here.job("s").results == {"ok": 1}


class Shared:
    """Leases in one process for several replicas, as Redis keeps them."""

    def __init__(self) -> None:
        self.held: dict[str, tuple[object, float]] = {}
        self.lost = False
        self.asked = 0

    def of(self, replica: object) -> "_Mine":
        """Return the leases as one replica sees them."""
        return _Mine(self, replica)


class _Mine:
    def __init__(self, shared: Shared, replica: object) -> None:
        self._shared = shared
        self._replica = replica

    async def hold(self, name: str, seconds: float) -> bool:
        self._shared.asked += 1
        if self._shared.lost:
            raise StateLost
        now = asyncio.get_running_loop().time()
        owner, until = self._shared.held.get(name, (None, 0.0))
        if owner not in (None, self._replica) and until > now:
            return False
        self._shared.held[name] = (self._replica, now + seconds)
        return True

    async def let_go(self, name: str) -> None:
        self._shared.held.pop(name, None)


@virtual
async def test_10_4_of_several_replicas_one_runs() -> None:
    """Each moment is run once, by one of three; the others know it for as long as it counts."""
    shared = Shared()
    async with (
        rig(leases=shared.of(1)) as one,
        rig(leases=shared.of(2), jitter=0.3) as two,
        rig(leases=shared.of(3), jitter=1.0) as three,
    ):
        for here in (one, two, three):
            here.scheduler.keep(plans(s={"every": "60s"}))
        await asyncio.sleep(3600 - 1)
        assert len(one.asked) + len(two.asked) + len(three.asked) == 60
        assert min(shared.held).startswith("schedule:s:")
        assert (one.job("s").elsewhere, three.job("s").elsewhere) == (False, True)
        assert three.job("s").late(EPOCH + 3599) == 0


@virtual
async def test_10_4_another_takes_over_within_30_seconds_of_a_death() -> None:
    """One dies in the middle of a run; the other runs that moment too, and no moment is left out."""
    shared = Shared()

    async def hang(request: Request) -> Reply:
        await asyncio.sleep(10_000)
        raise AssertionError

    async with rig(leases=shared.of(2), jitter=1.0) as lives:
        async with rig(hang, leases=shared.of(1)) as dies:
            for here in (dies, lives):
                here.scheduler.keep(plans(s={"every": "600s"}))
            await asyncio.sleep(300)
            assert (len(dies.asked), len(lives.asked)) == (1, 0)
        await asyncio.sleep(30)
        assert len(lives.asked) == 1
        assert 300 < lives.times("s")[0] <= 330
        await asyncio.sleep(600)
        assert len(lives.asked) == 2


@virtual
async def test_a_restart_runs_what_was_missed_and_not_what_was_done() -> None:
    """The moment is known by the lease: a new process on the same state finds it run, or due."""
    shared = Shared()
    async with rig(leases=shared.of(1)) as first:
        first.scheduler.keep(plans(s={"every": "600s"}))
        await asyncio.sleep(10)
        assert len(first.asked) == 1
    async with rig(leases=shared.of(2)) as second:
        second.scheduler.keep(plans(s={"every": "600s"}))
        await asyncio.sleep(10)
        assert second.asked == []
    await asyncio.sleep(900)
    async with rig(leases=shared.of(3)) as third:
        third.scheduler.keep(plans(s={"every": "600s"}))
        await asyncio.sleep(10)
        assert len(third.asked) == 1


@virtual
async def test_without_the_shared_store_each_replica_runs_by_itself() -> None:
    """Polled twice is better than not at all."""
    shared = Shared()
    shared.lost = True
    async with rig(leases=shared.of(1)) as one, rig(leases=shared.of(2)) as two:
        for here in (one, two):
            here.scheduler.keep(plans(s={"every": "60s", "jitter": "0s"}))
        await asyncio.sleep(61)
        assert (len(one.asked), len(two.asked), one.lost) == (2, 2, [])
