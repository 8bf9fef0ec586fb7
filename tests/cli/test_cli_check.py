"""`seawall check`: ok or every fault at once, the settings as understood, and one call to each upstream."""

import asyncio
import socket
from pathlib import Path

import pytest
from typer.testing import CliRunner

from seawall.cli.commands import app
from seawall.cli.live import probe_all
from seawall.config import parse, resolve


def write(folder: Path, text: str) -> str:
    """Write a settings file and return its path."""
    path = folder / "seawall.toml"
    path.write_text(text)
    return str(path)


def test_a_good_file_is_ok_with_what_it_holds(tmp_path: Path) -> None:
    """One line, and exit code 0."""
    path = write(tmp_path, '[upstreams.a]\nurl = "https://a.example"\n[upstreams.b]\nurl = "https://b.example"')
    result = CliRunner().invoke(app, ["check", "--config", path])
    assert (result.exit_code, result.output) == (0, f"{path}: ok, 2 upstreams\n")


def test_wrong_settings_are_listed_on_stderr_and_exit_with_2(tmp_path: Path) -> None:
    """Each fault once, nothing on stdout, no traceback."""
    path = write(tmp_path, "[server]\nmax_inflight = 0\nlistn = 1")
    result = CliRunner().invoke(app, ["check", "-c", path])
    assert result.exit_code == 2
    assert result.stdout == ""
    assert result.stderr.splitlines() == [
        "seawall: 2 faults",
        "  server.max_inflight: must be at least 1, got 0 (for example 512)",
        "  server.listn: is unknown, did you mean listen?",
    ]


def test_a_missing_file_is_one_fault(tmp_path: Path) -> None:
    """With the command that writes one."""
    result = CliRunner().invoke(app, ["check", "--config", str(tmp_path / "no.toml")])
    assert result.exit_code == 2
    assert "seawall: 1 fault\n" in result.stderr
    assert "`seawall init` writes one" in result.stderr


def test_the_default_file_is_seawall_toml_here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """As all commands have it."""
    write(tmp_path, "")
    monkeypatch.chdir(tmp_path)
    result = CliRunner().invoke(app, ["check"])
    assert (result.exit_code, result.output) == (0, "seawall.toml: ok, no upstreams\n")


def test_the_settings_are_printed_with_secrets_as_their_variable(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Only TOML on stdout, so that it can be kept; the summary is on stderr."""
    monkeypatch.setenv("A_KEY", "planted")
    text = '[upstreams.a]\nurl = "https://a.example"\nheaders = { X-A = "${A_KEY}", X-B = "planted" }\n'
    path = write(tmp_path, text)
    result = CliRunner().invoke(app, ["check", "--config", path, "--print"])
    assert result.stdout == text.replace('"planted"', '"***"')
    assert result.stderr == f"{path}: ok, 1 upstream\n"


def test_what_serve_refuses_is_told_and_is_no_failure(tmp_path: Path) -> None:
    """The file is right, this version is not far enough."""
    path = write(tmp_path, '[trace]\notlp = "http://127.0.0.1:4318"')
    result = CliRunner().invoke(app, ["check", "--config", path])
    assert result.exit_code == 0
    assert result.stderr.splitlines() == [
        "`seawall serve` refuses it all the same:",
        "  trace: not available in this version",
    ]


def test_an_upstream_that_does_not_answer_fails_the_live_check(tmp_path: Path) -> None:
    """Exit code 1, and the reason."""
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))  # bound and not listening: connections are refused
        port = taken.getsockname()[1]
        text = f'[upstreams.a]\nurl = "http://127.0.0.1:{port}"\nallow_private = true'
        result = CliRunner().invoke(app, ["check", "--live", "--config", write(tmp_path, text)])
    assert result.exit_code == 1
    assert "a  connect  Cannot connect to the upstream  " in result.stdout


async def test_the_live_check_calls_the_free_path_or_only_connects() -> None:
    """With the upstream's own headers; a status of 400 and above is bad, a connection is good."""
    seen: list[bytes] = []

    async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            head = await reader.readuntil(b"\r\n\r\n")
        except asyncio.IncompleteReadError:
            writer.close()
            return
        seen.append(head.lower())
        status = b"401 No" if b"/bad" in head else b"200 OK"
        writer.write(b"HTTP/1.1 " + status + b"\r\ncontent-length: 0\r\nconnection: close\r\n\r\n")
        await writer.drain()
        writer.close()

    server = await asyncio.start_server(answer, "127.0.0.1", 0)
    async with server:
        url = f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}"
        base = f'url = "{url}/base"\nallow_private = true\n'
        text = (
            f'[upstreams.good]\n{base}check = "GET /ok"\nheaders = {{ X-A = "planted" }}\n'
            f'[upstreams.bad]\n{base}check = "HEAD /bad"\n'
            f"[upstreams.plain]\n{base}"
            f'[upstreams.two]\ntargets = [{{ url = "{url}", label = "x" }}, {{ url = "{url}/y", label = "y" }}]\n'
            "allow_private = true\n"
        )
        results = await probe_all(resolve(parse(text, {}).tree))
    assert [(one.name, one.what, one.text, one.good) for one in results] == [
        ("good", "GET /ok", "200", True),
        ("bad", "HEAD /bad", "401", False),
        ("plain", "connect", "connected", True),
        ("two/x", "connect", "connected", True),
        ("two/y", "connect", "connected", True),
    ]
    good = next(head for head in seen if b"/ok" in head)
    assert good.startswith(b"get /base/ok http/1.1\r\n")
    assert b"\r\nx-a: planted\r\n" in good
