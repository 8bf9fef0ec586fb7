"""Splices: only the value that changes changes; everything else keeps its bytes."""

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from seawall.llm.parse import MOST_DEPTH, members, parse
from seawall.llm.seam import NotUnderstood
from seawall.llm.splice import Splices, put_plainly

TEXTS = st.text(st.characters(exclude_categories=["Cs"]), max_size=12)
VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | TEXTS,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(TEXTS, inner, max_size=3),
    max_leaves=8,
)
KEYS = st.sampled_from(["model", "stream", "stream_options", "a", 'q"uote', "back\\slash", "é"]) | TEXTS
BLANKS = st.text(" \t\r\n", max_size=3)


@st.composite
def bodies(draw: st.DrawFn) -> str:
    """Draw an object with blanks anywhere, repeated keys, and keys and values escaped or not."""
    pairs = draw(st.lists(st.tuples(KEYS, VALUES), max_size=6))
    blank = lambda: draw(BLANKS)  # noqa: E731 - drawn anew at each place
    ascii_only = draw(st.booleans())
    parts = [
        f"{blank()}{json.dumps(key, ensure_ascii=ascii_only)}{blank()}:{blank()}"
        f"{json.dumps(value, ensure_ascii=ascii_only)}{blank()}"
        for key, value in pairs
    ]
    return f"{blank()}{{{','.join(parts) or blank()}}}{blank()}"


def pairs(text: str | bytes) -> list[tuple[str, object]]:
    """Return the members of an object in order, repeated ones too."""
    found: list[tuple[str, object]] = json.loads(text, object_pairs_hook=list)
    return [(key, json.loads(json.dumps(value))) for key, value in found]


@given(bodies())
def test_members_are_what_a_parser_sees(text: str):
    """Keys in order, and each span is the text of its value."""
    seen = json.loads(text, object_pairs_hook=lambda every: every)
    found = members(text)
    assert [one.key for one in found] == [key for key, _ in seen]
    assert [json.loads(text[one.start : one.end], object_pairs_hook=lambda every: every) for one in found] == [
        value for _, value in seen
    ]


@given(bodies(), st.sampled_from(["model", "a", "new"]), TEXTS)
def test_a_put_value_is_the_only_difference(text: str, key: str, value: str):
    """Every other member stays, in its place, with its bytes; the new one counts for every parser."""
    document = parse(text.encode())
    splices = Splices(document)
    splices.put(key, json.dumps(value))
    done = splices.done()
    before, after = pairs(text), pairs(done)
    assert json.loads(done) == {**json.loads(text), key: value}
    if key in dict(before):
        assert after == [(name, value if name == key else old) for name, old in before]
    else:
        assert after == [(key, value), *before]
    kept = [text[one.start : one.end] for one in document.members if one.key != key]
    spliced = done.decode()
    assert [spliced[one.start : one.end] for one in members(spliced) if one.key != key] == kept


@given(bodies())
def test_a_value_put_inside_leaves_its_neighbours(text: str):
    """An object gains a member, null becomes an object, a missing one is made."""
    document = parse(text.encode())
    splices = Splices(document)
    splices.put_inside("stream_options", "include_usage", "true")
    after = json.loads(splices.done())
    before = json.loads(text)
    old = before.get("stream_options")
    inner = {**old, "include_usage": True} if isinstance(old, dict) else {"include_usage": True}
    assert after == {**before, "stream_options": inner}


@given(bodies(), TEXTS)
def test_what_is_put_plainly_is_what_splices_put(text: str, value: str):
    """Where it can be told without a scan which text is replaced; else nothing is done."""
    document = parse(text.encode())
    splices = Splices(document)
    splices.put("model", json.dumps(value))
    splices.put("max_tokens", "7")
    done = put_plainly(document, "model", json.dumps(value), {"max_tokens": "7"})
    assert done in (None, splices.done())


@pytest.mark.parametrize(
    ("body", "done"),
    [
        (b'{"model":"a"}', b'{"max_tokens":7,"model":"b"}'),
        (b' { "x": "model\\"" , "model" : "a"}', b' {"max_tokens":7, "x": "model\\"" , "model" : "b"}'),
        (b' { "x": 1, "model": "a","n":1}', b' {"max_tokens":7, "x": 1, "model": "b","n":1}'),
        (b'{"x": "\\"model", "model" :"a"}', None),
        (b'{"model":"a\\"b"}', None),
        (b'{"model":"a","x":{"model":"c"}}', None),
        (b'{"mod\\u0065l":"a","x":"model"}', None),
        (b'{"model":"a","max_tokens":null}', None),
        (b'{"model":null}', None),
        (b"{}", None),
    ],
)
def test_what_is_put_plainly(body: bytes, done: bytes | None):
    """The text given once, as it is; whatever else might be meant is left to a scan."""
    assert put_plainly(parse(body), "model", '"b"', {"max_tokens": "7"}) == done


def test_a_number_no_integer_type_holds_passes_unread():
    """Digits stay digits, 300 of them or behind the point."""
    big = "9" * 300
    body = f'{{"model":"a","seed":{big},"top_p":1.0000000000000000000001}}'.encode()
    splices = Splices(parse(body))
    splices.put("model", '"b"')
    assert splices.done() == body.replace(b'"a"', b'"b"')


def test_an_escaped_key_is_the_same_key():
    """A provider's parser reads it so, and would else take the client's name for the model."""
    splices = Splices(parse(b'{"mod\\u0065l":"a"}'))
    splices.put("model", '"b"')
    assert splices.done() == b'{"mod\\u0065l":"b"}'


@pytest.mark.parametrize("opening", ["[", '{"a":', '[{"a":', '{"a":[{"b":'])
def test_nesting_is_bounded_before_anything_is_built(opening: str):
    """64 levels pass, 65 do not, whatever the brackets are and whatever stands in texts."""
    levels = opening.count("[") + opening.count("{")
    for depth, passes in ((MOST_DEPTH - 1 - (MOST_DEPTH - 1) % levels, True), (MOST_DEPTH + levels, False)):
        times = depth // levels
        closing = "".join({"[": "]", "{": "}"}[one] for one in reversed(opening) if one in "[{")
        body = ('{"t":"[[\\"[[{{\\\\","d":' + opening * times + "1" + closing * times + "}").encode()
        json.loads(body)
        if passes:
            assert "d" in parse(body)
        else:
            with pytest.raises(NotUnderstood, match="nested too deeply"):
                parse(body)


def test_brackets_in_text_are_no_nesting():
    """A thousand of them are a text like any other."""
    assert parse(json.dumps({"a": "[{" * 1000}).encode())["a"] == "[{" * 1000


@pytest.mark.parametrize(
    ("body", "says"),
    [
        (b"", "no JSON"),
        (b"[]", "must be a JSON object"),
        (b'{"a":NaN}', "no JSON"),
        (b'{"a":"\\ud800"}', "no JSON"),
        (b'{"a":1}x', "no JSON"),
        (b'\xff{"a":1}', "no JSON"),
        (b"{" * 100, "nested too deeply"),
        (b" " * (32 * 1024 * 1024 + 1), "at most"),
    ],
)
def test_what_is_no_request_is_refused_with_a_reason(body: bytes, says: str):
    """And nothing of the body stands in the message."""
    with pytest.raises(NotUnderstood, match=says):
        parse(body)
