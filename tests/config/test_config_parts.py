"""Texts with a grammar of their own: upstream addresses, listen addresses, matches, cron, addresses of stores."""

import pytest
from configs import tree, upstream

from seawall.config.bind import Bind, parse_bind
from seawall.config.cron import parse_cron
from seawall.config.match import parse_match
from seawall.config.store import show_store
from seawall.config.url import Url, parse_url
from seawall.contracts.secret import Secret


@pytest.mark.parametrize(
    ("text", "url"),
    [
        ("https://a.example", Url("https", "a.example", 443, "")),
        ("HTTP://A.Example:8080/V1/", Url("http", "a.example", 8080, "/V1")),
        ("https://a.example./x%20y/z", Url("https", "a.example", 443, "/x%20y/z")),
        ("https://bücher.example", Url("https", "xn--bcher-kva.example", 443, "")),
        ("http://[::1]:80/x", Url("http", "::1", 80, "/x")),
        ("http://[0:0::1]", Url("http", "::1", 80, "")),
        ("http://192.168.1.20", Url("http", "192.168.1.20", 80, "")),
        ("http://my_host", Url("http", "my_host", 80, "")),
    ],
)
def test_an_address_is_taken_apart(text: str, url: Url) -> None:
    """Scheme, host, port and base path, each in its one form."""
    assert parse_url(text) == url


@pytest.mark.parametrize(
    "text",
    [
        "", "a.example", "//a.example", "ftp://a.example", "https://", "https:///x", "https://a.example?x=1",
        "https://a.example#x", "https://u:p@a.example", "https://u@a.example", "https://a.example:0",
        "https://a.example:65536", "https://a.example:", "https://a.example:8a", "https://a.example:٨",
        "https://a example", "https://a.example/ x", "https://a.example/\n", "https://a.example/../x",
        "https://a.example/%2e%2E/x", "https://a.example/./x", "https://a.example/x%2F..", "https://a.example/a//b",
        "https://a.example/%zz", "https://a.example/é", "https://a.example\\x", "https://-a.example",
        "https://a..example", "http://[::1", "http://[::zz]", "http://[fe80::1%25eth0]", "http://[::1]x",
        "http://127.1", "http://0x7f.1", "http://2130706433", "http://0", "http://0177.0.0.1",
        "https://" + "a" * 64 + ".example", "https://" + "a." * 130 + "example", "http://[::1]:99999",
    ],
)  # fmt: skip
def test_an_address_that_could_mean_something_else_is_refused(text: str) -> None:
    """No user, query, fragment, climbing path, odd IPv4 or missing part (security 1 and 2)."""
    with pytest.raises(ValueError, match="must"):
        parse_url(text)


@pytest.mark.parametrize(
    ("text", "private"),
    [
        ("http://localhost", True), ("http://x.localhost", True), ("http://127.0.0.1", True), ("http://10.0.0.1", True),
        ("http://169.254.169.254", True), ("http://[::ffff:10.0.0.1]", True), ("http://[64:ff9b::7f00:1]", True),
        ("http://100.64.0.1", True), ("http://8.8.8.8", False), ("http://[2606:4700::1]", False),
        ("http://a.example", False),
    ],
)  # fmt: skip
def test_a_literal_of_a_private_address_is_seen_at_check(text: str, private: bool) -> None:
    """Names are left to the wire, which looks at what they resolve to."""
    assert parse_url(text).private is private


@pytest.mark.parametrize(
    ("text", "bind", "loopback"),
    [
        ("127.0.0.1:8080", Bind("127.0.0.1", 8080), True),
        ("localhost:0", Bind("localhost", 0), True),
        ("[::1]:80", Bind("::1", 80), True),
        ("0.0.0.0:80", Bind("0.0.0.0", 80), False),
        ("[::]:80", Bind("::", 80), False),
        ("Box.lan:80", Bind("box.lan", 80), False),
        ("unix:/run/seawall.sock", Bind(path="/run/seawall.sock"), True),
        ("fd://3", Bind(fd=3), False),
    ],
)
def test_a_listen_address_is_taken_apart(text: str, bind: Bind, loopback: bool) -> None:
    """The three forms, and whether only this machine reaches it; a socket handed over may be anything."""
    assert parse_bind(text) == bind
    assert bind.loopback is loopback


@pytest.mark.parametrize(
    "text",
    [
        "",
        ":80",
        "a:",
        "a:b",
        "a:65536",
        "unix:run",
        "unix:",
        "unix:/a\0",
        "fd://",
        "fd://x",
        "[::1]",
        "a b:1",
        "::1:80",
        "[::zz]:1",
    ],
)
def test_what_is_no_listen_address_is_refused(text: str) -> None:
    """With the three forms told."""
    with pytest.raises(ValueError, match="must|At|Only"):
        parse_bind(text)


@pytest.mark.parametrize(
    ("text", "methods", "path"),
    [
        ("GET /", frozenset(("GET",)), "/"),
        ("* /**", None, "/**"),
        ("GET,POST /a/*/b", frozenset(("GET", "POST")), "/a/*/b"),
        ("PATCH /a%20b;v=1/@x", frozenset(("PATCH",)), "/a%20b;v=1/@x"),
    ],
)
def test_a_match_is_taken_apart(text: str, methods: frozenset[str] | None, path: str) -> None:
    """Methods and a glob."""
    assert parse_match(text) == (methods, path)


@pytest.mark.parametrize(
    "text",
    [
        "",
        "GET",
        "/x",
        "get /x",
        "GET x",
        "GET  /x",
        "GET /a*",
        "GET /***",
        "GET /a?b",
        "GET /a b",
        "GET, /x",
        "TRACE /",
        "CONNECT /",
        "GET,TRACE /x",
        "GET /é",
    ],
)
def test_what_is_no_match_is_refused(text: str) -> None:
    """A star stands for whole segments, a query is never looked at."""
    with pytest.raises(ValueError, match="must"):
        parse_match(text)


def test_a_cron_expression_is_expanded() -> None:
    """Steps, ranges, lists and both Sundays."""
    cron = parse_cron("*/20 1-3,22 1 */6 5-7")
    assert cron.minutes == {0, 20, 40}
    assert cron.hours == {1, 2, 3, 22}
    assert cron.days == {1}
    assert cron.months == {1, 7}
    assert cron.weekdays == {5, 6, 0}
    assert (cron.any_day, cron.any_weekday) == (False, False)
    assert parse_cron("5/30 * * * *").minutes == {5, 35}


@pytest.mark.parametrize(
    "text",
    [
        "",
        "* * * *",
        "* * * * * *",
        "60 * * * *",
        "* 24 * * *",
        "* * 0 * *",
        "* * * 13 *",
        "* * * * 8",
        "*/0 * * * *",
        "5-1 * * * *",
        "a * * * *",
        "1, * * * *",
        "@daily",
        "*  * * * *",
        "٣ * * * *",
        "-1 * * * *",
    ],
)
def test_what_is_no_cron_expression_is_refused(text: str) -> None:
    """Five fields, each in its range."""
    with pytest.raises(ValueError, match="must"):
        parse_cron(text)


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("memory://", "memory://"),
        ("redis://127.0.0.1:6379/0", "redis://127.0.0.1:6379/0"),
        ("postgresql://user:planted@db/x", "postgresql://***@db/x"),
        ("postgresql://db/x?password=planted", "postgresql://db/x?***"),
        ("rediss://u:p@nted@h:1?x=planted", "rediss://***@h:1?***"),
    ],
)
def test_a_store_shows_without_user_password_and_query(text: str, shown: str) -> None:
    """The place may be known, how to get in not."""
    assert show_store(Secret(text)) == shown


@pytest.mark.parametrize(
    ("table", "text", "good"),
    [
        ("state", "redis://h", True), ("state", "rediss://u:p@h:1/0", True), ("state", "sqlite:///x", False),
        ("state", "memory://x", False), ("state", "redis://", False), ("state", "redis://h:0", False),
        ("state", "redis://h:99999", False), ("state", "redis://[", False), ("state", "redis", False),
        ("ledger", "sqlite:///var/x.db", True), ("ledger", "sqlite://", False), ("ledger", "sqlite:///", False),
        ("ledger", "postgresql://u@h/d", True), ("jobs", "postgresql://h/d", True), ("jobs", "redis://h", False),
    ],
)  # fmt: skip
def test_a_store_is_one_of_those_its_table_knows(table: str, text: str, good: bool) -> None:
    """Checked in form; nothing is connected."""
    if good:
        assert getattr(tree(f'[{table}]\nurl = "{text}"'), table).url.reveal() == text
    else:
        with pytest.raises(Exception, match=f"{table}.url: must (be an address of|hold a host)"):
            tree(f'[{table}]\nurl = "{text}"')


def test_short_forms_stand_for_their_tables() -> None:
    """A number, a word, a rate, an amount, a truth value."""
    one = tree(
        upstream('concurrency = "adaptive"', 'rate = "5/s"', 'price = "2 USD"', "cache = true", "retry = false",
                 "hedge = true", "fallback = { }")
    ).upstreams["a"]  # fmt: skip
    assert one.concurrency is not None
    assert one.concurrency.mode == "adaptive"
    assert one.rate is not None
    assert (one.rate.burst_size, one.rate.wait) == (1, 2.0)
    assert one.price is not None
    assert str(one.price.call) == "2"
    assert one.cache is not None
    assert one.cache.ttl is None
    assert one.retry is None
    assert one.hedge is not None
    assert one.hedge.after == "p95"
    assert one.fallback is not None
    assert tree(upstream('hedge = { after = "200ms" }')).upstreams["a"].hedge.after == 0.2  # type: ignore[union-attr]
    assert tree("[spend]\nunknown_price = '1 USD/M'").spend.unknown_price == 1


def test_two_keys_of_a_caller_are_a_list() -> None:
    """While a key is rotated both are good."""
    hashes = [f"sha256:{digit * 64}" for digit in "12"]
    found = tree(f"[callers.k]\nkey_hash = {hashes}\n[callers.l]\nkey_hash = 'sha256:{'3' * 64}'")
    assert found.callers["k"].key_hash == tuple(hashes)
    assert found.model_dump()["callers"]["k"]["key_hash"] == hashes
    assert found.model_dump()["callers"]["l"]["key_hash"] == f"sha256:{'3' * 64}"


def test_properties_of_tables_give_what_is_in_force() -> None:
    """Values that depend on others are asked for, not repeated."""
    found = tree(
        '[server]\nlisten = "0.0.0.0:80"\nadmin_listen = "127.0.0.1:81"\n'
        + upstream('url = "https://o.example"', 'api = "openai"', name="o")
        + '\n[models.m]\ntargets = ["o/ft:gpt/x"]\ncache = false\n'
        + '[schedules.s]\ncall = "GET /o/x"\ncron = "* * * * *"'
    )
    assert found.server.connections_per_address == 256
    assert found.server.admin_bind.port == 81
    assert (found.models["m"].targets[0].upstream, found.models["m"].targets[0].model) == ("o", "ft:gpt/x")
    assert found.models["m"].cache is None
    assert found.schedules["s"].spread == 0.0
