"""`seawall keys` as it is typed: for the settings, and against a running gateway."""

import asyncio
import re
import tomllib
from collections.abc import AsyncIterator
from hashlib import sha256

import pytest
from typer.testing import CliRunner, Result

from seawall.app import App
from seawall.cli.commands import app
from seawall.cli.remote import Remote, RemoteError
from seawall.config import parse
from seawall.stores import MemoryCallers

TOKEN = "planted-admin-token-0123456789"
SETTINGS = f"""
[server]
listen = "127.0.0.1:0"
admin_token = "{TOKEN}"
[log]
level = "error"
[callers.kitchen]
key_hash = "sha256:{"1" * 64}"
rate = "60/min"
upstreams = ["weather"]
[upstreams.weather]
url = "http://127.0.0.1:1"
allow_private = true
"""


def typed(*words: str, token: str = TOKEN) -> Result:
    """Run a command."""
    return CliRunner(env={"SEAWALL_ADMIN_TOKEN": token}).invoke(app, ["keys", *words])


@pytest.fixture
async def url() -> AsyncIterator[str]:
    """Return the address of a gateway that keeps callers."""
    async with App(parse(SETTINGS, {}).tree, callers=MemoryCallers()) as running:
        yield f"http://{running.addresses[0]}"


async def remotely(url: str, *words: str, token: str = TOKEN) -> Result:
    """Run a command against a gateway, in a thread, since the gateway runs in this one."""
    return await asyncio.to_thread(typed, *words, "--url", url, token=token)


@pytest.mark.parametrize("name", ["kitchen", "my.kitchen"])
def test_a_new_key_is_printed_once_with_the_table_for_the_settings(name: str):
    """The hash is the key's, and the settings take it as it stands."""
    result = typed("new", name)
    assert result.exit_code == 0
    key, *table = result.stdout.splitlines()
    assert re.fullmatch(r"sw-[0-9A-Za-z]{43}", key)
    tree = parse("\n".join(table), {}).tree
    assert tree.callers[name].key_hash == ("sha256:" + sha256(key.encode()).hexdigest(),)
    assert tomllib.loads("\n".join(table))["callers"][name]
    assert key not in result.stderr
    assert typed("new", name).stdout.splitlines()[0] != key


@pytest.mark.parametrize("name", ["a b", "", "anonymous", "x" * 65, "-x"])
def test_a_name_no_caller_can_have_is_refused(name: str):
    """Before a key is shown that nobody can use."""
    result = typed("new", "--", name)
    assert (result.exit_code, result.stdout) == (2, "")
    assert "NAME must be a name" in result.stderr


async def test_a_gateway_keeps_rotates_and_revokes_callers(url: str):
    """What is shown once is shown by these commands alone."""
    made = await remotely(
        url, "new", "lab", "--rate", "50/min", "--tokens", "100/min", "--concurrency", "2",
        "--spend", "day=0.50 USD", "--spend", "call=0.01 USD", "--user", "header=X-User", "--user", "day=0.05 USD",
    )  # fmt: skip
    again = await remotely(url, "rotate", "lab")
    first, second = made.stdout.strip(), again.stdout.strip()
    assert (made.exit_code, again.exit_code, first[:3], second[:3]) == (0, 0, "sw-", "sw-")
    listed = (await remotely(url, "list")).stdout
    ids = [sha256(key.encode()).hexdigest()[:8] for key in (first, second)]
    assert f"lab  api  {ids[0]} (" in listed
    assert (
        "rate=50/min tokens=100/min concurrency=2 spend.call='0.01 USD' spend.day='0.50 USD' per_user.day='0.05 USD'"
        in listed
    )
    assert "kitchen  settings  11111111  rate=60/min upstreams=weather" in listed
    assert first not in listed + again.stdout + again.stderr
    gone = await remotely(url, "revoke", "lab", "--key", ids[0])
    assert gone.stdout == f"revoked: key {ids[0]} of lab\n"
    assert ids[0] not in (await remotely(url, "list")).stdout
    assert (await remotely(url, "revoke", "lab")).stdout == "revoked: lab\n"
    assert "lab" not in (await remotely(url, "list")).stdout


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("rotate", "kitchen"), "refused (409): kitchen stands in the settings"),
        (("revoke", "nobody"), "refused (404): No caller has that name"),
        (("revoke", "a/b?c"), "refused (404)"),
        (("new", "lab", "--rate", "often"), "must be a rate above zero"),
        (("new", "lab", "--spend", "month=1 USD"), "body.spend.month: needs a ledger that outlives the process"),
    ],
)
async def test_a_refusal_is_one_line_that_says_why(url: str, words: tuple[str, ...], said: str):
    """And exit code 1."""
    result = await remotely(url, *words)
    assert (result.exit_code, result.stdout, result.stderr.count("\n")) == (1, "", 1)
    assert said in result.stderr


async def test_without_the_token_it_says_where_to_put_it(url: str):
    """It is no option: other users of a machine see those."""
    for token in ("", "wrong"):
        result = await remotely(url, "list", token=token)
        assert result.exit_code == 1
        assert "set SEAWALL_ADMIN_TOKEN" in result.stderr


@pytest.mark.parametrize(
    ("url", "said"),
    [("http://127.0.0.1:1", "No gateway answers"), ("127.0.0.1:8080", "for example"), ("ftp://h", "for example")],
)
def test_no_gateway_there_is_told(url: str, said: str):
    """With what to do."""
    result = typed("list", "--url", url)
    assert (result.exit_code, result.stderr.count("\n")) == (1, 1)
    assert said in result.stderr


async def test_the_environments_proxies_are_not_asked(url: str, monkeypatch: pytest.MonkeyPatch):
    """The admin token goes to the gateway and to nobody else (security.md 4)."""
    for name in ("HTTP_PROXY", "http_proxy", "ALL_PROXY"):
        monkeypatch.setenv(name, "http://127.0.0.1:9")
    assert (await remotely(url, "list")).exit_code == 0


async def test_an_answer_that_is_not_ours_is_told():
    """Something else listens there."""

    async def other(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: 6\r\n\r\n<html>")
        await writer.drain()
        writer.close()

    server = await asyncio.start_server(other, "127.0.0.1", 0)
    port = server.sockets[0].getsockname()[1]
    with pytest.raises(RemoteError, match="is no Seawall"):
        await asyncio.to_thread(Remote(f"http://127.0.0.1:{port}").ask, "GET", "/api/v1/callers")
    server.close()
    await server.wait_closed()
