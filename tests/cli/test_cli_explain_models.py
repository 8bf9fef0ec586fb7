"""`seawall explain` on the language-model routes."""

from pathlib import Path

import pytest

from seawall.cli.explain import explain

TEXT = """
[upstreams.openai]
api = "openai"
url = "https://api.openai.example/v1"
[upstreams.claude]
api = "anthropic"
url = "https://api.anthropic.example"
timeout = "40s"
[upstreams.weather]
url = "https://weather.example"
[models.fast]
targets = ["openai/gpt-5-mini", "claude/claude-haiku-4-5"]
cache = "1h"
fallback = "Not now."
[models.smart]
targets = [{ to = "openai/gpt-5", weight = 90 }, { to = "claude/claude-sonnet-4-6", weight = 10 }]
sticky = "caller"
cheaper = { at = "80%", to = "fast" }
"""


def told(tmp_path: Path, capsys: pytest.CaptureFixture[str], path: str, model: str = "") -> list[str]:
    """Return the lines, blanks folded."""
    file = tmp_path / "seawall.toml"
    file.write_text(TEXT)
    explain("POST", path, file, "", model)
    return [" ".join(line.split()) for line in capsys.readouterr().out.splitlines()]


def test_every_alias_is_shown_with_its_targets_in_order(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """And what it does beside."""
    lines = told(tmp_path, capsys, "/v1/chat/completions")
    assert lines[0] == "models chat, asked in the openai dialect"
    assert lines[1] == "fast tried in order"
    assert lines[2:4] == [
        "to openai/gpt-5-mini spoken to as openai",
        "to claude/claude-haiku-4-5 spoken to as anthropic",
    ]
    assert "cache the same question within 1h is answered from memory" in lines
    assert "smart the first by weight, each caller keeps its own" in lines
    assert "cheaper fast, once 80% of a cap is used" in lines


def test_one_model_alone(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """An alias, a model of an upstream, and one that is none."""
    assert "smart the first by weight, each caller keeps its own" not in told(tmp_path, capsys, "/v1/responses", "fast")
    assert told(tmp_path, capsys, "/anthropic/v1/messages", "claude/x")[1] == "claude/x that model of that upstream"
    assert "404" in told(tmp_path, capsys, "/v1/chat/completions", "weather/x")[1]


def test_other_paths_are_told_as_ever(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Plain upstreams, and the mounts of those with models."""
    assert told(tmp_path, capsys, "/weather/x")[0].startswith("upstream weather")
    assert told(tmp_path, capsys, "/openai/chat/completions")[0].startswith("upstream openai")
