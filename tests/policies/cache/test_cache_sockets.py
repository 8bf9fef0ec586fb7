"""Every documented exchange over real sockets, through the whole gateway, and those that only sockets can show."""

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


def test_what_comes_out_otherwise_is_there():
    """Every exception names a case."""
    assert {case.id for case in CASES} >= set(OTHERWISE)
