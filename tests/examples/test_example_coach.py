"""What examples/assistant makes of the gateway's refusals: whose fault each is, and what the user is told."""

import asyncio
import json
import sys
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
from pathlib import Path
from types import ModuleType

import httpx
import pytest
import uvicorn
from fastapi import FastAPI

from seawall.testing.exchange import Action, Answer, End, Exchange
from seawall.testing.faultserver import FaultServer

HERE = Path(__file__).parents[2] / "examples" / "assistant"
FINAL = ("x-should-retry", "false")


@contextmanager
def _coach() -> Iterator[ModuleType]:
    """Give the package with its modules, and forget them and their path afterwards."""
    before = set(sys.modules)
    sys.path.insert(0, str(HERE))
    try:
        import coach.model  # found by the path above only
        import coach.routes

        yield coach
    finally:
        sys.path.remove(str(HERE))
        for name in set(sys.modules) - before:
            if name.partition(".")[0] == "coach":
                del sys.modules[name]


@pytest.mark.parametrize(
    ("status", "code", "headers", "told"),
    [
        (429, "quota-exceeded", (("retry-after", "2"),), "too-fast"),
        (
            429,
            "spend-cap-reached",
            (("x-seawall-left-cap", "user day"), ("retry-after", "99"), FINAL),
            "allowance-used",
        ),
        (429, "spend-cap-reached", (("x-seawall-left-cap", "user day"), ("retry-after", "1")), "too-fast"),
        (429, "spend-cap-reached", (("x-seawall-left-cap", "caller day"), ("retry-after", "99"), FINAL), "coach-away"),
        (429, None, (), "coach-away"),
        (402, "spend-cap-reached", (("x-seawall-left-cap", "caller total"), FINAL), "coach-away"),
        (401, "unauthenticated", (), "coach-away"),
        (503, "breaker-open", (("retry-after", "12"),), "coach-away"),
    ],
)
async def test_a_refusal_is_the_user_s_only_where_it_is_the_user_s_limit(status, code, headers, told):
    """The backend's own cap, key and providers are none of the user's business; Retry-After is passed on."""
    body = json.dumps({"error": {"message": "no", "type": code, "code": code, "param": None}}).encode()
    coded = tuple((name.encode(), value.encode()) for name, value in (("content-type", "application/json"), *headers))
    with _coach() as coach:
        async with (
            FaultServer(lambda _: Answer(status, body, coded)) as gateway,
            coach.model.connected(gateway.url, "k") as model,
        ):
            with pytest.raises(coach.errors.CoachError) as caught:
                await model.ask(coach.schemas.User(id=1, handle="ada", goal=""), [], "hi")
    assert caught.value.type == told
    assert caught.value.retry_after == dict(headers).get("retry-after")
    assert gateway.exchanges[0].header(b"x-user") == b"ada"


def _word_and_no_more(exchange: Exchange) -> Iterator[Action]:
    chunk = {"id": "1", "object": "chat.completion.chunk", "created": 0, "model": "m"}
    text = f"data: {json.dumps({**chunk, 'choices': [{'index': 0, 'delta': {'content': 'Hello'}}]})}\n\n".encode()
    yield Answer(200, headers=((b"content-type", b"text/event-stream"),), chunked=True).head()
    yield b"%x\r\n%s\r\n" % (len(text), text)
    yield End.HANG


class _NoStore:
    """Knows one user, and remembers nothing."""

    def __init__(self, user: object) -> None:
        self._user = user

    async def user(self, token: str) -> object:
        return self._user

    async def messages(self, user: object, conversation: int, most: int) -> list[object]:
        return []


@asynccontextmanager
async def _served(app: FastAPI) -> AsyncIterator[str]:
    server = uvicorn.Server(uvicorn.Config(app, port=0, log_level="warning", timeout_graceful_shutdown=1))
    task = asyncio.create_task(server.serve())
    while not server.started:
        await asyncio.sleep(0)
    try:
        yield f"http://127.0.0.1:{server.servers[0].sockets[0].getsockname()[1]}"
    finally:
        server.should_exit = True
        await task


async def test_who_leaves_in_mid_answer_is_not_answered_to_the_end() -> None:
    """The backend leaves the gateway as soon as its client has left it, so that nobody pays for the rest."""
    with _coach() as coach:
        async with (
            FaultServer(_word_and_no_more) as gateway,
            coach.model.connected(gateway.url, "k") as model,
            httpx.AsyncClient(trust_env=False) as client,
        ):

            @asynccontextmanager
            async def lifespan(app: FastAPI) -> AsyncIterator[dict[str, object]]:
                yield {"store": _NoStore(coach.schemas.User(id=1, handle="ada", goal="")), "coach": model}

            app = FastAPI(lifespan=lifespan)
            app.include_router(coach.routes.router)
            async with _served(app) as url:
                path, token = f"{url}/conversations/1/messages", {"Authorization": "Bearer x"}
                async with client.stream("POST", path, json={"text": "hi"}, headers=token) as answer:
                    lines = answer.aiter_lines()
                    said = [await anext(lines), await anext(lines)]
                async with asyncio.timeout(10):
                    while not gateway.counts.left:
                        await asyncio.sleep(0)
    assert said == ["event: piece", 'data: {"text":"Hello"}']
    assert gateway.counts.left == 1
