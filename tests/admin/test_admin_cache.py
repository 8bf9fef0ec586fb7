"""`/api/v1/cache` over a real gateway: totals, paths, answers without what is a caller's own, and purges."""

import asyncio
from collections.abc import AsyncIterator
from typing import Any

import orjson
import pytest
from jsonschema import Draft202012Validator
from pydantic import TypeAdapter
from typer.testing import CliRunner, Result

from seawall.admin import cache as models
from seawall.app import App
from seawall.cli.commands import app as commands
from seawall.cli.remote import Remote, RemoteError
from seawall.config import parse
from seawall.testing.exchange import Answer, Exchange
from seawall.testing.faultserver import FaultServer

TOKEN = "planted-admin-token-0123456789"
SECRET = "sk-of-a-caller-0123456789"


def answer(exchange: Exchange) -> Answer:
    """Answer with something to keep, and something that is nobody else's business."""
    return Answer(
        200, b"planted body", ((b"cache-control", b"max-age=60"), (b"vary", b"accept"), (b"x-session", SECRET.encode()))
    )


@pytest.fixture
async def gateway(tmp_path) -> AsyncIterator[App]:
    """Return a gateway with one cached upstream, which has given answers."""
    async with FaultServer(answer) as origin:
        text = (
            f'[server]\nlisten = "127.0.0.1:0"\nadmin_token = "{TOKEN}"\n[log]\nlevel = "error"\n'
            f'[upstreams.up]\nurl = "{origin.url}"\nallow_private = true\ncache = true\n'
            f'[upstreams.other]\nurl = "{origin.url}"\nallow_private = true\ncache = true\n'
        )
        async with App(parse(text, {}).tree) as running:
            for path in (f"/up/a?key={SECRET}", "/up/a?x=2", "/up/b/c", "/other/a"):
                await get(running, path)
            yield running


async def get(running: App, path: str, *headers: str, method: str = "GET", body: bytes = b"") -> bytes:
    """Ask the gateway, on a connection of its own; return the whole answer."""
    reader, writer = await asyncio.open_connection(*running.addresses[0].rsplit(":", 1))
    length = (f"Content-Length: {len(body)}",) if body else ()
    lines = "\r\n".join([f"{method} {path} HTTP/1.1", "Host: localhost", "Connection: close", *length, *headers])
    writer.write(f"{lines}\r\n\r\n".encode() + body)
    raw = await reader.read()
    writer.close()
    return raw


async def ask(running: App, method: str, path: str, body: object = None, token: str = TOKEN) -> Any:
    """Ask the management API, in a thread, since the gateway runs in this one."""
    return await asyncio.to_thread(Remote(f"http://{running.addresses[0]}", token).ask, method, path, body)


async def typed(running: App, *words: str) -> Result:
    """Run `seawall cache`."""
    runner = CliRunner(env={"SEAWALL_ADMIN_TOKEN": TOKEN})
    return await asyncio.to_thread(
        runner.invoke, commands, ["cache", *words, "--url", f"http://{running.addresses[0]}"]
    )


async def hits(running: App, *paths: str) -> list[bool]:
    """Return for each path whether it is answered from what is kept."""
    return [b"seawall; hit" in await get(running, path) for path in paths]


async def test_what_is_kept_is_shown_by_path_without_bodies_queries_and_secrets(gateway: App):
    """Queries are told apart and not shown; of headers only those that say how the answer is kept."""
    shown = await ask(gateway, "GET", "/api/v1/cache?upstream=up")
    assert [(one["path"], one["urls"], one["answers"]) for one in shown["paths"]] == [("/a", 2, 2), ("/b/c", 1, 1)]
    assert (shown["answers"], shown["left_out"], shown["evicted"]) == (4, 0, 0)
    assert sum(one["bytes"] for one in (await ask(gateway, "GET", "/api/v1/cache"))["paths"]) < shown["bytes"]
    found = await ask(gateway, "GET", "/api/v1/cache/answers?upstream=up&path=/a")
    assert sorted(one["query"] for one in found["answers"]) == [["key"], ["x"]]
    (one,) = (await ask(gateway, "GET", "/api/v1/cache/answers?upstream=up&path=/b/c"))["answers"]
    assert (one["status"], one["bytes"], one["varies"]) == (200, 12, ["accept"])
    assert 0 < one["ttl"] <= 60
    assert ["cache-control", "max-age=60"] in one["headers"]
    assert ["x-session", "***"] in one["headers"]
    for text in map(orjson.dumps, (shown, found, one)):
        assert SECRET.encode() not in text
        assert b"planted body" not in text


async def test_the_list_ends_and_says_how_much_is_left_out(gateway: App):
    """A prefix and a limit."""
    shown = await ask(gateway, "GET", "/api/v1/cache?limit=1")
    assert (len(shown["paths"]), shown["left_out"]) == (1, 2)
    shown = await ask(gateway, "GET", "/api/v1/cache?upstream=up&prefix=/b")
    assert [one["path"] for one in shown["paths"]] == ["/b/c"]


@pytest.mark.parametrize(
    ("what", "count", "left"),
    [
        ({"upstream": "up", "path": "/a?x=2"}, 1, [True, False, True, True]),
        ({"upstream": "up", "prefix": "/a"}, 2, [False, False, True, True]),
        ({"upstream": "up"}, 3, [False, False, False, True]),
        ({}, 4, [False, False, False, False]),
    ],
)
async def test_a_purge_takes_what_was_said_and_nothing_else(gateway: App, what: Any, count: int, left: list[bool]):
    """One URL, a prefix, an upstream, all."""
    paths = (f"/up/a?key={SECRET}", "/up/a?x=2", "/up/b/c", "/other/a")
    assert await hits(gateway, *paths) == [True] * 4
    assert await ask(gateway, "POST", "/api/v1/cache/purge", what) == {"answers": count}
    assert await hits(gateway, *paths) == left


async def test_it_needs_the_token_and_an_upstream_there_is(gateway: App):
    """What is wrong is told, and what to do."""
    with pytest.raises(RemoteError, match="admin token is needed"):
        await ask(gateway, "GET", "/api/v1/cache", token="")
    with pytest.raises(RemoteError, match="Upstreams: up, other"):
        await ask(gateway, "POST", "/api/v1/cache/purge", {"upstream": "nowhere"})
    with pytest.raises(RemoteError, match="only one of them"):
        await ask(gateway, "POST", "/api/v1/cache/purge", {"path": "/a"})


async def test_the_commands(gateway: App):
    """`seawall cache list`, `show` and `purge` against a running gateway."""
    listed = await typed(gateway, "list")
    assert listed.output.startswith("4 answers, ")
    assert "up  /a  2  " in listed.output
    shown = await typed(gateway, "show", "up", "/a?x=2")
    assert "200  /a?x=***  12" in shown.output
    assert (await typed(gateway, "show", "up", "/none")).exit_code == 1
    assert (await typed(gateway, "purge")).exit_code == 2
    purged = await typed(gateway, "purge", "up", "/a?x=2")
    assert (purged.exit_code, purged.output) == (0, "purged: 1 answers here\n")
    assert (await typed(gateway, "purge", "--all")).output == "purged: 3 answers here\n"
    assert SECRET not in listed.output + shown.output


async def test_diagnostics_show_the_cache(gateway: App):
    """Its totals."""
    shown = await ask(gateway, "GET", "/diagnostics")
    assert shown["cache"]["answers"] == 4
    assert shown["cache"]["bytes"] > 4 * 12


async def test_every_example_is_valid_by_its_own_schema(gateway: App):
    """And by the model it stands at."""
    document = await ask(gateway, "GET", "/openapi.json")
    schemas = document["components"]["schemas"]
    names = [name for name in models.__all__ if name[0].isupper()]
    for name in names:
        for example in schemas[name]["examples"]:
            Draft202012Validator({**schemas[name], "components": document["components"]}).validate(example)
            TypeAdapter(getattr(models, name)).validate_python(example)


async def test_answers_of_models_are_counted_listed_and_forgotten():
    """They stand under no upstream, by alias; a purge of all is of them too."""
    completion = {
        "id": "1", "object": "chat.completion", "created": 1, "model": "m",
        "choices": [{"index": 0, "message": {"role": "assistant", "content": "planted"}, "finish_reason": "stop"}],
        "usage": {"prompt_tokens": 1, "completion_tokens": 1, "total_tokens": 2},
    }  # fmt: skip
    whole = Answer(200, orjson.dumps(completion), ((b"content-type", b"application/json"),))
    async with FaultServer(lambda _: whole) as origin:
        text = (
            f'[server]\nlisten = "127.0.0.1:0"\nadmin_token = "{TOKEN}"\n[log]\nlevel = "error"\n'
            f'[upstreams.ai]\napi = "openai"\nurl = "{origin.url}/v1"\nkey = "k"\nallow_private = true\n'
            '[models.fast]\ntargets = ["ai/m"]\ncache = "1h"\nprice = { input = "1 USD/M", output = "1 USD/M" }\n'
        )
        async with App(parse(text, {}).tree) as running:
            body = orjson.dumps({"model": "fast", "messages": [{"role": "user", "content": "hi"}]})
            for _ in range(2):
                assert b"planted" in await get(running, "/v1/chat/completions", method="POST", body=body)
            shown = await ask(running, "GET", "/api/v1/cache")
            assert [(one["upstream"], one["path"], one["answers"]) for one in shown["paths"]] == [
                ("", "models/fast", 1)
            ]
            assert shown["answers"] == 1
            assert shown["bytes"] >= shown["paths"][0]["bytes"] > 0
            assert (await ask(running, "POST", "/api/v1/cache/purge", {})) == {"answers": 1}
            assert (await ask(running, "GET", "/api/v1/cache"))["answers"] == 0


async def test_an_upstream_at_the_root_gets_neither_the_question_nor_the_token():
    """The commands ask where every gateway has its own paths, whatever is mounted at `/`."""
    heard: list[Exchange] = []

    def taken(exchange: Exchange) -> Answer:
        heard.append(exchange)
        return Answer(200, b"", ())

    async with FaultServer(taken) as origin:
        text = (
            f'[server]\nlisten = "127.0.0.1:0"\nadmin_token = "{TOKEN}"\n[log]\nlevel = "error"\n'
            f'[upstreams.up]\nurl = "{origin.url}"\nallow_private = true\ncache = true\nmount = "/"\n'
        )
        async with App(parse(text, {}).tree) as running:
            assert (await typed(running, "list")).stdout.startswith("0 answers")
            assert (await typed(running, "purge", "--all")).stdout == "purged: 0 answers here\n"
            assert (await ask(running, "GET", "/api/v1/cache"))["answers"] == 0
        assert heard == []


async def test_a_server_that_says_nothing_is_no_gateway():
    """A word, no traceback."""
    async with FaultServer(lambda _: Answer(200, b"", ())) as origin:
        with pytest.raises(RemoteError, match="no Seawall"):
            await asyncio.to_thread(Remote(f"{origin.url}/-/", TOKEN).ask, "GET", "/api/v1/cache")
