"""The operations door: which page a path is, who may see it, and its answer."""

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Any

import orjson

from seawall.admin.access import Access
from seawall.admin.diagnostics import diagnostics
from seawall.admin.events import Streams
from seawall.admin.health import health, readiness
from seawall.admin.pages import Pages, load
from seawall.admin.view import Runtime
from seawall.contracts.problem import problem
from seawall.contracts.reply import Reply
from seawall.contracts.request import Request
from seawall.contracts.sites import Sites, refused
from seawall.observers.exposition import OPENMETRICS, PLAIN, Exposition, accepted
from seawall.observers.redact import Redactor

__all__ = ["GUARDED", "PUBLIC", "AdminDoor", "Doorway"]

PUBLIC = frozenset((b"live", b"ready", b"health"))
GUARDED = frozenset((b"metrics", b"diagnostics", b"api", b"docs", b"openapi.json"))

_SAFE = [(b"cache-control", b"no-store"), (b"x-content-type-options", b"nosniff")]
_HEALTH = b"application/health+json"
_JSON = b"application/json"
_LARGEST = 1 << 16  # bytes of a body for the management API, known before anything parses it
_LIVE = b'{"status":"pass"}'


@dataclass(frozen=True, slots=True)
class Doorway:
    """How one bind shows the pages.

    Attributes:
        sites: known Hosts and allowed origins.
        access: who is known.
        names: first path segments that are shown: `PUBLIC`, `GUARDED` or both.
        rooted: an upstream is mounted at `/`, so that pages stand under `/-/` only.
    """

    sites: Sites
    access: Access
    names: frozenset[bytes] = PUBLIC | GUARDED
    rooted: bool = False


class AdminDoor:
    """A `Handler` for the operations pages; `owns` says which targets are its own. `close` it in the end.

    Args:
        runtime: the gateway as it runs.
        exposition: text of the metrics.
        doorway: how this bind shows them.
        redact: last step before a document leaves.
        pages: makes the handler of `/api/v1`, `/docs` and `/openapi.json` when it is first asked for, in a thread.
        events: answers `/api/v1/events`; None where nothing is published.
    """

    def __init__(
        self,
        runtime: Runtime,
        exposition: Exposition,
        doorway: Doorway,
        redact: Redactor,
        pages: Callable[[Runtime, Redactor], Pages] = load,
        events: Streams | None = None,
    ) -> None:
        self._runtime = runtime
        self._exposition = exposition
        self._doorway = doorway
        self._redact = redact
        self._make_pages = pages
        self._pages: Pages | None = None
        self._lock = asyncio.Lock()
        self._table: dict[bytes, Callable[[Request], Awaitable[Reply]]] = {
            b"/live": self._live,
            b"/ready": self._ready,
            b"/health": self._health,
            b"/metrics": self._metrics,
            b"/diagnostics": self._diagnostics,
        }
        if events is not None:
            self._table[b"/api/v1/events"] = _streamed(events)

    def reload(self, doorway: Doorway) -> None:
        """Show the pages in another way from the next request on."""
        self._doorway = doorway

    def owns(self, target: bytes) -> bool:
        """Return whether a request target (raw path and query) is one of the pages here."""
        return _first(self._path(target)) in self._doorway.names

    async def __call__(self, request: Request) -> Reply:
        """Answer one request; raises only CancelledError."""
        reason = refused(request.headers, request.host, self._doorway.sites)
        if reason is not None:
            return problem(403, "cross-site", "Refused for web pages", reason)
        path = self._path(request.target)
        first = _first(path)
        if first not in self._doorway.names:
            return _unknown()
        if first in GUARDED and self._doorway.access.standing(request) == "unknown":
            return self._doorway.access.refusal()
        answer = self._table.get(path)
        if answer is None:
            return await self._page(request) if first in (b"api", b"docs", b"openapi.json") else _unknown()
        if request.method not in (b"GET", b"HEAD"):
            reply = problem(405, "method-not-allowed", "Only GET and HEAD work here")
            reply.headers.append((b"allow", b"GET, HEAD"))
            return reply
        return _shown(request, await answer(request))

    async def close(self) -> None:
        """Take down what was loaded for `/api/v1` and `/docs`; after the server has closed."""
        if self._pages is not None:
            await self._pages.close()

    def _path(self, target: bytes) -> bytes:
        path = target.partition(b"?")[0]
        if path.startswith(b"/-/"):
            return path[2:]
        return b"" if self._doorway.rooted else path

    async def _live(self, request: Request) -> Reply:
        return _reply(200, _HEALTH, _LIVE)

    async def _ready(self, request: Request) -> Reply:
        worst, reason = readiness(self._runtime.status())
        document: dict[str, Any] = {"status": worst}
        if reason and self._doorway.access.standing(request) == "known":
            document["output"] = reason
        return self._document(document, _HEALTH)

    async def _health(self, request: Request) -> Reply:
        known = self._doorway.access.standing(request) == "known"
        return self._document(health(self._runtime.status(), detail=known), _HEALTH)

    async def _metrics(self, request: Request) -> Reply:
        openmetrics = accepted((request.header(b"accept") or b"").decode("latin-1"))
        text = await self._exposition.render(openmetrics)
        reply = _reply(200, OPENMETRICS if openmetrics else PLAIN, text)
        reply.headers.append((b"vary", b"accept"))
        return reply

    async def _diagnostics(self, request: Request) -> Reply:
        return self._document(diagnostics(self._runtime), _JSON)

    def _document(self, document: dict[str, Any], kind: bytes) -> Reply:
        failed = document.get("status") == "fail"
        text = self._redact.line(orjson.dumps(document, default=str, option=orjson.OPT_NON_STR_KEYS))
        reply = _reply(503 if failed else 200, kind, text)
        if failed:
            reply.headers.append((b"retry-after", b"1"))
        return reply

    async def _page(self, request: Request) -> Reply:
        if request.length is None or request.length > _LARGEST:
            return problem(
                413, "too-large", "The request is too large", f"A body here has a length, {_LARGEST} at most."
            )
        pages = self._pages
        if pages is None:
            async with self._lock:
                if self._pages is None:
                    loop = asyncio.get_running_loop()
                    self._pages = await loop.run_in_executor(None, self._make_pages, self._runtime, self._redact)
                pages = self._pages
        target = request.target[2:] if request.target.startswith(b"/-/") else request.target
        method = b"GET" if request.method == b"HEAD" else request.method
        inner = Request(
            method, target, request.headers, request.host, request.body, request.length, request.peer,
            request.secure, request.received,
        )  # fmt: skip
        reply = await pages(inner)
        reply.headers[:] = [header for header in reply.headers if header[0] != b"cache-control"]
        reply.headers += _SAFE
        return _shown(request, reply)


def _streamed(events: Streams) -> Callable[[Request], Awaitable[Reply]]:
    """Return a page that lasts: it needs no framework, which would only collect what must go out at once."""

    async def answer(request: Request) -> Reply:
        return events.answer(request)

    return answer


def _first(path: bytes) -> bytes:
    return path[1:].partition(b"/")[0]


def _reply(status: int, kind: bytes, text: bytes) -> Reply:
    return Reply(status, [(b"content-type", kind), *_SAFE], text)


def _shown(request: Request, reply: Reply) -> Reply:
    """Return the reply as its method wants it: HEAD has the headers of GET and no body (RFC 9110 section 9.3.2)."""
    if request.method != b"HEAD":
        return reply
    body = reply.body
    length = len(body) if isinstance(body, bytes) else reply.length
    reply.close()
    return Reply(reply.status, reply.headers, b"", length)


def _unknown() -> Reply:
    return problem(404, "not-found", "No such page", "The pages are /live /ready /health /metrics /diagnostics /docs.")
