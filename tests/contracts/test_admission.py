"""The guard of a gateway without callers: who sends no key may do everything, and no key is known."""

import pytest

from seawall.contracts.admission import EVERYBODY, NOBODY
from seawall.contracts.errors import Unauthenticated
from seawall.contracts.request import Request

NAMES = (b"x-seawall-key", b"authorization", b"x-api-key")


def request(*names: bytes) -> Request:
    """Return a request with these headers."""
    return Request(b"GET", b"/", [(name, b"Bearer x") for name in names])


async def test_nobody_holds_and_is_told_nothing() -> None:
    """Whatever is asked of it."""
    entry = await EVERYBODY.admit(request(), model_route=True)
    assert entry is NOBODY
    await entry.hold_tokens(10**9)
    entry.settle_tokens(10**9)
    entry.close()
    assert (EVERYBODY.open, entry.caller, entry.user, entry.headers) == (True, "", "", [])
    assert (entry.may_call("weather"), entry.may_use("fast")) == (True, True)


@pytest.mark.parametrize("name", NAMES)
async def test_a_key_is_nobodys_where_there_are_no_callers(name: bytes) -> None:
    """On plain mounts the upstream's credentials are no key."""
    with pytest.raises(Unauthenticated):
        await EVERYBODY.admit(request(name), model_route=True)
    if name == b"x-seawall-key":
        with pytest.raises(Unauthenticated):
            await EVERYBODY.admit(request(name), model_route=False)
    else:
        assert await EVERYBODY.admit(request(name), model_route=False) is NOBODY
