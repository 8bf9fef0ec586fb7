"""Security 2 and 10 for AWS: its secrets are written nowhere, and its metadata addresses serve nobody but it."""

import asyncio
import os

import httpx
import pytest

from seawall.app import App
from seawall.aws.credentials import CredentialsError
from seawall.aws.fetch import Fetcher
from seawall.config import parse
from seawall.contracts.clock import Clock
from seawall.contracts.wheel import Wheel
from seawall.testing.exchange import Answer
from seawall.testing.faultserver import FaultServer
from seawall.wire import Wire

SECRET, TOKEN = "planted-aws-secret-key-0123456789", "planted-aws-session-token-0123456789"
SETTINGS = """
[server]
listen = "127.0.0.1:0"
[log]
level = "debug"
[upstreams.bedrock]
api = "bedrock"
region = "us-east-1"
url = "http://127.0.0.1:{port}"
allow_private = true
retry = {{ attempts = 1 }}
"""
PAGES = ("/metrics", "/health", "/ready", "/diagnostics", "/api/v1/settings", "/api/v1/upstreams", "/api/v1/status")


def quoting(exchange):
    """Refuse a signature as AWS does: with all that was to be signed, and what was sent, in the message."""
    sent = "\n".join(f"{name.decode()}:{value.decode('latin-1')}" for name, value in exchange.headers)
    body = f'{{"message": "The canonical string should have been {sent!r} {SECRET}"}}'.encode()
    return Answer(403, body, ((b"x-amzn-errortype", b"InvalidSignatureException"),))


async def test_a_planted_aws_secret_is_in_nothing_that_is_written(monkeypatch, tmp_path):
    """Secret key and session token: neither in log, pages, problems, nor in an answer in which AWS quotes them."""
    for name in [name for name in os.environ if name.startswith("AWS_")]:
        monkeypatch.delenv(name)
    monkeypatch.setenv("AWS_EC2_METADATA_DISABLED", "true")
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "AKGATEWAY")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", SECRET)
    monkeypatch.setenv("AWS_SESSION_TOKEN", TOKEN)
    path = tmp_path / "log"
    fd = os.open(path, os.O_WRONLY | os.O_CREAT)
    shown = {}
    async with FaultServer(quoting) as upstream:
        tree = parse(SETTINGS.format(port=upstream.port), {}).tree
        async with App(tree, log_fd=fd) as app, httpx.AsyncClient(base_url=f"http://{app.addresses[0]}") as client:
            for target in ("/bedrock/model/x/converse", f"/bedrock/{TOKEN}?{SECRET}"):
                reply = await client.post(target, content=b"{}", headers={"X-Forwarded-For": TOKEN})
                shown[target] = reply.content + repr(reply.headers).encode()
            # what a client can make the log show, it fills with a secret that it somehow knows
            await client.post("/bedrock/model/x/converse", content=b"{}", headers={"X-Request-Id": TOKEN})
            for page in PAGES:
                shown[page] = (await client.get(page)).content
        reached = b"".join(value for one in upstream.exchanges for _, value in one.headers)
    os.close(fd)
    shown["the log"] = path.read_bytes()
    assert TOKEN.encode() in reached
    assert shown["the log"].count(b'"event":"call"') >= 3
    assert b"***" in shown["the log"]
    assert not {(where, one) for where, text in shown.items() for one in (SECRET, TOKEN) if one.encode() in text}


@pytest.mark.parametrize(
    "url", ["http://127.0.0.1:1/x", "http://localhost:1/", "http://[::1]:1/x", "https://127.0.0.1:1/x"]
)
async def test_only_the_metadata_services_own_addresses_may_be_dialled(url, fetch):
    """The exception to the address guard is a handful of addresses, and what the environment names by itself."""
    with pytest.raises(CredentialsError, match="not allowed"):
        await fetch("GET", url)


@pytest.fixture
async def fetch():
    """Give what fetches, on a wire of its own."""
    loop, clock = asyncio.get_running_loop(), Clock()
    wheel = Wheel(clock, loop)
    wire = Wire(clock, wheel, loop)
    yield Fetcher(wire, clock, wheel)
    await wire.close()
