"""`seawall init`: files one can start from, never over what is there."""

from pathlib import Path

import pytest
from typer.testing import CliRunner

from seawall.cli.commands import app

FILES = {"seawall.toml", ".env.sample", "seawall.service", "journald@seawall.conf", "compose.yaml"}


def test_the_starter_files_are_written_and_checked(tmp_path: Path) -> None:
    """Into a folder that need not exist; the settings are ok as they stand."""
    folder = tmp_path / "new" / "home"
    result = CliRunner().invoke(app, ["init", "--dir", str(folder)])
    assert result.exit_code == 0
    assert {path.name for path in folder.iterdir()} == FILES
    assert f"wrote {folder / 'compose.yaml'}" in result.stdout
    checked = CliRunner().invoke(app, ["check", "--config", str(folder / "seawall.toml")])
    assert (checked.exit_code, checked.stderr) == (0, "")


def test_the_folder_is_this_one_by_default(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """As a person in a new folder expects."""
    monkeypatch.chdir(tmp_path)
    assert CliRunner().invoke(app, ["init"]).exit_code == 0
    assert {path.name for path in tmp_path.iterdir()} == FILES


def test_nothing_is_written_over(tmp_path: Path) -> None:
    """One file that is there stops all, until --force is given."""
    (tmp_path / "compose.yaml").write_text("mine")
    result = CliRunner().invoke(app, ["init", "--dir", str(tmp_path)])
    assert result.exit_code == 2
    assert f"{tmp_path / 'compose.yaml'}: is there already, --force writes over it" in result.stderr
    assert [path.name for path in tmp_path.iterdir()] == ["compose.yaml"]
    assert (tmp_path / "compose.yaml").read_text() == "mine"
    assert CliRunner().invoke(app, ["init", "--force", "--dir", str(tmp_path)]).exit_code == 0
    assert (tmp_path / "compose.yaml").read_text() != "mine"


def test_a_folder_that_cannot_be_made_is_a_fault(tmp_path: Path) -> None:
    """No traceback."""
    (tmp_path / "file").write_text("")
    result = CliRunner().invoke(app, ["init", "--dir", str(tmp_path / "file" / "x")])
    assert result.exit_code == 2
    assert "cannot be written" in result.stderr


def test_logs_are_bounded_in_every_way_of_running(tmp_path: Path) -> None:
    """A gateway that runs for years must not fill a disk."""
    CliRunner().invoke(app, ["init", "--dir", str(tmp_path)])
    unit = (tmp_path / "seawall.service").read_text()
    assert "LogNamespace=seawall" in unit
    assert "LogRateLimitBurst=" in unit
    assert "SystemMaxUse=" in (tmp_path / "journald@seawall.conf").read_text()
    compose = (tmp_path / "compose.yaml").read_text()
    assert "max-size:" in compose
    assert "max-file:" in compose


def test_both_ways_of_running_take_every_privilege_away(tmp_path: Path) -> None:
    """No root, nothing to write to, no new privileges."""
    CliRunner().invoke(app, ["init", "--dir", str(tmp_path)])
    unit = (tmp_path / "seawall.service").read_text().splitlines()
    for line in ("DynamicUser=yes", "NoNewPrivileges=yes", "ProtectSystem=strict", "CapabilityBoundingSet="):
        assert line in unit
    compose = (tmp_path / "compose.yaml").read_text()
    for text in ("read_only: true", "cap_drop: [ALL]", "no-new-privileges:true", 'user: "65532:65532"'):
        assert text in compose
