"""Callers made through the API with caps: over a restart, on a second gateway, and with no key on disk."""

import asyncio
from collections.abc import Iterator
from hashlib import sha256
from pathlib import Path

import orjson
import pytest
from gateways import Watched, gateway, settings
from several import call

from postgres_server import PostgresServer, postgres_server
from seawall.config import parse
from seawall.testing.exchange import Answer

LAB = {
    "name": "lab", "rate": "600/min", "concurrency": 2, "spend": {"day": "0.5 USD", "month": "9 USD"},
    "per_user": {"header": "X-User", "spend": {"day": "0.2 USD"}},
}  # fmt: skip
JSON = "Content-Type: application/json"


@pytest.fixture(scope="module")
def database() -> Iterator[PostgresServer]:
    """Give a PostgreSQL."""
    with postgres_server() as server:
        yield server


def priced(url: str, ledger: str, spool: Path) -> str:
    """Return settings with a ledger."""
    return settings(url, f'price = "0.1 USD"\n[ledger]\nurl = "{ledger}"\nspool = "{spool}"')


async def api(port: int, method: str, path: str = "", body: object = None):
    """Ask `/api/v1/callers`."""
    got = await call(port, f"/api/v1/callers{path}", method, JSON, body=b"" if body is None else orjson.dumps(body))
    assert got.status < 300, got.body
    return orjson.loads(got.body) if got.body else None


async def spend(port: int, key: str, user: str, count: int = 1) -> list[int]:
    """Return the statuses of calls one after another."""
    return [(await call(port, "/up/x", "GET", f"X-Seawall-Key: {key}", f"X-User: {user}")).status for _ in range(count)]


async def test_a_made_caller_survives_a_restart_with_key_limits_and_caps(tmp_path: Path):
    """What it and its users have spent stays spent; the key is in no file; revoked, it is nobody's at once."""
    async with Watched(lambda _: Answer(body=b"x")) as up:
        text = priced(up.url, f"sqlite://{tmp_path}/ledger.db", tmp_path / "spool")
        async with gateway(text, tmp_path / "log") as here:
            key = (await api(here.port, "POST", "", LAB))["key"]
            got = await call(here.port, "/up/x", "GET", f"X-Seawall-Key: {key}", "X-User: ann")
            assert (got.headers["x-seawall-left"], got.headers["x-seawall-left-cap"]) == ("0.1", "user day")
            assert await spend(here.port, key, "ann", 2) == [200, 429]
            shown = await api(here.port, "GET")
            assert here.app._engine.spending.book.share_used("lab", "ann", "") == 1.0  # what `cheaper` asks
            for file in tmp_path.iterdir():
                assert key.encode() not in file.read_bytes(), file
        async with gateway(text, tmp_path / "log") as here:
            assert await api(here.port, "GET") == shown
            assert await spend(here.port, key, "ann") == [429]
            assert await spend(here.port, key, "bob", 3) == [200, 200, 429]
            assert await spend(here.port, key, "cyd", 2) == [200, 429]
            await api(here.port, "PUT", "/lab", {"spend": {"day": "0.6 USD"}})
            assert await spend(here.port, key, "cyd", 2) == [200, 429]
            await api(here.port, "DELETE", "/lab")
            assert await spend(here.port, key, "cyd") == [401]
            again = (await api(here.port, "POST", "", {**LAB, "per_user": None}))["key"]
            assert await spend(here.port, again, "cyd") == [429]
            for file in tmp_path.iterdir():
                assert again.encode() not in file.read_bytes(), file


async def test_the_cap_of_a_user_is_told_by_its_name_and_calls_that_name_none_are_one_user(tmp_path: Path):
    """Leaving the name off gains nothing; the message says whose cap it was, and a long name is cut."""
    async with Watched(lambda _: Answer(body=b"x")) as up:
        text = priced(up.url, f"sqlite://{tmp_path}/ledger.db", tmp_path / "spool")
        async with gateway(text, tmp_path / "log") as here:
            key = (await api(here.port, "POST", "", {**LAB, "spend": {}, "concurrency": 9}))["key"]
            told = {}
            for name, lines in {"ann": ["X-User: ann"], "none": [], "long": [f"X-User: {'é' * 64}x"]}.items():
                sent = (f"X-Seawall-Key: {key}", *lines)
                got = [await call(here.port, "/up/x", "GET", *sent) for _ in range(3)]
                assert [one.status for one in got] == [200, 200, 429]
                told[name] = orjson.loads(got[2].body)["detail"].partition(" (")[0]
    assert told["ann"] == "The day cap of end user ann of lab"
    assert told["none"] == "The day cap of calls of lab that name no end user"
    assert told["long"].endswith("… of lab")


async def test_caps_by_user_that_come_later_know_what_the_user_spent(tmp_path: Path):
    """Given through the API to a caller that had none."""
    async with Watched(lambda _: Answer(body=b"x")) as up:
        text = priced(up.url, f"sqlite://{tmp_path}/ledger.db", tmp_path / "spool")
        async with gateway(text, tmp_path / "log") as here:
            users = {"header": "X-User"}
            key = (await api(here.port, "POST", "", {"name": "lab", "per_user": users}))["key"]
            assert await spend(here.port, key, "ann", 2) == [200, 200]
            await api(here.port, "PUT", "/lab", {"per_user": {**users, "spend": {"day": "0.2 USD"}}})
            assert await spend(here.port, key, "ann") == [429]
            assert await spend(here.port, key, "bob") == [200]


async def test_caps_by_user_that_a_reload_adds_know_what_the_user_spent(tmp_path: Path):
    """For a caller of the settings; one of the API keeps its caps over the reload."""
    key = f'[callers.kitchen]\nkey_hash = "sha256:{sha256(b"sw-k").hexdigest()}"\nper_user = {{ header = "X-User"'
    async with Watched(lambda _: Answer(body=b"x")) as up:
        text = priced(up.url, f"sqlite://{tmp_path}/ledger.db", tmp_path / "spool")
        async with gateway(f"{text}\n{key} }}", tmp_path / "log") as here:
            lab = (await api(here.port, "POST", "", LAB))["key"]
            assert await spend(here.port, "sw-k", "ann", 2) == [200, 200]
            here.app.reload(parse(f'{text}\n{key}, spend = {{ day = "0.2 USD" }} }}', {}).tree)
            assert await spend(here.port, "sw-k", "ann") == [429]
            assert await spend(here.port, "sw-k", "bob") == [200]
            assert await spend(here.port, lab, "ann", 3) == [200, 200, 429]


async def test_a_second_gateway_on_the_same_postgresql_follows(
    tmp_path: Path, database: PostgresServer, monkeypatch: pytest.MonkeyPatch
):
    """A caller made at one is in force at the other, with its caps."""
    monkeypatch.setattr("seawall.callers.directory._EVERY", 0.05)
    async with Watched(lambda _: Answer(body=b"x")) as up:
        url = await database.database("caps")
        one, two = (priced(up.url, url, tmp_path / f"spool{number}") for number in (1, 2))
        async with gateway(one, tmp_path / "log1") as here, gateway(two, tmp_path / "log2") as there:
            key = (await api(here.port, "POST", "", LAB))["key"]
            async with asyncio.timeout(60):
                while await spend(there.port, key, "ann") == [401]:
                    pass
            assert await spend(there.port, key, "ann", 2) == [200, 429]
            await api(here.port, "DELETE", "/lab")
            async with asyncio.timeout(60):
                while await spend(there.port, key, "ann") != [401]:
                    pass
