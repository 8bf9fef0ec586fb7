"""One request: its scenario, its errors, its row on the bill, then whoever speaks its dialect."""

import json
import time
from collections import Counter
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Any

from bill import Bill, Row
from scenario import Scenario, scenario_of, texts_in

from server import Connection, Request

__all__ = ["Answering", "Provider", "Route", "words"]

# Every token is four bytes of text, as in English on average.
_WORDS = ("Sea ", "wall", " and", " tide", ", so", " the ", "ship", " is ", "home", " at ", "last", ". ")


def words(count: int) -> list[str]:
    """Return so many tokens, always the same ones."""
    return [_WORDS[number % len(_WORDS)] for number in range(count)]


@dataclass
class Answering:
    """One request on its way to its answer.

    Attributes:
        request: as it came.
        said: its body, parsed.
        script: its scenario; `faulty` says whether its error, cut or reset happens this time.
        row: what is billed.
        to: where the answer is written.
    """

    request: Request
    said: dict[str, Any]
    script: Scenario
    faulty: bool
    row: Row
    to: Connection

    def limit(self, *names: str) -> int:
        """Return how many tokens the answer may have: the scenario's, or the request's own limit."""
        found = [self.said[name] for name in names if isinstance(self.said.get(name), int)]
        return min([self.script.output, *found])

    def charge_input(self) -> None:
        """Bill what was read."""
        script, row = self.script, self.row
        size = sum(len(text.encode()) for text in texts_in(self.said))
        row.input = script.input or max(1, size // 4) + script.cached + script.written
        row.cached, row.written, row.written_1h = script.cached, script.written, script.written_1h

    async def before(self, number: int) -> None:
        """Wait as the script says before the token with this number; leave where it says so."""
        await self.to.wait(self.script.pace)
        if self.faulty and self.script.cut >= 0 and number >= self.script.cut:
            self.to.cut()

    async def whole(self, body: dict[str, Any]) -> None:
        """Send a plain answer; what it took is billed once it leaves."""
        data = json.dumps(body).encode()
        if self.faulty and self.script.cut >= 0:
            await self.to.part(data[: self.script.cut], len(data))
            self.to.cut()
        await self.to.whole(200, data, {"x-request-id": f"req_{self.row.number}"})
        self.row.reported = self.script.usage != "none"
        self.row.complete = True


Handler = Callable[[Answering], Awaitable[None]]


@dataclass(frozen=True)
class Route:
    """Who answers what.

    Attributes:
        prefix, suffix: what the path begins and ends with.
        api, operation: for the bill.
        handler: answers.
        error: an error's body: (status, message).
    """

    prefix: str
    suffix: str
    api: str
    operation: str
    handler: Handler
    error: Callable[[int, str], dict[str, Any]]


class Provider:
    """Answers every request by its scenario.

    Args:
        bill: where calls are billed.
        routes: who answers what; first match wins.
    """

    def __init__(self, bill: Bill, routes: list[Route]) -> None:
        self._bill = bill
        self._routes = routes
        self._faults: Counter[str] = Counter()

    async def answer(self, request: Request, to: Connection) -> None:
        """Answer one request."""
        if request.path == "/bill":
            if request.method == "DELETE":
                self._bill.clear()
                self._faults.clear()
            await to.whole(200, json.dumps(self._bill.shown()).encode())
            return
        self._bill.requests += 1
        route = next((one for one in self._routes if _matches(one, request.path)), None)
        if route is None:
            await to.whole(404, json.dumps({"error": {"message": f"no {request.path} here"}}).encode())
            return
        await self._run(route, request, to)

    async def _run(self, route: Route, request: Request, to: Connection) -> None:
        began = time.perf_counter()
        said = request.json() or _form(request)
        try:
            script = scenario_of(said, request.headers.get("x-scenario", ""))
        except (ValueError, TypeError) as exc:
            await to.whole(400, json.dumps(route.error(400, str(exc))).encode())
            return
        faulty = self._faulty(script)
        await to.wait(script.delay)
        if faulty and script.reset:
            to.reset()
        if faulty and script.status:
            headers = {} if script.retry_after is None else {"retry-after": script.retry_after}
            await to.whole(
                script.status, json.dumps(route.error(script.status, "as the scenario says")).encode(), headers
            )
            return
        model = str(said.get("model") or _model_in(request.path))
        request_id = request.headers.get("x-request-id", "")
        row = self._bill.open(route.api, route.operation, model, request_id, script.key)
        try:
            await route.handler(Answering(request, said, script, faulty, row, to))
        finally:
            row.seconds = time.perf_counter() - began

    def _faulty(self, script: Scenario) -> bool:
        if not script.times:
            return True
        self._faults[script.key] += 1
        return self._faults[script.key] <= script.times


def _matches(route: Route, path: str) -> bool:
    return path.startswith(route.prefix) and path.endswith(route.suffix)


def _form(request: Request) -> dict[str, Any]:
    """Return the text fields of a form."""
    kind = request.headers.get("content-type", "")
    if "boundary=" not in kind:
        return {}
    mark = kind.split("boundary=")[1].strip('"').encode()
    found: dict[str, Any] = {}
    for part in request.body.split(b"--" + mark):
        head, _, value = part.partition(b"\r\n\r\n")
        if b'name="' in head and b"filename" not in head:
            found[head.split(b'name="')[1].split(b'"')[0].decode()] = value.removesuffix(b"\r\n").decode()
    return found


def _model_in(path: str) -> str:
    """Return Bedrock's model, which stands in the path."""
    parts = path.split("/")
    return parts[2].replace("%3A", ":") if len(parts) > 2 and parts[1] == "model" else ""
