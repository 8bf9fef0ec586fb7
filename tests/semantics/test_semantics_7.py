"""Semantics 7, line by line: the cache; exchanges in the notation of tests/policies/cache/cache_exchange.py."""

import asyncio
import sys
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).parents[1] / "policies" / "cache"))
sys.path.insert(0, str(Path(__file__).parents[1] / "gateway" / "models"))

from cache_common import Common, CommonOf
from cache_exchange import Case, build, entries, flights, make_call, play
from cache_upstream import Upstream, get, settle
from model_rig import Provider, asked, route, whole

from seawall.contracts.errors import BreakerOpen
from seawall.contracts.reply import Reply
from seawall.gateway.models.kept import Answers, question_of
from seawall.stores.memory import MemoryEntries
from seawall.testing import ScriptedSource, virtual

FOUR = ("must-revalidate", "proxy-revalidate", "no-cache", "s-maxage=10")


async def told(text: str, **settings: object) -> None:
    """Play an exchange."""
    await play(Case("", "", text, settings))


@virtual
async def test_7_1_another_credential_and_another_query_order_are_other_keys():
    """Nothing of one caller's is given to another."""
    await told("""
        > GET /a?x=1&y=2 | X-Api-Key: one
        < 200 | Cache-Control: max-age=60
        = 200 | "answer 1"
        > GET /a?x=1&y=2 | X-Api-Key: two
        < 200 | Cache-Control: max-age=60
        = 200 | "answer 2"
        > GET /a?y=2&x=1 | X-Api-Key: one
        < 200 | Cache-Control: max-age=60
        = 200 | "answer 3"
        > GET /a?x=1&y=2 | X-Api-Key: one
        = 200 | "answer 1"
    """)


@virtual
@pytest.mark.parametrize("more", ["", "public", "must-revalidate", "s-maxage=60"])
async def test_7_1_authorization_needs_to_be_said(more: str):
    """RFC 9111 section 3.5."""
    again = "" if more else "< 200"
    await told(
        f"""
        > GET /a | Authorization: Bearer x
        < 200 | Cache-Control: max-age=60, {more}
        = 200
        > GET /a | Authorization: Bearer x
        {again or "= 200"}
        {"= 200" if again else ""}
    """.replace("        \n", "")
    )


@virtual
async def test_7_1_an_answer_that_sets_a_cookie_is_nobody_elses():
    """Whatever its Cache-Control says."""
    await told("""
        > GET /a
        < 200 | Cache-Control: public, max-age=60 | Set-Cookie: a=b
        = 200
        > GET /a
        < 200
        = 200 | "answer 2"
    """)


@virtual
async def test_7_1_share_caller_keeps_callers_apart():
    """Also where the upstream is asked with one credential for all."""
    stage, _ = build({"share": "caller"})
    upstream = Upstream()
    for caller in ("one", "two", "one"):
        await get(stage, upstream, make_call(caller=caller))
    assert len(upstream.calls) == 2


@virtual
@pytest.mark.parametrize(
    ("said", "settings", "seconds"),
    [
        ("Cache-Control: max-age=5, s-maxage=9", {}, 9),
        ("Cache-Control: max-age=5 | Expires: {90}", {}, 5),
        ("Expires: {7}", {"ttl": 90}, 7),
        ("X: y", {"ttl": 8}, 8),
        ("Last-Modified: {-100}", {"heuristic": True}, 10),
        ("CDN-Cache-Control: max-age=6 | Cache-Control: max-age=90", {"targeted": ["CDN-Cache-Control"]}, 6),
        ("Cache-Control: max-age=9, max-age=4", {}, 4),
        ("Cache-Control: max-age=4, max-age=9", {}, 4),
        ("Cache-Control: max-age=12 | Age: 5", {}, 7),
    ],
)
async def test_7_2_what_says_how_long(said: str, settings: dict[str, object], seconds: int):
    """In this order; of duplicates the most restrictive; an Age it came with is gone already."""
    await told(
        f"""
        > GET /a
        < 200 | {said}
        = 200
        + {seconds - 0.5}
        > GET /a
        = 200 | "answer 1"
        + 0.5
        > GET /a
        < 200
        = 200
    """,
        **settings,
    )


@virtual
async def test_7_2_an_expires_that_is_no_date_has_passed_and_numbers_saturate():
    """RFC 9111 sections 5.3 and 1.2.2."""
    await told("""
        > GET /a
        < 200 | Expires: 0
        = 200
        > GET /a
        < 200 | Cache-Control: max-age=99999999999999999999
        = 200 | "answer 2"
        + 100000
        > GET /a
        = 200 | "answer 2"
    """)


@virtual
async def test_7_2_age_is_sent_and_counts_the_delay_and_date_stays():
    """RFC 9111 section 4.2.3."""
    await told("""
        > GET /a
        < wait 5 | 200 | Cache-Control: max-age=60 | Date: {0} | Age: 10
        = 200
        + 20
        > GET /a
        = 200 | Age: 35 | Date: {0}
    """)


@virtual
async def test_7_3_directives_of_requests():
    """no-cache asks, max-age and min-fresh limit, max-stale widens, only-if-cached never asks."""
    await told("""
        > GET /a | Cache-Control: only-if-cached
        = 504
        > GET /a
        < 200 | Cache-Control: max-age=10
        = 200
        + 5
        > GET /a | Cache-Control: max-age=5
        = 200 | "answer 1"
        > GET /a | Cache-Control: min-fresh=5
        = 200 | "answer 1"
        + 6
        > GET /a | Cache-Control: max-stale=5
        = 200 | "answer 1"
        > GET /a | Cache-Control: no-cache
        < 200 | Cache-Control: max-age=10
        = 200 | "answer 2"
        > GET /a | Cache-Control: no-cache
        < 200 | Cache-Control: max-age=10
        = 200 | "answer 3"
    """)


@virtual
@pytest.mark.parametrize("said", ["no-store, max-age=60", "private, max-age=60"])
async def test_7_3_what_may_not_be_kept_is_not(said: str):
    """no-store and private."""
    await told(f"""
        > GET /a
        < 200 | Cache-Control: {said}
        = 200
        > GET /a
        < 200
        = 200 | "answer 2"
    """)


@virtual
async def test_7_3_vary():
    """Variants live side by side; a star is never reused; what Connection names is not kept."""
    await told("""
        > GET /a | Foo: 1
        < 200 | Cache-Control: max-age=60 | Vary: Foo | Connection: X-Hop | X-Hop: 1
        = 200
        > GET /a | Foo: 2
        < 200 | Cache-Control: max-age=60 | Vary: Foo
        = 200
        > GET /a | Foo: 1
        = 200 | "answer 1" | -X-Hop
        > GET /b
        < 200 | Cache-Control: max-age=60 | Vary: *
        = 200
        > GET /b
        < 200
        = 200 | "answer 4"
    """)


@virtual
async def test_7_4_validation_and_conditions():
    """Both validators go up, a 304 freshens all but what frames, conditions and HEAD are answered from the store."""
    await told("""
        > GET /a
        < 200 | Cache-Control: max-age=2 | ETag: "1" | Last-Modified: {-60} | X: 1
        = 200
        + 3
        > GET /a
        ? If-None-Match: "1" | If-Modified-Since: {-60}
        < 304 | Cache-Control: max-age=60 | X: 2 | Content-Encoding: gzip
        = 200 | "answer 1" | X: 2 | -Content-Encoding
        > GET /a | If-None-Match: "1"
        = 304
        > HEAD /a
        = 200 | "" | X: 2
    """)


@virtual
async def test_7_4_a_part_is_not_the_whole():
    """A range passes through; what is kept whole answers one."""
    await told("""
        > GET /a | Range: bytes=0-2
        < 206 | Cache-Control: max-age=60 | Content-Range: bytes 0-2/8 | "ans"
        = 206
        > GET /a
        < 200 | Cache-Control: max-age=60 | "answer 2"
        = 200 | "answer 2"
        > GET /a | Range: bytes=0-2
        = 206 | "ans"
    """)


@virtual
async def test_7_5_one_refresh_behind_and_its_failure_leaves_what_is_kept():
    """Readers are answered at once all the while."""
    await told("""
        > GET /a
        < 200 | Cache-Control: max-age=2, stale-while-revalidate=60
        = 200
        + 3
        > GET /a
        < wait 5 | 500
        = 200 | "answer 1" | Age: 3
        > GET /a
        = 200 | "answer 1"
        + 6
        > GET /a
        < 200 | Cache-Control: max-age=60
        = 200 | "answer 1"
        > GET /a
        = 200 | "answer 3"
    """)


@virtual
@pytest.mark.parametrize("said", FOUR)
async def test_7_5_never_with_the_four(said: str):
    """The upstream is asked first."""
    await told(f"""
        > GET /a
        < 200 | Cache-Control: max-age=2, stale-while-revalidate=60, {said}
        = 200
        + 11
        > GET /a
        < 200
        = 200 | "answer 2"
    """)


@virtual
@pytest.mark.parametrize("failure", ["down", "500", "502", "503", "504"])
async def test_7_6_a_copy_stands_in_for_what_failed(failure: str):
    """Of the response's own, or asked for by the request."""
    await told(f"""
        > GET /a
        < 200 | Cache-Control: max-age=2, stale-if-error=60
        = 200
        > GET /b
        < 200 | Cache-Control: max-age=2
        = 200
        + 3
        > GET /a
        < {failure}
        = 200 | "answer 1"
        > GET /b | Cache-Control: stale-if-error=60
        < {failure}
        = 200 | "answer 2"
    """)


@virtual
@pytest.mark.parametrize("said", FOUR)
async def test_7_6_never_with_the_four_nor_from_an_error(said: str):
    """A client would rather know."""
    await told(f"""
        > GET /a
        < 200 | Cache-Control: max-age=2, stale-if-error=60, {said}
        = 200
        > GET /b
        < 404 | Cache-Control: max-age=2, stale-if-error=60
        = 404
        + 11
        > GET /a
        < 500
        = 500
        > GET /b
        < 500
        = 500
    """)


@virtual
async def test_7_6_an_open_breaker_and_patience():
    """A refusal for the upstream's sake counts as its failure; a slow one is given 500 ms and goes on behind."""
    stage, context = build({"stale_if_error": 60, "ttl": 1})

    def refuse(_):
        raise BreakerOpen

    upstream = Upstream(headers=[], after=0.0)
    await get(stage, upstream)
    await asyncio.sleep(2)
    upstream.make = refuse
    assert (await get(stage, upstream))[0] == 200
    upstream.make = lambda _: Reply(200, [], b"new")
    upstream.after = 3.0
    before = asyncio.get_running_loop().time()
    assert (await get(stage, upstream))[1] == b"x"
    assert asyncio.get_running_loop().time() - before == pytest.approx(0.5, abs=0.02)
    await asyncio.sleep(3)
    assert (await get(stage, upstream))[1] == b"new"
    await flights(context).drain()


@virtual
async def test_7_6_with_a_copy_at_hand_no_target_is_asked_twice():
    """What would try again, policies and the wire, is told so; a call without a copy may be tried again."""
    stage, _ = build({"stale_if_error": 60, "ttl": 1})
    once: list[bool] = []

    def make(call):
        once.append(call.run.once)
        return Reply(200, [], b"x")

    upstream = Upstream(make, after=0.1)
    await get(stage, upstream)
    await asyncio.sleep(2)
    await get(stage, upstream)
    assert once == [False, True]


@virtual
async def test_7_7_invalidation():
    """The URI, Location and Content-Location of the same origin; not what failed, nor another origin's."""
    await told("""
        > GET /a | Foo: 1 | X-Api-Key: one
        < 200 | Cache-Control: max-age=60 | Vary: Foo
        = 200
        > GET /b
        < 200 | Cache-Control: max-age=60
        = 200
        > GET /c
        < 200 | Cache-Control: max-age=60
        = 200
        > POST /a
        < 500
        = 500
        > GET /a | Foo: 1 | X-Api-Key: one
        = 200 | "answer 1"
        > POST /a
        < 201 | Location: /b | Content-Location: http://other.example/c
        = 201
        > GET /a | Foo: 1 | X-Api-Key: one
        < 200
        = 200
        > GET /b
        < 200
        = 200
        > GET /c
        = 200 | "answer 3"
    """)


@virtual
async def test_7_7_replicas_forget_too():
    """What is posted through one is not answered from what another has."""
    common = Common()
    stages = [build({}, shared_entries=CommonOf(common, name))[0] for name in "ab"]
    upstream = Upstream()
    for stage in stages:
        await get(stage, upstream)
    assert len(upstream.calls) == 1
    await get(stages[0], upstream, make_call("POST"))
    await settle()
    assert common.purges == {b"api\0/a": 1}
    assert not common.answers.get(b"api\0/a")


@virtual
async def test_7_8_one_flight_for_all_and_a_leader_may_leave():
    """A thousand misses are one call; the last one leaving cancels it."""
    stage, context = build()
    upstream = Upstream()
    leader = asyncio.create_task(get(stage, upstream))
    await asyncio.sleep(0.1)
    others = [asyncio.create_task(get(stage, upstream)) for _ in range(999)]
    await asyncio.sleep(0.1)
    leader.cancel()
    assert {(await other)[0] for other in others} == {200}
    assert len(upstream.calls) == 1
    alone = asyncio.create_task(get(stage, upstream, make_call(path="/b")))
    await asyncio.sleep(0.1)
    alone.cancel()
    await settle()
    assert (upstream.cancelled, len(flights(context))) == (1, 0)


@virtual
async def test_7_8_what_may_not_be_shared_is_remembered_for_30_seconds():
    """All are let go at the headers, and nobody waits under that key for a while."""
    stage, _ = build()
    upstream = Upstream(headers=[(b"cache-control", b"private")], after=1.0)
    loop = asyncio.get_running_loop()
    await asyncio.gather(*(get(stage, upstream) for _ in range(3)))
    assert (len(upstream.calls), loop.time()) == (3, pytest.approx(1002.0, abs=0.1))
    before = loop.time()
    await asyncio.gather(*(get(stage, upstream) for _ in range(3)))
    assert loop.time() - before == pytest.approx(1.0, abs=0.05)
    await asyncio.sleep(31)
    upstream.make = lambda _: Reply(200, [(b"cache-control", b"max-age=9")], b"x")
    before = len(upstream.calls)
    await asyncio.gather(*(get(stage, upstream) for _ in range(3)))
    assert len(upstream.calls) == before + 1


@virtual
async def test_7_9_what_is_cut_or_too_large_is_not_kept_and_bytes_are_bounded():
    """The longest unused goes first."""
    stage, context = build({"largest": 100})
    bodies = {
        b"/cut": lambda: (ScriptedSource([b"abc"]), 5),
        b"/large": lambda: (b"x" * 101, 101),
        b"/kept": lambda: (b"x", 1),
    }

    def make(call):
        body, length = bodies[call.path]()
        return Reply(200, [(b"cache-control", b"max-age=60")], body, length)

    upstream = Upstream(make, after=0.0)
    for path in ("/cut", "/large", "/kept"):
        await get(stage, upstream, make_call(path=path))
    store = entries(context)
    assert [uri for uri, _ in store.items()] == [b"api\0/kept"]
    store.most = store.used * 2
    for path in (b"/1", b"/2"):
        bodies[path] = lambda: (b"x", 1)
        await get(stage, upstream, make_call(path=path.decode()))
        assert store.used + store.held <= store.most
    assert b"api\0/kept" not in [uri for uri, _ in store.items()]


@virtual
async def test_7_10_cache_status():
    """Why the upstream was asked and what became of it, or that it was not; after what the upstream says."""
    await told("""
        > GET /a
        < 200 | Cache-Control: max-age=60 | Cache-Status: origin; hit
        = 200 | Cache-Status: origin; hit, seawall; fwd=uri-miss; ttl=60; stored
        + 10
        > GET /a
        = 200 | Cache-Status: origin; hit, seawall; hit; ttl=50
        > POST /b
        < 200
        = 200 | Cache-Status: seawall; fwd=method
    """)


@virtual
async def test_7_11_the_same_question_is_answered_from_memory_for_nothing_where_the_alias_says_so():
    """Order of keys and who asks do not count, everything else does; another alias keeps nothing."""
    target = Provider("one", whole()).target()
    keeper = Answers(MemoryEntries(1 << 20), None, asyncio.get_running_loop().time)

    def question(**fields: object):
        return question_of(asked(**fields), route(target, cache=60.0), None)

    keeper.watch(question(temperature=0.5, user="a"), whole()())
    found = await keeper.find(question(user="b", temperature=0.5))
    assert (b"x-seawall-cost", b"0") in found.marks
    assert await keeper.find(question(temperature=0.6)) is None
    assert question_of(asked(), route(target), None) is None
