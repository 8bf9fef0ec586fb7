"""examples/home runs with one command and shows what it says; its consumer comes back; its unit is hardened."""

import asyncio
import importlib.util
import itertools
import sys
from pathlib import Path
from types import ModuleType

import pytest

from seawall.config import load, serve_faults
from seawall.testing.exchange import Answer, Exchange
from seawall.testing.faultserver import FaultServer

ROOT = Path(__file__).parents[2]
HOME = ROOT / "examples" / "home"
SAID = (
    "schedule forecast: ok",
    "GET /weather/v1/forecast: 200, seawall; hit",
    "GET /lamps/state: 200, from the device",
    "GET /heating/state: 200, seawall; fwd=uri-miss",
    "schedule forecast: failed the answer was 502, upstream-unreachable",
    "GET /weather/v1/forecast: 200, seawall; hit; ttl=-",
    'GET /lamps/state: 200, fixed: {"on":false,"stale":true}',
    "GET /lamps/state: 200, from the device",
    "schedule forecast: ok",
)


async def test_it_runs_with_one_command() -> None:
    """Weather polled and read from memory, gone and back; lamps unplugged and back; the consumer prints an event."""
    child = await asyncio.create_subprocess_exec(
        sys.executable, str(HOME / "run.py"), "--seconds", "0.5",
        stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.PIPE,
    )  # fmt: skip
    try:
        out, err = await asyncio.wait_for(child.communicate(), 50)
    finally:
        if child.returncode is None:
            child.kill()
            await child.wait()
    assert (child.returncode, err.decode()) == (0, "")
    text = out.decode()
    place = 0
    for line in SAID:
        place = text.find(line, place)
        assert place >= 0, f"{line} is not said, or too early, in:\n{text}"
        place += len(line)
    assert "home.weather {" in text


def test_its_settings_are_served_as_they_stand() -> None:
    """Without a variable set: nothing in them waits for a later version."""
    tree = load(HOME / "seawall.toml", {})
    assert serve_faults(tree) == []
    assert set(tree.schedules) == {"forecast", "heating"}


def test_its_unit_is_as_hardened_as_the_starter_s() -> None:
    """The same section to the letter; only the bounds on resources differ."""
    starter = ROOT / "src" / "seawall" / "cli" / "starter" / "seawall.service"
    own, given = ((HOME / "seawall.service").read_text(), starter.read_text())
    assert own.partition("# Hardening")[2] == given.partition("# Hardening")[2] != ""
    assert "MemoryMax=128M\n" in own
    assert "CPUQuota=50%\n" in own


@pytest.fixture
def listen(monkeypatch: pytest.MonkeyPatch) -> ModuleType:
    """Return listen.py as a module that does not wait before it comes back."""
    spec = importlib.util.spec_from_file_location("home_listen", HOME / "listen.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    monkeypatch.setattr(module, "AGAIN", 0.0)
    return module


async def test_its_consumer_comes_back_with_the_last_id(listen: ModuleType, monkeypatch: pytest.MonkeyPatch) -> None:
    """After an end and after a 503; comments are passed over, the token is sent."""
    monkeypatch.setenv("SEAWALL_ADMIN_TOKEN", "token-1234567890")
    kind = ((b"content-type", b"text/event-stream"),)
    answers = iter(
        (
            Answer(200, b': seawall\nretry: 3000\n\n:\n\nid: 1-1\ndata: {"n":1}\n\nid: 1-2\ndata: {"n":2}\n\n', kind),
            Answer(503, b"{}"),
            Answer(200, b'id: 1-3\ndata: {"n":3}\n\n', kind),
        )
    )
    asked: list[Exchange] = []

    def answer(exchange: Exchange) -> Answer:
        asked.append(exchange)
        return next(answers)

    async with FaultServer(answer) as server:
        heard = listen.events(server.url, ["home.weather"])
        found = await asyncio.to_thread(lambda: list(itertools.islice(heard, 3)))
        await asyncio.to_thread(heard.close)
    assert found == [("1-1", {"n": 1}), ("1-2", {"n": 2}), ("1-3", {"n": 3})]
    assert [one.header(b"last-event-id") for one in asked] == [None, b"1-2", b"1-2"]
    assert {one.header(b"authorization") for one in asked} == {b"Bearer token-1234567890"}
    assert asked[0].target == b"/api/v1/events?channel=home.weather"


async def test_its_consumer_ends_where_coming_back_changes_nothing(listen: ModuleType) -> None:
    """401 without a token is told and ends it."""
    async with FaultServer(lambda exchange: Answer(401, b"the admin token is needed")) as server:
        heard = listen.events(server.url, [])
        with pytest.raises(SystemExit, match="401 the admin token is needed"):
            await asyncio.to_thread(next, heard)
