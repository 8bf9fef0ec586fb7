"""Security 3: a redirect is an answer like any other; nothing is called because of it."""

import asyncio

import pytest

from seawall.contracts.call import Attempt, Call, Run
from seawall.contracts.target import Target, Timeouts
from seawall.testing.faultserver import FaultServer
from seawall.wire import Wire


@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
@pytest.mark.parametrize("method", [b"GET", b"POST"])
async def test_a_redirect_passes_through_and_is_not_followed(clock, wheel, status, method):
    """Location reaches the caller; the other server is never asked."""
    async with FaultServer() as other, FaultServer() as server:
        location = f"{other.url}/stolen".encode()
        server.app = lambda _: (
            b"HTTP/1.1 %d Elsewhere\r\nLocation: %b\r\nContent-Length: 0\r\n\r\n" % (status, location),
        )
        target = Target("up", "up", "http", "127.0.0.1", server.port, allow_private=True)
        call = Call(method, b"/", [(b"authorization", b"key")], target, Timeouts(), 1e12, Run(0.0))
        wire = Wire(clock, wheel, asyncio.get_running_loop())
        reply = await wire.send(Attempt(call, 1, [], 1e12))
        await wire.close()
        assert (reply.status, reply.header(b"location")) == (status, location)
        assert (len(server.exchanges), other.counts.connections) == (1, 0)
