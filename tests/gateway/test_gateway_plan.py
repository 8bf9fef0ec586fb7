"""What a connection's repeated head comes to: worked out once, and yet everybody is asked after again."""

import asyncio
import random

import pytest

from seawall.callers import Callers, Rules, Strangers, digest
from seawall.contracts.call import Call
from seawall.contracts.clock import Clock
from seawall.contracts.events import CallEnded
from seawall.contracts.reply import Reply
from seawall.contracts.request import Memory, Request
from seawall.contracts.sites import Sites, known_hosts
from seawall.contracts.target import Target, Timeouts
from seawall.contracts.units import Rate
from seawall.gateway.door import Gateway, Options
from seawall.gateway.table import Route, Table, Upstream
from seawall.testing import Recorder, virtual

KEYED = (b"x-seawall-key", b"sw-app")
APP = Rules("app", (digest(b"sw-app"),), rate=Rate(20, 3600.0))


class Connection:
    """A gateway and one connection to it that repeats its head."""

    def __init__(self, *headers: tuple[bytes, bytes], let_in: str = "yes") -> None:
        loop = asyncio.get_running_loop()
        self.calls: list[Call] = []
        self.events = Recorder()
        self.callers = Callers(loop.time)
        self.strangers = Strangers(let_in)
        self.callers.configure((APP,), self.strangers)
        self.options = Options(Sites(known_hosts("127.0.0.1", 8080)), self.callers)
        self.gateway = Gateway(
            self.table("first.example"), self.options, Clock(loop.time, loop.time), random.Random(1).getrandbits,
            self.events,
        )  # fmt: skip
        self._headers = headers
        self._memory = Memory()

    def table(self, host: str) -> Table:
        """Return a table with one upstream at a host."""
        route = Route("", None, Timeouts(total=10.0), False, 3, self._send)
        return Table([Upstream("up", b"/up", None, Target("up", "up", "http", host, 80), [], [route])])

    async def _send(self, call: Call) -> Reply:
        self.calls.append(call)
        return Reply(200, [], b"hello")

    async def ask(self) -> int:
        """Send the request once more and return the status of its answer."""
        now = asyncio.get_running_loop().time()
        reply = await self.gateway(
            Request(
                b"GET", b"/up/x", list(self._headers), b"127.0.0.1:8080", peer="192.0.2.1", received=now,
                memory=self._memory,
            )
        )  # fmt: skip
        reply.finished = True
        reply.close()
        return reply.status


@virtual
async def test_calls_of_one_plan_share_nothing_they_may_change() -> None:
    """Ids are new for each call, headers a list of its own, and each is told of."""
    here = Connection()
    assert [await here.ask() for _ in range(3)] == [200] * 3
    assert len({call.request_id for call in here.calls}) == 3
    assert len({call.trace[0] for call in here.calls}) == 3
    assert len({id(call.headers) for call in here.calls}) == 3
    assert here.calls[0].headers[:-1] == here.calls[2].headers[:-1]
    assert len(here.events.of(CallEnded)) == 3


@virtual
async def test_new_settings_hold_from_the_next_request_of_an_old_connection() -> None:
    """A plan of the old table is not used again."""
    here = Connection()
    await here.ask()
    here.gateway.reload(here.table("second.example"), here.options)
    await here.ask()
    assert [call.target.host for call in here.calls] == ["first.example", "second.example"]


@virtual
@pytest.mark.parametrize("let_in", ["yes", "no"])
async def test_a_key_is_asked_after_with_every_request(let_in: str) -> None:
    """A burst of two lets two pass, a revoked key none; its caller stands in each call, and the key in none."""
    here = Connection(KEYED, let_in=let_in)
    assert [await here.ask() for _ in range(3)] == [200, 200, 429]
    assert [call.caller for call in here.calls] == ["app", "app"]
    assert not [value for call in here.calls for _, value in call.headers if b"sw-app" in value]
    here.callers.configure((), here.strangers)
    assert await here.ask() == 401


@virtual
async def test_a_gateway_that_closes_to_strangers_refuses_the_next_request_of_an_old_connection() -> None:
    """Nothing remembered lets one in that would not be let in now."""
    here = Connection()
    assert await here.ask() == 200
    here.callers.configure((APP,), Strangers("no"))
    assert await here.ask() == 401


@virtual
async def test_short_memory_refuses_a_repeated_head_too() -> None:
    """With 503, until there is memory again."""
    here = Connection()
    assert await here.ask() == 200
    here.gateway.refuse_new(full=True)
    assert await here.ask() == 503
    here.gateway.refuse_new(full=False)
    assert await here.ask() == 200
