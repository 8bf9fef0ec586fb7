"""Every documented exchange over real sockets, through the whole gateway, and those that only sockets can show."""

import asyncio
import json
import os
from collections import defaultdict
from pathlib import Path

import cases_wire
import pytest
from cache_cases import CASES
from cache_exchange import Case
from cache_sockets import play, rig

# What comes out otherwise on the whole way, and is right there.
OTHERWISE = {
    "9111-3.3-an-answer-cut-short-is-not-kept": "a short body is collected first, so that the client gets a 502",
    "9111-3.1-Connection-is-not-kept": "the gateway's own Connection is there",
    "9111-3.1-Transfer-Encoding-is-not-kept": "the origin here frames by Content-Length",
    "semantics-7.1-another-Host-the-upstream-is-told-of-is-given-nothing-of-the-first": "only Hosts of the settings",
    "semantics-7.7-a-name-the-client-asked-for-is-of-the-same-origin": "only Hosts of the settings; see cases_wire",
    "9111-4.4-FOO-ends-what-is-kept": "the server answers 501 to what its parser does not know; see cases_wire",
    "9111-4.4-TRACE-leaves-what-is-kept": "TRACE is not served (security.md 2)",
    "semantics-7.6-after-patience-the-copy-is-given-and-the-call-goes-on-behind": "time does not pass by itself here",
    "5861-3-one-refresh-at-a-time": "as above",
}
# One failure is one failure here, and a case's errors are no reason to leave the origin alone in the next one.
PLAIN = "retry = false\nbreaker = false"


def groups() -> dict[str, list[Case]]:
    """Return the cases by their settings, for a gateway each."""
    found: dict[str, list[Case]] = defaultdict(list)
    for case in CASES:
        if case.id not in OTHERWISE:
            found[json.dumps(case.settings, sort_keys=True)].append(case)
    return found


async def _faults(cases: list[Case], log: Path, settings: dict[str, object], more: str) -> list[str]:
    found: list[str] = []
    fd = os.open(log, os.O_WRONLY | os.O_CREAT)
    try:
        async with rig(fd, settings, more) as running:
            for case in cases:
                found += [f"{case.id}: {fault}" for fault in await play(running, case.text)]
    finally:
        os.close(fd)
    return found


@pytest.mark.parametrize("settings", groups(), ids=lambda text: text)
async def test_the_exchanges_of_the_page(settings: str, tmp_path: Path):
    """Play all exchanges of a group in one gateway, from an empty cache each."""
    assert await _faults(groups()[settings], tmp_path / "log", json.loads(settings), PLAIN) == []


async def test_exchanges_only_sockets_can_show(tmp_path: Path):
    """Play them as a user has it: nothing but `cache = true`, retries and breaker as they are by default."""
    assert await _faults(cases_wire.CASES, tmp_path / "log", {}, "") == []


async def test_an_origin_down_for_an_hour_is_no_error_to_readers_and_one_refresh_for_each_key(tmp_path: Path):
    """Told time, real sockets, retries and breaker as they are by default; a reader of each key every ten seconds."""
    fd = os.open(tmp_path / "log", os.O_WRONLY | os.O_CREAT)
    keys = ["GET /a", "GET /b", "GET /c"]
    async with rig(fd, {"stale_if_error": 86400}) as running:
        origin, told = running.origin, running.told
        origin.left = ["200 | Cache-Control: max-age=60"] * 3
        assert [(await running.ask(key)).body for key in keys] == [b"answer 1", b"answer 2", b"answer 3"]
        told.advance(61)
        origin.down = True
        for _ in range(360):
            heard = [await running.ask(key) for key in keys]
            assert [one.body for one in heard] == [b"answer 1", b"answer 2", b"answer 3"]
            told.advance(10)
        origin.left = ["200 | Cache-Control: max-age=6000"] * 3
        for _ in range(60):  # until the breaker lets its probe through, five minutes at most
            crowd = await asyncio.gather(*(running.ask(key) for key in keys * 20))
            assert {one.line.split(" ")[1] for one in crowd} == {"200"}
            told.advance(10)
        assert {one.body for one in crowd} == {b"answer 4", b"answer 5", b"answer 6"}
        assert (origin.left, origin.faults) == ([], [])
    os.close(fd)


def test_what_comes_out_otherwise_is_there():
    """Every exception names a case."""
    assert {case.id for case in CASES} >= set(OTHERWISE)
