"""Hundreds of slow clients (Debian's slowhttptest) do not keep an ordinary one from its answer; security.md 7."""

import http.client
import os
import re
import shutil
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

pytestmark = [
    pytest.mark.verify,
    pytest.mark.skipif(
        shutil.which("slowhttptest") is None, reason="needs slowhttptest (apt-get install slowhttptest)"
    ),
]

CONNECTIONS = 900
SECONDS = 12
ANSWER_WITHIN = 1.0  # seconds a socket of the ordinary client waits; longer raises

COLOUR = re.compile(r"\x1b\[[0-9;]*[A-Za-z]")

READ = ["-X", "-w", "8", "-y", "32", "-n", "1", "-z", "16", "-k", "3"]
# How the slow ones are slow, what they ask for, what the ordinary one asks for. A slow reader of a large answer holds a
# slot of that upstream's concurrency limit, as it must (semantics 4.2): what may not suffer is everything else.
MODES = {
    "slow headers": (["-H", "-i", "1"], "/files/headers", "/files/hello.txt"),
    "slow body": (["-B", "-i", "1", "-s", "8192"], "/files/headers", "/files/hello.txt"),
    "slow read": (READ, "/files/hello.txt", "/files/hello.txt"),
    "slow read of a large answer": (READ, "/files/large.bin", "/others/hello.txt"),
}


@pytest.fixture
def gateway(nginx, tmp_path: Path) -> Iterator[int]:
    """The port of a gateway in a process of its own, with the limits it has by default."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    settings = tmp_path / "seawall.toml"
    settings.write_text(
        f'[server]\nlisten = "127.0.0.1:{port}"\n'
        f'[upstreams.files]\nurl = "{nginx.url}"\nallow_private = true\n'
        f'[upstreams.others]\nurl = "{nginx.url}"\nallow_private = true\n'
    )
    argv = [sys.executable, "-m", "seawall", "serve", "--config", str(settings)]
    with (tmp_path / "log").open("wb") as log:
        process = subprocess.Popen(argv, cwd=tmp_path, stdout=log, stderr=subprocess.STDOUT)
    try:
        while process.poll() is None:
            with socket.socket() as probe:
                if probe.connect_ex(("127.0.0.1", port)) == 0:
                    break
        yield port
    finally:
        process.send_signal(signal.SIGTERM)
        assert process.wait(30) == 0, (tmp_path / "log").read_text()[-3000:]


def ask(port: int, path: str) -> int:
    """Make one ordinary call on a connection of its own; raises when no answer comes in time."""
    client = http.client.HTTPConnection("127.0.0.1", port, timeout=ANSWER_WITHIN)
    try:
        client.request("GET", path)
        answer = client.getresponse()
        answer.read()
        return answer.status
    finally:
        client.close()


@pytest.mark.parametrize("mode", MODES)
def test_an_ordinary_client_is_answered_within_a_second_among_slow_ones(gateway: int, tmp_path: Path, mode: str):
    """Many slow clients hold connections for seconds; every ordinary call made meanwhile is answered."""
    options, attacked, asked = MODES[mode]
    limits = ["-c", str(CONNECTIONS), "-r", "150", "-l", str(SECONDS), "-p", "1"]
    argv = ["slowhttptest", *options, *limits, "-u", f"http://127.0.0.1:{gateway}{attacked}"]
    with (tmp_path / "attack").open("wb") as out:
        attack = subprocess.Popen(argv, stdout=out, stderr=subprocess.STDOUT, env={**os.environ, "TERM": "dumb"})
    statuses = []
    try:
        while attack.poll() is None:
            statuses.append(ask(gateway, asked))
            try:
                attack.wait(0.1)
            except subprocess.TimeoutExpired:
                continue
    finally:
        if attack.poll() is None:
            attack.kill()
            attack.wait()
    report = COLOUR.sub("", (tmp_path / "attack").read_text(errors="replace"))
    assert max(map(int, re.findall(r"connected:\s+(\d+)", report))) > CONNECTIONS / 3
    assert len(statuses) > SECONDS
    assert set(statuses) == {200}
