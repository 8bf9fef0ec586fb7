"""The command line as a whole: quick to help, one exit code for wrong settings, no traceback."""

import subprocess
import sys
from pathlib import Path
from types import SimpleNamespace

import pytest
from typer.testing import CliRunner

from seawall import __version__
from seawall.cli import main
from seawall.cli.commands import app
from seawall.contracts.errors import SettingsError
from seawall.contracts.form import form


def test_help_names_every_command() -> None:
    """What there is to run."""
    result = CliRunner().invoke(app, ["--help"])
    assert result.exit_code == 0
    for command in ("serve", "demo", "check", "explain", "init"):
        assert command in result.output


def test_the_version_is_told() -> None:
    """One line, which says whether the modules are compiled."""
    assert CliRunner().invoke(app, ["--version"]).output == f"seawall {__version__} ({form()})\n"


def test_without_a_command_the_help_is_shown(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """The entry point exits as typer does."""
    monkeypatch.setattr(sys, "argv", ["seawall"])
    with pytest.raises(SystemExit) as caught:
        main()
    assert caught.value.code == 2
    assert "Usage: seawall" in "".join(capsys.readouterr())


def test_serve_gets_the_file_and_gives_the_exit_code(monkeypatch: pytest.MonkeyPatch) -> None:
    """It is imported only when it runs."""
    seen: list[Path] = []

    def serve(config: Path) -> int:
        seen.append(config)
        return 3

    monkeypatch.setitem(sys.modules, "seawall.cli.serve", SimpleNamespace(serve=serve))  # type: ignore[misc]
    assert CliRunner().invoke(app, ["serve", "--config", "x.toml"]).exit_code == 3
    assert CliRunner().invoke(app, ["serve"]).exit_code == 3
    assert seen == [Path("x.toml"), Path("seawall.toml")]


def test_demo_gets_its_port_and_traffic(monkeypatch: pytest.MonkeyPatch) -> None:
    """With defaults for both."""
    seen: list[tuple[int, bool, float | None]] = []

    def demo(port: int, traffic: bool, seconds: float | None) -> int:
        seen.append((port, traffic, seconds))
        return 0

    monkeypatch.setitem(sys.modules, "seawall.cli.demo", SimpleNamespace(demo=demo))  # type: ignore[misc]
    assert CliRunner().invoke(app, ["demo", "--traffic", "--port", "9"]).exit_code == 0
    assert CliRunner().invoke(app, ["demo"]).exit_code == 0
    assert seen == [(9, True, None), (8080, False, None)]
    assert CliRunner().invoke(app, ["demo", "--port", "70000"]).exit_code == 2


def test_wrong_settings_of_any_command_exit_with_2(monkeypatch: pytest.MonkeyPatch) -> None:
    """Told once, on stderr."""

    def serve(config: Path) -> int:
        raise SettingsError(["a: is wrong", "b: is wrong"])

    monkeypatch.setitem(sys.modules, "seawall.cli.serve", SimpleNamespace(serve=serve))  # type: ignore[misc]
    result = CliRunner().invoke(app, ["serve"])
    assert (result.exit_code, result.stdout) == (2, "")
    assert result.stderr == "seawall: 2 faults\n  a: is wrong\n  b: is wrong\n"


def test_the_module_runs_and_help_needs_no_settings(tmp_path: Path) -> None:
    """A real process: python -m seawall, wrong settings, no traceback; and what --help imports is little."""
    path = tmp_path / "seawall.toml"
    path.write_text('[upstreams.a]\nurl = "https://u:planted@a.example"\n')
    result = subprocess.run(
        [sys.executable, "-m", "seawall", "check", "--config", str(path)], capture_output=True, text=True, check=False
    )
    assert result.returncode == 2
    assert result.stdout == ""
    assert result.stderr.splitlines()[0] == "seawall: 1 fault"
    assert "Traceback" not in result.stderr
    assert "planted" not in result.stderr
    heavy = "pydantic", "seawall.config", "seawall.app", "fastapi", "httptools"
    code = f"import sys, seawall.cli.commands; sys.exit(any(name in sys.modules for name in {heavy!r}))"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0


@pytest.mark.parametrize(
    "words",
    [
        ("spend",),
        ("keys", "list"),
        ("keys", "revoke", "kitchen"),
        ("cache", "list"),
        ("cache", "show", "weather", "/now"),
        ("cache", "purge", "weather"),
    ],
    ids=" ".join,
)
def test_every_command_at_a_gateway_asks_it(words: tuple[str, ...]) -> None:
    """None ends as if all were well where nothing listens."""
    result = CliRunner().invoke(app, [*words, "--url", "http://127.0.0.1:1"])
    assert result.exit_code != 0
    assert "127.0.0.1:1" in result.output
