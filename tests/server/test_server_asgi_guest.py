"""An ASGI app behind our server: what it sees, sends, and hears of its client."""

import asyncio

import httpx
import pytest
from fastapi import FastAPI, Request
from fastapi.responses import StreamingResponse

from http_raw import Rig, read_all, running, turns
from seawall.contracts.reply import Reply
from seawall.server import Limits
from seawall.server.asgi import AsgiApp, asgi_handler
from seawall.testing import virtual

GET = b"GET /a%2Fb?q=%20 HTTP/1.1\r\nHost: a\r\n\r\n"
POST = b"POST / HTTP/1.1\r\nHost: a\r\nContent-Length: %d\r\n\r\n"


def app_of(*messages, error=None, before=None):
    """Return an ASGI app that sends these messages."""

    async def app(scope, receive, send):
        if before is not None:
            await before(scope, receive)
        for message in messages:
            await send(message)
        if error is not None:
            raise error

    return app


def start(status=200, *headers):
    """Return the start of an answer."""
    return {"type": "http.response.start", "status": status, "headers": headers}


def body(data=b"", more=False):
    """Return a piece of an answer."""
    return {"type": "http.response.body", "body": data, "more_body": more}


async def ask(app, raw=GET, limits=None):
    """Run one exchange against an app; returns the rig and the handler."""
    seen = []
    handler = asgi_handler(app, seen.append)
    rig = Rig(handler, limits)
    rig.behind = seen
    await rig.feed(raw)
    await turns(10)
    return rig, handler


@virtual
async def test_an_app_sees_the_request_as_asgi_describes_it():
    """Path decoded, raw path and query as sent."""
    seen = {}

    async def note(scope, receive):
        seen.update(scope)
        seen["message"] = await receive()

    rig, handler = await ask(app_of(start(), body(b"ok"), before=note))
    assert (seen["path"], seen["raw_path"], seen["query_string"]) == ("/a/b", b"/a%2Fb", b"q=%20")
    assert (seen["method"], seen["scheme"], seen["client"]) == ("GET", "http", ("192.0.2.1", 0))
    assert seen["message"] == {"type": "http.request", "body": b"", "more_body": False}
    assert rig.answers()[0].body == b"ok"
    await rig.leave()
    await handler.close()


@virtual
async def test_an_answer_that_is_all_there_is_sent_whole():
    """One write, our framing instead of the app's."""
    rig, _ = await ask(app_of(start(201, (b"Content-Length", b"2"), (b"X", b"y"), (b"Connection", b"z")), body(b"ok")))
    (answer,) = rig.answers()
    assert (answer.status, answer.body, answer.headers[b"content-length"]) == (201, b"ok", b"2")
    assert b"connection" not in answer.headers
    assert rig.transport.writes == 1
    await rig.leave()


@virtual
async def test_the_answer_to_head_keeps_its_length():
    """The app says what a GET would have brought."""
    rig, _ = await ask(app_of(start(200, (b"content-length", b"7")), body()), b"HEAD / HTTP/1.1\r\nHost: a\r\n\r\n")
    assert rig.answers(b"HEAD")[0].headers[b"content-length"] == b"7"
    await rig.leave()


@virtual
async def test_a_streaming_app_waits_for_its_reader():
    """It is not let run ahead of a slow client."""
    sent = []

    async def app(scope, receive, send):
        await send(start())
        for _ in range(10):
            await send(body(b"x" * 40_000, True))
            sent.append(1)
        await send(body(b"end"))

    handler = asgi_handler(app)
    rig = Rig(handler)
    rig.transport.buffered = 70_000
    rig.connection.pause_writing()
    await rig.feed(GET)
    assert len(sent) < 5
    rig.connection.resume_writing()
    await turns(60)
    assert len(rig.answers()[0].body) == 400_003
    await rig.leave()


@virtual
async def test_an_app_reads_a_big_body_piece_by_piece():
    """With more_body as long as there may be more."""
    sizes = []

    async def app(scope, receive, send):
        while (message := await receive())["more_body"]:
            sizes.append(len(message["body"]))
        await send(start())
        await send(body(b"%d" % sum(sizes)))

    rig, _ = await ask(app, POST % 100_000 + b"x" * 60_000)
    await rig.feed(b"x" * 40_000)
    await turns(10)
    assert rig.answers()[0].body == b"100000"
    assert len(sizes) == 2
    await rig.leave()


@virtual
async def test_a_body_that_breaks_is_a_disconnect_to_the_app_and_its_status_to_the_client():
    """413 rather than 500."""
    rig, handler = await ask(
        _reads, b"POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n", Limits(max_body=4)
    )
    await rig.feed(b"5\r\n")
    await turns(10)
    assert rig.statuses() == [413]
    await rig.leave()
    await handler.close()


async def _reads(scope, receive, send):
    if (await receive())["type"] == "http.disconnect":
        return
    raise AssertionError("there was no body")


@pytest.mark.parametrize(
    "app",
    [
        app_of(error=KeyError("secret")),
        app_of(),
        app_of(body(b"x")),
        app_of(start(200, (b"x y", b"z")), body()),
        app_of({"type": "websocket.accept"}),
    ],
)
@virtual
async def test_an_app_that_fails_before_its_answer_is_a_500(app):
    """Reported, and nothing of it told."""
    rig, _ = await ask(app)
    assert rig.statuses() == [500]
    assert len(rig.reported) == 1
    assert b"secret" not in rig.transport.written
    await rig.leave()


@pytest.mark.parametrize(
    "app", [app_of(start(), body(b"x", True), error=KeyError()), app_of(start(), body(b"x", True))]
)
@virtual
async def test_an_app_that_fails_inside_its_answer_breaks_the_connection(app):
    """The client must not take it for the whole."""
    rig, _ = await ask(app)
    assert rig.transport.aborted
    assert len(rig.reported) == 1


@virtual
async def test_an_app_that_fails_behind_its_answer_is_reported():
    """As a background job of Starlette's may."""
    rig, _ = await ask(app_of(start(), body(b"ok"), error=KeyError()))
    assert rig.statuses() == [200]
    assert [type(error) for error in rig.behind] == [KeyError]
    quiet = asgi_handler(app_of(start(), body(b"ok"), error=KeyError()))
    other = Rig(quiet)
    await other.feed(GET)
    assert other.statuses() == [200]
    await rig.leave()
    await other.leave()


@virtual
async def test_a_second_answer_is_refused():
    """Start twice, or more after the end."""
    for messages in ((start(), start()), (start(), body(), body())):
        rig, _ = await ask(app_of(*messages))
        assert len(rig.reported) + len(rig.behind) == 1
        await rig.leave()


@virtual
async def test_an_app_hears_that_the_client_left():
    """By `receive`, and by an OSError from `send`; it is not cancelled."""
    heard = []

    async def app(scope, receive, send):
        await receive()
        await send(start())
        await send(body(b"x", True))
        heard.append((await receive())["type"])
        try:
            await send(body(b"y", True))
        except OSError:
            heard.append("OSError")

    rig, handler = await ask(app)
    await rig.leave()
    await turns(10)
    assert heard == ["http.disconnect", "OSError"]
    await handler.close()


@virtual
async def test_closing_the_bridge_cancels_apps_that_linger():
    """Every task has an owner that awaits it."""
    hanging = asyncio.Event()

    async def app(scope, receive, send):
        await hanging.wait()

    rig, handler = await ask(app)
    await rig.leave()
    await handler.close()
    assert rig.reported == []


@virtual
async def test_an_app_that_is_cancelled_before_its_answer_is_a_500():
    """The client is not left hanging."""

    async def app(scope, receive, send):
        raise asyncio.CancelledError

    rig, _ = await ask(app)
    assert rig.statuses() == [500]
    await rig.leave()


async def test_fastapi_works_behind_the_server():
    """Routing, validation, streaming and the interactive documentation."""
    api = FastAPI()

    @api.get("/items/{number}")
    async def item(number: int, q: str = "") -> dict:
        return {"number": number, "q": q}

    @api.post("/size")
    async def size(request: Request) -> int:
        return len(await request.body())

    @api.get("/events")
    async def events():
        async def parts():
            for number in range(3):
                yield f"data: {number}\n\n"

        return StreamingResponse(parts(), media_type="text/event-stream")

    handler = asgi_handler(api)
    async with running(handler) as (_, port), httpx.AsyncClient(base_url=f"http://127.0.0.1:{port}") as client:
        assert (await client.get("/items/7", params={"q": "ü"})).json() == {"number": 7, "q": "ü"}
        assert (await client.get("/items/x")).status_code == 422
        assert (await client.post("/size", content=b"x" * 200_000)).json() == 200_000
        assert (await client.get("/events")).text == "data: 0\n\ndata: 1\n\ndata: 2\n\n"
        assert "swagger" in (await client.get("/docs")).text
    await handler.close()


async def test_bodies_are_read_to_their_end_by_both_bridges():
    """A megabyte through source, app and source."""

    async def count(request):
        return Reply(200, [], b"%d" % len(await read_all(request)))

    handler = asgi_handler(AsgiApp(count))
    async with running(handler) as (_, port), httpx.AsyncClient() as client:

        async def pieces():
            for _ in range(10):
                yield b"x" * 100_000

        answer = await client.post(f"http://127.0.0.1:{port}/", content=pieces())
        assert answer.text == "1000000"
    await handler.close()
