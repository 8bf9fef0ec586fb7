"""What examples/assistant makes of the gateway's refusals: whose fault each is, and what the user is told."""

import json
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from types import ModuleType

import pytest

from seawall.testing.exchange import Answer
from seawall.testing.faultserver import FaultServer

HERE = Path(__file__).parents[2] / "examples" / "assistant"
FINAL = ("x-should-retry", "false")


@contextmanager
def _coach() -> Iterator[tuple[ModuleType, ModuleType]]:
    """Give the modules `coach.model` and `coach.schemas`, and forget them and their path afterwards."""
    before = set(sys.modules)
    sys.path.insert(0, str(HERE))
    try:
        import coach.model  # found by the path above only
        import coach.schemas

        yield coach.model, coach.schemas
    finally:
        sys.path.remove(str(HERE))
        for name in set(sys.modules) - before:
            if name.partition(".")[0] == "coach":
                del sys.modules[name]


@pytest.mark.parametrize(
    ("status", "code", "headers", "told"),
    [
        (429, "quota-exceeded", (("retry-after", "2"),), "too-fast"),
        (
            429,
            "spend-cap-reached",
            (("x-seawall-left-cap", "user day"), ("retry-after", "99"), FINAL),
            "allowance-used",
        ),
        (429, "spend-cap-reached", (("x-seawall-left-cap", "user day"), ("retry-after", "1")), "too-fast"),
        (429, "spend-cap-reached", (("x-seawall-left-cap", "caller day"), ("retry-after", "99"), FINAL), "coach-away"),
        (429, None, (), "coach-away"),
        (402, "spend-cap-reached", (("x-seawall-left-cap", "caller total"), FINAL), "coach-away"),
        (401, "unauthenticated", (), "coach-away"),
        (503, "breaker-open", (("retry-after", "12"),), "coach-away"),
    ],
)
async def test_a_refusal_is_the_user_s_only_where_it_is_the_user_s_limit(status, code, headers, told):
    """The backend's own cap, key and providers are none of the user's business; Retry-After is passed on."""
    body = json.dumps({"error": {"message": "no", "type": code, "code": code, "param": None}}).encode()
    coded = tuple((name.encode(), value.encode()) for name, value in (("content-type", "application/json"), *headers))
    with _coach() as (model, schemas):
        async with (
            FaultServer(lambda _: Answer(status, body, coded)) as gateway,
            model.connected(gateway.url, "k") as coach,
        ):
            with pytest.raises(model.CoachError) as caught:
                await coach.ask(schemas.User(id=1, handle="ada", goal=""), [], "hi")
    assert caught.value.type == told
    assert caught.value.retry_after == dict(headers).get("retry-after")
    assert gateway.exchanges[0].header(b"x-user") == b"ada"
