"""The demo: its screen names everything, its calls work as printed, it ends cleanly."""

import asyncio
import re
import shlex
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator

import pytest

from seawall.cli import demo as demos
from seawall.config import Tree


@pytest.fixture
def running() -> Iterator["subprocess.Popen[str]"]:
    """Start the demo in a process of its own."""
    process = subprocess.Popen(
        [sys.executable, "-m", "seawall", "demo", "--port", "0"],
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )
    try:
        yield process
    finally:
        process.kill()
        process.communicate()


def _screen(process: "subprocess.Popen[str]") -> list[str]:
    assert process.stdout is not None
    lines: list[str] = []
    for line in process.stdout:
        lines.append(line.rstrip())
        if "Ctrl-C" in line:
            break
    return lines


def test_the_curl_lines_on_the_screen_work_and_ctrl_c_ends_it(running: "subprocess.Popen[str]") -> None:
    """Five lines to try, the same five for PowerShell; what they promise is what comes."""
    lines = _screen(running)
    curls = [shlex.split(line, comments=True) for line in lines if line.startswith("    curl ")]
    shells = [shlex.split(line) for line in lines if line.startswith("    curl.exe ")]
    assert [words[1:] for words in curls] == [words[1:] for words in shells]
    answers = [
        subprocess.run([*words, "--max-time", "20", "-S"], capture_output=True, text=True, check=True).stdout
        for words in curls
    ]
    hello, flaky, hang, stream, health = answers
    assert hello.startswith("HTTP/1.1 200 OK")
    assert hello.endswith("hello from the sandbox\n")
    assert flaky.startswith("HTTP/1.1 200 OK")
    assert hang.startswith("HTTP/1.1 504 ")
    assert '"type":"urn:seawall:' in hang
    assert stream.count("data: ") == 5
    assert '"status":' in health
    running.send_signal(signal.SIGINT)
    rest, _ = running.communicate(timeout=20)
    assert rest.endswith("seawall: the demo has ended\n")
    assert running.returncode == 0


def test_the_screen_shows_addresses_and_the_settings_in_force(capfd: pytest.CaptureFixture[str]) -> None:
    """What is printed is what was loaded, with the real ports."""
    assert demos.demo(0, traffic=False, seconds=0) == 0
    text = capfd.readouterr().out
    gateway, sandbox = re.findall(r"http://127\.0\.0\.1:(\d+)", text)[:2]
    for line in demos.SETTINGS.format(port=gateway, sandbox=sandbox).splitlines():
        assert f"    {line}".rstrip() in text
    assert "--traffic shows it under load" in text


def test_traffic_is_shown_line_by_line_where_there_is_no_terminal(capfd: pytest.CaptureFixture[str]) -> None:
    """Callers beside upstream, with percentiles, retries and the breaker; it ends after its seconds."""
    assert demos.demo(0, traffic=True, seconds=1) == 0
    text = capfd.readouterr().out
    assert re.search(
        r"1 s  callers: [1-9]\d* calls, 0\.0 % failed, p50 \d+ ms, p99 \d+ ms  \|  upstream: \d+ attempts, "
        r"\d+\.\d % failed \(200 \d+.*\)  \|  retries \d+, breaker closed",
        text,
    )
    assert text.endswith("seawall: the demo has ended\n")


def test_a_port_in_use_is_said_in_one_line(capfd: pytest.CaptureFixture[str]) -> None:
    """And how to choose another."""
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        assert demos.demo(port, traffic=False, seconds=0) == 1
    error = capfd.readouterr().err
    assert error == f"seawall: port {port} is in use; choose another with --port, for example --port 8081\n"


def test_another_error_of_the_system_is_not_hidden(monkeypatch: pytest.MonkeyPatch) -> None:
    """Only a port in use has a line of its own."""

    def broken(_port: int, _sandbox: int) -> Tree:
        raise PermissionError("no")

    monkeypatch.setattr(demos, "settings", broken)
    with pytest.raises(PermissionError):
        demos.demo(0, traffic=False, seconds=0)


def test_ctrl_c_without_signal_handlers_ends_it_too(monkeypatch: pytest.MonkeyPatch) -> None:
    """Where the loop cannot handle signals, KeyboardInterrupt comes, and is no error."""

    def interrupted(work: object) -> int:
        work.close()  # type: ignore[attr-defined]
        raise KeyboardInterrupt

    monkeypatch.setattr(demos, "run", interrupted)
    assert demos.demo(0, traffic=False) == 0


async def test_a_loop_without_signals_is_no_error(monkeypatch: pytest.MonkeyPatch) -> None:
    """The standard loop on Windows has none."""

    class Deaf:
        def add_signal_handler(self, *_: object) -> None:
            raise NotImplementedError

    stop = asyncio.Event()
    monkeypatch.setattr(demos.asyncio, "get_running_loop", Deaf)
    demos._on_signals(stop)
    assert not stop.is_set()


def test_the_settings_of_the_demo_hold_against_one_failure_in_five() -> None:
    """What the figures on the screen rest on."""
    policies = demos.settings(8080, 8081).upstreams["sandbox"]
    assert policies.retry is not None
    assert 0.2**policies.retry.attempts < 0.001 / 10
    assert policies.retry.budget >= 0.2 / (1 - 0.2)
