"""Documented exchanges replayed against `seawall demo`, in a process of its own, as the page says."""

import http.client
import re
import subprocess
import sys
import time
from collections.abc import Iterator
from email.utils import formatdate
from pathlib import Path

import pytest

PAGE = Path(__file__).parents[2] / "docs" / "policies" / "cache-cases.md"
# What comes out otherwise on the whole way, and is right there; tests/policies/cache/test_cache_sockets.py says why.
OTHERWISE = (
    "9111-3.3-an-answer-cut-short-is-not-kept",
    "9111-3.1-Connection-is-not-kept",
    "9111-3.1-Transfer-Encoding-is-not-kept",
    "9111-4.4-FOO-ends-what-is-kept",
    "9111-4.4-TRACE-leaves-what-is-kept",
)
# Where time passes, or the demo's own names or the very second would have to stand in the text
NOT_HERE = re.compile(r"^\+ |wait |\.\.\.$|^[=?].*\{|gmt|Forwarded|://|Location: //|~first|2025|-25 ", re.MULTILINE)
LEAST = 150


def replayable() -> list[tuple[str, str]]:
    """Return id and text of each exchange of the page in which no seconds pass, under `cache = true`."""
    found = re.findall(r"\*\*[^\n]*\(`([^`]+)`\)\n\n```\n(.*?)```", PAGE.read_text(), re.DOTALL)
    return [(name, text) for name, text in found if not NOT_HERE.search(text) and name not in OTHERWISE]


@pytest.fixture
def ports() -> Iterator[tuple[int, int]]:
    """Start the demo; return the ports of gateway and sandbox."""
    command = [sys.executable, "-m", "seawall", "demo", "--port", "0"]
    process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
    try:
        assert process.stdout is not None
        found: list[str] = []
        for line in process.stdout:
            found += re.findall(r"^  (?:Seawall|in front of) +http://127\.0\.0\.1:(\d+)", line)
            if "Ctrl-C" in line:
                break
        yield int(found[0]), int(found[1])
    finally:
        process.kill()
        process.communicate()


def ask(
    port: int, method: str, path: str, fields: list[str] | None = None, body: str | None = None
) -> tuple[int, dict[str, str], bytes]:
    """Send a request on a connection of its own."""
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=10)
    try:
        connection.putrequest(method, path, skip_accept_encoding=True)
        for field in fields or ():
            name, _, value = field.partition(":")
            connection.putheader(name, value.strip(" "))
        data = None if body is None else body.encode()
        if data is not None or method not in ("GET", "HEAD"):
            connection.putheader("Content-Length", str(len(data or b"")))
        connection.endheaders(data)
        reply = connection.getresponse()
        content = reply.read()
        headers: dict[str, str] = {}
        for name, value in reply.getheaders():
            headers[name.lower()] = f"{headers[name.lower()]}, {value}" if name.lower() in headers else value
        return reply.status, headers, content
    finally:
        connection.close()


def replay(gateway: int, sandbox: int, text: str) -> list[str]:
    """Do what the page says; return what came out otherwise."""
    began = int(time.time())
    answers = [line[2:] for line in text.splitlines() if line.startswith("< ")]
    assert ask(sandbox, "PUT", "/told", body="\n".join(answers))[0] == 200
    purge = ["Content-Type: application/json"]
    assert ask(gateway, "POST", "/api/v1/cache/purge", purge, '{"upstream": "cached"}')[0] == 200
    faults: list[str] = []
    got: tuple[int, dict[str, str], bytes] = (0, {}, b"")
    for line in text.splitlines():
        if line.startswith("> "):
            moments = re.sub(r"\{(-?\d+)\}", lambda found: formatdate(began + int(found[1]), usegmt=True), line)
            request, *fields = moments[2:].split(" | ")
            method, path = request.split(" ")
            got = ask(gateway, method, f"/cached{path}", fields)
        elif line.startswith("= "):
            wanted, *parts = line[2:].removeprefix("error ").split(" | ")
            if got[0] != int(wanted):
                faults.append(f"{line}: {got}")
            faults += [f"{line}: {part}: {got}" for part in parts if not _fits(got, part)]
    return faults


def _fits(got: tuple[int, dict[str, str], bytes], part: str) -> bool:
    if part.startswith('"'):
        return got[2] == part.strip('"').encode()
    name, _, value = part.removeprefix("-").partition(":")
    found = got[1].get(name.lower())
    if part.startswith("-"):
        return found is None
    told = value.strip(" ")
    return told[1:] in (found or "") if told.startswith("~") else found == told


def test_documented_exchanges_come_out_as_the_page_says(ports: tuple[int, int]) -> None:
    """Every one that a reader can replay at once, one after the other, through the real demo."""
    cases = replayable()
    assert len(cases) >= LEAST
    faults = {name: found for name, text in cases if (found := replay(*ports, text))}
    assert not faults, "\n".join(f"{name}: {found}" for name, found in faults.items())
