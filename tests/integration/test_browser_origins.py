"""Pages of listed origins at a gateway whose callers have keys: preflights without a key, answers that may be read."""

from collections.abc import AsyncIterator
from pathlib import Path

import orjson
import pytest
from gateways import Gateway, Watched, gateway, settings
from model_gateway import hashed
from several import Got, call

from seawall.testing.exchange import Answer, Exchange

HOME, OTHER = "https://home.example", "https://other.example"
KEYED = f"""
[callers.kitchen]
key_hash = "{hashed("key-of-kitchen")}"
"""
ASKS = ("Access-Control-Request-Method: POST", "Access-Control-Request-Headers: authorization, content-type, b@d")
ALLOWED = "access-control-allow-origin"


class Api(Watched):
    """An API that knows nothing of browsers, but for one path.

    Attributes:
        methods: it was called with.
    """

    def __init__(self) -> None:
        super().__init__(self.respond)
        self.methods: list[bytes] = []

    def respond(self, exchange: Exchange) -> Answer:
        """Answer one call."""
        self.methods.append(exchange.method)
        own = ((b"access-control-allow-origin", b"https://its.own"),) if b"own" in exchange.target else ()
        return Answer(body=b"x", headers=own)


@pytest.fixture
async def up() -> AsyncIterator[Api]:
    """Run the upstream."""
    async with Api() as running:
        yield running


def listed(up: Api, more: str = "") -> str:
    """Return settings that list one origin."""
    return settings(up.url, f'api = "openai"\nstream_usage = true\n{more}', server=f'origins = ["{HOME}"]')


async def preflight(here: Gateway, target: str, origin: str, *lines: str) -> Got:
    """Ask as a browser does before a page's call."""
    return await call(here.port, target, "OPTIONS", f"Origin: {origin}", *(lines or ASKS))


@pytest.mark.parametrize("target", ["/v1/chat/completions", "/up/x"])
async def test_a_preflight_of_a_listed_origin_needs_no_key(up: Api, tmp_path: Path, target: str):
    """The gateway answers it; nothing reaches the upstream; what is no token is not echoed; the log tells of it."""
    async with gateway(listed(up, KEYED), tmp_path / "log") as here:
        got = await preflight(here, target, HOME)
        assert (got.status, got.body, got.headers[ALLOWED]) == (204, b"", HOME)
        assert got.headers["access-control-allow-methods"] == "post"
        assert got.headers["access-control-allow-headers"] == "authorization, content-type"
        assert got.headers["vary"] == "origin"
        assert "access-control-allow-credentials" not in got.headers
        assert up.methods == []
    lines = [orjson.loads(line) for line in (tmp_path / "log").read_bytes().splitlines()]
    assert [(one["method"], one["status"]) for one in lines if one["event"] == "call"] == [("OPTIONS", 204)]


async def test_everybody_else_is_refused_as_before(up: Api, tmp_path: Path):
    """Another origin, two of them, an OPTIONS that is no preflight, and the operations pages."""
    async with gateway(listed(up, KEYED), tmp_path / "log") as here:
        assert (await preflight(here, "/v1/chat/completions", OTHER)).status == 403
        assert (await preflight(here, "/up/x", HOME, "X-Other: 1")).status == 401
        assert (await preflight(here, "/up/x", HOME, "Origin: https://home.example", *ASKS)).status == 403
        pages = await preflight(here, "/api/v1/callers", HOME)
        assert pages.status != 204
        assert ALLOWED not in pages.headers


async def test_an_answer_says_that_the_page_may_read_it(up: Api, tmp_path: Path):
    """Errors too; an upstream that names an origin of its own is not spoken over; other clients see nothing of it."""
    async with gateway(listed(up, KEYED), tmp_path / "log") as here:
        key = "X-Seawall-Key: key-of-kitchen"
        good = await call(here.port, "/up/x", "GET", f"Origin: {HOME}", key)
        assert (good.status, good.headers[ALLOWED], good.headers["access-control-expose-headers"]) == (200, HOME, "*")
        refused = await call(here.port, "/v1/chat/completions", "POST", f"Origin: {HOME}")
        assert (refused.status, refused.headers[ALLOWED]) == (401, HOME)
        own = await call(here.port, "/up/own", "GET", f"Origin: {HOME}", key)
        assert own.headers[ALLOWED] == "https://its.own"
        assert ALLOWED not in (await call(here.port, "/up/x", "GET", key)).headers


async def test_without_callers_an_upstream_answers_its_own_preflights(up: Api, tmp_path: Path):
    """It may know of origins what the gateway does not; the model routes have no upstream yet."""
    async with gateway(listed(up), tmp_path / "log") as here:
        assert (await preflight(here, "/up/own", HOME)).headers[ALLOWED] == "https://its.own"
        assert (await preflight(here, "/v1/chat/completions", HOME)).status == 204
        assert up.methods == [b"OPTIONS"]
