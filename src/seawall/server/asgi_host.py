"""A Handler as an ASGI app, to mount in another application or to run under another server."""

import asyncio
from collections.abc import Callable
from contextlib import AbstractAsyncContextManager
from urllib.parse import quote

from seawall.contracts.body import Body, Headers
from seawall.contracts.clock import Clock
from seawall.contracts.errors import RequestBodyError
from seawall.contracts.reply import Reply
from seawall.contracts.request import Handler, Request
from seawall.contracts.wheel import Wheel
from seawall.server.asgi_types import Receive, Scope, Send
from seawall.server.body import RequestBody
from seawall.server.head import checked_host, checked_target
from seawall.server.intake import WHOLE
from seawall.server.limits import Limits
from seawall.server.refusal import Refused, refusal
from seawall.server.render import InvalidReply, check

__all__ = ["AsgiApp"]

Lifespan = Callable[[], AbstractAsyncContextManager[Handler]]


class AsgiApp:
    """Serves a Handler under any ASGI 3 server.

    Host, target, framing headers, body and header bounds are checked as our own server does; deadlines and
    connection limits are the host's, which alone sees the bytes.

    Args:
        handler: answers requests; may be left out when `lifespan` gives it.
        limits: bounds on heads and bodies.
        clock: gives `now`.
        lifespan: entered at startup, left at shutdown; yields the handler.
        report: told every exception nobody expected.
    """

    def __init__(
        self,
        handler: Handler | None = None,
        *,
        limits: Limits | None = None,
        clock: Clock | None = None,
        lifespan: Lifespan | None = None,
        report: Callable[[BaseException], None] | None = None,
    ) -> None:
        self._handler = handler
        self._limits = limits or Limits()
        self._clock = clock or Clock()
        self._lifespan = lifespan
        self._report = report
        self._wheel: Wheel | None = None

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one scope.

        Raises:
            RuntimeError: the scope is neither http nor lifespan, or comes before startup.
        """
        if scope["type"] == "lifespan":
            await self._live(receive, send)
        elif scope["type"] == "http" and self._handler is not None:
            await self._serve(scope, receive, send)
        else:
            raise RuntimeError(f"cannot serve an ASGI scope of type {scope['type']!r} here")

    async def _live(self, receive: Receive, send: Send) -> None:
        await receive()
        if self._lifespan is None:
            await send({"type": "lifespan.startup.complete"})
            await receive()
            await send({"type": "lifespan.shutdown.complete"})
            return
        phase = "startup"
        try:
            async with self._lifespan() as handler:
                self._handler = handler
                await send({"type": "lifespan.startup.complete"})
                await receive()
                phase = "shutdown"
            await send({"type": "lifespan.shutdown.complete"})
        except Exception as error:
            await send({"type": f"lifespan.{phase}.failed", "message": str(error)})
            raise
        finally:
            self._handler = None

    async def _serve(self, scope: Scope, receive: Receive, send: Send) -> None:
        loop = asyncio.get_running_loop()
        if self._wheel is None:
            self._wheel = Wheel(self._clock, loop)
        pump = _Pump(receive, self._wheel, loop, self._limits)
        call = loop.create_task(self._answer(scope, pump, send))
        reading = loop.create_task(pump.run(call))
        try:
            await asyncio.wait((call,))
        finally:
            call.cancel()
            reading.cancel()
            await asyncio.wait((call, reading))
        if not reading.cancelled():
            reading.result()
        if not call.cancelled():
            call.result()

    async def _answer(self, scope: Scope, pump: "_Pump", send: Send) -> None:
        assert self._handler is not None  # noqa: S101 - checked by __call__
        try:
            request = await self._request(scope, pump)
            reply = await self._handler(request)
        except Refused as reason:
            reply = refusal(reason.status, reason.detail)
        except RequestBodyError as error:
            reply = refusal(error.status if error.status != 499 else 400, str(error))
        except Exception as error:  # noqa: BLE001 - a broken handler must not take the host with it
            self._tell(error)
            reply = refusal(500)
        try:
            check(reply)
        except InvalidReply as error:
            self._tell(error)
            reply.close()
            reply = refusal(500)
        try:
            await _write(reply, scope["method"] == "HEAD", send)
        except OSError:
            return  # ASGI 3, spec version 2.4: the client has left
        finally:
            reply.close()

    def _tell(self, error: BaseException) -> None:
        if self._report is not None:
            self._report(error)

    async def _request(self, scope: Scope, pump: "_Pump") -> Request:
        method = scope["method"].encode("ascii")
        headers, host, length = _checked(scope, self._limits)
        received = self._clock.now()
        body: Body = b""
        if length is None or length > WHOLE:
            body = pump.body
        elif length:
            body = await pump.whole()
        client = scope.get("client")
        return Request(
            method, _target(scope, method), headers, host, body, length, client[0] if client else "",
            scope.get("scheme") == "https", received,
        )  # fmt: skip


def _checked(scope: Scope, limits: Limits) -> tuple[Headers, bytes, int | None]:
    """Return headers, Host and the body's length (None when chunked)."""
    headers: Headers = [(bytes(name).lower(), bytes(value)) for name, value in scope["headers"]]
    if len(headers) > limits.max_header_count or sum(len(n) + len(v) + 4 for n, v in headers) > limits.max_header:
        raise Refused(431, f"at most {limits.max_header} bytes of a head are taken")
    found: dict[bytes, list[bytes]] = {b"host": [], b"content-length": [], b"transfer-encoding": [], b"expect": []}
    for name, value in headers:
        if name in found:
            found[name].append(value)
    hosts, lengths, codings, expectations = found.values()
    if scope.get("http_version") != "1.0" and any(value.lower() != b"100-continue" for value in expectations):
        raise Refused(417, "only the expectation 100-continue is known")
    if len(hosts) != 1 or len(lengths) > 1 or len(codings) > 1 or (lengths and codings):
        raise Refused(400, "exactly one Host and at most one of Content-Length and Transfer-Encoding are required")
    if codings:
        if codings[0].lower() != b"chunked":
            raise Refused(501, "the only transfer coding served is chunked")
        return headers, checked_host(hosts[0]), None
    if lengths and not lengths[0].isdigit():
        raise Refused(400, "Content-Length must be digits")
    length = int(lengths[0]) if lengths else 0
    if length > limits.max_body:
        raise Refused(413, f"at most {limits.max_body} bytes are taken")
    return headers, checked_host(hosts[0]), length


def _target(scope: Scope, method: bytes) -> bytes:
    raw = scope.get("raw_path") or quote(scope["path"], safe="/!$&'()*+,;=:@-._~%").encode("ascii")
    root = quote(scope.get("root_path", ""), safe="/!$&'()*+,;=:@-._~").encode("ascii").rstrip(b"/")
    if root and raw.startswith(root + b"/"):
        raw = raw[len(root) :]
    query = scope.get("query_string") or b""
    return checked_target(method, raw + b"?" + query if query else raw)


async def _write(reply: Reply, head_only: bool, send: Send) -> None:
    headers = list(reply.headers)
    body = reply.body
    empty = head_only or reply.status in (204, 304)
    length = len(body) if isinstance(body, bytes) and (body or not empty) else reply.length
    if length is not None and reply.status != 204:
        headers.append((b"content-length", b"%d" % length))
    await send({"type": "http.response.start", "status": reply.status, "headers": headers})
    if empty or isinstance(body, bytes):
        data = body if isinstance(body, bytes) and not empty else b""
        await send({"type": "http.response.body", "body": data})
        reply.sent = len(data)
    else:
        while chunk := await body.read():
            reply.sent += len(chunk)
            await send({"type": "http.response.body", "body": chunk, "more_body": True})
        if length is not None and reply.sent != length:
            raise InvalidReply("a reply's body has not its declared length")
        await send({"type": "http.response.body", "body": b""})
    reply.finished = True


class _Pump:
    """Receives for the handler: first its request's body, then the news that the client left."""

    def __init__(self, receive: Receive, wheel: Wheel, loop: asyncio.AbstractEventLoop, limits: Limits) -> None:
        self._receive = receive
        self._limits = limits
        self._wanted = asyncio.Event()
        self._wanted.set()
        self.body = RequestBody(self, wheel, loop)

    def shut(self) -> None:
        """The reader lags behind."""
        self._wanted.clear()

    def open(self) -> None:
        """The reader waits."""
        self._wanted.set()

    async def whole(self) -> bytes:
        """Return the whole body."""
        parts: list[bytes] = []
        while part := await self.body.read():
            parts.append(part)
        return b"".join(parts)

    async def run(self, call: "asyncio.Task[None]") -> None:
        """Receive until the client has left, then cancel `call` (semantics 1.4)."""
        size = 0
        more = True
        while True:
            if more:
                await self._wanted.wait()
            message = await self._receive()
            if message["type"] == "http.disconnect":
                self.body.fail(RequestBodyError(499, "the client left"))
                call.cancel()
                return
            data = message.get("body", b"")
            size += len(data)
            if size > self._limits.max_body:
                self.body.fail(RequestBodyError(413, f"at most {self._limits.max_body} bytes are taken"))
            elif data:
                self.body.push(data)
            more = message.get("more_body", False)
            if not more:
                self.body.end()
