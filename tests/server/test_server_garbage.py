"""A connection that is gone leaves nothing to the garbage collector."""

from http_calls import GET

from garbage import left_by
from http_raw import Rig
from seawall.contracts.reply import Reply
from seawall.contracts.request import Request
from seawall.testing import virtual


async def _answer(_: Request) -> Reply:
    return Reply(200, [], b"x")


@virtual
async def test_a_connection_that_is_gone_goes_without_the_collector() -> None:
    """Clients come and go by the thousand; what each leaves would wait in memory for a collection."""
    first = Rig(_answer)

    async def visit() -> None:
        rig = Rig(_answer, state=first.state)
        await rig.feed(GET)
        await rig.leave()
        del rig.transport.protocol  # as a real transport lets go of it

    assert await left_by(visit, 20) < 20
