"""Security 1 through a whole gateway: the path an upstream gets is the one that was sent, below its base, or none."""

from urllib.parse import unquote_to_bytes

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from http_raw import parse_answers, talk
from seawall.app import App
from seawall.config import parse
from seawall.testing.faultserver import FaultServer

BASE = b"/base%20of/api"
SETTINGS = """
[server]
listen = "127.0.0.1:0"
[log]
level = "error"
rate = "100000/s"
[upstreams.up]
url = "http://127.0.0.1:{port}{base}"
allow_private = true
"""
PLAIN = b"abcXYZ019-._~!$&'()*+,;=:@[]^`{|}<>\"%"
ESCAPES = (
    b"..", b".", b"%2e", b"%2E", b"%2f", b"%2F", b"%5c", b"%252e", b"%25", b"%00", b"%0d%0a", b"%c3%a9", b"%zz", b"%",
    b"..;", b"%2e%2e", b".%2e", b"%2e%2e%2f", b"%252e%252e", b"%3f", b"%23", b"//", b"/./", b"http:", b"@evil", b":80",
)  # fmt: skip
segments = st.lists(
    st.one_of(st.sampled_from(ESCAPES), st.text(PLAIN.decode(), max_size=6).map(str.encode)), max_size=4
)
paths = st.lists(segments.map(b"".join), min_size=1, max_size=5).map(b"/".join)
queries = st.one_of(st.just(b""), st.text(PLAIN.decode() + "/?", max_size=12).map(lambda text: b"?" + text.encode()))


async def sent(*targets: bytes) -> list[tuple[int, bytes | None]]:
    """Ask for each target; return the status and what the upstream was asked for, None when it was not."""
    found: list[tuple[int, bytes | None]] = []
    async with FaultServer() as upstream:
        text = SETTINGS.format(port=upstream.port, base=BASE.decode())
        async with App(parse(text, {}).tree) as app:
            port = int(app.addresses[0].rpartition(":")[2])
            for target in targets:
                before = len(upstream.exchanges)
                raw = await talk(port, b"GET %b HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n" % target)
                got = upstream.exchanges[before:]
                found.append((parse_answers(raw)[0].status, got[0].target if got else None))
    return found


def leaves(path: bytes) -> bool:
    """Whether any amount of decoding shows a `..` segment; written apart from the code it judges."""
    while True:
        names = [part.partition(b";")[0].partition(b"\0")[0] for part in path.replace(b"\\", b"/").split(b"/")]
        if b".." in names:
            return True
        decoded = unquote_to_bytes(path)
        if decoded == path:
            return False
        path = decoded


@given(st.lists(st.tuples(paths, queries), min_size=20, max_size=20))
@settings(max_examples=15)
async def test_bytes_reach_the_upstream_as_they_were_sent_or_not_at_all(targets: list[tuple[bytes, bytes]]):
    """Percent-encodings, odd bytes and all; below the base in every reading of what arrives."""
    asked = [b"/up/" + path + query for path, query in targets]
    for (path, query), (status, got) in zip(targets, await sent(*asked), strict=True):
        if got is None:
            assert status == 400, path
        else:
            assert status == 200
            assert got == BASE + b"/" + path + query
            assert not leaves(got.partition(b"?")[0])
        if b"." not in unquote_to_bytes(unquote_to_bytes(path)) and path.count(b"%25") < 2:
            assert got is not None, path


@pytest.mark.parametrize(
    "target",
    [
        b"/up/../live", b"/up/..", b"/up/%2e%2e/x", b"/up/%2E./x", b"/up/.%2e", b"/up/a/..%2f..%2fx",
        b"/up/%252e%252e/x", b"/up/%25252e%25252e/x",
        b"/up/..;a=b/x", b"/up/%5c../x", b"/up/a%2f..%5cx", b"/up/%2e%2e%00", b"/up/%2e%2e;/x",
        b"/up/..\\x", b"//evil.example/x", b"//up/x", b"/\\evil.example", b"http://evil.example/up/x",
        b"https://127.0.0.1/up/x", b"evil.example:443", b"/up/a#b", b"*", b"up/x", b"",
    ],
)  # fmt: skip
async def test_what_climbs_or_names_another_place_goes_nowhere(target: bytes):
    """400, and the upstream is not asked; what stands behind a NUL is cut off by some upstreams, so it counts."""
    assert await sent(target) == [(400, None)]


@pytest.mark.parametrize(
    ("target", "path"),
    [
        (b"/up", b"/"), (b"/up/", b"/"), (b"/up?q=1", b"/?q=1"), (b"/up?/../x", b"/?/../x"),
        (b"/up//evil.example", b"//evil.example"),
        (b"/up/...", b"/..."), (b"/up/a..b/..c", b"/a..b/..c"),
        (b"/up/x?a=..%2f..&b=%2e%2e/", b"/x?a=..%2f..&b=%2e%2e/"),
        (b"/up/http://evil.example/", b"/http://evil.example/"), (b"/up/@evil.example:80", b"/@evil.example:80"),
        (b"/up/%E2%82%AC%e2%82%ac", b"/%E2%82%AC%e2%82%ac"), (b"/up/a?b?c", b"/a?b?c"), (b"/up/?", b"/?"),
    ],
)  # fmt: skip
async def test_what_only_looks_odd_arrives_as_it_is(target: bytes, path: bytes):
    """Below the base, byte for byte; dots in a query and two slashes behind the mount are nobody's business."""
    assert await sent(target) == [(200, BASE + path)]


@pytest.mark.parametrize("target", [b"/upp/x", b"/UP/x", b"/u%70/x", b"/up%2fx", b"/up;a/x", b"/%75%70/x"])
async def test_only_the_mount_as_it_is_written_leads_to_an_upstream(target: bytes):
    """No other spelling of it does."""
    assert await sent(target) == [(404, None)]
