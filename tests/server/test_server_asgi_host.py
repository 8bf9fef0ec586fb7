"""Our handlers under an ASGI host."""

import asyncio
from contextlib import asynccontextmanager

import pytest
from fastapi import FastAPI

from http_raw import AFTER, echo, parse_answers, running, talk, turns
from seawall.contracts.reply import Reply
from seawall.server import Limits
from seawall.server.asgi import AsgiApp, asgi_handler
from seawall.testing import ScriptedSource, virtual


class Host:
    """An ASGI server reduced to its messages."""

    def __init__(self, *incoming):
        self.incoming = list(incoming)
        self.sent = []
        self.left = asyncio.Event()

    async def receive(self):
        if self.incoming:
            return self.incoming.pop(0)
        await self.left.wait()
        return {"type": "http.disconnect"}

    async def send(self, message):
        self.sent.append(message)

    @property
    def status(self):
        return self.sent[0]["status"]

    @property
    def body(self):
        return b"".join(message.get("body", b"") for message in self.sent[1:])


def scope_of(method="GET", raw=b"/x", headers=((b"Host", b"a"),), **more):
    """Return an http scope."""
    return {
        "type": "http", "method": method, "path": raw.decode(), "raw_path": raw, "query_string": b"", "scheme": "http",
        "headers": headers, "client": ("192.0.2.1", 5), "http_version": "1.1",
    } | more  # fmt: skip


def request_of(data=b"", more=False):
    """Return a piece of a request."""
    return {"type": "http.request", "body": data, "more_body": more}


async def serve(scope, *incoming, handler=echo, **options):
    """Run one call of our ASGI form."""
    host = Host(*(incoming or (request_of(),)))
    await AsgiApp(handler, clock=asyncio.get_running_loop().clock(), **options)(scope, host.receive, host.send)
    return host


@virtual
async def test_our_handler_answers_under_an_asgi_host():
    """Whole, with its length."""
    host = await serve(scope_of(query_string=b"a=%20"))
    assert (host.status, host.body) == (200, b"GET /x?a=%20 0")
    assert (b"content-length", b"14") in host.sent[0]["headers"]


@pytest.mark.parametrize(
    ("scope", "target"),
    [
        (scope_of(raw=b"/gw/a/b", root_path="/gw"), b"/a/b"),
        (scope_of(raw=b"/gw2/a", root_path="/gw"), b"/gw2/a"),
        (scope_of(raw=b"/a", root_path="/gw"), b"/a"),
        (scope_of(raw_path=None, path="/ü /b"), b"/%C3%BC%20/b"),
    ],
)
@virtual
async def test_the_target_is_what_stands_below_the_mount(scope, target):
    """root_path is taken off where the host left it on; without a raw path the decoded one is encoded again."""
    assert (await serve(scope)).body.split(b" ")[1] == target


@virtual
async def test_bodies_arrive_under_an_asgi_host():
    """Small ones whole, chunked and big ones as a source."""
    length = (b"content-length", b"6")
    host = await serve(
        scope_of("POST", headers=((b"host", b"a"), length)), request_of(b"abc", True), request_of(b"def")
    )
    assert host.body == b"POST /x 6"
    big = scope_of("POST", headers=((b"host", b"a"), (b"content-length", b"700000")))
    host = await serve(big, request_of(b"x" * 300_000, True), request_of(b"x" * 400_000))
    assert host.body == b"POST /x 700000"
    chunked = scope_of("POST", headers=((b"host", b"a"), (b"transfer-encoding", b"chunked")))
    assert (await serve(chunked, request_of(b"ab", True), request_of(b"c"))).body == b"POST /x 3"


@pytest.mark.parametrize(
    ("scope", "status"),
    [
        (scope_of(headers=()), 400),
        (scope_of(headers=((b"host", b"a"), (b"host", b"a"))), 400),
        (scope_of(headers=((b"host", b"a/b"),)), 400),
        (scope_of(raw=b"//a"), 400),
        (scope_of("TRACE"), 405),
        (scope_of(headers=((b"host", b"a"), (b"content-length", b"+1"))), 400),
        (scope_of(headers=((b"host", b"a"), (b"content-length", b"99"))), 413),
        (scope_of(headers=((b"host", b"a"), (b"content-length", b"1"), (b"transfer-encoding", b"chunked"))), 400),
        (scope_of(headers=((b"host", b"a"), (b"transfer-encoding", b"gzip"))), 501),
        (scope_of(headers=((b"host", b"a"), (b"expect", b"x"))), 417),
        (scope_of(headers=((b"host", b"a"),) * 200), 431),
        (scope_of(headers=((b"host", b"a"), (b"x", b"y" * 20_000))), 431),
    ],
)
@virtual
async def test_what_asgi_lets_us_see_is_refused_alike(scope, status):
    """The same rules as our own server's."""
    assert (await serve(scope, limits=Limits(max_body=10))).status == status


@virtual
async def test_a_body_is_counted_under_an_asgi_host_too():
    """A chunked one has no length to refuse it by."""
    chunked = scope_of("POST", headers=((b"host", b"a"), (b"transfer-encoding", b"chunked")))
    host = await serve(chunked, request_of(b"x" * 11, True), limits=Limits(max_body=10))
    assert host.status == 413


@virtual
async def test_replies_are_framed_for_the_host():
    """A length where it is known; no body to HEAD, 204 and 304."""

    def given(reply):
        async def handler(_):
            return reply

        return handler

    host = await serve(scope_of(), handler=given(Reply(200, [], ScriptedSource([b"a", b"b"]))))
    assert host.body == b"ab"
    assert host.sent[0]["headers"] == []
    host = await serve(scope_of("HEAD"), handler=given(Reply(200, [], b"", 9)))
    assert host.sent[0]["headers"] == [(b"content-length", b"9")]
    host = await serve(scope_of(), handler=given(Reply(204, [], b"x")))
    assert (host.sent[0]["headers"], host.body) == ([], b"")
    source = ScriptedSource([b"a"])
    await serve(scope_of(), handler=given(Reply(304, [], source)))
    assert source.closed


@virtual
async def test_failures_under_an_asgi_host():
    """500 before the answer and reported; the host hears of it when the answer breaks."""
    seen = []

    async def broken(_):
        raise KeyError

    async def smuggling(_):
        return Reply(200, [(b"x", b"a\nb")])

    async def short(_):
        return Reply(200, [], ScriptedSource([b"a"]), 5)

    assert (await serve(scope_of(), handler=broken, report=seen.append)).status == 500
    assert (await serve(scope_of(), handler=smuggling, report=seen.append)).status == 500
    assert (await serve(scope_of(), handler=smuggling)).status == 500
    assert len(seen) == 2
    with pytest.raises(Exception, match="declared length"):
        await serve(scope_of(), handler=short)


@virtual
async def test_a_disconnect_cancels_the_handler():
    """At once, whatever it waits for (semantics 1.4)."""
    cancelled = []

    async def hanging(_):
        try:
            await asyncio.Event().wait()
        except asyncio.CancelledError:
            cancelled.append(True)
            raise

    await serve(scope_of(), request_of(), {"type": "http.disconnect"}, handler=hanging)
    assert cancelled == [True]
    chunked = scope_of("POST", headers=((b"host", b"a"), (b"transfer-encoding", b"chunked")))
    await serve(chunked, request_of(b"a", True), {"type": "http.disconnect"}, handler=hanging)
    assert cancelled == [True, True]


@virtual
async def test_a_host_that_refuses_to_send_has_lost_its_client():
    """The source is let go."""
    source = ScriptedSource([b"a"] * 3)

    async def handler(_):
        return Reply(200, [], source)

    host = Host(request_of())

    async def send(_):
        raise OSError

    await AsgiApp(handler, clock=asyncio.get_running_loop().clock())(scope_of(), host.receive, send)
    assert source.closed


@virtual
async def test_cancelling_the_host_cancels_the_handler():
    """As a server does when it stops."""
    state = []

    async def hanging(_):
        state.append("started")
        try:
            await asyncio.Event().wait()
        finally:
            state.append("ended")

    call = asyncio.ensure_future(serve(scope_of(), handler=hanging))
    await turns()
    call.cancel()
    with pytest.raises(asyncio.CancelledError):
        await call
    assert state == ["started", "ended"]


@virtual
async def test_lifespan_builds_and_takes_down():
    """What is yielded at startup answers until shutdown."""
    log = []

    @asynccontextmanager
    async def lifespan():
        log.append("up")
        yield echo
        log.append("down")

    app = AsgiApp(lifespan=lifespan)
    with pytest.raises(RuntimeError):
        await app(scope_of(), None, None)
    host = Host({"type": "lifespan.startup"})
    living = asyncio.ensure_future(app({"type": "lifespan"}, host.receive, host.send))
    await turns()
    call = Host(request_of())
    await app(scope_of(), call.receive, call.send)
    assert call.status == 200
    host.left.set()
    await living
    assert [message["type"] for message in host.sent] == ["lifespan.startup.complete", "lifespan.shutdown.complete"]
    assert log == ["up", "down"]


@virtual
async def test_a_lifespan_that_fails_tells_the_host():
    """And raises, so that it is seen."""

    @asynccontextmanager
    async def failing():
        raise ValueError("no settings")
        yield echo

    host = Host({"type": "lifespan.startup"})
    with pytest.raises(ValueError, match="no settings"):
        await AsgiApp(lifespan=failing)({"type": "lifespan"}, host.receive, host.send)
    assert host.sent == [{"type": "lifespan.startup.failed", "message": "no settings"}]


@virtual
async def test_without_a_lifespan_startup_is_complete_at_once():
    """A handler that needs none."""
    host = Host({"type": "lifespan.startup"}, {"type": "lifespan.shutdown"})
    await AsgiApp(echo)({"type": "lifespan"}, host.receive, host.send)
    assert [message["type"] for message in host.sent] == ["lifespan.startup.complete", "lifespan.shutdown.complete"]


async def test_our_form_works_inside_another_app():
    """Mounted in FastAPI, behind our own server: both bridges in one call."""
    outer = FastAPI()
    outer.mount("/gw", AsgiApp(echo))
    handler = asgi_handler(outer)
    async with running(handler) as (_, port):
        raw = AFTER.replace(b"/after", b"/gw/after%2F?x=1")
        assert parse_answers(await talk(port, raw))[0].body == b"GET /after%2F?x=1 0"
    await handler.close()
