"""The line of a call, written straight, is the line its fields make."""

import orjson
from hypothesis import given
from hypothesis import strategies as st

from seawall.contracts.events import CallEnded
from seawall.observers.callline import CallLine, call_fields
from seawall.observers.lines import LARGEST, json_line

TEXT = st.one_of(st.text(max_size=20), st.sampled_from(["", 'a"b', "a\\b", "a\nb", "é", "x" * 3000, "secret-1"]))
SECONDS = st.floats(0, 1e6)
CALLS = st.builds(
    CallEnded, TEXT, TEXT, TEXT, TEXT, st.integers(200, 599), st.sampled_from(["ok", "failed"]),
    st.sampled_from(["", "deadline"]), st.integers(0, 9), st.sampled_from(["", "hit"]), SECONDS, SECONDS, SECONDS,
    st.integers(0, 1 << 40), st.integers(0, 1 << 40), st.booleans(), TEXT, TEXT, st.none() | st.integers(0, 1 << 40),
    st.none() | st.decimals(0, 10**6, places=18),
)  # fmt: skip


def clean(text: str) -> str:
    """Take one secret out."""
    return text.replace("secret-1", "***") if "secret-1" in text else text


@given(CALLS)
def test_it_says_what_the_fields_say(event: CallEnded) -> None:
    """Whatever a client chose: one line, valid JSON, the same values, no secret, within the bound."""
    line = CallLine("svc")(event, "2026-01-01T00:00:00.000Z", "info", clean)
    fields = call_fields(event, "2026-01-01T00:00:00.000Z", "info", "svc")
    for name in ("method", "request_id", "trace_id"):
        fields[name] = clean(fields[name])
    told, expected = orjson.loads(line), orjson.loads(json_line(fields))
    assert line.endswith(b"\n")
    assert line.count(b"\n") == 1
    assert len(line) <= LARGEST
    for name, value in expected.items():
        if isinstance(value, float):
            assert abs(told[name] - value) <= 0.001 + abs(value) * 1e-9
        else:
            assert told[name] == value
    assert list(told) == list(expected)


def test_what_a_client_chose_writes_no_field_of_its_own() -> None:
    """A quote in a request id stays inside its text."""
    forged = 'x","status":200,"a":"'
    event = CallEnded("", "u", "", "GET", 500, "failed", "", 1, "", 0.1, 0.1, 0.0, 0, 0, False, forged, "")
    told = orjson.loads(CallLine("svc")(event, "t", "error", clean))
    assert (told["status"], told["request_id"]) == (500, forged)
