"""Two replicas that share what they keep: who asks, who waits, what is told, and a store that is lost; virtual time."""

import asyncio

import pytest
from cache_common import Common, CommonOf
from cache_exchange import build, make_call
from cache_upstream import FRESH, Upstream, get, settle

from seawall.contracts.errors import ConnectError
from seawall.contracts.reply import Reply
from seawall.testing import ScriptedSource, virtual

NOT_KEPT = [(b"cache-control", b"no-store")]


class Two:
    """Two replicas' stages over one store."""

    def __init__(self, **settings):
        self.common = Common()
        self.tiers = [CommonOf(self.common, name) for name in "ab"]
        self.stages = [build(settings, shared_entries=tier)[0] for tier in self.tiers]

    def ask(self, upstream, count=10, **call):
        """Begin so many calls at each."""
        return [
            asyncio.create_task(get(stage, upstream, make_call(**call))) for stage in self.stages for _ in range(count)
        ]


@virtual
async def test_misses_of_both_are_one_upstream_call():
    """All wait for the one who asks; the other replica's are hits."""
    two, upstream = Two(), Upstream()
    answers = await asyncio.gather(*two.ask(upstream))
    assert len(upstream.calls) == 1
    assert {body for _, body, _ in answers} == {b"x"}
    assert all(b"hit" in (reply.header(b"cache-status") or b"") for _, _, reply in answers[10:])
    assert "let_go" not in two.tiers[0].told  # the answer itself ends the lease: nobody finds it gone and nothing there


@virtual
async def test_a_body_that_streams_in_is_shared_once_it_is_whole():
    """The lease lasts longer than its own time, since whoever asks is alive."""
    two = Two()
    upstream = Upstream(lambda _: Reply(200, list(FRESH), ScriptedSource([b"a", b"b", b"c"], gap=2)), after=4.0)
    answers = await asyncio.gather(*two.ask(upstream, 2))
    assert [body for _, body, _ in answers] == [b"abc"] * 4
    assert len(upstream.calls) == 1


@virtual
async def test_a_replica_that_dies_is_waited_for_until_its_lease_ends():
    """Then the other asks."""
    two, upstream = Two(), Upstream()
    first = two.ask(upstream, 1)[0]
    await asyncio.sleep(0.1)
    two.common.leases.update({lease: ("dead", end) for lease, (_, end) in two.common.leases.items()})
    two.tiers[0].put = lambda *_: None  # nothing comes of what it asked
    began = asyncio.get_running_loop().time()
    _, body, _ = await get(two.stages[1], upstream)
    assert body == b"x"
    assert len(upstream.calls) == 2
    assert 2.5 < asyncio.get_running_loop().time() - began < 4.5
    await first


@virtual
@pytest.mark.parametrize("headers", [NOT_KEPT, [(b"cache-control", b"private, max-age=60")]])
async def test_what_may_not_be_kept_ends_the_wait(headers):
    """The lease is given back at once, and each asks for itself."""
    two, upstream = Two(), Upstream(headers=headers)
    await asyncio.gather(*two.ask(upstream, 1))
    await settle()
    assert len(upstream.calls) == 2
    assert two.common.leases == {}
    assert two.common.answers == {}


@virtual
async def test_an_upstream_that_fails_ends_the_wait():
    """Its error is each replica's own."""

    def fail(_):
        raise ConnectError

    two, upstream = Two(), Upstream(fail)
    answers = await asyncio.gather(*two.ask(upstream, 3), return_exceptions=True)
    assert {type(one) for one in answers} == {ConnectError}
    assert len(upstream.calls) == 2
    assert two.common.leases == {}


@virtual
async def test_a_caller_that_leaves_gives_the_lease_back():
    """Nobody waits any more, so nobody asks; the other replica goes on at once."""
    two, upstream = Two(), Upstream(after=10.0)
    first = asyncio.create_task(get(two.stages[0], upstream))
    await asyncio.sleep(0.1)
    second = asyncio.create_task(get(two.stages[1], Upstream()))
    await asyncio.sleep(0.1)
    first.cancel()
    await asyncio.gather(first, return_exceptions=True)
    began = asyncio.get_running_loop().time()
    await second
    assert asyncio.get_running_loop().time() - began < 1.3
    assert upstream.cancelled == 1


@virtual
async def test_a_lost_store_is_as_none():
    """Each replica asks for itself, and nothing takes longer."""
    two, upstream = Two(), Upstream()
    two.common.lost = True
    began = asyncio.get_running_loop().time()
    await asyncio.gather(*two.ask(upstream))
    assert len(upstream.calls) == 2
    assert asyncio.get_running_loop().time() - began < 1.1
    await asyncio.gather(*two.ask(upstream))
    assert len(upstream.calls) == 2


@virtual
async def test_an_answer_that_is_no_longer_one_is_dropped_for_all():
    """Validated, and now not to be kept: no replica finds the old one."""
    two = Two(stale_if_error="1h")
    upstream = Upstream(headers=[(b"cache-control", b"max-age=5"), (b"etag", b'"1"')])
    await get(two.stages[0], upstream)
    await asyncio.sleep(10)
    await get(two.stages[0], Upstream(headers=NOT_KEPT, after=0.1))
    await settle()
    assert "drop" in two.tiers[0].told
    assert two.common.answers[b"api\0/a"] == {}


@virtual
async def test_a_stale_answer_is_taken_over_where_nothing_is_kept():
    """A replica that starts while the upstream is down stands in with what another one kept."""

    def fail(_):
        raise ConnectError

    two = Two(stale_if_error="1h")
    await get(two.stages[0], Upstream(headers=[(b"cache-control", b"max-age=5")]))
    await asyncio.sleep(60)
    status, body, reply = await get(two.stages[1], Upstream(fail))
    await asyncio.sleep(2)  # the upstream is asked behind, and fails
    assert (status, body) == (200, b"x")
    assert int(reply.header(b"age")) >= 60


@virtual
async def test_a_stale_answer_that_does_as_it_is_holds_nobody_up():
    """Taken over for a client that allows it: the lease that came with it is given back, since nobody asks."""
    two = Two(stale_if_error="1h")
    await get(two.stages[0], Upstream(headers=[(b"cache-control", b"max-age=5")]))
    await asyncio.sleep(60)
    upstream = Upstream()
    _, _, reply = await get(two.stages[1], upstream, make_call(headers=[("Cache-Control", "max-stale=600")]))
    await settle()
    assert int(reply.header(b"age")) >= 60
    assert upstream.calls == []
    assert two.common.leases == {}


@virtual
async def test_one_refresh_behind_for_all():
    """Both give the stale answer at once; one of them asks, and the other takes its answer over."""
    two = Two(stale_while_revalidate="1h")
    upstream = Upstream(headers=[(b"cache-control", b"max-age=5")])
    await asyncio.gather(*two.ask(upstream, 1))
    await asyncio.sleep(10)
    answers = await asyncio.gather(*two.ask(upstream, 1))
    assert all(int(reply.header(b"age")) >= 10 for _, _, reply in answers)
    await asyncio.sleep(2)
    assert len(upstream.calls) == 2
    answers = await asyncio.gather(*two.ask(upstream, 1))
    assert all(int(reply.header(b"age")) < 5 for _, _, reply in answers)


@virtual
async def test_a_purge_between_question_and_answer_lets_nothing_be_shared():
    """An answer asked for before is not given after."""
    two, upstream = Two(), Upstream()
    first = asyncio.create_task(get(two.stages[0], upstream))
    await asyncio.sleep(0.5)
    await two.stages[1].send(make_call("POST"), Upstream(headers=[], after=0.1))
    await first
    assert two.common.answers == {}
    await settle()
    assert two.tiers[1].told.count("purge") == 1


@virtual
async def test_large_answers_stay_out():
    """Beyond `largest` nothing is kept or shared."""
    two, upstream = Two(largest="1KiB"), Upstream(body=b"x" * 2000)
    await asyncio.gather(*two.ask(upstream, 1))
    await settle()
    assert two.common.answers == {}
    assert two.common.leases == {}
