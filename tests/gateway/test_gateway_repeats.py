"""What the calls of a repeated head have in common, what each has of its own, and what is never remembered."""

from test_gateway_door import Harness, fine

from seawall.contracts.call import Call
from seawall.contracts.fields import rendered
from seawall.contracts.reply import Reply
from seawall.contracts.request import Memory
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
async def test_lines_that_are_ready_are_those_of_the_headers() -> None:
    """Byte for byte, also where a client's header could not be written: then the wire is left to say so."""
    here, memory = Harness(fine), Memory()
    for _ in range(2):
        await here.done(b"/weather/x", b"GET", (b"accept", b"*/*"), memory=memory)
    for call in here.calls:
        assert call.ready is not None
        assert call.ready[0] is call.headers
        assert call.ready[1] == rendered(call.headers)
        assert call.fork().ready is call.ready
    await here.done(b"/weather/x", b"GET", (b"x-a", b"a\r\nb: c"))
    assert here.calls[-1].ready is None


@virtual
async def test_an_answer_that_is_ready_loses_what_no_client_may_get() -> None:
    """Lines of an answer are sent as they are only where every one of them would have been passed on."""
    answers = [[(b"date", b"now"), (b"alt-svc", b"h3")], [(b"date", b"now"), (b"x-key", b"ours")], [(b"date", b"now")]]

    async def ready(_: Call) -> Reply:
        headers = list(answers[0])
        reply = Reply(200, headers, b"ok")
        lines = rendered(headers)
        assert lines is not None
        reply.ready = (headers, lines, len(headers))
        return reply

    here = Harness(ready)
    while answers:
        for _ in range(2):
            reply, _ = await here.done(b"/weather/x")
            names = [name for name, _ in reply.headers]
            assert names == [b"date", b"via", b"x-request-id", b"server-timing"]
            assert (reply.ready is not None and reply.ready[0] is reply.headers) == (len(answers) == 1)
        answers.pop(0)
