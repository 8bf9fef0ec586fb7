"""Known Hosts and foreign pages (security 15): any web page could otherwise spend money on a loopback gateway."""

import pytest

from seawall.contracts.sites import ANY_ADDRESS, Sites, host_name, known_hosts, refused

LOOPBACK = Sites(known_hosts("127.0.0.1", 8080, ["GW.home.lan"]), frozenset({b"https://app.example"}))


@pytest.mark.parametrize(
    "host",
    [
        "127.0.0.1:8080",
        "localhost:8080",
        "LOCALHOST",
        "localhost.",
        "[::1]:8080",
        "[::1]",
        "gw.home.lan",
        "gw.home.lan:80",
    ],
)
def test_a_known_host_is_let_in_whatever_its_port(host: str) -> None:
    """The listen address, names for loopback and those of the settings; a published port may differ."""
    assert LOOPBACK.host_refused(host.encode()) is None


@pytest.mark.parametrize(
    "host",
    ["", "evil.example", "evil.example:8080", "localhost.evil.example", "localhost:evil", "[::1]evil", "[::1", ":8080",
     "127.0.0.2", "10.0.0.1:8080", "evil@localhost", "localhost:80:80", "0.0.0.0"],
)  # fmt: skip
def test_an_unknown_host_is_refused(host: str) -> None:
    """A name a foreign page made point here (rebinding) is none of ours."""
    assert LOOPBACK.host_refused(host.encode()) is not None


@pytest.mark.parametrize(
    ("listen", "known", "unknown"),
    [
        ("0.0.0.0", "10.1.2.3:9", "evil.example"),
        ("::", "[2001:db8::1]:9", "evil.example"),
        ("192.168.1.5", "192.168.1.5:9", "192.168.1.6"),
        ("2001:db8::5", "[2001:db8::5]", "[2001:db8::6]"),
        ("box.lan", "box.lan", "box.other"),
        ("bücher.example", "xn--bcher-kva.example", "bucher.example"),
        ("", "localhost", "10.0.0.1"),
    ],
)
def test_what_is_known_follows_from_the_bind(listen: str, known: str, unknown: str) -> None:
    """A wildcard bind is known under every address literal, since no page can rebind one; a name is never that."""
    sites = Sites(known_hosts(listen))
    assert sites.host_refused(known.encode()) is None
    assert sites.host_refused(unknown.encode()) is not None


def test_the_mark_for_any_address_is_no_host_itself() -> None:
    """No header can hold a line feed, and nothing near the mark is known."""
    assert ANY_ADDRESS in known_hosts("0.0.0.0", 80)
    assert b"\n" in ANY_ADDRESS
    for host in (b"[]", b"[]:80", b"*", b""):
        assert Sites(known_hosts("0.0.0.0")).host_refused(host) is not None


@pytest.mark.parametrize(
    ("origin", "site", "allowed"),
    [
        (None, None, True),
        (None, "none", True),
        (None, "same-origin", True),
        (None, "same-site", True),
        (None, "cross-site", False),
        (None, "Cross-Site", False),
        (None, "odd", False),
        ("http://localhost:8080", "same-origin", True),
        ("https://LOCALHOST:8080", None, True),
        ("http://localhost:3000", "same-site", False),
        ("https://evil.example", None, False),
        ("https://evil.example", "cross-site", False),
        ("https://app.example", "cross-site", True),
        ("https://APP.example", None, True),
        ("http://app.example", None, False),
        ("null", None, False),
        ("null", "same-origin", False),
        ("", None, False),
        ("localhost:8080", None, False),
        ("chrome-extension://localhost:8080", None, False),
        ("http://localhost:8080/x", None, False),
        ("http://evil://localhost:8080", None, False),
    ],
)
def test_a_page_of_another_site_is_refused_unless_listed(origin: str | None, site: str | None, allowed: bool) -> None:
    """Sec-Fetch-Site cross-site and a foreign Origin are refused; null always; the door's own pages work."""
    headers = [(b"accept", b"*/*")]
    if origin is not None:
        headers.append((b"origin", origin.encode()))
    if site is not None:
        headers.append((b"sec-fetch-site", site.encode()))
    assert (refused(headers, b"localhost:8080", LOOPBACK) is None) is allowed


def test_every_one_of_several_origins_must_be_allowed() -> None:
    """A second Origin cannot hide behind a listed first, nor the first behind the second."""
    foreign, listed = (b"origin", b"https://evil.example"), (b"origin", b"https://app.example")
    assert refused([listed, foreign], b"localhost", LOOPBACK) is not None
    assert refused([foreign, listed], b"localhost", LOOPBACK) is not None
    assert refused([listed], b"evil.example", LOOPBACK) is not None


def test_null_is_refused_even_when_somebody_lists_it() -> None:
    """Every sandboxed frame is `null`."""
    sites = Sites(LOOPBACK.hosts, frozenset({b"null"}))
    assert sites.page_refused(b"localhost", b"null", None) is not None


@pytest.mark.parametrize(("host", "name"), [(b"A.b.:80", b"a.b"), (b"[::1]:8", b"[::1]"), (b"a:", b"a"), (b"a:x", b"")])
def test_a_host_name_is_without_port_and_dot(host: bytes, name: bytes) -> None:
    """What is not of the form is no name."""
    assert host_name(host) == name
