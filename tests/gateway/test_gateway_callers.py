"""The door and its guard: who is asked when, what a refused call looks like, and that nothing held is kept."""

import asyncio
import random

import orjson
import pytest

from seawall.callers import Callers, Rules, Strangers, UserRules, digest
from seawall.contracts.admission import Admitted
from seawall.contracts.call import Call
from seawall.contracts.clock import Clock
from seawall.contracts.errors import QuotaExceeded, Saturated
from seawall.contracts.events import CallEnded
from seawall.contracts.policy import Proceed
from seawall.contracts.reply import Reply
from seawall.contracts.request import Request
from seawall.contracts.sites import Sites, known_hosts
from seawall.contracts.target import Target, Timeouts
from seawall.contracts.units import Rate
from seawall.gateway.door import Gateway, Options
from seawall.gateway.table import Route, Table, Upstream
from seawall.testing import Recorder, ScriptedSource, virtual

KEY = (b"x-seawall-key", b"sw-app")
APP = Rules(
    "app", (digest(b"sw-app"),), rate=Rate(1000, 1.0), concurrency=2, upstreams=frozenset({"weather"}),
    users=UserRules(b"x-seawall-user", Rate(600, 1.0)),
)  # fmt: skip


class Harness:
    """A gateway with one caller, over upstreams whose pipeline is a function of the test."""

    def __init__(self, send: Proceed, *rules: Rules, strangers: Strangers | None = None) -> None:
        loop = asyncio.get_running_loop()
        self.calls: list[Call] = []
        self.events = Recorder()
        self.callers = Callers(loop.time)
        self.callers.configure(rules or (APP,), strangers or Strangers())

        async def noted(call: Call) -> Reply:
            self.calls.append(call)
            return await send(call)

        route = Route("", None, Timeouts(total=10.0), False, 3, noted)
        target = Target("weather", "weather", "http", "api.example", 80)
        table = Table(
            [Upstream(name, b"/" + name.encode(), None, target, [], [route]) for name in ("weather", "lamps")]
        )
        options = Options(Sites(known_hosts("127.0.0.1", 8080)), self.callers)
        clock = Clock(loop.time, loop.time)
        self.gateway = Gateway(table, options, clock, random.Random(1).getrandbits, self.events)

    async def ask(self, *headers: tuple[bytes, bytes], target: bytes = b"/weather/x") -> Reply:
        """Send a request and return the reply, not yet closed."""
        now = asyncio.get_running_loop().time()
        return await self.gateway(
            Request(b"GET", target, list(headers), b"127.0.0.1:8080", peer="192.0.2.1", received=now)
        )

    async def done(self, *headers: tuple[bytes, bytes], target: bytes = b"/weather/x") -> tuple[Reply, CallEnded]:
        """Send a request, take its reply as a server does, and return both it and the event told."""
        reply = await self.ask(*headers, target=target)
        reply.finished = True
        reply.close()
        return reply, self.events.of(CallEnded)[-1]

    @property
    def running(self) -> int:
        """How many calls of the caller count as under way."""
        subject = self.callers._known["app"]._own
        return subject.running


async def fine(call: Call) -> Reply:
    """Answer 200, with limits of the upstream's own."""
    return Reply(200, [(b"ratelimit", b'"theirs";r=1;t=1'), (b"x-ratelimit-limit-requests", b"7")], b"hello")


def saying(reply: Reply) -> dict[str, object]:
    """Return a problem."""
    assert isinstance(reply.body, bytes)
    return orjson.loads(reply.body)


@virtual
async def test_a_call_knows_its_caller_and_user_and_so_does_its_record() -> None:
    """What policies, the ledger and the log go by."""
    here = Harness(fine)
    reply, event = await here.done(KEY, (b"x-seawall-user", b"ann"))
    assert (reply.status, here.calls[0].caller, here.calls[0].user, event.caller) == (200, "app", "ann", "app")
    limits = [value for name, value in reply.headers if name == b"ratelimit"]
    assert limits == [b'"user";r=59;t=1, "rate";r=99;t=1']
    assert reply.header(b"x-ratelimit-limit-requests") is None
    assert here.running == 0


@virtual
@pytest.mark.parametrize(
    "extra",
    [
        (), ((b"authorization", b"Bearer sw-app"),), ((b"x-api-key", b"sw-app"),), ((b"cookie", b"a=sw-app"),),
        ((b"x-anything", b"prefix-sw-app-suffix"),),
    ],
)  # fmt: skip
async def test_the_callers_key_never_goes_upstream(extra: tuple[tuple[bytes, bytes], ...]) -> None:
    """In no header, however it got there; what belongs to the upstream passes."""
    here = Harness(fine)
    await here.done(KEY, *extra, (b"authorization", b"Bearer theirs"), (b"x-api-key", b"theirs"))
    sent = here.calls[0].headers
    assert not [name for name, value in sent if b"sw-app" in value]
    assert (b"authorization", b"Bearer theirs") in sent
    assert (b"x-api-key", b"theirs") in sent


@virtual
@pytest.mark.parametrize("headers", [(), ((b"x-seawall-key", b"sw-nobody"),), ((b"authorization", b"Bearer sw-app"),)])
@pytest.mark.parametrize("target", [b"/weather/x", b"/nowhere", b"/weather/../x"])
async def test_a_stranger_gets_one_answer_wherever_it_asks(
    headers: tuple[tuple[bytes, bytes], ...], target: bytes
) -> None:
    """401, the same but for the id, and on plain mounts an Authorization is no key of ours."""
    here = Harness(fine)
    reply, event = await here.done(*headers, target=target)
    told = saying(reply)
    assert (reply.status, event.caller, event.error, event.outcome) == (401, "", "unauthenticated", "refused")
    assert "upstream" not in told
    assert "weather" not in str(told)
    assert here.calls == []


@virtual
async def test_without_callers_a_key_is_still_nobodys() -> None:
    """An unknown key is 401 always; whoever leaves it off gains nothing where callers exist."""
    here = Harness(fine)
    here.callers.configure((), Strangers())
    assert (await here.done())[0].status == 200
    assert (await here.done(KEY))[0].status == 401
    assert (await here.done(KEY, target=b"/nowhere"))[0].status == 401
    assert (await here.done(target=b"/nowhere"))[0].status == 404


@virtual
async def test_an_upstream_that_is_not_allowed_is_403_and_the_404_names_the_allowed_ones() -> None:
    """A caller learns of no upstream but its own."""
    here = Harness(fine)
    reply, event = await here.done(KEY, target=b"/lamps/x")
    assert (reply.status, saying(reply)["type"], event.caller) == (403, "urn:seawall:forbidden", "app")
    assert reply.header(b"ratelimit") is not None
    missing = saying((await here.done(KEY, target=b"/nowhere"))[0])
    assert missing["detail"] == "No upstream is mounted there. Upstreams: weather."
    assert (here.calls, here.running) == ([], 0)


@virtual
async def test_a_used_up_limit_is_429_with_its_fields_and_its_caller() -> None:
    """As a problem in the one shape, with Retry-After once."""
    here = Harness(fine, Rules("app", (digest(b"sw-app"),), rate=Rate(10, 60.0)))
    await here.done(KEY)
    reply, event = await here.done(KEY)
    told = saying(reply)
    assert told["type"] == "https://iana.org/assignments/http-problem-types#quota-exceeded"
    assert (reply.status, told["policy"], told["retry_after"], event.caller) == (429, "callers", 6, "app")
    names = [name for name, _ in reply.headers]
    assert [names.count(name) for name in (b"retry-after", b"ratelimit", b"ratelimit-policy")] == [1, 1, 1]
    assert reply.header(b"retry-after") == b"6"


@virtual
async def test_who_may_call_is_asked_before_memory_and_paths_are() -> None:
    """A stranger learns nothing of how the gateway is; what was taken for a refused call is given back."""
    here = Harness(fine)
    here.gateway.refuse_new(True)
    assert (await here.done())[0].status == 401
    assert (await here.done(KEY))[0].status == 503
    here.gateway.refuse_new(False)
    assert (await here.done(KEY, target=b"/weather/../x"))[0].status == 400
    assert (await here.done(KEY, (b"sec-fetch-site", b"cross-site")))[0].status == 403
    assert here.running == 0


@virtual
async def test_a_place_is_held_until_the_body_is_closed() -> None:
    """A stream counts as under way while it runs."""

    async def stream(call: Call) -> Reply:
        return Reply(200, [], ScriptedSource([b"a", b"b"]), None)

    here = Harness(stream)
    first, second = await here.ask(KEY), await here.ask(KEY)
    assert here.running == 2
    reply, _ = await here.done(KEY)
    assert reply.status == 429
    first.close()
    assert here.running == 1
    second.close()
    assert here.running == 0


@virtual
@pytest.mark.parametrize("error", [Saturated("full"), QuotaExceeded("tokens", retry_after=3), RuntimeError("a bug")])
async def test_whatever_ends_a_call_gives_its_place_back(error: Exception) -> None:
    """Refusals and bugs alike; an error after the caller was let in has its limits once."""

    async def fail(call: Call) -> Reply:
        raise error

    here = Harness(fail)
    if isinstance(error, RuntimeError):
        with pytest.raises(RuntimeError):
            await here.done(KEY)
    else:
        reply, event = await here.done(KEY)
        assert [name for name, _ in reply.headers].count(b"ratelimit") == 1
        assert event.caller == "app"
    assert here.running == 0


@virtual
async def test_a_client_that_leaves_gives_its_place_back() -> None:
    """While the upstream is asked."""
    gate = asyncio.Event()

    async def slow(call: Call) -> Reply:
        await gate.wait()
        return Reply(200, [], b"")

    here = Harness(slow)
    task = asyncio.ensure_future(here.ask(KEY))
    await asyncio.sleep(0)
    assert here.running == 1
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    assert here.running == 0
    event = here.events.of(CallEnded)[-1]
    assert (event.caller, event.status, event.outcome) == ("app", 499, "cancelled")


@pytest.mark.pure("derives from the guard")
@virtual
async def test_a_client_that_leaves_while_the_guard_is_asked_is_told_of() -> None:
    """As one that left later."""
    here, gate = Harness(fine), asyncio.Event()

    class Slow(Callers):
        async def admit(self, request: Request, *, model_route: bool) -> Admitted:
            await gate.wait()
            return await super().admit(request, model_route=model_route)

    slow_guard = Slow(asyncio.get_running_loop().time)
    slow_guard.configure((APP,), Strangers())
    here.gateway.reload(Table([]), Options(Sites(known_hosts("127.0.0.1", 8080)), slow_guard))
    task = asyncio.ensure_future(here.ask(KEY, target=b"/nowhere"))
    await asyncio.sleep(0)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    assert here.events.of(CallEnded)[-1].outcome == "cancelled"


@pytest.mark.pure("replaces a method")
@virtual
async def test_an_open_door_asks_nobody() -> None:
    """Without callers and without a key a call meets no guard at all: nothing to await, nothing to make."""
    here = Harness(fine)
    here.callers.configure((), Strangers())

    async def asked(request: Request, *, model_route: bool) -> Admitted:
        raise AssertionError("the guard was asked")

    here.callers.admit = asked  # type: ignore[method-assign]  # so that any question fails
    reply, event = await here.done()
    assert (reply.status, event.caller, here.calls[0].caller) == (200, "", "")
