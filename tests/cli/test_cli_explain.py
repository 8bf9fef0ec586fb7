"""`seawall explain`: the upstream, route and policies of a call, each value with where it was said."""

from pathlib import Path

import pytest
from typer.testing import CliRunner

from seawall.cli.commands import app

TEXT = """
[upstreams.weather]
url = "https://api.example/v9"
timeout = "10s"
headers = { X-Api-Key = "planted" }
rate = "600/h"
retry = { attempts = 4 }

[[upstreams.weather.routes]]
match = "GET /v1/forecast"
timeout = "5s"
rate = "1/s"
breaker = false
retry = { base = "50ms" }
idempotent = true

[upstreams.named]
url = "https://named.example"
host = "named.lan"
cache = true
concurrency = false
"""


def run(folder: Path, *arguments: str, text: str = TEXT) -> tuple[int, list[str]]:
    """Return the exit code and the lines of one explanation, blanks squeezed."""
    path = folder / "seawall.toml"
    path.write_text(text)
    result = CliRunner().invoke(app, ["explain", *arguments, "--config", str(path)])
    assert "planted" not in result.output
    return result.exit_code, [" ".join(line.split()) for line in result.output.splitlines()]


def test_a_call_is_followed_to_its_route(tmp_path: Path) -> None:
    """Where it goes, by what, and each timeout with where it was said; the query is not shown."""
    code, lines = run(tmp_path, "get", "/weather/v1/forecast?key=planted")
    assert code == 0
    assert lines[:10] == [
        "upstream weather, by its mount /weather",
        "goes to GET https://api.example/v9/v1/forecast",
        "route GET /v1/forecast (upstreams.weather.routes[0], the first that matches)",
        "timeout 5s route",
        "attempt_timeout 5s default",
        "connect_timeout 5s default",
        "first_byte_timeout 5s default",
        "idle_timeout 30s default",
        "stream_timeout 10m default",
        "attempts at most 4, POST too",
    ]
    assert "adds x-api-key: ***" in lines


def test_each_value_of_a_policy_tells_where_it_was_said(tmp_path: Path) -> None:
    """Route before upstream before default; a route's rate stands beside the upstream's."""
    _, lines = run(tmp_path, "GET", "/weather/v1/forecast")
    assert "breaker off route" in lines
    assert "attempts 4 upstream" in lines
    assert 'base "50ms" route' in lines
    assert 'max "2s" default' in lines
    assert 'limit "600/h" upstream' in lines
    assert any(line.startswith("rate 1/s") and line.endswith("; beside the above") for line in lines)
    assert 'limit "1/s" route' in lines
    assert "limit 64 default" in lines


def test_a_call_no_route_matches_meets_the_upstream_as_it_is(tmp_path: Path) -> None:
    """With its own values."""
    _, lines = run(tmp_path, "POST", "weather/v1/forecast")
    assert "route none matches, the upstream as it is" in lines
    assert "timeout 10s upstream" in lines
    assert "rate off default" not in lines
    assert any(line.startswith("breaker") and "off" not in line for line in lines)


def test_a_host_leads_to_its_upstream(tmp_path: Path) -> None:
    """And what is not built yet or off is told."""
    code, lines = run(tmp_path, "GET", "/x", "--host", "named.lan:8080")
    assert code == 0
    assert lines[0] == "upstream named, by its host named.lan"
    assert "concurrency off upstream" in lines
    assert any(line.startswith("cache fresh for") for line in lines)


def test_every_target_is_shown(tmp_path: Path) -> None:
    """With its label."""
    text = '[upstreams.a]\ntargets = [{ url = "https://x.example" }, { url = "https://y.example", label = "y" }]'
    _, lines = run(tmp_path, "GET", "/a/b", text=text)
    assert lines[1:3] == ["goes to GET https://x.example/b (x.example)", "goes to GET https://y.example/b (y)"]


@pytest.mark.parametrize(
    ("path", "line"),
    [
        (
            "/nope/x",
            "404 not-found: no upstream is mounted there. There is /weather (weather), host named.lan (named).",
        ),
        ("/weather/../x", "400 bad-request: the path holds a `..` segment"),
        ("/weather/%2e%2E/x", "400 bad-request: the path holds a `..` segment"),
    ],
)
def test_a_call_that_goes_nowhere_exits_with_1(path: str, line: str, tmp_path: Path) -> None:
    """With what the gateway would answer."""
    assert run(tmp_path, "GET", path) == (1, [line])


def test_without_upstreams_there_is_nowhere_to_go(tmp_path: Path) -> None:
    """An empty file is valid."""
    assert run(tmp_path, "GET", "/", text="") == (
        1,
        ["404 not-found: no upstream is mounted there. There are no upstreams."],
    )


SEVERAL = """
[upstreams.orders]
targets = [
  { url = "https://spare.example", label = "spare" },
  { url = "https://eu.example", label = "eu", weight = 90 },
  { url = "https://us.example", label = "us", weight = 10 },
]
sticky = "caller"
hedge = "p95"
concurrency = "adaptive"
fallback = { targets = ["spare"], json = { on = false } }
"""


def test_the_choice_of_a_target_is_told(tmp_path: Path) -> None:
    """Which targets there are, which only wait, how one is chosen, and which key said so."""
    _, lines = run(tmp_path, "GET", "/orders/x", text=SEVERAL)
    assert "goes to GET https://spare.example/x (spare, a backup)" in lines
    assert "goes to GET https://eu.example/x (eu)" in lines
    start = lines.index("balance by weight; each caller keeps its target")
    assert lines[start + 1 : start + 4] == [
        'balance "weighted" default', 'sticky "caller" upstream', "weights spare 1, eu 90, us 10",
    ]  # fmt: skip
    assert "fallback targets spare, then a fixed answer with status 200" in lines
    assert "json { on = false } upstream" in lines
    assert any(line.startswith("hedge at most 1 more after the p95") for line in lines)
    assert any(line.startswith("concurrency adaptive, between 1 and 256") for line in lines)
