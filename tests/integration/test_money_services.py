"""Service tiers and the provider's own tools: bounded before the call, and in the ledger as the provider bills them."""

import sqlite3
from collections.abc import Iterator
from decimal import Decimal
from pathlib import Path
from typing import Any

import orjson
import pytest
from model_gateway import hashed, served, upstreams
from several import Got, call

from providing import ProviderProcess, script

FREELY, CAPPED = "key-of-free", "key-of-capped"
SETTINGS = f"""
[callers.free]
key_hash = "{hashed(FREELY)}"
[callers.capped]
key_hash = "{hashed(CAPPED)}"
spend = {{{{ day = "100 USD" }}}}
[ledger]
url = "sqlite://{{path}}"
"""
WEB = {"type": "web_search_20250305", "name": "web_search"}


class Rig:
    """A gateway process and the provider behind it.

    Attributes:
        provider: with its bill.
    """

    def __init__(self, provider: ProviderProcess, folder: Path) -> None:
        self.provider = provider
        self.path = folder / "ledger.db"
        self._gateway = served(upstreams(provider.address) + SETTINGS.format(path=self.path), folder)

    async def ask(self, asked: list[tuple[str, dict[str, Any], str]]) -> list[Got]:
        """Make calls (path, body, key) one after another, and end the gateway, so that its ledger is whole."""
        got = []
        with self._gateway as port:
            for path, body, key in asked:
                lines = ("Content-Type: application/json", f"X-Seawall-Key: {key}")
                got.append(await call(port, path, "POST", *lines, body=orjson.dumps(body)))
        return got

    def rows(self) -> list[tuple[Decimal, bool]]:
        """Return US dollars and whether it is an estimate, of every row."""
        query = "SELECT cost_micro, cost_rest, estimated FROM seawall_ledger ORDER BY id"
        with sqlite3.connect(self.path) as connection:
            found = connection.execute(query).fetchall()
        return [(Decimal(micro * 10**12 + rest).scaleb(-18), bool(guess)) for micro, rest, guess in found]

    def billed(self) -> list[Decimal]:
        """Return US dollars of every row of the provider's bill."""
        return [Decimal(row["cost"]) for row in self.provider.bill()["rows"]]


@pytest.fixture
def rig(tmp_path: Path) -> Iterator[Rig]:
    """Give a gateway that is not started yet."""
    with ProviderProcess() as provider:
        yield Rig(provider, tmp_path)


def chat(tier: str | None = None, model: str = "openai/gpt-5-mini", **more: Any) -> dict[str, Any]:
    """Return a chat in a service tier."""
    made = {"model": model, "messages": [{"role": "user", "content": script(output=40, input=30)}], **more}
    return made if tier is None else {**made, "service_tier": tier}


async def test_every_tier_is_billed_at_its_own_price(rig: Rig):
    """Whole and streamed, chat and responses, under a cap: each row is exact and equals the bill, all prices differ."""
    told = {"model": "openai/gpt-5-mini", "input": script(output=40, input=30), "service_tier": "flex"}
    asked = [("/v1/chat/completions", chat(tier), CAPPED) for tier in (None, "flex", "priority")]
    asked += [("/v1/chat/completions", chat(tier, stream=True), CAPPED) for tier in (None, "flex", "priority")]
    asked += [("/v1/responses", told | {"stream": stream}, CAPPED) for stream in (False, True)]
    got = await rig.ask(asked)
    assert {one.status for one in got} == {200}
    assert rig.rows() == [(cost, False) for cost in rig.billed()]
    assert len(set(rig.billed())) == 3


async def test_what_has_no_price_is_refused_under_a_cap(rig: Rig):
    """By its name, and nothing is sent; who has none is charged by the tier that was given, as the answer tells it."""
    asked = [("/v1/chat/completions", chat("scale"), key) for key in (CAPPED, FREELY)]
    asked.append(("/v1/chat/completions", chat(web_search_options={}), CAPPED))
    refused, passed, searching = await rig.ask(asked)
    assert (refused.status, passed.status, searching.status) == (403, 200, 403)
    assert b"Nobody knows what scale costs with gpt-5-mini of openai" in refused.body
    assert b"Nobody knows what web_search_options costs" in searching.body
    assert rig.rows() == [(cost, False) for cost in rig.billed()]


async def test_searches_that_a_request_bounds_pass_a_cap_and_are_billed(rig: Rig):
    """Without max_uses or max_tool_calls they have no bound, and are refused; with it they are in the exact row."""
    said = {"max_tokens": 50, "messages": [{"role": "user", "content": script(output=9, searches=2)}]}
    message = {"model": "claude/claude-haiku-4-5", **said}
    response = {
        "model": "openai/gpt-5-mini", "input": script(output=9, searches=1, file_searches=2),
        "tools": [{"type": "web_search"}, {"type": "file_search", "vector_store_ids": ["v"]}],
    }  # fmt: skip
    asked = [
        ("/anthropic/v1/messages", {**message, "tools": [WEB]}, CAPPED),
        ("/v1/responses", response, CAPPED),
        ("/anthropic/v1/messages", {**message, "tools": [{**WEB, "max_uses": 2}]}, CAPPED),
        ("/anthropic/v1/messages", {**message, "tools": [{**WEB, "max_uses": 2}], "stream": True}, CAPPED),
        ("/v1/responses", {**response, "max_tool_calls": 3}, CAPPED),
        ("/v1/responses", {**response, "max_tool_calls": 3, "stream": True}, CAPPED),
    ]
    got = await rig.ask(asked)
    assert [one.status for one in got] == [403, 403, 200, 200, 200, 200]
    assert b"max_uses or max_tool_calls" in got[0].body
    assert rig.rows() == [(cost, False) for cost in rig.billed()]
    assert min(rig.billed()) > Decimal("0.015")


async def test_what_a_search_may_cost_is_held_before_it(rig: Rig):
    """A hundred searches and a window full of what each finds: more than the cap of 100 USD, so nothing is sent."""
    asked = {
        "model": "claude/claude-haiku-4-5", "max_tokens": 9, "messages": [{"role": "user", "content": "x"}],
        "tools": [{**WEB, "max_uses": 100}],
    }  # fmt: skip
    (got,) = await rig.ask([("/anthropic/v1/messages", asked, CAPPED)])
    assert got.status == 429
    assert rig.provider.bill()["requests"] == 0
