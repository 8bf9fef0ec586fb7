"""Security 8: each upstream's own bound on bodies, below the one of the server that language models need."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pytest

from http_raw import parse_answers, talk
from seawall.app import App
from seawall.config import parse
from seawall.testing.faultserver import FaultServer

MEGABYTE = 1 << 20
SETTINGS = """
[server]
listen = "127.0.0.1:0"
{server}
[log]
level = "error"
[upstreams.plain]
url = "http://127.0.0.1:{port}"
allow_private = true
[upstreams.model]
url = "http://127.0.0.1:{port}"
api = "openai"
allow_private = true
"""


@asynccontextmanager
async def gateway(server: str = "") -> AsyncIterator[tuple[int, FaultServer]]:
    """Run a gateway with a plain upstream and one of models; give its port."""
    async with (
        FaultServer() as upstream,
        App(parse(SETTINGS.format(port=upstream.port, server=server), {}).tree) as app,
    ):
        yield int(app.addresses[0].rpartition(":")[2]), upstream


async def status(port: int, path: str, size: int, *, chunked: bool) -> int:
    """Send a body and return the status of the answer."""
    framing = "Transfer-Encoding: chunked" if chunked else f"Content-Length: {size}"
    lines = (f"POST {path} HTTP/1.1", "Host: localhost", "Connection: close", framing, "", "")
    body = b"x" * size
    sent = b"%x\r\n%b\r\n0\r\n\r\n" % (size, body) if chunked else body
    answers = parse_answers(await talk(port, "\r\n".join(lines).encode() + sent))
    return answers[0].status


@pytest.mark.parametrize("chunked", [False, True])
async def test_a_plain_upstream_keeps_its_own_bound(chunked: bool):
    """4 MiB, though the server takes 32 for models: told at once where the length is declared, else while it comes."""
    async with gateway() as (port, upstream):
        assert await status(port, "/plain/x", 5 * MEGABYTE, chunked=chunked) == 413
        assert not [one for one in upstream.exchanges if one.body]
        assert await status(port, "/plain/x", 3 * MEGABYTE, chunked=chunked) == 200


@pytest.mark.parametrize("chunked", [False, True])
async def test_an_upstream_of_models_takes_more(chunked: bool):
    """Pictures and sound are large; what is set for the server holds for them as well."""
    async with gateway() as (port, _):
        assert await status(port, "/model/files", 5 * MEGABYTE, chunked=chunked) == 200
    async with gateway('max_body = "1MiB"') as (port, _):
        assert await status(port, "/model/files", 2 * MEGABYTE, chunked=chunked) == 413
