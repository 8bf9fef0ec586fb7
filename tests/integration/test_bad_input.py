"""What a person gets for a mistake: every fault at once, one plain line, never a traceback."""

import os
import re
import socket
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import orjson
import pytest
from gateways import Watched, gateway, settings
from httpx import AsyncClient

WRONG = """
[server]
listen = "127.0.0.1:0"
max_inflight = 0
header_timout = "10s"
[upstreams.weather]
url = "api.open-meteo.com"
timeout = "soon"
retry = { attempts = 0 }
[upstreams.lamps]
url = "http://192.168.1.20"
"""
OPEN = """
[server]
listen = "0.0.0.0:0"
[upstreams.a]
url = "https://a.example"
"""


def seawall(*arguments: str, folder: Path, env: dict[str, str] | None = None) -> "subprocess.CompletedProcess[str]":
    """Run a command to its end."""
    return subprocess.run(
        [sys.executable, "-m", "seawall", *arguments],
        cwd=folder, env={**os.environ, **(env or {})}, capture_output=True, text=True, timeout=30, check=False,
    )  # fmt: skip


@pytest.fixture
def taken() -> Iterator[int]:
    """A port somebody else listens on."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        yield listener.getsockname()[1]


@pytest.mark.parametrize("command", ["serve", "check"])
def test_wrong_settings_are_all_told_at_once(tmp_path: Path, command: str):
    """Exit code 2; each fault on a line with its path, rule, value and an example; nothing else is printed."""
    (tmp_path / "seawall.toml").write_text(WRONG)
    done = seawall(command, folder=tmp_path)
    assert (done.returncode, done.stdout) == (2, "")
    first, *lines = done.stderr.splitlines()
    assert first == f"seawall: {len(lines)} faults"
    assert [line.strip().partition(":")[0] for line in lines] == [
        "server.max_inflight", "server.header_timout", "upstreams.weather.timeout", "upstreams.weather.retry.attempts",
        "upstreams.weather.url", "upstreams.lamps.url",
    ]  # fmt: skip
    assert "must be at least 1, got 0 (for example" in lines[0]
    assert "did you mean header_timeout?" in lines[1]


def test_off_loopback_it_does_not_start_without_keys(tmp_path: Path):
    """Security 16: no callers, no admin token, no start."""
    (tmp_path / "seawall.toml").write_text(OPEN)
    done = seawall("serve", folder=tmp_path)
    assert (done.returncode, done.stdout) == (2, "")
    assert re.findall(r"^  (\S+):", done.stderr, re.MULTILINE) == ["server.admin_token", "callers"]
    assert "Traceback" not in done.stderr


def test_the_environment_does_not_open_it_either(tmp_path: Path):
    """SEAWALL_SERVER__LISTEN goes through the same check."""
    (tmp_path / "seawall.toml").write_text('[upstreams.a]\nurl = "https://a.example"\n')
    done = seawall("serve", folder=tmp_path, env={"SEAWALL_SERVER__LISTEN": "0.0.0.0:0"})
    assert done.returncode == 2
    assert "server.admin_token: is needed" in done.stderr


def test_a_port_in_use_is_one_line_that_says_what_to_do(tmp_path: Path, taken: int):
    """Exit code 1, the address, the setting and the variable; no traceback."""
    (tmp_path / "seawall.toml").write_text(settings("http://127.0.0.1:1", listen=f"127.0.0.1:{taken}"))
    done = seawall("serve", folder=tmp_path)
    assert done.returncode == 1
    (line,) = done.stderr.splitlines()
    assert "in use" in line
    assert "server.listen" in line
    assert "SEAWALL_SERVER__LISTEN" in line


def test_a_missing_file_is_one_clear_line(tmp_path: Path):
    """It names the file and the command that writes one."""
    done = seawall("serve", "--config", "nowhere.toml", folder=tmp_path)
    assert (done.returncode, done.stdout) == (2, "")
    assert "Traceback" not in done.stderr
    (line,) = done.stderr.splitlines()[1:]
    assert "nowhere.toml" in line
    assert "seawall init" in line


@pytest.mark.parametrize("text", ["[server", "\xff\xfe", 'server = "x"', "[upstreams.a]\nurl = [1, 2"])
def test_what_is_no_settings_file_is_told_without_a_traceback(tmp_path: Path, text: str):
    """Broken TOML, another encoding, a value where a table belongs."""
    (tmp_path / "seawall.toml").write_bytes(text.encode("latin-1"))
    done = seawall("serve", folder=tmp_path)
    assert done.returncode == 2
    assert "Traceback" not in done.stderr
    assert done.stderr.splitlines()[0].startswith("seawall: 1 fault")


def test_a_certificate_that_is_not_there_is_a_fault_of_the_settings(tmp_path: Path):
    """Told like the others, before anything listens."""
    tls = 'tls = { certificate = "no.pem", key = "no.pem" }'
    (tmp_path / "seawall.toml").write_text(settings("https://a.example", server=tls))
    done = seawall("serve", folder=tmp_path)
    assert done.returncode == 2
    assert "server.tls" in done.stderr
    assert "Traceback" not in done.stderr


def test_an_authority_that_is_not_there_is_a_fault_of_the_settings(tmp_path: Path):
    """A `ca` that cannot be read would fail every call; it is told at the start."""
    (tmp_path / "seawall.toml").write_text(settings("https://a.example", 'ca = "no.pem"'))
    done = seawall("serve", folder=tmp_path)
    assert done.returncode == 2
    assert "upstreams.up.ca" in done.stderr


async def test_an_unknown_upstream_is_a_problem_that_names_the_known_ones(tmp_path: Path):
    """404 with the usual shape, an id, and nothing of the query."""
    async with (
        Watched() as upstream,
        gateway(settings(upstream.url), tmp_path / "log") as here,
        AsyncClient(trust_env=False) as client,
    ):
        answer = await client.get(f"http://127.0.0.1:{here.port}/weathr/v1?key=secret")
        assert upstream.counts.requests == 0
    assert (answer.status_code, answer.headers["content-type"]) == (404, "application/problem+json")
    document = orjson.loads(answer.content)
    assert document["type"] == "urn:seawall:not-found"
    assert document["error"]["message"].endswith("Upstreams: up.")
    assert document["request_id"] == answer.headers["x-request-id"]
    assert "secret" not in answer.text
