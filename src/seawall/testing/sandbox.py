"""An API on loopback to try things against: slow, failing, hanging, streaming, as its paths say."""

import http
import random
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import Any
from urllib.parse import parse_qsl, unquote, urlsplit

import orjson

from seawall.testing import faults
from seawall.testing.exchange import Action, Answer, End, Exchange
from seawall.testing.faultserver import FaultServer
from seawall.testing.told import Told
from seawall.testing.weather import forecast

__all__ = ["PATHS", "Sandbox"]

PATHS = {
    "/hello": "a few words",
    "/json": "a small JSON document",
    "/bytes/{n}": "n bytes, at most 16777216",
    "/slow?ms=": "an answer after so many milliseconds",
    "/status/{code}": "an answer with that status",
    "/retry-after?seconds=&times=&status=": "refuses so many times with Retry-After, then answers, then begins again",
    "/flaky?rate=": "fails at random, seeded: a third each 503, reset, hang",
    "/hang?seconds=": "never answers, or only after so many seconds",
    "/reset": "resets the connection",
    "/stream?events=&gap=": "server-sent events, gap milliseconds apart",
    "/ndjson?lines=&gap=": "lines of JSON, gap milliseconds apart",
    "/echo": "the body it was sent",
    "/v1/forecast?latitude=&longitude=": "the weather, in the shape of api.open-meteo.com",
    "/counts": "what this API did so far",
    "/told": 'PUT a line for each answer that any other path is to give: 200 | Cache-Control: max-age=60 | "hello"',
}

Made = Answer | Iterable[Action]
JSON = ((b"content-type", b"application/json"),)
LARGEST = 1 << 24
_STATUSES = frozenset(status.value for status in http.HTTPStatus)
BLOCK = b"seawall " * 8192


class Sandbox(FaultServer):
    """The API; an async context manager, like every `FaultServer`.

    Args:
        port: 0 for a free one.
        seed: of what is random.

    Attributes:
        outcomes: how many requests met each outcome: a status as text, `reset`, `hang`.
    """

    def __init__(self, port: int = 0, seed: int = 1) -> None:
        super().__init__(self._answer, port=port)
        self.keep_exchanges = False
        self.outcomes: Counter[str] = Counter()
        self._random = random.Random(seed)
        self._refused: Counter[bytes] = Counter()
        self._told = Told()
        self._routes: dict[str, Callable[[Exchange, _Parameters], Made]] = {
            "hello": lambda *_: Answer(body=b"hello from the sandbox\n"),
            "json": lambda *_: _json({"name": "sandbox", "ok": True, "numbers": [1, 2, 3]}),
            "bytes": _bytes,
            "slow": lambda exchange, given: faults.late(given.number("ms", 100) / 1000)(exchange),
            "status": lambda _, given: Answer(given.status(given.rest or "200"), b"as you wish\n"),
            "retry-after": self._retry_after,
            "flaky": self._flaky,
            "hang": self._hang,
            "reset": lambda *_: self._broken("reset", End.RESET),
            "stream": lambda _, given: _stream(given, b"text/event-stream", _event, "events"),
            "ndjson": lambda _, given: _stream(given, b"application/x-ndjson", _line, "lines"),
            "echo": lambda exchange, _: Answer(body=exchange.body, headers=_kind(exchange)),
            "v1": self._weather,
            "counts": lambda *_: _json(self.report()),
            "told": self._tell,
        }

    def report(self) -> dict[str, Any]:
        """Return what the API did so far, as `/counts` shows it."""
        counts = self.counts
        return {
            "connections": counts.connections,
            "open": counts.open,
            "requests": counts.requests,
            "outcomes": dict(self.outcomes),
            "aborted_by_the_peer": counts.left,
            "peak": counts.peak,
        }

    def _answer(self, exchange: Exchange) -> Made:
        parts = urlsplit(exchange.target.decode("latin-1"))
        name, _, rest = parts.path.lstrip("/").partition("/")
        route = self._routes.get(name)
        made: Made
        try:
            if route is None:
                made = self._told.answer(exchange) or _json({"paths": PATHS}, 200 if not name else 404)
            else:
                made = route(exchange, _Parameters(unquote(rest), dict(parse_qsl(parts.query))))
        except _BadParameter as error:
            made = Answer(400, f"{error}\n".encode())
        if isinstance(made, Answer):
            self.outcomes[str(made.status)] += 1
        elif name in ("slow", "stream", "ndjson"):
            self.outcomes["200"] += 1
        return made

    def _tell(self, exchange: Exchange, _: "_Parameters") -> Made:
        if exchange.method != b"PUT":
            return _json({"told": self._told.left})
        try:
            return _json({"told": self._told.tell(exchange.body.decode("utf-8", "replace"))})
        except ValueError as error:
            raise _BadParameter(str(error)) from error

    def _broken(self, word: str, end: End) -> Iterable[Action]:
        self.outcomes[word] += 1
        return (end,)

    def _hang(self, exchange: Exchange, given: "_Parameters") -> Made:
        seconds = given.number("seconds", 0)
        self.outcomes["hang"] += 1
        return faults.late(seconds)(exchange) if seconds else (End.HANG,)

    def _flaky(self, exchange: Exchange, given: "_Parameters") -> Made:
        if self._random.random() >= given.number("rate", 0.12):
            return Answer(body=b"ok\n")
        match self._random.randrange(3):
            case 0:
                return Answer(503, b"not now\n")
            case 1:
                return self._broken("reset", End.RESET)
            case _:
                return self._hang(exchange, given)

    def _weather(self, exchange: Exchange, given: "_Parameters") -> Made:
        if given.rest != "forecast":
            return _json({"paths": PATHS}, 404)
        return _json(forecast(self.counts.requests))

    def _retry_after(self, exchange: Exchange, given: "_Parameters") -> Made:
        target = exchange.target if len(self._refused) < 1000 else b""
        if self._refused[target] < given.number("times", 1):
            self._refused[target] += 1
            seconds = b"%d" % int(given.number("seconds", 1))
            return Answer(given.status(given.word("status", "503")), b"later\n", ((b"retry-after", seconds),))
        del self._refused[target]
        return Answer(body=b"now\n")


class _BadParameter(ValueError):
    """A parameter of a sandbox path is not what it must be."""


class _Parameters:
    """What stands in a path after its name, and in its query."""

    def __init__(self, rest: str, query: Mapping[str, str]) -> None:
        self.rest = rest
        self._query = query

    def word(self, name: str, usual: str) -> str:
        return self._query.get(name, usual)

    def number(self, name: str, usual: float, text: str | None = None) -> float:
        found = self._query.get(name) if text is None else text
        try:
            value = usual if found is None else float(found)
        except ValueError:
            value = -1.0
        if not 0 <= value <= LARGEST:
            raise _BadParameter(f"{name} must be a number from 0 to {LARGEST}, got {found!r:.40}")
        return value

    def status(self, text: str) -> int:
        code = int(self.number("status", 200, text))
        if code < 200 or code not in _STATUSES:
            raise _BadParameter(f"status must be one from 200 to 599 that HTTP knows, got {text!r:.40}")
        return code


def _json(document: object, status: int = 200) -> Answer:
    return Answer(status, orjson.dumps(document), JSON)


def _kind(exchange: Exchange) -> tuple[tuple[bytes, bytes], ...]:
    return ((b"content-type", exchange.header(b"content-type") or b"application/octet-stream"),)


def _bytes(exchange: Exchange, given: _Parameters) -> Made:
    size = int(given.number("n", 1024, given.rest or "1024"))
    head = Answer(headers=((b"content-type", b"application/octet-stream"),)).head(size)
    if exchange.method == b"HEAD":
        return (head,)
    blocks = [BLOCK] * (size // len(BLOCK))
    return (head, *blocks, BLOCK[: size % len(BLOCK)])


def _event(number: int) -> bytes:
    return b'id: %d\ndata: {"number":%d}\n\n' % (number, number)


def _line(number: int) -> bytes:
    return b'{"number":%d}\n' % number


def _stream(given: _Parameters, kind: bytes, show: Callable[[int], bytes], name: str) -> Iterator[Action]:
    count, gap = int(given.number(name, 5)), given.number("gap", 200) / 1000
    head = Answer(headers=((b"content-type", kind), (b"cache-control", b"no-store")), chunked=True).head()

    def program() -> Iterator[Action]:
        yield head
        for number in range(1, count + 1):
            if number > 1:
                yield gap
            text = show(number)
            yield b"%x\r\n%s\r\n" % (len(text), text)
        yield b"0\r\n\r\n"

    return program()
