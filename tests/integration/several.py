"""Several upstreams behind one gateway: servers that say who they are, and one plain call."""

import asyncio
from collections.abc import AsyncIterator, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from pathlib import Path
from typing import NamedTuple

from gateways import PATIENCE, Gateway, Watched, gateway
from prometheus_client.parser import text_string_to_metric_families as families

from seawall.testing.exchange import Answer

__all__ = ["Got", "attempts", "call", "calls_at_once", "named", "several"]


class Got(NamedTuple):
    """What a client got: status, headers in lower case, body."""

    status: int
    headers: dict[str, str]
    body: bytes


def named(label: str) -> Watched:
    """Return an upstream whose good answer is its label."""
    return Watched(lambda exchange: Answer(body=label.encode()))


@asynccontextmanager
async def several(
    labels: Sequence[str], policies: str, log: Path, *, more: str = ""
) -> AsyncIterator[tuple[dict[str, Watched], Gateway]]:
    """Run one upstream server for each label and a gateway with them as the targets of `up`.

    Args:
        labels: of targets; `eu=90` is one with a weight.
        policies: keys of the upstream.
        log: where the gateway's log goes.
        more: tables after it.
    """
    async with AsyncExitStack() as stack:
        servers = {}
        targets = []
        for text in labels:
            label, _, weight = text.partition("=")
            servers[label] = server = await stack.enter_async_context(named(label))
            targets.append(f'{{ url = "{server.url}", label = "{label}", weight = {weight or 1} }}')
        text = (
            '[server]\nlisten = "127.0.0.1:0"\n[log]\nrate = "100000/s"\n[upstreams.up]\nallow_private = true\n'
            f"targets = [{', '.join(targets)}]\n{policies}\n{more}"
        )
        yield servers, await stack.enter_async_context(gateway(text, log))


async def call(port: int, target: str = "/up/x", method: str = "GET", *lines: str, body: bytes = b"") -> Got:
    """Make one call on a connection of its own."""
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    head = [f"{method} {target} HTTP/1.1", f"Host: 127.0.0.1:{port}", "Connection: close", *lines]
    if body or method in ("POST", "PUT"):
        head.append(f"Content-Length: {len(body)}")
    writer.write("\r\n".join((*head, "", "")).encode() + body)
    try:
        raw = await asyncio.wait_for(reader.read(), PATIENCE)
    finally:
        writer.transport.abort()
    top, _, rest = raw.partition(b"\r\n\r\n")
    line, *fields = top.decode("latin-1").split("\r\n")
    return Got(int(line.split(" ")[1]), dict(field.lower().split(": ", 1) for field in fields), rest)


async def calls_at_once(port: int, count: int, target: str = "/up/x") -> list[Got]:
    """Make so many calls side by side."""
    return await asyncio.gather(*(call(port, target) for _ in range(count)))


async def attempts(port: int) -> dict[tuple[str, str], float]:
    """Return what the metrics count of attempts, by target and result."""
    page = await call(port, "/metrics")
    found: dict[tuple[str, str], float] = {}
    for family in families(page.body.decode()):
        for sample in family.samples:
            if sample.name == "seawall_attempts_total" and sample.labels["upstream"] == "up" and sample.value:
                found[sample.labels["target"], sample.labels["result"]] = sample.value
    return found
