"""Route patterns: one star is one segment, two are any number."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from seawall.gateway.pattern import Pattern

CASES = [
    ("GET /v1/forecast", b"GET", b"/v1/forecast", True),
    ("GET /v1/forecast", b"HEAD", b"/v1/forecast", True),
    ("GET /v1/forecast", b"POST", b"/v1/forecast", False),
    ("GET /v1/forecast", b"GET", b"/v1/forecast/", False),
    ("GET /v1/forecast", b"GET", b"/v1/%66orecast", True),
    ("* /v1/archive/**", b"DELETE", b"/v1/archive/a/b/c", True),
    ("* /v1/archive/**", b"GET", b"/v1/archive", True),
    ("* /v1/archive/**", b"GET", b"/v1/archives", False),
    ("* /users/*/posts", b"GET", b"/users/7/posts", True),
    ("* /users/*/posts", b"GET", b"/users/7/8/posts", False),
    ("* /users/*/posts", b"GET", b"/users/posts", False),
    ("* /**/end", b"GET", b"/a/b/end", True),
    ("* /**/end", b"GET", b"/end", True),
    ("* /**/end", b"GET", b"/a/end/b", False),
    ("* /**/a/**/b", b"GET", b"/x/a/y/a/z/b", True),
    ("* /**", b"GET", b"/", True),
    ("POST,PUT /x", b"PUT", b"/x", True),
    ("POST,PUT /x", b"GET", b"/x", False),
]


@pytest.mark.parametrize(("text", "method", "path", "matches"), CASES)
def test_a_pattern_matches_what_it_says(text: str, method: bytes, path: bytes, matches: bool) -> None:
    """Each row: the pattern of the settings, a call, and whether it is meant."""
    assert Pattern(text).matches(method, path) is matches


@pytest.mark.parametrize("text", ["/v1", "GET", "GET v1", "GET /a b", ""])
def test_a_wrong_pattern_says_the_form(text: str) -> None:
    """A method, a blank and a path; anything else names the form and an example."""
    with pytest.raises(ValueError, match="must be a method and a path"):
        Pattern(text)


@given(
    st.lists(st.sampled_from([b"a", b"b"]), max_size=6), st.lists(st.sampled_from(["a", "b", "*", "**"]), max_size=5)
)
def test_matching_agrees_with_the_plain_recursive_definition(path: list[bytes], pattern: list[str]) -> None:
    """The loop with one restart point gives what trying everything gives."""

    def tries(want: list[str], have: list[bytes]) -> bool:
        if not want:
            return not have
        if want[0] == "**":
            return tries(want[1:], have) or (bool(have) and tries(want, have[1:]))
        return bool(have) and (want[0] == "*" or want[0].encode() == have[0]) and tries(want[1:], have[1:])

    got = Pattern("* /" + "/".join(pattern)).matches(b"GET", b"/" + b"/".join(path))
    assert got is tries(pattern or [""], path or [b""])
