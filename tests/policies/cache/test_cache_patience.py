"""Patience where nobody waits for another's answer: stale at once, only the head, a part, or not to be kept (7.6)."""

import asyncio

import pytest
from cache_exchange import build, flights, make_call
from cache_upstream import Upstream, get, settle

from seawall.contracts.body import Headers
from seawall.contracts.reply import Reply
from seawall.testing import virtual

STALE: Headers = [(b"cache-control", b"max-age=0, stale-if-error=600"), (b"etag", b'"1"')]


async def hanging(settings: dict[str, object] | None = None):
    """Return a stage with a stale copy, its context, and its upstream, which has stopped to answer."""
    stage, context = build(settings or {})
    upstream = Upstream(headers=STALE, after=0.1, body=b"answer")
    await get(stage, upstream)
    assert flights(context).alone  # stale from the beginning: nobody could share it, so nobody waits
    upstream.calls.clear()
    upstream.after = 20
    return stage, context, upstream


@virtual
async def test_a_copy_that_was_stale_at_once_is_given_when_patience_ends():
    """To a crowd too, after 500 ms; one call goes on behind, the others are ended."""
    stage, context, upstream = await hanging()
    loop = asyncio.get_running_loop()
    began = loop.time()
    answers = await asyncio.gather(*(get(stage, upstream) for _ in range(5)))
    assert {body for _, body, _ in answers} == {b"answer"}
    assert loop.time() - began == pytest.approx(0.5, abs=0.02)
    await settle()
    assert (len(upstream.calls), upstream.cancelled, len(flights(context))) == (5, 4, 1)
    upstream.make = lambda _: Reply(200, [(b"cache-control", b"max-age=60")], b"new")
    await flights(context).drain()
    assert (await get(stage, upstream))[1] == b"new"
    assert len(upstream.calls) == 5


@virtual
async def test_an_answer_within_patience_is_the_callers_own():
    """Each asks for itself, and none is held up by another."""
    stage, context, upstream = await hanging()
    upstream.after = 0.4
    upstream.make = lambda call: Reply(200, list(STALE), b"new")
    loop = asyncio.get_running_loop()
    began = loop.time()
    answers = await asyncio.gather(*(get(stage, upstream) for _ in range(5)))
    assert {body for _, body, _ in answers} == {b"new"}
    assert loop.time() - began == pytest.approx(0.4, abs=0.02)
    assert (len(upstream.calls), upstream.closed, len(flights(context))) == (5, 6, 0)


@virtual
@pytest.mark.parametrize(
    ("method", "headers", "status", "body"),
    [("HEAD", [], 200, b""), ("GET", [("Range", "bytes=0-1")], 206, b"an")],
)
async def test_only_the_head_or_a_part(method: str, headers: list[tuple[str, str]], status: int, body: bytes):
    """What goes upstream as it is is ended, since nothing comes of it for others."""
    stage, context, upstream = await hanging()
    loop = asyncio.get_running_loop()
    began = loop.time()
    got = await get(stage, upstream, make_call(method, headers=headers))
    assert got[:2] == (status, body)
    assert b"not answered yet" in (got[2].header(b"cache-status") or b"")
    assert loop.time() - began == pytest.approx(0.5, abs=0.02)
    assert (upstream.cancelled, len(flights(context))) == (1, 0)


@virtual
async def test_a_deadline_that_comes_first():
    """50 ms before it (semantics 1.2)."""
    stage, context, upstream = await hanging({"patience": 5})
    loop = asyncio.get_running_loop()
    for method in ("GET", "HEAD"):
        began = loop.time()
        assert (await get(stage, upstream, make_call(method, deadline=began + 1)))[0] == 200
        assert loop.time() - began == pytest.approx(0.95, abs=0.02)
    await flights(context).close()


@virtual
async def test_what_may_not_be_kept_does_not_go_on_behind():
    """A request with no-store has the copy; its call ends."""
    stage, context, upstream = await hanging()
    call = make_call(headers=[("Cache-Control", "no-store")])
    assert (await get(stage, upstream, call))[1] == b"answer"
    await settle()
    assert (upstream.cancelled, len(flights(context))) == (1, 0)


@virtual
async def test_a_caller_that_leaves_ends_its_own_call_at_once():
    """Nobody else waits for it."""
    stage, context, upstream = await hanging()
    for call in (make_call(), make_call("HEAD")):
        task = asyncio.ensure_future(stage.send(call, upstream))
        await asyncio.sleep(0.1)
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)
        await settle()
    assert (len(upstream.calls), upstream.cancelled, len(flights(context))) == (2, 2, 0)
