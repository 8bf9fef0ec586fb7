"""A connection that repeats its head is not decided anew, but for everything that may have changed meanwhile."""

from test_gateway_door import Harness, fine

from seawall.contracts.call import Call
from seawall.contracts.request import Memory
from seawall.contracts.sites import Sites, known_hosts
from seawall.gateway.door import Options
from seawall.gateway.table import Route, Table, Upstream
from seawall.testing import virtual


@virtual
async def test_the_second_call_of_a_head_is_decided_by_the_first() -> None:
    """Its path is not looked up again; ids, times and body are its own."""
    here, memory = Harness(fine), Memory()
    await here.done(b"/weather/x?q=1", b"POST", (b"accept", b"*/*"), memory=memory, body=b"one")
    kept = memory.kept
    await here.done(b"/never/asked", b"POST", memory=memory, body=b"other")
    first, second = here.calls
    assert memory.kept is kept
    assert (first.path, second.path) == (b"/x?q=1", b"/x?q=1")
    assert (first.body, second.body) == (b"one", b"other")
    assert first.request_id != second.request_id
    assert first.trace != second.trace
    assert first.run is not second.run
    others = [[pair for pair in call.headers if pair[0] != b"x-request-id"] for call in here.calls]
    assert others[0] == others[1]
    assert first.headers is not second.headers


@virtual
async def test_what_the_client_chose_stays_chosen() -> None:
    """Its request id, its trace and its hint stand in the head, so they hold for each of its calls."""
    here, memory = Harness(fine), Memory()
    head = (
        (b"x-request-id", b"mine"),
        (b"traceparent", b"00-%b-%b-01" % (b"a" * 32, b"b" * 16)),
        (b"x-request-timeout", b"2"),
        (b"idempotency-key", b"k"),
    )
    for _ in range(2):
        await here.done(b"/weather/x", b"POST", *head, memory=memory)
    for call in here.calls:
        assert (call.request_id, call.trace, call.idempotent) == ("mine", ("a" * 32, "b" * 16, "01"), True)
        assert call.deadline - call.run.started == 2.0
        assert [value for name, value in call.headers if name == b"x-request-id"] == [b"mine"]


@virtual
async def test_a_reload_decides_anew() -> None:
    """Neither an upstream that is gone nor a Host that is known no more is reached through what was kept."""
    here, memory = Harness(fine), Memory()
    assert (await here.done(memory=memory))[0].status == 200
    sites = Sites(known_hosts("127.0.0.1", 8080))
    here.gateway.reload(Table([]), Options(sites))
    assert (await here.done(memory=memory))[0].status == 404
    seen: list[Call] = []

    async def other(call: Call):
        seen.append(call)
        return await fine(call)

    target = here.calls[0].target
    route = Route("", None, here.calls[0].timeouts, False, 1, other)
    here.gateway.reload(Table([Upstream("weather", b"/weather", None, target, [], [route])]), Options(sites))
    assert (await here.done(memory=memory))[0].status == 200
    assert (len(here.calls), len(seen)) == (1, 1)
    here.gateway.reload(Table([]), Options(Sites(frozenset())))
    assert (await here.done(memory=memory))[0].status == 403


@virtual
async def test_a_full_gateway_refuses_what_it_remembers_too() -> None:
    """503 while memory is short, told with the upstream's name, and on again afterwards."""
    here, memory = Harness(fine), Memory()
    await here.done(memory=memory)
    here.gateway.refuse_new(True)
    reply, event = await here.done(memory=memory)
    assert (reply.status, event.error, event.upstream) == (503, "saturated", "weather")
    here.gateway.refuse_new(False)
    assert (await here.done(memory=memory))[0].status == 200
    assert len(here.calls) == 2


@virtual
async def test_a_refusal_is_never_remembered() -> None:
    """A page of another site, a climbing path and an unknown upstream are looked at each time."""
    here = Harness(fine)
    for target, headers in (
        (b"/weather/x", ((b"sec-fetch-site", b"cross-site"),)),
        (b"/weather/../x", ()),
        (b"/nowhere", ()),
    ):
        memory = Memory()
        reply, _ = await here.done(target, b"GET", *headers, memory=memory)
        assert reply.status >= 400
        assert memory.kept is None


@virtual
async def test_a_stranger_is_asked_for_a_key_each_time() -> None:
    """Nothing that was kept lets a call in: whether a caller may call is never remembered."""
    here, memory = Harness(fine), Memory()
    assert (await here.done(memory=memory))[0].status == 200
    closed = Harness(fine, anonymous=False)
    here.gateway.reload(Table([]), closed.gateway._options)  # a guard that lets nobody in
    kept = memory.kept
    kept.era = here.gateway._era  # as if the plan had been made under these options
    assert (await here.done(memory=memory))[0].status == 401
    assert memory.kept is kept
    assert len(here.calls) == 1
