"""Security 16: what a gateway does that nobody configured; it binds loopback, phones nobody, and asks for the token."""

import ast
import asyncio
import json
import os
import signal
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest

from http_raw import Answer as Seen
from http_raw import parse_answers, talk
from seawall.app import App
from seawall.config import parse
from seawall.contracts.errors import SettingsError
from seawall.testing.faultserver import FaultServer

TOKEN = "0123456789abcdef0123456789abcdef"
UPSTREAM = '[upstreams.up]\nurl = "http://127.0.0.1:{port}"\nallow_private = true\n'
GUARDED = (
    "/metrics",
    "/diagnostics",
    "/docs",
    "/openapi.json",
    "/api/v1/upstreams",
    "/-/metrics",
    "/-/api/v1/settings",
)
PUBLIC = ("/live", "/ready", "/health")

# Runs the command line as it is, on the standard loop: uvloop's sockets are made where no audit event can see them.
WATCHED = """
import sys
seen = open(sys.argv.pop(1), "w", buffering=1)
NAMES = ("socket.connect", "socket.sendto", "socket.sendmsg", "socket.getaddrinfo", "socket.gethostbyname",
         "socket.gethostbyaddr", "subprocess.Popen", "os.system", "os.posix_spawn", "urllib.Request")
def hook(event, args):
    if event in NAMES:
        seen.write(repr((event, args[1:] if event.startswith("socket.c") else args)) + chr(10))
sys.addaudithook(hook)
sys.modules["uvloop"] = None
from seawall.cli import main
main()
"""


async def ask(port: int, target: str, *lines: str, method: str = "GET") -> Seen:
    """Send a request and return its answer."""
    head = "\r\n".join((f"{method} {target} HTTP/1.1", "Host: localhost", "Connection: close", *lines, "", ""))
    return parse_answers(await talk(port, head.encode("latin-1")), (method.encode(),))[0]


@asynccontextmanager
async def gateway(server: str) -> AsyncIterator[int]:
    """Run a gateway with these lines in `[server]`; give its port."""
    async with FaultServer() as upstream:
        text = f'[server]\nlisten = "127.0.0.1:0"\n{server}\n' + UPSTREAM.format(port=upstream.port)
        async with App(parse(text, {}).tree) as app:
            yield int(app.addresses[0].rpartition(":")[2])


def test_it_binds_loopback_where_nobody_says_otherwise():
    """Port 8080, and not on every address of the machine."""
    server = parse("", {}).tree.server
    assert server.listen == "127.0.0.1:8080"
    assert server.bind.loopback
    assert server.admin_bind.loopback


@pytest.mark.parametrize("listen", ["0.0.0.0:0", "[::]:0", "192.0.2.1:0"])
@pytest.mark.parametrize("anonymous", ["auto", "no", "yes"])
async def test_off_loopback_nothing_starts_without_keys(listen: str, anonymous: str):
    """Whatever `anonymous` says: no token and no caller, no socket."""
    text = f'[server]\nlisten = "{listen}"\nanonymous = "{anonymous}"\n' + UPSTREAM.format(port=1)
    app = App(parse(text, {}).tree)
    with pytest.raises(SettingsError) as caught:
        await app.__aenter__()
    first, second = (fault.partition(":")[0] for fault in caught.value.faults)
    assert (first, second) == ("server.admin_token", "callers.anonymous" if anonymous == "yes" else "callers")
    assert app.addresses == ()


async def test_without_a_token_the_pages_are_open_on_loopback_only():
    """On a bind of their own off loopback they are not served at all."""
    async with gateway("") as port:
        assert [(await ask(port, page)).status for page in (*PUBLIC, *GUARDED)] == [200] * 10
    text = '[server]\nadmin_listen = "0.0.0.0:0"\n' + UPSTREAM.format(port=1)
    with pytest.raises(SettingsError, match="server.admin_token"):
        await App(parse(text, {}).tree).__aenter__()


@pytest.mark.parametrize(
    "line",
    [
        "X-Nothing: 1", "Authorization: Bearer", "Authorization: Bearer wrong-wrong-wrong", f"Authorization: {TOKEN}",
        f"Authorization: Basic {TOKEN}", f"Authorization: Bearer {TOKEN[:-1]}", f"Authorization: Bearer {TOKEN}0",
        f"Authorization: Bearer {TOKEN.upper()}", f"X-Seawall-Key: {TOKEN}", f"Cookie: token={TOKEN}",
        "Authorization: Bearer \xe9\xff",
    ],
)  # fmt: skip
async def test_with_a_token_the_guarded_pages_ask_for_it(line: str):
    """One answer for a missing, malformed and wrong one; health without it shows the verdict alone."""
    async with gateway(f'admin_token = "{TOKEN}"') as port:
        answers = [await ask(port, page, line) for page in GUARDED]
        health = await ask(port, "/health", line)
        assert [(await ask(port, page, line)).status for page in PUBLIC] == [200] * 3
    assert {answer.status for answer in answers} == {401}
    assert len({answer.body for answer in answers}) == 1
    assert {answer.headers[b"www-authenticate"] for answer in answers} == {b'Bearer realm="seawall"'}
    assert set(json.loads(health.body)) == {"status", "version", "serviceId"}


async def test_the_token_opens_them_and_nothing_else():
    """It is no caller's key, and is not passed on."""
    async with gateway(f'admin_token = "{TOKEN}"') as port:
        right = f"Authorization: bearer {TOKEN}"
        assert [(await ask(port, page, right)).status for page in GUARDED] == [200] * len(GUARDED)
        health = await ask(port, "/health", right)
    assert "checks" in json.loads(health.body)


async def test_it_asks_for_callers_where_anonymous_ones_are_not_let_in():
    """401 without a word about which upstreams there are."""
    async with gateway('anonymous = "no"') as port:
        for target in ("/up/x", "/nowhere"):
            answer = await ask(port, target)
            assert answer.status == 401
            assert b"Upstreams" not in answer.body


async def test_it_connects_to_nothing_but_its_upstreams(tmp_path: Path):
    """No telemetry, no update check, no font, no proxy of the environment, no name looked up; all pages opened."""
    async with FaultServer() as upstream:
        (tmp_path / "seawall.toml").write_text(
            '[server]\nlisten = "127.0.0.1:0"\ndrain = "10ms"\n' + UPSTREAM.format(port=upstream.port)
        )
        seen = tmp_path / "seen"
        trap = "http://127.0.0.1:9"
        child = await asyncio.create_subprocess_exec(
            sys.executable, "-c", WATCHED, str(seen), "serve", cwd=tmp_path,
            stdout=asyncio.subprocess.DEVNULL, stderr=asyncio.subprocess.PIPE,
            env={**os.environ, "HTTP_PROXY": trap, "HTTPS_PROXY": trap, "ALL_PROXY": trap, "http_proxy": trap},
        )  # fmt: skip
        assert child.stderr is not None
        line = await asyncio.wait_for(child.stderr.readline(), 20)
        port = int(line.rpartition(b":")[2])
        for page in ("/up/a", "/up/b", *PUBLIC, *GUARDED):
            assert (await ask(port, page)).status == 200
        child.send_signal(signal.SIGTERM)
        assert await asyncio.wait_for(child.wait(), 20) == 0
        assert upstream.counts.connections == 1
    events = {ast.literal_eval(line) for line in seen.read_text().splitlines()}
    assert {event for event in events if event[0] != "socket.getaddrinfo"} == {
        ("socket.connect", (("127.0.0.1", upstream.port),))
    }
    assert {args[0] for event, args in events if event == "socket.getaddrinfo"} <= {"127.0.0.1"}
