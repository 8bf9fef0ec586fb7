"""Security 5, 8, 10, 11, 13 and 15 on the language-model routes: keys stay on their side, strangers out."""

import json
import os
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from hashlib import sha256
from pathlib import Path

import pytest

from http_raw import Answer as Seen
from http_raw import parse_answers, talk
from seawall.app import App
from seawall.config import parse
from seawall.testing.exchange import Answer
from seawall.testing.faultserver import FaultServer

KEY = "sw-of-the-kitchen-0123456789"
OTHER = "sw-of-the-lab-0123456789"
OWN = "sk-planted-upstream-secret"
PROMPT = "planted-prompt-of-the-user"
ANSWER = json.dumps(
    {
        "id": "c", "object": "chat.completion", "created": 1, "model": "m",
        "choices": [{"index": 0, "message": {"role": "assistant", "content": "hello"}, "finish_reason": "stop"}],
        "usage": {"prompt_tokens": 1, "completion_tokens": 1, "total_tokens": 2},
    }
).encode()  # fmt: skip
SETTINGS = """
[server]
listen = "127.0.0.1:0"
[log]
level = "debug"
[upstreams.openai]
api = "openai"
url = "http://127.0.0.1:{port}/v1"
allow_private = true
key = "{own}"
retry = {{ attempts = 1 }}
[models.fast]
targets = ["openai/m"]
[models.smart]
targets = ["openai/m2"]
[callers.kitchen]
key_hash = "sha256:{kitchen}"
models = ["fast"]
[callers.lab]
key_hash = "sha256:{lab}"
upstreams = []
"""


@asynccontextmanager
async def gateway(log: int = 1) -> AsyncIterator[tuple[App, FaultServer]]:
    """Run a gateway with one provider and two callers."""
    async with FaultServer(
        lambda _: Answer(200, ANSWER, headers=((b"content-type", b"application/json"),))
    ) as upstream:
        text = SETTINGS.format(
            port=upstream.port,
            own=OWN,
            kitchen=sha256(KEY.encode()).hexdigest(),
            lab=sha256(OTHER.encode()).hexdigest(),
        )
        async with App(parse(text, {}).tree, log_fd=log) as app:
            yield app, upstream


async def ask(
    app: App, *lines: str, target: str = "/v1/chat/completions", model: str = "fast", body: bytes | None = None
) -> Seen:
    """Send a chat and return its answer."""
    chat = {"model": model, "messages": [{"role": "user", "content": PROMPT}]}
    text = json.dumps(chat).encode() if body is None else body
    head = [f"POST {target} HTTP/1.1", "Host: localhost", "Connection: close", f"Content-Length: {len(text)}", *lines]
    raw = "\r\n".join((*head, "", "")).encode("latin-1") + text
    return parse_answers(await talk(int(app.addresses[0].rpartition(":")[2]), raw), (b"POST",))[0]


@pytest.mark.parametrize("line", [f"Authorization: Bearer {KEY}", f"x-api-key: {KEY}", f"X-Seawall-Key: {KEY}"])
async def test_a_callers_key_never_reaches_a_provider_and_the_providers_never_a_caller(line: str):
    """Whichever header it came in; what says who the client is stays here too."""
    async with gateway() as (app, upstream):
        more = ("Cookie: session=1", "X-Forwarded-For: 10.0.0.1", f"X-Mine: {KEY}", "OpenAI-Organization: org-1")
        answer = await ask(app, line, *more)
        assert answer.status == 200
        (seen,) = upstream.exchanges
        sent = dict(seen.headers)
        assert sent[b"authorization"] == f"Bearer {OWN}".encode()
        assert not [name for name, value in seen.headers if KEY.encode() in value]
        assert not {b"cookie", b"x-forwarded-for", b"x-mine", b"x-api-key", b"openai-organization"} & set(sent)
        assert OWN.encode() not in answer.body + b"".join(answer.headers.values())


async def test_a_wrong_key_is_refused_before_anything_is_read_of_the_request():
    """Unknown model, broken body, right model: the same 401, and the provider is not asked."""
    async with gateway() as (app, upstream):
        answers = [
            await ask(app, "Authorization: Bearer sw-nobody"),
            await ask(app, "Authorization: Bearer sw-nobody", model="none"),
            await ask(app, "Authorization: Bearer sw-nobody", body=b"{"),
            await ask(app),
            await ask(app, target="/v1/nowhere"),
        ]
        assert {answer.status for answer in answers} == {401}
        assert upstream.exchanges == []


async def test_a_caller_uses_its_models_only_however_it_names_them():
    """By alias, by upstream and model, on the plain mount, and in the list."""
    async with gateway() as (app, upstream):
        key = f"Authorization: Bearer {KEY}"
        assert (await ask(app, key, model="smart")).status == 403
        assert (await ask(app, key, model="openai/m2")).status == 403
        plain = await ask(app, f"X-Seawall-Key: {KEY}", target="/openai/chat/completions", model="m2")
        assert plain.status == 403
        assert (await ask(app, f"X-Seawall-Key: {OTHER}", target="/openai/chat/completions", model="m2")).status == 403
        assert upstream.exchanges == []
        assert (await ask(app, key)).status == 200


@pytest.mark.parametrize(
    "lines", [("Origin: https://evil.example",), ("Sec-Fetch-Site: cross-site",), ("Origin: null",)]
)
@pytest.mark.parametrize("target", ["/v1/chat/completions", "/anthropic/v1/messages", "/openai/chat/completions"])
async def test_pages_of_other_sites_spend_no_money(lines: tuple[str, ...], target: str):
    """Whether they have a key or not."""
    async with gateway() as (app, upstream):
        for key in ((), (f"Authorization: Bearer {KEY}",)):
            assert (await ask(app, *lines, *key, target=target)).status == 403
        assert upstream.exchanges == []


async def test_nested_and_large_bodies_are_refused_before_they_are_parsed():
    """Depth and size have bounds (security 8)."""
    async with gateway() as (app, upstream):
        deep = b'{"model":"fast","messages":' + b"[" * 5000 + b"]" * 5000 + b"}"
        answer = await ask(app, f"Authorization: Bearer {KEY}", body=deep)
        assert answer.status == 400
        assert upstream.exchanges == []


async def test_keys_and_prompts_stand_in_no_log_line_metric_or_page(tmp_path: Path):
    """Nor in an error (security 10)."""
    log = tmp_path / "log"
    fd = os.open(log, os.O_WRONLY | os.O_CREAT)
    key = f"Authorization: Bearer {KEY}"
    async with gateway(fd) as (app, _):
        shown = [await ask(app, key), await ask(app, key, model=KEY), await ask(app, key, body=PROMPT.encode())]
        for page in ("/metrics", "/diagnostics", "/api/v1/settings", "/api/v1/spend", "/health"):
            raw = f"GET {page} HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n".encode()
            shown += parse_answers(await talk(int(app.addresses[0].rpartition(":")[2]), raw), (b"GET",))
    os.close(fd)
    text = log.read_bytes() + b"".join(one.body for one in shown)
    for secret in (KEY, OWN, PROMPT):
        assert secret.encode() not in text, secret


async def test_names_of_models_that_clients_make_up_make_no_series():
    """Labels come from settings only (security 13)."""
    async with gateway() as (app, _):
        for number in range(50):
            await ask(app, f"Authorization: Bearer {KEY}", model=f"made-up-{number}")
        raw = b"GET /metrics HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n"
        metrics = parse_answers(await talk(int(app.addresses[0].rpartition(":")[2]), raw), (b"GET",))[0]
        assert b"made-up" not in metrics.body
