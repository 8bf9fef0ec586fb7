"""Security 10: secrets planted wherever one can stand, searched for in everything that is written."""

import logging
import os
from collections.abc import AsyncIterator
from hashlib import sha256
from pathlib import Path

import httpx
import orjson
import pytest

from seawall.app import App
from seawall.config import parse
from seawall.testing.exchange import Answer, Exchange
from seawall.testing.faults import reset
from seawall.testing.faultserver import FaultServer

# in the settings
KEY = "sk-planted-upstream-key-0123456789"
TOKEN = "planted-admin-token-0123456789"
# from a client, or from the upstream
QUERY = "planted-query-value-0123456789"
HEADER = "planted-credential-0123456789"
CALLER = "sw-planted-callers-key-0123456789"
STRANGER = "sw-planted-strangers-key-0123456789"
BODY = "planted-body-text-0123456789"
ANSWER = "planted-answer-text-0123456789"
ALL = (KEY, TOKEN, QUERY, HEADER, CALLER, STRANGER, BODY, ANSWER)

SETTINGS = """
[server]
listen = "127.0.0.1:0"
admin_token = "{token}"
[log]
level = "debug"
[upstreams.weather]
url = "http://127.0.0.1:{port}"
allow_private = true
headers = {{ "X-Api-Key" = "{key}" }}
retry = {{ attempts = 1 }}
[callers.kitchen]
key_hash = "sha256:{hash}"
rate = "1000/s"
per_user = {{ header = "X-Seawall-User", rate = "1000/s" }}
[upstreams.gone]
url = "http://127.0.0.1:1"
allow_private = true
retry = {{ attempts = 1 }}
"""
PAGES = (
    "/live", "/ready", "/health", "/metrics", "/diagnostics", "/api/v1/settings", "/api/v1/upstreams",
    "/api/v1/version", "/api/v1/upstreams/weather", "/api/v1/upstreams/nobody", "/docs", "/openapi.json", "/nothing",
)  # fmt: skip


class Gateway:
    """A running gateway, a client of it, and everything that it wrote."""

    def __init__(self, app: App, client: httpx.AsyncClient, upstream: FaultServer) -> None:
        self.app = app
        self.client = client
        self.upstream = upstream
        self.written: list[bytes] = []


def answer(exchange: Exchange) -> Answer:
    """Answer with a text that must not show, and an error for those who ask."""
    return Answer(500 if b"fail" in exchange.target else 200, body=ANSWER.encode())


@pytest.fixture
async def log(tmp_path: Path) -> AsyncIterator[tuple[int, Path]]:
    """Return a file the gateway logs to."""
    path = tmp_path / "log"
    fd = os.open(path, os.O_WRONLY | os.O_CREAT)
    yield fd, path
    os.close(fd)


async def calls(client: httpx.AsyncClient) -> None:
    """Plant every secret in every place a client can put one."""
    headers = {"Authorization": f"Bearer {HEADER}", "Cookie": HEADER, "X-Seawall-Key": CALLER, "X-Api-Key": HEADER}
    for path in ("/weather/v1/ok", "/weather/v1/fail", "/gone/v1", "/nowhere"):
        for method in ("GET", "POST"):
            await client.request(
                method, f"{path}?key={QUERY}", headers=headers, content=BODY if method == "POST" else None
            )
    # what a client can make the log show, it fills with a secret of ours that it somehow knows
    for known in (KEY, TOKEN):
        hostile = {"X-Request-Id": known, "X-Forwarded-For": known, "X-Seawall-Key": CALLER, "X-Seawall-User": known}
        await client.get(f"/weather/{known}?{known}", headers=hostile)
    await client.get("/weather/v1", headers={"X-Seawall-Key": STRANGER})
    await client.get("/weather/v1", headers={"X-Seawall-Key": CALLER, "Authorization": f"Bearer {CALLER}"})


async def test_a_planted_secret_is_in_nothing_the_gateway_writes(log: tuple[int, Path]) -> None:
    """Log, both formats of metrics, health, diagnostics, management API, problems; after calls that went all ways."""
    fd, path = log
    shown: dict[str, bytes] = {}
    async with FaultServer(answer) as upstream:
        text = SETTINGS.format(token=TOKEN, key=KEY, port=upstream.port, hash=sha256(CALLER.encode()).hexdigest())
        tree = parse(text, {}).tree
        async with App(tree, log_fd=fd) as app, httpx.AsyncClient(base_url=f"http://{app.addresses[0]}") as client:
            await calls(client)
            upstream.faults = reset()
            await calls(client)
            logging.getLogger("some.library").error("key %s at http://h/?%s", KEY, QUERY)
            for kind in ("*/*", "application/openmetrics-text"):
                for page in PAGES:
                    reply = await client.get(page, headers={"Authorization": f"Bearer {TOKEN}", "Accept": kind})
                    shown[f"{page} as {kind}"] = reply.content + repr(reply.headers).encode()
            shown["a problem"] = (await client.get(f"/nowhere?{QUERY}", headers={"Cookie": HEADER})).content
            shown["401"] = (await client.get("/metrics", headers={"Authorization": f"Bearer {HEADER}"})).content
        reached = b"".join(value for one in upstream.exchanges for _, value in one.headers)
        assert KEY.encode() in reached
        assert CALLER.encode() not in reached
    shown["the log"] = path.read_bytes()
    assert shown["the log"].count(b'"event":"call"') >= 20
    assert b"***" in shown["the log"]
    assert b"***" in shown["/api/v1/settings as */*"]
    found = {(where, secret) for where, text in shown.items() for secret in ALL if secret.encode() in text}
    assert not found


async def test_every_line_of_the_log_is_json_whatever_clients_send(log: tuple[int, Path]) -> None:
    """Injection (security 15): no client can break a line or add a field."""
    fd, path = log
    async with FaultServer(answer) as upstream:
        text = SETTINGS.format(token=TOKEN, key=KEY, port=upstream.port, hash=sha256(CALLER.encode()).hexdigest())
        tree = parse(text, {}).tree
        async with App(tree, log_fd=fd) as app, httpx.AsyncClient(base_url=f"http://{app.addresses[0]}") as client:
            for odd in ('"}\\n{"event":"forged', "x" * 7000, "%0a%0d", "\x7f"):
                sent = {"X-Request-Id": odd, "traceparent": odd, "User-Agent": odd, "X-Seawall-Key": CALLER}
                await client.get("/weather/v1", headers=sent)
    lines = path.read_bytes().splitlines()
    assert all(len(line) < 2048 for line in lines)
    assert "forged" not in {orjson.loads(line)["event"] for line in lines}
