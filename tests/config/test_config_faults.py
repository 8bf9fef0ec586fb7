"""Faults come all at once, each as one line, without what follows from another and without secrets."""

import pytest
from configs import faults, upstream


def test_all_faults_are_listed_at_once() -> None:
    """Types, rules within a table, rules between tables and unknown variables come in one list."""
    text = (
        "[server]\nmax_inflight = 0\nadmin_token = 'short'\n"
        + upstream('timeout = "x"', 'region = "us-east-1"', 'balance = "weighted"', "zzz = 1")
        + "\n"
        + upstream('url = "ftp://b.example"', name="b")
        + '\n[callers.k]\nupstreams = ["a", "b", "c"]'
    )
    found = faults(text, SEAWALL_LOG__LEVL="info")
    assert [fault.partition(":")[0] for fault in found] == [
        "SEAWALL_LOG__LEVL", "server.max_inflight", "upstreams.a.timeout", "upstreams.a.zzz", "upstreams.b.url",
        "server.admin_token", "upstreams.a.region", "upstreams.a.balance", "callers.k.upstreams[2]",
        "callers.k.key_hash",
    ]  # fmt: skip


def test_a_fault_hides_the_rules_that_would_only_repeat_it() -> None:
    """A wrong url is told once, and not also as a missing one, nor its upstream as one that does not exist."""
    text = upstream('url = "ftp://a.example"') + f'\n[callers.k]\nkey_hash = "sha256:{"1" * 64}"\nupstreams = ["a"]'
    assert [fault.partition(":")[0] for fault in faults(text)] == ["upstreams.a.url"]


def test_a_missing_variable_hides_what_follows_from_it() -> None:
    """A url that is not there because its variable is not set is one fault."""
    assert faults(upstream('url = "${A_URL}"')) == [
        (
            "upstreams.a.url: needs the variable A_URL, which is not set "
            "(for example A_URL=… in the environment or in .env)"
        )
    ]


def test_a_fault_shows_what_was_written_and_not_what_a_variable_holds() -> None:
    """A variable may hold a secret in the wrong place."""
    assert faults('[server]\nlisten = "${LISTEN}"', LISTEN="planted") == [
        'server.listen: must be host:port, unix:/path or fd://number, got "${LISTEN}" (for example "127.0.0.1:8080")'
    ]


def test_a_long_value_is_cut() -> None:
    """A fault stays a line."""
    (fault,) = faults(f'[server]\nlisten = "{"x" * 5000}"')
    assert len(fault) < 300


@pytest.mark.parametrize(
    ("text", "line"),
    [
        ("[server]\nlisten = ", "seawall.toml: must be TOML, Invalid value (at end of document)"),
        ("[a\n", "seawall.toml: must be TOML, Expected ']' at the end of a table declaration (at line 1, column 3)"),
        ("a = 1\na = 2\n", "seawall.toml: must be TOML, Cannot overwrite a value (at line 2, column 6)"),
    ],
)
def test_what_is_not_toml_is_told_with_its_line(text: str, line: str) -> None:
    """The parser's own place is passed on."""
    assert faults(text) == [line]
