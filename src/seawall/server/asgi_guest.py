"""An ASGI app as a Handler: the bridge to FastAPI under `/api/v1` and `/docs`."""

import asyncio
from collections.abc import Callable
from urllib.parse import unquote_to_bytes

from seawall.contracts.body import Headers
from seawall.contracts.errors import RequestBodyError
from seawall.contracts.reply import Reply
from seawall.contracts.request import Request
from seawall.server.asgi_types import App, Message, Scope

__all__ = ["AsgiHandler", "asgi_handler"]

_FRAMING = frozenset((b"content-length", b"transfer-encoding", b"connection", b"keep-alive"))
_TOKEN = b"!#$%&'*+-.^_`|~0123456789abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"
_HIGH = 64 << 10


class _Exchange:
    """One request of the app: its `receive` and `send`, and the `Source` of its answer."""

    def __init__(self, request: Request, loop: asyncio.AbstractEventLoop) -> None:
        self._request = request
        self._loop = loop
        self._asked = False  # the request's body was handed over
        self._gone = loop.create_future()  # nobody wants the answer any more
        self._changed = loop.create_future()  # something for the reader
        self._taken: asyncio.Future[None] | None = None  # the app waits for the reader
        self._chunks: list[bytes] = []
        self._size = 0
        self._error: BaseException | None = None
        self.status = 0
        self.headers: Headers = []
        self.length: int | None = None
        self.done = False

    async def receive(self) -> Message:
        body = self._request.body
        if not self._asked:
            if type(body) is bytes:
                self._asked = True
                return {"type": "http.request", "body": body, "more_body": False}
            try:
                data = await body.read()  # type: ignore[union-attr]  # not bytes: a Source
            except RequestBodyError as error:
                self._asked = True
                self._error = self._error or error  # before an answer the caller learns 408 or 413 from it
                return {"type": "http.disconnect"}
            self._asked = not data
            return {"type": "http.request", "body": data, "more_body": bool(data)}
        await asyncio.shield(self._gone)
        return {"type": "http.disconnect"}

    async def send(self, message: Message) -> None:
        kind = message["type"]
        if self._gone.done() and not self.done:
            raise OSError("the client has left")  # ASGI 3, spec version 2.4
        if kind == "http.response.start" and not self.status:
            self._begin(message)
        elif kind == "http.response.body" and self.status and not self.done:
            chunk = bytes(message.get("body", b""))
            if chunk:
                self._chunks.append(chunk)
                self._size += len(chunk)
            self.done = not message.get("more_body", False)
            self._wake()
            if self._size >= _HIGH and not self.done:
                self._taken = self._loop.create_future()
                await self._taken
        else:
            raise RuntimeError(f"an ASGI app must not send {kind!r} here")

    def _begin(self, message: Message) -> None:
        for raw_name, raw_value in message.get("headers", ()):
            name, value = bytes(raw_name).lower(), bytes(raw_value)
            if not name or name.translate(None, _TOKEN):
                raise RuntimeError("an ASGI app sent a header whose name is no token")
            if name == b"content-length" and value.isdigit():
                self.length = int(value)
            if name not in _FRAMING:
                self.headers.append((name, value))
        self.status = message["status"]
        self._wake()

    def ended(self, task: "asyncio.Task[None]") -> None:
        """The app has returned or raised."""
        if task.cancelled():
            self._error = self._error or RuntimeError("the ASGI app was cancelled")
        elif (error := task.exception()) is not None:
            self._error = self._error or error
        elif not self.done:
            self._error = self._error or RuntimeError("the ASGI app returned before its answer was complete")
        self._wake()

    async def started(self) -> Reply:
        """Wait for the answer's head; what the app sent with it comes along."""
        while not self.status:
            if self._error is not None:
                raise self._error
            await self._change()
        if self.done:
            return Reply(self.status, self.headers, b"".join(self._chunks), self._declared())
        return Reply(self.status, self.headers, self, self.length, streamed=self.length is None)

    def _declared(self) -> int | None:
        empty = self._request.method == b"HEAD" or self.status == 304
        return self.length if empty else None

    async def read(self) -> bytes:
        """Return the next piece of the answer; raises what the app raised."""
        while True:
            if self._chunks:
                data = b"".join(self._chunks)
                self._chunks.clear()
                self._size = 0
                if self._taken is not None and not self._taken.done():
                    self._taken.set_result(None)
                return data
            if self.done:
                return b""
            if self._error is not None:
                raise self._error
            await self._change()

    async def _change(self) -> None:
        self._changed = self._loop.create_future()
        await self._changed

    def _wake(self) -> None:
        if not self._changed.done():
            self._changed.set_result(None)

    def close(self) -> None:
        """Tell the app that nobody reads any more; it may still finish work behind its answer."""
        if not self._gone.done():
            self._gone.set_result(None)
        if self._taken is not None and not self._taken.done():
            self._taken.set_result(None)

    def limit(self, at: float) -> None:
        """Nothing to do: these answers are our own."""


class AsgiHandler:
    """A Handler that asks an ASGI app; owns the app's tasks.

    Args:
        app: called once per request; lifespan is not run.
        report: told what the app raised behind a complete answer.
        root_path: given to the app as it is.
    """

    def __init__(self, app: App, report: Callable[[BaseException], None], root_path: str = "") -> None:
        self._app = app
        self._report = report
        self._root_path = root_path
        self._tasks: set[asyncio.Task[None]] = set()

    async def __call__(self, request: Request) -> Reply:
        """Return the app's answer; a client that leaves is told to the app, which is not cancelled."""
        loop = asyncio.get_running_loop()
        exchange = _Exchange(request, loop)
        task = loop.create_task(self._run(exchange, request))
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)
        task.add_done_callback(exchange.ended)
        try:
            reply = await exchange.started()
        except BaseException:
            exchange.close()
            raise
        reply.on_close(exchange.close)
        return reply

    async def _run(self, exchange: _Exchange, request: Request) -> None:
        try:
            await self._app(_scope(request, self._root_path), exchange.receive, exchange.send)
        except Exception as error:
            if not exchange.done:
                raise
            self._report(error)

    async def close(self) -> None:
        """Cancel what still runs and wait for it."""
        for task in list(self._tasks):
            task.cancel()
        if self._tasks:
            await asyncio.wait(list(self._tasks))


def _scope(request: Request, root_path: str) -> Scope:
    raw, _, query = request.target.partition(b"?")
    return {
        "type": "http",
        "asgi": {"version": "3.0", "spec_version": "2.4"},
        "http_version": "1.1",
        "method": request.method.decode("ascii"),
        "scheme": "https" if request.secure else "http",
        "path": unquote_to_bytes(raw).decode("utf-8", "replace"),
        "raw_path": raw,
        "query_string": query,
        "root_path": root_path,
        "headers": request.headers,
        "client": (request.peer, 0) if request.peer else None,
        "server": None,
        "state": {},
    }


def asgi_handler(app: App, report: Callable[[BaseException], None] | None = None, root_path: str = "") -> AsgiHandler:
    """Return a Handler that asks `app`; `close` it when the server has closed."""
    return AsgiHandler(app, report or _raise_nothing, root_path)


def _raise_nothing(_: BaseException) -> None:
    """Nobody wants to know."""
