"""No spelling of a path leaves the base it was given or escapes the policies of its route."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from seawall.gateway.paths import climbs, comparable


@pytest.mark.parametrize(
    "path",
    [
        b"/..", b"/../x", b"/a/../b", b"/a/..", b"/%2e%2e/x", b"/.%2e/x", b"/%2E./x", b"/..%2fx", b"/a%2f..%2fb",
        b"/..%5cx", b"/a/..\\b", b"/..;a=1/x", b"/%252e%252e/x", b"/%25252e%25252e/x", b"/%2525252e%2525252e/",
    ],
)  # fmt: skip
def test_a_dot_dot_segment_is_seen_in_every_spelling(path: bytes) -> None:
    """Encoded, doubly encoded, with backslashes or path parameters: an upstream may resolve each of them."""
    assert climbs(path)


@pytest.mark.parametrize(
    "path", [b"/", b"/a/b", b"/a..b", b"/..a", b"/a../b", b"/...", b"/%20", b"/a%2fb", b"/./a", b"/%E2%82%AC", b"/100%"]
)
def test_other_paths_pass(path: bytes) -> None:
    """Two dots inside a name are a name."""
    assert not climbs(path)


def test_percent_encoding_does_not_hide_a_path_from_its_route() -> None:
    """`%66` is `f` to every upstream, so it is to a pattern; an encoded slash separates nothing."""
    assert comparable(b"/v1/%66orecast") == b"/v1/forecast"
    assert comparable(b"/a%2fb/%63") == b"/a%2Fb/c"


@given(st.binary(max_size=40))
def test_any_bytes_are_judged(path: bytes) -> None:
    """No input makes the check raise, and what passes holds no literal dot-dot segment."""
    if not climbs(b"/" + path):
        assert b".." not in (b"/" + path).split(b"/")
