"""Security 2: every address is checked where it is dialled, and what was checked is what is dialled."""

import asyncio
import socket

import pytest

from seawall.contracts.call import Attempt, Call, Run
from seawall.contracts.errors import AddressRefused
from seawall.contracts.target import Target, Timeouts
from seawall.testing.faultserver import FaultServer
from seawall.wire import Wire


def attempt_to(host, port, private=False):
    """Return an attempt to this host."""
    target = Target("up", "up", "http", host, port, allow_private=private)
    return Attempt(Call(b"GET", b"/", [], target, Timeouts(), 1e12, Run(0.0)), 1, [], 1e12)


class Names:
    """Resolves as told; the last answer stays."""

    def __init__(self, *answers):
        self.answers = list(answers)

    async def __call__(self, host, port):
        return self.answers.pop(0) if len(self.answers) > 1 else self.answers[0]


async def send(wire, attempt):
    """Make one attempt and close the wire."""
    try:
        return await wire.send(attempt)
    finally:
        await wire.close()


@pytest.mark.parametrize("host", ["127.0.0.1", "127.1", "0x7f.1", "2130706433", "0", "localhost", "017700000001"])
async def test_every_spelling_of_loopback_is_refused(clock, wheel, host):
    """The system's resolver reads them all; the result is checked, not the spelling."""
    async with FaultServer() as server:
        attempt = attempt_to(host, server.port)
        with pytest.raises(AddressRefused) as caught:
            await send(Wire(clock, wheel, asyncio.get_running_loop()), attempt)
        assert (attempt.sent, caught.value.kind, server.counts.connections) == (False, "", 0)
        assert "127.0.0.1" not in caught.value.detail


@pytest.mark.parametrize(
    "ip",
    ["10.0.0.1", "169.254.169.254", "fd00:ec2::254", "64:ff9b::7f00:1", "2002:7f00:1::", "::ffff:127.0.0.1",
     "100.64.0.1", "224.0.0.1", "0.0.0.0", "::", "fe80::1%lo", "not-an-address"],
)  # fmt: skip
async def test_a_name_that_leads_inside_is_refused(clock, wheel, ip):
    """Whatever the name looks like."""
    with pytest.raises(AddressRefused):
        await send(Wire(clock, wheel, asyncio.get_running_loop(), resolve=Names([ip])), attempt_to("api.test", 80))


async def test_only_the_allowed_addresses_of_a_name_are_dialled(clock, wheel):
    """One public address does not open the way to the private ones beside it."""
    async with FaultServer() as server:
        wire = Wire(clock, wheel, asyncio.get_running_loop(), resolve=Names(["127.0.0.1", "8.8.8.8"]))
        assert wire._dialer._allowed(["127.0.0.1", "8.8.8.8"], server.port, False) == ["8.8.8.8"]
        await wire.close()
        assert server.counts.connections == 0


async def test_a_name_that_changes_its_mind_is_checked_again(clock, wheel):
    """Rebinding: a public answer first, loopback later; each connection is checked for itself."""
    async with FaultServer() as server:
        names = Names(["8.8.8.8"], ["127.0.0.1"])
        wire = Wire(clock, wheel, asyncio.get_running_loop(), resolve=names)
        attempt = attempt_to("api.test", server.port)
        dialled = []

        async def connect(new, ip, *args, **kwargs):
            dialled.append(ip)
            raise OSError

        wire._dialer._loop = type("Loop", (), {"create_connection": staticmethod(connect)})()
        with pytest.raises(Exception, match="Cannot connect"):
            await wire.send(attempt)
        wire._resolver._found.clear()
        with pytest.raises(AddressRefused):
            await wire.send(attempt)
        await wire.close()
        assert dialled == ["8.8.8.8"]


async def test_the_address_that_was_checked_is_the_one_that_is_dialled(clock, wheel):
    """The name is resolved once per connection; nothing resolves it again between check and dial."""
    async with FaultServer() as server:
        names = Names(["127.0.0.1"], ["192.0.2.1"])
        wire = Wire(clock, wheel, asyncio.get_running_loop(), resolve=names)
        reply = await send(wire, attempt_to("api.test", server.port, private=True))
        assert reply.status == 200


async def test_private_addresses_are_dialled_where_the_target_says_so(clock, wheel):
    """And only there."""
    async with FaultServer() as server:
        wire = Wire(clock, wheel, asyncio.get_running_loop())
        assert (await wire.send(attempt_to("127.0.0.1", server.port, private=True))).status == 200
        with pytest.raises(AddressRefused):
            await wire.send(attempt_to("127.0.0.1", server.port))
        await wire.close()


@pytest.mark.parametrize("bound", ["127.0.0.1", "0.0.0.0", "::", "::ffff:127.0.0.1"])
@pytest.mark.parametrize("ip", ["127.0.0.1", "::ffff:127.0.0.1", "0.0.0.0"])
async def test_our_own_listener_is_refused_even_where_private_is_allowed(clock, wheel, bound, ip):
    """A call to ourselves would call us again; a wildcard bind is every address of this machine."""
    async with FaultServer() as server:
        own = [(bound, server.port)]
        wire = Wire(clock, wheel, asyncio.get_running_loop(), own=lambda: own, resolve=Names([ip]))
        attempt = attempt_to("api.test", server.port, private=True)
        with pytest.raises(AddressRefused, match="our own listener"):
            await wire.send(attempt)
        own.clear()
        assert (await wire.send(attempt)).status == 200
        await wire.close()


async def test_another_port_of_this_machine_is_not_our_listener(clock, wheel):
    """Nor is another machine's address on our port."""
    async with FaultServer() as server:
        own = [("0.0.0.0", server.port + 1), ("192.0.2.9", server.port)]
        wire = Wire(clock, wheel, asyncio.get_running_loop(), own=lambda: own)
        assert (await wire.send(attempt_to("127.0.0.1", server.port, private=True))).status == 200
        assert not wire._dialer._is_own("192.0.2.7", server.port + 1)
        assert not socket.has_ipv6 or not wire._dialer._is_own("2001:db8::1", server.port + 1)
        await wire.close()
