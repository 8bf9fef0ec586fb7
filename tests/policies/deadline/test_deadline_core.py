"""Hints of callers and the limit of a body."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from seawall.contracts.call import Call, Run
from seawall.contracts.reply import Reply
from seawall.contracts.target import Target, Timeouts
from seawall.policies.deadline.core import body_limit, hinted
from seawall.policies.deadline.policy import explain
from seawall.policies.deadline.settings import DeadlineSettings
from seawall.testing import ScriptedSource

IGNORED = [
    b"", b"0", b"0.0", b"-1", b"+1", b"1_0", b"1e0", b"inf", b"nan", b" 1", b"1 ", b"1.", b".5", b"1.5.2", b"0x1",
    "١".encode(), b"1s", b"1" * 17,
]  # fmt: skip
IGNORED_GRPC = [b"", b"S", b"5", b"0S", b"-1S", b"1s", b"1.5S", b"123456789S", b"1 S", b"1SS", "١S".encode(), b"1_0S"]


@pytest.mark.parametrize("value", IGNORED)
def test_unreadable_request_timeout_is_ignored(value: bytes):
    """Only ASCII digits with at most one point are seconds; zero is no timeout."""
    assert hinted([(b"x-request-timeout", value)], 110.0, 100.0) == 110.0


@pytest.mark.parametrize("value", IGNORED_GRPC)
def test_unreadable_grpc_timeout_is_ignored(value: bytes):
    """One to eight digits and a unit of the gRPC protocol, nothing else."""
    assert hinted([(b"grpc-timeout", value)], 110.0, 100.0) == 110.0


@pytest.mark.parametrize(
    ("value", "seconds"), [(b"1M", 60), (b"1H", 3600), (b"3S", 3), (b"3m", 0.003), (b"3u", 3e-6), (b"3n", 3e-9)]
)
def test_units_of_grpc_timeout(value: bytes, seconds: float):
    """H, M, S, m, u and n are hours to nanoseconds."""
    assert hinted([(b"grpc-timeout", value)], 1e6, 0.0) == pytest.approx(seconds)


def test_shortest_of_several_hints_counts():
    """Two headers of one name and one of the other: the earliest moment wins, and other headers are no hints."""
    headers = [
        (b"x-request-timeout", b"5"),
        (b"grpc-timeout", b"2S"),
        (b"x-request-timeout", b"3"),
        (b"timeout", b"1"),
    ]
    assert hinted(headers, 110.0, 100.0) == 102.0


@given(
    st.lists(st.tuples(st.sampled_from([b"x-request-timeout", b"grpc-timeout"]), st.binary(max_size=12))),
    st.floats(0, 1e9),
    st.floats(0, 1e6),
)
def test_no_hint_makes_a_deadline_later(headers: list[tuple[bytes, bytes]], now: float, left: float):
    """Whatever bytes a caller sends, the result lies between now and the configured deadline."""
    assert now <= hinted(headers, now + left, now) <= now + left


@pytest.mark.parametrize(("streamed", "until"), [(True, 700.0), (False, 130.0)])
def test_limit_of_a_body(streamed: bool, until: float):
    """A stream has its own deadline from the call's arrival, anything else the call's."""
    call = Call(b"GET", b"/", [], Target("u", "u", "http", "h", 80), Timeouts(stream=600.0), 130.0, Run(100.0))
    assert body_limit(call, Reply(200, [], ScriptedSource(), None, streamed)) == until


def test_explained_with_values():
    """The line of `seawall explain` names every value that counts."""
    line = explain(DeadlineSettings(timeout=10, attempt_timeout=4, stream_timeout=300, deadline_header="X-Left"))
    assert line == "the whole call 10s, an attempt 4s, a stream 5m, told upstream in X-Left"
    assert "told" not in explain(DeadlineSettings())
