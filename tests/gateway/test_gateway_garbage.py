"""A call that has ended leaves nothing to the garbage collector."""

from test_gateway_door import Harness, fine

from garbage import left_by
from seawall.contracts.request import Memory
from seawall.testing import virtual


@virtual
async def test_a_call_through_the_door_leaves_no_cycle() -> None:
    """Two hundred leave less than one object each: cold memory costs a call more than the collector itself."""
    here, memory = Harness(fine), Memory()

    async def ask() -> None:
        reply, _ = await here.done(b"/weather/x", b"POST", memory=memory, body=b"one")
        assert reply.status == 200
        here.calls.clear()
        here.events.clear()

    assert await left_by(ask, 200) < 200
