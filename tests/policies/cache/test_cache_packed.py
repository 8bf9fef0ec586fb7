"""An answer as bytes: read back as it was on another machine's clock, and garbage is as none."""

from dataclasses import fields, replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from seawall.policies.cache.entry import Entry, cost
from seawall.policies.cache.packed import pack, unpack

NAMES = st.binary(min_size=1, max_size=12)
SECONDS = st.floats(0, 2**31)


@st.composite
def entries(draw: st.DrawFn) -> Entry:
    """Return any entry."""
    headers = draw(st.lists(st.tuples(NAMES, st.binary(max_size=20)), max_size=5))
    body = draw(st.binary(max_size=60))
    born, lifetime, no_cache = draw(st.floats(-1e6, 1e6)), draw(SECONDS), draw(st.booleans())
    tags = st.none() | st.binary(max_size=9)
    return Entry(
        draw(st.integers(200, 599)),
        headers,
        body,
        tuple(draw(st.lists(NAMES, max_size=3))),
        draw(st.binary(max_size=16)),
        born,
        lifetime,
        float("-inf") if no_cache else born + lifetime,
        no_cache,
        *(draw(st.booleans()) for _ in range(2)),
        *(draw(SECONDS) for _ in range(2)),
        draw(st.booleans()),
        *(draw(tags) for _ in range(2)),
        *(draw(st.none() | SECONDS), draw(SECONDS)),
        cost(headers, len(body)),
    )


@given(entries(), st.floats(0, 1e6), st.floats(-1e6, 1e6))
def test_what_is_packed_is_read_back(entry: Entry, since: float, now: float):
    """Every field is the same, but that its age has grown by what has passed, on a clock that starts elsewhere."""
    packed_at = entry.born + 5.0
    found = unpack(pack(entry, packed_at), since, now)
    assert found is not None
    assert now - found.born == pytest.approx(packed_at - entry.born + since, rel=1e-6, abs=1e-3)
    same = replace(found, born=entry.born, fresh_until=entry.fresh_until)
    for field in fields(Entry):
        assert getattr(same, field.name) == getattr(entry, field.name), field.name
    if not entry.no_cache:
        assert found.fresh_until == found.born + entry.lifetime


@given(st.binary(max_size=200))
def test_garbage_is_none(data: bytes):
    """Whatever somebody put there fails no call."""
    assert unpack(data, 0.0, 0.0) is None


def test_another_programs_form_is_none():
    """A newer version may keep something else; it is not guessed at."""
    headers = [(b"date", b"x")]
    entry = Entry(
        200, headers, b"b", (), b"", 0.0, 1.0, 1.0, False, False, False, 0.0, 0.0, False, None, None, None, 0.0, 9
    )
    data = pack(entry, 0.0)
    assert unpack(data, 0.0, 0.0) is not None
    assert unpack(data.replace(b'"form":1', b'"form":2'), 0.0, 0.0) is None
