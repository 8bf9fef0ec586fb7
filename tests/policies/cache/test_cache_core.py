"""The cache's pure core beyond the exchanges: every form of a date, and that nothing a peer sends breaks it."""

import asyncio
from datetime import UTC, datetime, timedelta

import http_sf
import pytest
from cache_exchange import TARGET, build, flights, make_call
from hypothesis import given
from hypothesis import strategies as st

from seawall.contracts.call import Call
from seawall.contracts.reply import Reply
from seawall.contracts.target import Target
from seawall.policies.cache import SPEC, CacheSettings
from seawall.policies.cache.core import Use, decide
from seawall.policies.cache.dates import http_date, parse_date
from seawall.policies.cache.directives import (
    LONGEST,
    Asks,
    delta,
    members,
    request_directives,
    response_directives,
)
from seawall.policies.cache.freshness import age_of, initial_age, lifetime
from seawall.policies.cache.invalidation import invalidated
from seawall.policies.cache.key import Asked, variant, vary_names
from seawall.policies.cache.ranges import wanted
from seawall.policies.cache.shelf import Marks
from seawall.policies.cache.status import forwarded, hit
from seawall.policies.cache.storable import Arrived, make, refusal
from seawall.policies.cache.validation import tags
from seawall.testing import ScriptedSource, virtual

NOW = 1_767_225_600.0
seconds = st.integers(-2_000_000_000, 4_000_000_000)
texts = st.one_of(st.binary(max_size=40), st.text('"\\,=;*-W/ \tabm09', max_size=30).map(str.encode))


@given(seconds)
def test_every_form_of_a_date_means_the_same(moment: int):
    """IMF-fixdate, RFC 850 within its century, asctime; in any case."""
    when = datetime(1970, 1, 1, tzinfo=UTC) + timedelta(seconds=moment)
    fixed = http_date(moment)
    assert parse_date(fixed, NOW) == moment
    assert parse_date(fixed.upper(), NOW) == moment
    asctime = when.strftime("%a %b ") + f"{when.day:2d} " + when.strftime("%H:%M:%S %Y")
    assert parse_date(asctime.encode(), NOW) == moment
    if 1977 <= when.year <= 2076:
        assert parse_date(when.strftime("%A, %d-%b-%y %H:%M:%S GMT").encode(), NOW) == moment


@pytest.mark.parametrize(
    "text",
    [
        b"", b"Sunday", b"Sun, 06 Nov 1994 08:49:37", b"Sun, 06-Nov-1994 08:49:37 GMT", b"Foo Nov  6 08:49:37 1994",
        b"Sun Nov 6 08:49:37 1994", b"Sun Nov  6 08:49:37  1994", b"Sun-Nov  6 08:49:37 1994",
        b"Sunday, 06-Nov-94 08:49:37 UTC", b"Funday, 06-Nov-94 08:49:37 GMT", b"Sunday, 06 Nov 94 08:49:37 GMT",
        b"Sunday, 06-Nov-XX 08:49:37 GMT", b"Sun, 06 Nov 1994 08:49:3x GMT", b"Sun, 06 Nov 1994 08-49-37 GMT",
        b"Sun, 06 Nov 1994 24:00:00 GMT", b"Sun, 06-Nov 1994 08:49:37 GMT", b"Sun, 06 Nov 0000 08:49:37 GMT",
    ],
)  # fmt: skip
def test_what_is_no_date_is_none(text: bytes):
    """To the letter but for case."""
    assert parse_date(text, NOW) is None


@given(st.binary(max_size=40))
def test_no_date_breaks_the_parser(text: bytes):
    """It comes from a peer."""
    parse_date(text, NOW)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        (b"a, B=c", [(b"a", None), (b"b", b"c")]),
        (b'a="x, y", b', [(b"a", b"x, y"), (b"b", None)]),
        (rb'a="x\", y", b', [(b"a", b'x", y'), (b"b", None)]),
        (rb'a="x\\", b', [(b"a", b"x\\"), (b"b", None)]),
        (b'a="x', [(b"a", b'"x')]),
        (b'a="x"y', [(b"a", b'"x"y')]),
        (b'a="', [(b"a", b'"')]),
        (b",, a ,", [(b"a", None)]),
        (b"=a", []),
        (b"a =b", [(b"a", b" b")]),
    ],
)
def test_directives_are_split_as_the_grammar_says(text, expected):
    """RFC 9111 section 5.2; what is odd stays odd."""
    assert list(members(text)) == expected


@given(texts)
def test_delta_seconds_are_digits_or_nothing(text: bytes):
    """0 for anything else, never above 2^31."""
    value = delta(text)
    assert 0 <= value <= LONGEST
    if value:
        assert text.isdigit()
        assert value == min(int(text), LONGEST)


@given(
    st.lists(
        st.tuples(
            st.sampled_from(
                [
                    b"cache-control",
                    b"cdn-cache-control",
                    b"vary",
                    b"age",
                    b"expires",
                    b"date",
                    b"last-modified",
                    b"etag",
                    b"connection",
                ]
            ),
            texts,
        ),
        max_size=6,
    ),
    st.sampled_from([200, 299, 404, 503]),
)
def test_no_answer_breaks_the_core(headers, status):
    """Whatever stands in its headers; what is kept is never fresh for longer than the largest number."""
    settings = CacheSettings(heuristic=True, stale_if_error=60, targeted=("CDN-Cache-Control",))
    said = response_directives(headers, [b"cdn-cache-control"])
    head = Arrived(status, headers, 0.0, 0.0, NOW)
    fresh, _ = lifetime(status, headers, said, settings, NOW)
    assert 0 <= fresh <= LONGEST
    assert initial_age(headers, 0.0, NOW) >= age_of(headers) >= 0
    if not refusal(head, said, Asked(), settings):
        entry = make(head, said, b"", b"", settings)
        assert entry is None or not said.private
        assert entry is None or any(name == b"date" for name, _ in entry.headers)


@given(texts, texts, texts, texts)
def test_no_request_breaks_the_core(control: bytes, pragma: bytes, conditions: bytes, value: bytes):
    """Directives, tags, ranges, selecting headers."""
    request_directives(control, pragma)
    request_directives(None, pragma)
    assert all(tag == tag.strip(b" \t") and tag for tag in tags(conditions))
    found = wanted(value, 100)
    assert found is None or 0 <= found[0] <= found[1] <= 100
    variant((b"accept-language", b"foo"), [(b"accept-language", value), (b"foo", control)])
    vary_names([(b"vary", value)])


@given(
    st.one_of(st.binary(max_size=30), st.text("/.:?#[]@a%\\ h\t", max_size=20).map(str.encode)),
    st.sampled_from([b"", b"gate:80", b"[::1", b"\xff"]),
)
def test_no_link_breaks_invalidation(link: bytes, public: bytes):
    """It comes from a peer; what it leads to is a path of ours."""
    target = Target("api", "api", "http", "origin.example", 80, b"/base")
    paths = invalidated(b"/a", 201, [(b"location", link)], target, public, b"")
    assert paths[0] == b"/a"
    assert all(path.startswith(b"/") for path in paths)


@pytest.mark.parametrize(
    ("link", "path"),
    [
        (b"/base/x", b"/x"), (b"/base", b"/"), (b"/based/x", None), (b"/x", None), (b"y", b"/y"),
        (b"http://origin.example/base/x?z=1", b"/x?z=1"), (b"http://gate/api/x", b"/x"), (b"http://gate/x", None),
        (b"http://origin.example/x", None), (b"", b"/a"), (b"./", b"/"), (b"..", None),
    ],
)  # fmt: skip
def test_a_link_is_seen_from_where_it_was_written(link: bytes, path: bytes | None):
    """The target's base, or the mount under which clients see the upstream, stands before the upstream's own paths."""
    target = Target("api", "api", "http", "origin.example", 80, b"/base")
    found = invalidated(b"/a", 201, [(b"location", link)], target, b"gate", b"/api")
    assert found == ([b"/a"] if path in (None, b"/a") else [b"/a", path])


@given(st.floats(-1e9, 1e9), st.sampled_from([b"", b"the upstream failed"]), st.booleans())
def test_cache_status_is_a_structured_field(ttl: float, detail: bytes, flag: bool):
    """RFC 9211 section 2: a list whose members are tokens with parameters."""
    for text in (hit(ttl, detail), forwarded(b"uri-miss", 304, ttl=ttl, stored=flag, collapsed=flag, detail=detail)):
        ((token, parameters),) = http_sf.parse(text, tltype="list")
        assert str(token) == "seawall"
        assert abs(parameters["ttl"] - ttl) <= 1
        assert (parameters["ttl"] > 0) is (ttl > 0)  # what is stale never says 0, what is fresh neither
        assert parameters.get("detail", "").encode() == detail


def test_marks_are_bounded_and_end():
    """Keys are clients' to choose."""
    marks = Marks()
    for number in range(10_000):
        marks.add(number, 10.0)
    assert len(marks) == 4096
    assert marks.has(9_999, 9.0)
    assert not marks.has(0, 9.0)
    assert not marks.has(9_999, 10.0)
    assert len(marks) == 4095
    marks.discard(9_998)
    marks.discard(9_998)
    assert len(marks) == 4094


@pytest.mark.parametrize(
    ("settings", "line"),
    [
        ({}, "fresh for as long as the response says; shared by all with the same credential; answers up to 1MiB"),
        (
            {"ttl": "15m", "stale_while_revalidate": "1h", "stale_if_error": "24h", "share": "caller"},
            (
                "fresh for 15m where the response says nothing; then 1h stale while refreshed behind; "
                "1d stale where the upstream fails or takes longer than 500ms; shared by one caller; answers up to 1MiB"
            ),
        ),
        (
            {"ttl": "5m", "override": True},
            "fresh for 5m whatever the response says; shared by all with the same credential; answers up to 1MiB",
        ),
    ],
)
def test_explain_says_what_is_kept_for_whom(settings, line):
    """The line of `seawall explain`."""
    assert SPEC.explain(CacheSettings.model_validate(settings)) == line


def entry(**changes: object):
    """Return an entry born at 0, fresh for 60 s."""
    said = response_directives([(b"cache-control", b"max-age=60, stale-while-revalidate=60")], ())
    head = Arrived(200, [(b"cache-control", b"max-age=60, stale-while-revalidate=60")], 0.0, 0.0, NOW)
    made = make(head, said, b"", b"", CacheSettings())
    assert made is not None
    return made


@pytest.mark.parametrize(
    ("asks", "now", "use"),
    [
        ({}, 59.9, Use.FRESH), ({}, 60.0, Use.BEHIND), ({}, 119.9, Use.BEHIND), ({}, 120.0, Use.VALIDATE),
        ({"max_age": 30}, 30.0, Use.FRESH), ({"max_age": 30}, 30.1, Use.REQUEST), ({"max_age": 30}, 70, Use.VALIDATE),
        ({"max_age": 0}, 0.0, Use.REQUEST), ({"max_age": 70}, 65.0, Use.VALIDATE), ({"min_fresh": 5}, 56, Use.REQUEST),
        ({"min_fresh": 5}, 55.0, Use.FRESH), ({"max_stale": 10}, 70.0, Use.STALE), ({"max_stale": 10}, 71, Use.BEHIND),
        ({"max_age": 30, "max_stale": 10}, 40.0, Use.FRESH), ({"max_age": 30, "max_stale": 10}, 41.0, Use.REQUEST),
        ({"no_cache": True}, 0.0, Use.REQUEST),
    ],
)  # fmt: skip
def test_the_edges_of_every_window(asks, now, use):
    """To the moment."""
    said = Asks()
    for name, value in asks.items():
        setattr(said, name, value)
    assert decide(entry(), said, now) is use
    if not asks:
        assert decide(entry(), None, now) is use


@virtual
async def test_an_answer_for_one_who_left_in_the_same_turn_is_closed():
    """Cancelled after the flight has landed and before it could take it: neither a reply nor a body is left open."""
    loop = asyncio.get_running_loop()
    for body in (b"x", ScriptedSource([b"x"] * 5, gap=1)):
        for control in (b"private", b"max-age=60"):
            stage, context = build()
            closed: list[bool] = []
            waiting: list[asyncio.Task[Reply]] = []

            async def upstream(_: Call, body=body, control=control, closed=closed, waiting=waiting) -> Reply:
                await asyncio.sleep(1)
                reply = Reply(200, [(b"cache-control", control)], body)
                reply.on_close(lambda: closed.append(True))
                loop.call_soon(waiting[0].cancel)
                return reply

            waiting.append(loop.create_task(stage.send(make_call(), upstream)))
            await asyncio.wait(waiting)
            for _ in range(20):
                await asyncio.sleep(0)
            if waiting[0].cancelled():
                assert closed == [True] or (body == b"x" and control == b"max-age=60"), (body, control)
            await flights(context).close()
            assert flights(context).under_way == {}


def test_the_origin_of_the_exchanges_is_where_links_lead():
    """A guard for the fixture."""
    assert TARGET.authority == b"origin.example"
