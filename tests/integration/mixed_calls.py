"""Calls of every kind against a gateway of its own process and the scripted provider, and the two books compared.

Each call has a request id of its own, which the gateway passes on: the provider's bill and the ledger meet by it.
"""

import asyncio
import random
from collections import Counter, defaultdict
from collections.abc import Mapping, Sequence
from contextlib import suppress
from decimal import Decimal
from typing import Any, NamedTuple

import orjson

from providing import script

__all__ = ["SETTINGS", "Books", "Entry", "Load", "compared"]

SETTINGS = """
[server]
listen = "127.0.0.1:0"
max_inflight = 400
[log]
success = 0
rate = "100/s"
[upstreams.openai]
url = "http://{provider}/v1"
api = "openai"
allow_private = true
stream_usage = true
key = "k"
retry = {{ attempts = 3, base = "5ms", floor = 10000, budget = 1 }}
hedge = {{ after = "80ms", max = 1 }}
breaker = false
[upstreams.claude]
url = "http://{provider}"
api = "anthropic"
allow_private = true
key = "k"
retry = {{ attempts = 3, base = "5ms", floor = 10000, budget = 1 }}
breaker = false
[upstreams.bedrock]
url = "http://{provider}"
api = "bedrock"
region = "us-east-1"
allow_private = true
key = "k"
retry = {{ attempts = 3, base = "5ms", floor = 10000, budget = 1 }}
breaker = false
[models.gpt]
targets = ["openai/gpt-5-mini"]
[models.claude]
targets = ["claude/claude-sonnet-4-6"]
[models.nova]
targets = ["bedrock/amazon.nova-lite-v1:0"]
[models.any]
targets = ["openai/gpt-5-mini", "claude/claude-haiku-4-5", "bedrock/amazon.nova-lite-v1:0"]
[models.embed]
targets = ["openai/text-embedding-3-small"]
[spend]
day = "1000 USD"
[ledger]
{ledger}
"""
_TOOL = {"name": "weather", "description": "", "parameters": {"type": "object", "properties": {}}}
_TROUBLE = (
    {}, {}, {}, {}, {}, {}, {}, {}, {"status": 500, "times": 1}, {"status": 503, "times": 1},
    {"status": 429, "times": 2}, {"status": 500}, {"status": 400}, {"reset": True, "times": 1}, {"reset": True},
    {"delay": 0.2}, {"cut": 0}, {"cut": 3}, {"cut": 5, "times": 1}, {"error_at": 0, "times": 1}, {"error_at": 4},
    {"error_at": 0}, {"usage": "none"},
)  # fmt: skip


class Entry(NamedTuple):
    """A row of the ledger: request id, US dollars, what was held, whether it is an estimate, and one of the dead."""

    request_id: str
    cost: Decimal
    reserved: Decimal
    estimated: bool
    dead: bool


class _Ask(NamedTuple):
    path: str
    body: dict[str, Any]
    leaves: int  # bytes of the answer after which the client is gone; 0: it stays


def _ask(dice: random.Random, number: int) -> _Ask:
    trouble: dict[str, Any] = dict(dice.choice(_TROUBLE))
    if "times" in trouble:
        trouble["key"] = f"k{number}"
    trouble["output"] = dice.randint(1, 60)
    text = "x" * dice.randint(300, 1500)
    if dice.random() < 0.3:
        trouble["cached"] = dice.randint(1, 60)
    if dice.random() < 0.2:
        trouble["reasoning"] = dice.randint(1, trouble["output"])
    if dice.random() < 0.2:
        trouble["tools"] = dice.randint(1, 2)
    leaves = 0
    streams = dice.random() < 0.5
    if streams and dice.random() < 0.15:
        trouble["pace"], leaves = 0.005, dice.randint(1, 3000)
    if dice.random() < 0.05:
        told = {name: value for name, value in trouble.items() if name != "cached"}  # embeddings report none
        return _Ask("/v1/embeddings", {"model": "embed", "input": script(**told) + text}, 0)
    return _spoken(dice, script(**trouble) + text, "tools" in trouble, streams, leaves)


def _spoken(dice: random.Random, text: str, tools: bool, streams: bool, leaves: int) -> _Ask:
    model = dice.choice(("gpt", "gpt", "claude", "nova", "any", "any"))
    said = [{"role": "user", "content": text}]
    kind = dice.random()
    more: dict[str, Any] = {"stream": True} if streams else {}
    if kind < 0.35:
        used = {"tools": [{"name": "weather", "input_schema": {"type": "object"}}]} if tools else {}
        return _Ask(
            "/anthropic/v1/messages", {"model": model, "max_tokens": 80, "messages": said} | used | more, leaves
        )
    if kind < 0.45:
        return _Ask("/v1/responses", {"model": "gpt", "input": text} | more, leaves)
    used = {"tools": [{"type": "function", "function": _TOOL}]} if tools else {}
    return _Ask("/v1/chat/completions", {"model": model, "messages": said} | used | more, leaves)


class Load:
    """So many calls, some at a time, at whatever port the gateway has just now.

    Attributes:
        statuses: what was answered; 0 for a connection that broke.
        done: calls that came to an end.
        reached: set once a third of the calls is done.
    """

    def __init__(self, count: int, seed: int, parallel: int = 40) -> None:
        self.statuses: Counter[int] = Counter()
        self.done = 0
        self.reached = asyncio.Event()
        self._dice = random.Random(seed)
        self._left = iter(range(count))
        self._third = count // 3
        self._parallel = parallel
        self._port: asyncio.Future[int] = asyncio.get_running_loop().create_future()

    def at(self, port: int | None) -> None:
        """Call there from now on; None: there is no gateway, wait."""
        if self._port.done():
            self._port = asyncio.get_running_loop().create_future()
        if port is not None:
            self._port.set_result(port)

    async def run(self) -> None:
        """Make every call."""
        async with asyncio.TaskGroup() as group:
            for _ in range(self._parallel):
                group.create_task(self._work())

    async def _work(self) -> None:
        for number in self._left:
            ask = _ask(self._dice, number)
            status = 0
            with suppress(OSError, asyncio.IncompleteReadError):
                status = await _call(await self._port, number, ask)
            self.statuses[status] += 1
            self.done += 1
            if self.done >= self._third:
                self.reached.set()


async def _call(port: int, number: int, ask: _Ask) -> int:
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    body = orjson.dumps(ask.body)
    head = (
        f"POST {ask.path} HTTP/1.1\r\nHost: 127.0.0.1:{port}\r\nConnection: close\r\nContent-Type: application/json\r\n"
        f"X-Request-Id: mixed-{number}\r\nContent-Length: {len(body)}\r\n\r\n"
    )
    writer.write(head.encode() + body)
    try:
        async with asyncio.timeout(60):
            first = await reader.readexactly(12)
            if ask.leaves:
                await reader.readexactly(ask.leaves)
            else:
                while await reader.read(65536):
                    pass
        return int(first[9:12])
    finally:
        writer.transport.abort()


class Books(NamedTuple):
    """What comparing came to, in US dollars.

    Attributes:
        exact: rows not marked estimated whose cost is the bill's.
        wrong: request ids of exact rows that no billed call has, or that are billed otherwise.
        guessed, billed: sums of the estimated rows of calls whose bill no exact row covers, and of that bill.
        near, seen: the same of calls that did not die with a gateway.
        over: request ids of estimates over what was held.
        lost: request ids billed that no row stands for.
    """

    exact: int
    wrong: list[str]
    guessed: Decimal
    billed: Decimal
    near: Decimal
    seen: Decimal
    over: list[str]
    lost: list[str]


def compared(rows: Sequence[Entry], bill: Sequence[Mapping[str, Any]]) -> Books:
    """Compare the ledger's rows with the rows of the provider's bill."""
    sent: dict[str, list[Decimal]] = defaultdict(list)
    for line in bill:
        sent[line["request_id"]].append(Decimal(line["cost"]))
    guesses: dict[str, list[Decimal]] = defaultdict(list)
    wrong, over, exact = [], [], 0
    for row in rows:
        if row.estimated:
            guesses[row.request_id].append(row.cost)
            if row.cost > row.reserved:
                over.append(row.request_id)
        elif not row.cost:
            continue  # had the provider billed something for it, that would be lost
        elif row.cost in sent[row.request_id]:
            sent[row.request_id].remove(row.cost)
            exact += 1
        else:
            wrong.append(row.request_id)
    left = {key: [cost for cost in costs if cost] for key, costs in sent.items()}
    lost = [key for key, costs in left.items() if len(costs) > len(guesses.get(key, ()))]
    paired = [key for key, costs in left.items() if costs]
    guessed = sum((sum(guesses.get(key, ())) for key in paired), Decimal(0))
    billed = sum((sum(left[key]) for key in paired), Decimal(0))
    dead = {row.request_id for row in rows if row.dead}
    near = sum((sum(guesses.get(key, ())) for key in paired if key not in dead), Decimal(0))
    seen = sum((sum(left[key]) for key in paired if key not in dead), Decimal(0))
    return Books(exact, wrong, guessed, billed, near, seen, over, lost)
