"""Hundreds of slow clients (Debian's slowhttptest) do not keep an ordinary one from its answer; security.md 7."""

import http.client
import os
import re
import shutil
import signal
import socket
import subprocess
import sys
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

pytestmark = [
    pytest.mark.verify,
    pytest.mark.skipif(
        shutil.which("slowhttptest") is None, reason="needs slowhttptest (apt-get install slowhttptest)"
    ),
]

LARGE = b"x" * (4 << 20)
CONNECTIONS = 900
SECONDS = 12
ANSWER_WITHIN = 1.0  # seconds a socket of the ordinary client waits; longer raises

COLOUR = re.compile(r"\x1b\[[0-9;]*[A-Za-z]")

MODES = {
    "slow headers": ["-H", "-i", "1"],
    "slow body": ["-B", "-i", "1", "-s", "8192"],
    "slow read": ["-X", "-w", "8", "-y", "32", "-n", "1", "-z", "16", "-k", "3"],
}


class Api(BaseHTTPRequestHandler):
    """An upstream with a small answer, and a large one on /large."""

    protocol_version = "HTTP/1.1"

    def do_GET(self) -> None:
        """Answer at once."""
        self.rfile.read(int(self.headers.get("content-length", 0)))
        body = LARGE if self.path == "/large" else b"fine"
        self.send_response(200)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    do_POST = do_GET  # noqa: N815  # the name http.server looks for

    def log_message(self, *_: object) -> None:
        """Say nothing."""


class Upstream(ThreadingHTTPServer):
    """Does not complain about clients that go away."""

    daemon_threads = True
    request_queue_size = 1024

    def handle_error(self, *_: object) -> None:
        """A gateway that gives up a slow reader closes here too."""


@pytest.fixture
def upstream() -> Iterator[int]:
    """The port of a running upstream."""
    server = Upstream(("127.0.0.1", 0), Api)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    yield server.server_port
    server.shutdown()
    thread.join()
    server.server_close()


@pytest.fixture
def gateway(upstream: int, tmp_path: Path) -> Iterator[int]:
    """The port of a gateway in a process of its own, with the limits it has by default."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    settings = tmp_path / "seawall.toml"
    settings.write_text(
        f'[server]\nlisten = "127.0.0.1:{port}"\n'
        f'[upstreams.files]\nurl = "http://127.0.0.1:{upstream}"\nallow_private = true\n'
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


def ask(port: int) -> int:
    """Make one ordinary call on a connection of its own; raises when no answer comes in time."""
    client = http.client.HTTPConnection("127.0.0.1", port, timeout=ANSWER_WITHIN)
    try:
        client.request("GET", "/files/small")
        answer = client.getresponse()
        answer.read()
        return answer.status
    finally:
        client.close()


@pytest.mark.parametrize("mode", MODES)
def test_an_ordinary_client_is_answered_within_a_second_among_slow_ones(gateway: int, tmp_path: Path, mode: str):
    """Many slow clients hold connections for seconds; every ordinary call made meanwhile is answered."""
    path = "/files/large" if mode == "slow read" else "/files/form"
    limits = ["-c", str(CONNECTIONS), "-r", "300", "-l", str(SECONDS), "-p", "1"]
    argv = ["slowhttptest", *MODES[mode], *limits, "-u", f"http://127.0.0.1:{gateway}{path}"]
    with (tmp_path / "attack").open("wb") as out:
        attack = subprocess.Popen(argv, stdout=out, stderr=subprocess.STDOUT, env={**os.environ, "TERM": "dumb"})
    statuses = []
    try:
        while attack.poll() is None:
            statuses.append(ask(gateway))
            try:
                attack.wait(0.1)
            except subprocess.TimeoutExpired:
                continue
    finally:
        if attack.poll() is None:
            attack.kill()
            attack.wait()
    report = COLOUR.sub("", (tmp_path / "attack").read_text(errors="replace"))
    assert len(statuses) > SECONDS
    assert set(statuses) == {200}
    assert "service available:" in report
    assert "NO" not in [line.split()[-1] for line in report.splitlines() if "service available" in line]
