"""Exchanges in plain text, played through the cache stage in virtual time; the docs show the same text.

    > GET /a | Accept: text/plain      a request
    ? If-None-Match: "1"               what the origin is asked with (`-Name`: without); only if it is asked
    < 200 | Cache-Control: max-age=60  its answer; without this line it must not be asked
    = 200 | Age: 0 | "answer 1"        what the client gets (`-Name`: without; `~` stands for "contains")
    + 30                               seconds pass

Answers have a Date and a body `answer N` unless they say otherwise (`-Date`, `"text"`, `~cut 3` of its bytes); `{60}`
is the HTTP-date 60 seconds after the beginning. An origin may also be `down`, or `wait 2` seconds before it answers.
"""

import asyncio
import re
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any

from seawall.contracts.body import Headers
from seawall.contracts.call import Call, Run
from seawall.contracts.errors import CallError, ConnectError
from seawall.contracts.policy import Context
from seawall.contracts.reply import Reply
from seawall.contracts.target import Target, Timeouts
from seawall.contracts.wheel import Wheel
from seawall.pipeline.states import States
from seawall.policies.cache import SPEC, CacheSettings
from seawall.policies.cache.dates import http_date
from seawall.testing import EPOCH, Recorder, ScriptedSource, VirtualLoop

TARGET = Target("api", "api", "http", "origin.example", 80)


@dataclass(frozen=True)
class Case:
    """One requirement and an exchange that shows it."""

    section: str
    name: str
    text: str
    settings: dict[str, Any] = field(default_factory=dict)

    @property
    def id(self) -> str:
        """Section and name as a test id."""
        return f"{self.section} {self.name}".replace(" ", "-")


def cases(text: str, **settings: Any) -> list[Case]:
    """Return the cases of a text: `section: name`, then its exchange, set in by four blanks.

    Args:
        text: of several cases.
        settings: of all of them.
    """
    found: list[Case] = []
    for block in re.split(r"\n(?=\S)", text.strip("\n")):
        title, _, exchange = block.partition("\n")
        section, _, name = title.partition(": ")
        found.append(Case(section, name, re.sub(r"(?m)^ +", "", exchange).strip("\n"), settings))
    return found


def dated(text: str) -> str:
    """Put HTTP-dates in place of `{seconds}`."""
    return re.sub(r"\{(-?\d+)\}", lambda found: http_date(EPOCH + int(found[1])).decode(), text)


def build(settings: dict[str, Any] | None = None, states: States | None = None, **options: Any) -> tuple[Any, Context]:
    """Return the stage, and what it was built with, on the running virtual loop."""
    loop = asyncio.get_running_loop()
    assert isinstance(loop, VirtualLoop)
    clock = loop.clock()
    keep = (States() if states is None else states).round()
    context = Context(
        "api", "", (TARGET,), clock, Wheel(clock, loop), loop, lambda low, _: low, Recorder(), keep, options
    )
    ((_, stage),) = SPEC.build(CacheSettings.model_validate(settings or {}), context)
    keep.settle()
    return stage, context


def flights(context: Context) -> Any:
    """Return the flights of the stage's upstream."""
    return context.keep("api", "cache", "flights", lambda: None)


def entries(context: Context) -> Any:
    """Return the store."""
    return context.keep("", "cache", "entries", lambda: None)


def make_call(method: str = "GET", path: str = "/a", headers: Sequence[tuple[str, str]] = (), **fields: Any) -> Call:
    """Return a call that arrives now."""
    now = asyncio.get_running_loop().time()
    timeouts = fields.pop("timeouts", Timeouts())
    lines: Headers = [(name.lower().encode(), value.encode("latin-1")) for name, value in headers]
    return Call(
        method.encode(), path.encode("latin-1"), lines, fields.pop("target", TARGET), timeouts,
        fields.pop("deadline", now + timeouts.total), Run(now), upstream="api", idempotent=True, **fields,
    )  # fmt: skip


async def body_of(reply: Reply) -> bytes:
    """Read a reply to its end and close it."""
    try:
        if isinstance(reply.body, bytes):
            return reply.body
        chunks = []
        while chunk := await reply.body.read():
            chunks.append(chunk)
        return b"".join(chunks)
    finally:
        reply.close()


@dataclass
class _Step:
    request: str
    asked: list[str] = field(default_factory=list)
    answers: list[str] = field(default_factory=list)
    expected: str = ""
    after: float = 0.0


def _steps(text: str) -> Iterator[_Step]:
    step: _Step | None = None
    for line in dated(text).strip().splitlines():
        sign, _, rest = line.strip().partition(" ")
        if sign == ">":
            if step is not None:
                yield step
            step = _Step(rest)
        elif step is None:
            raise ValueError(f"a request comes first, not {line!r}")
        elif sign == "?":
            step.asked.append(rest)
        elif sign == "<":
            step.answers.append(rest)
        elif sign == "=":
            step.expected = rest
        elif sign == "+":
            step.after += float(rest)
        else:
            raise ValueError(f"what is {line!r}?")
    if step is not None:
        yield step


class Origin:
    """Answers as the steps of a case say."""

    def __init__(self) -> None:
        self.count = 0
        self.step: _Step | None = None
        self.left: list[str] = []

    def take(self, step: _Step) -> None:
        """Answer this step's requests from now on."""
        self.step, self.left = step, list(step.answers)

    async def __call__(self, call: Call) -> Reply:
        """Answer."""
        step = self.step
        assert step is not None
        assert self.left, f"{step.request}: the origin was asked, with {call.headers}"
        answer = self.left.pop(0)
        if step.asked:
            compare(call.headers, step.asked.pop(0).split(" | "), step.request)
        return await self._reply(answer, call)

    async def _reply(self, text: str, call: Call) -> Reply:
        parts = text.split(" | ")
        if parts[0].startswith("wait "):
            await asyncio.sleep(float(parts.pop(0).split()[1]))
        if parts[0] == "down":
            raise ConnectError
        self.count += 1
        body = b"answer %d" % self.count
        loop = asyncio.get_running_loop()
        headers: Headers = [(b"date", http_date(loop.wall()))]  # type: ignore[attr-defined]
        length: int | None = None
        cut = None
        for part in parts[1:]:
            if part == "-Date" or part.startswith("Date: "):
                headers = [pair for pair in headers if pair[0] != b"date"]
            if part.startswith('"'):
                body = part.strip('"').encode()
            elif part.startswith("~cut"):
                cut = int(part[5:])
            elif part.startswith("Content-Length: "):
                length = int(part[16:])
            elif not part.startswith("-"):
                headers.append(field_of(part))
        status = int(parts[0])
        if status in (204, 304) or call.method == b"HEAD":
            return Reply(status, headers, b"", length)
        if cut is not None:
            return Reply(status, headers, ScriptedSource([body[:cut]]), len(body))
        return Reply(status, headers, body)


def field_of(text: str) -> tuple[bytes, bytes]:
    """Return a header as the wire gives it."""
    name, _, value = text.partition(":")
    return name.lower().encode(), value.strip(" ").encode("latin-1")


def compare(headers: Headers, wanted: Sequence[str], where: str) -> None:
    """Compare headers with what a line says of them."""
    for part in wanted:
        if part.startswith("-"):
            name = part[1:].lower().encode()
            assert name not in [key for key, _ in headers], f"{where}: {part[1:]} is there"
            continue
        name, wanted_value = field_of(part)
        found = b", ".join([given for key, given in headers if key == name])
        if wanted_value.startswith(b"~"):
            assert wanted_value[1:] in found, f"{where}: {name!r} is {found!r}"
        else:
            assert found == wanted_value, f"{where}: {name!r} is {found!r}"


async def play(case: Case, options: Callable[[], dict[str, Any]] = dict) -> None:
    """Play a case.

    Args:
        case: to play.
        options: more of what the stage is built with.

    Raises:
        AssertionError: something else came out.
    """
    stage, context = build(case.settings, **options())
    origin = Origin()
    loop = asyncio.get_running_loop()
    for step in _steps(case.text):
        origin.take(step)
        await _request(stage, origin, step)
        for _ in range(20):
            await asyncio.sleep(0)
        if step.after:
            await asyncio.sleep(step.after)
        assert not origin.left, f"{step.request}: the origin was not asked at {loop.time()}"
    await flights(context).close()


async def _request(stage: Any, origin: Origin, step: _Step) -> None:
    line, *fields = step.request.split(" | ")
    method, path = line.split(" ")
    call = make_call(method, path)
    call.headers = [field_of(text) for text in fields]
    wanted, *parts = step.expected.split(" | ")
    try:
        reply = await stage.send(call, origin)
    except CallError as error:
        told = f"error {error.status_hint}"
        assert wanted == told, step.request
        return
    try:
        body = await body_of(reply)
    except CallError:
        assert wanted == "broken", f"{step.request}: the body broke"
        return
    assert str(reply.status) == wanted, f"{step.request}: {reply.status} {reply.headers}"
    bodies = [part.strip('"').encode() for part in parts if part.startswith('"')]
    if bodies:
        assert body == bodies[0], f"{step.request}: {body!r} {reply.headers}"
    compare(reply.headers, [part for part in parts if not part.startswith('"')], step.request)
