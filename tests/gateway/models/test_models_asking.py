"""Which target of a model answers: in order, under one deadline and one budget, until the first content."""

import asyncio

import orjson
import pytest
from model_rig import Provider, ask, asked, chunk, first_call, route, stream, whole

from seawall.contracts.errors import ConnectError, DeadlineExceeded, SpendCapReached, UpstreamBroken
from seawall.contracts.reply import Reply
from seawall.llm.seam import NotUnderstood
from seawall.testing import virtual

ERROR = b'data: {"error": {"message": "overloaded", "type": "server_error", "code": 503}}\n\n'
ROLE = b'data: {"choices": [{"index": 0, "delta": {"role": "assistant", "content": ""}}]}\n\n'


async def text_of(reply: Reply) -> bytes:
    """Read a reply to its end."""
    if isinstance(reply.body, bytes):
        return reply.body
    parts = []
    while part := await reply.body.read():
        parts.append(part)
    reply.close()
    return b"".join(parts)


@virtual
@pytest.mark.parametrize("status", [401, 402, 403, 404, 408, 429, 500, 502, 503, 529])
async def test_what_one_provider_refuses_another_is_asked(status: int):
    """Its key, its bill, its limits and its trouble are its own."""
    one, two = Provider("one", whole(status)), Provider("two", whole())
    reply, call = await ask(asked(), route(one.target(), two.target()))
    assert (reply.status, call.upstream) == (200, "two")
    assert dict(reply.marks or ())[b"x-seawall-model"] == b"two/m"
    assert dict(reply.marks or ())[b"x-seawall-fallback"] == b"target"


@virtual
@pytest.mark.parametrize("status", [400, 413, 422])
async def test_what_is_the_clients_fault_is_asked_once(status: int):
    """Another provider would say the same, and be paid for it."""
    one, two = Provider("one", whole(status, "wrong")), Provider("two", whole())
    reply, _ = await ask(asked(), route(one.target(), two.target()))
    assert reply.status == status
    assert two.seen == []


@virtual
async def test_an_error_in_a_stream_before_content_fails_over():
    """A role and an empty delta are no content; nothing of them reaches the client."""
    one, two = Provider("one", stream(ROLE, ERROR)), Provider("two", stream(chunk("hi"), b"data: [DONE]\n\n"))
    reply, _ = await ask(asked(stream=True), route(one.target(), two.target()))
    text = await text_of(reply)
    assert b"hi" in text
    assert b"overloaded" not in text
    assert b"assistant" not in text


@virtual
async def test_a_stream_that_breaks_before_content_fails_over():
    """A reset after the head is not the end of the call."""
    one = Provider("one", stream(ROLE, error=UpstreamBroken("reset", answered=True)))
    two = Provider("two", stream(chunk("hi")))
    reply, call = await ask(asked(stream=True), route(one.target(), two.target()))
    assert call.upstream == "two"
    assert b"hi" in await text_of(reply)


@virtual
async def test_a_stream_that_breaks_after_content_ends_in_an_error_event():
    """What came stays, and no other provider is asked."""
    one = Provider("one", stream(chunk("hi"), error=UpstreamBroken("reset", answered=True)))
    two = Provider("two", stream(chunk("other")))
    reply, _ = await ask(asked(stream=True), route(one.target(), two.target()))
    text = await text_of(reply)
    assert b"hi" in text
    assert b'"error"' in text
    assert two.seen == []


@virtual
async def test_the_error_of_the_last_target_is_given_as_an_error():
    """Nothing was committed, so the client gets a status and not a stream."""
    one = Provider("one", stream(ROLE, ERROR))
    reply, _ = await ask(asked(stream=True), route(one.target()))
    assert reply.status == 503
    assert orjson.loads(await text_of(reply))["error"]["message"] == "overloaded"


@virtual
async def test_a_stream_without_content_is_passed_on_after_a_while():
    """`commit_after`: then what came is the client's, and the rest as it comes."""
    loop = asyncio.get_running_loop()
    one = Provider("one", stream(ROLE, ROLE, chunk("late"), gap=4.0))
    began = loop.time()
    reply, _ = await ask(asked(stream=True), route(one.target(), commit_after=5.0))
    assert loop.time() - began == pytest.approx(5.0, abs=0.1)
    text = await text_of(reply)
    assert text.count(b"assistant") == 2
    assert b"late" in text


@virtual
async def test_a_target_that_is_not_the_last_has_its_share_of_the_time():
    """`try_for`, else 60 % of what is left; the last one has the rest (semantics 1.2)."""
    one, two = Provider("one", whole(), after=100.0), Provider("two", whole())
    call = first_call(30.0)
    deadlines = []

    async def hang(sent):
        deadlines.append(sent.deadline - call.run.started)
        await asyncio.sleep(sent.deadline - asyncio.get_running_loop().time())
        raise DeadlineExceeded

    one.upstream.routes = (one.upstream.routes[0].__class__("", None, one.upstream.routes[0].timeouts, True, 3, hang),)
    await ask(asked(), route(one.target(), two.target()), call)
    deadlines.append(two.seen[0].deadline - call.run.started)
    assert deadlines == pytest.approx([18.0, 30.0], abs=0.1)


@virtual
async def test_all_targets_share_one_budget_of_attempts_with_one_held_back_for_each():
    """A first target that uses up its attempts leaves one for the second (semantics 1.2)."""
    call = first_call()
    one, two = Provider("one", ConnectError("refused")), Provider("two", whole())
    held = []
    send = one.send

    async def watch(sent):
        held.append((sent.run.budget, sent.run.held))
        return await send(sent)

    one.upstream.routes = (one.upstream.routes[0].__class__("", None, one.upstream.routes[0].timeouts, True, 3, watch),)
    await ask(asked(), route(one.target(), two.target()), call)
    assert held == [(3, 1)]
    assert call.run.held == 0


@virtual
async def test_a_cap_that_is_reached_is_reached_everywhere():
    """Another provider is not asked to get around it."""
    one, two = Provider("one", SpendCapReached("spent")), Provider("two", whole())
    with pytest.raises(SpendCapReached):
        await ask(asked(), route(one.target(), two.target()))
    assert two.seen == []


@virtual
async def test_the_fixed_text_is_said_when_every_target_failed():
    """In the client's dialect, whole or streamed, and marked; the last 50 ms are kept for it."""
    one = Provider("one", ConnectError("refused"))
    where = route(one.target(), fallback="Not now.")
    reply, _ = await ask(asked(), where)
    assert orjson.loads(await text_of(reply))["choices"][0]["message"]["content"] == "Not now."
    assert dict(reply.marks or ())[b"x-seawall-fallback"] == b"fixed"
    reply, _ = await ask(asked(stream=True), where)
    assert b"Not now." in await text_of(reply)
    assert one.seen[0].deadline == pytest.approx(one.seen[0].run.started + 29.95)


@virtual
async def test_a_request_that_no_target_understands_is_the_clients_fault():
    """And one that a later target understands is asked there."""
    one, two = Provider("one", whole()), Provider("two", whole())
    with pytest.raises(NotUnderstood):
        await ask(asked(n=2), route(one.target(api="anthropic")))
    reply, call = await ask(asked(n=2), route(one.target(api="anthropic"), two.target()))
    assert (reply.status, call.upstream) == (200, "two")
    assert one.seen == []


@virtual
async def test_one_error_says_of_every_target_why_it_cannot_be_asked():
    """Where they all name the same field that is the error's, else none is; equal reasons are said once."""
    one, two, three = Provider("one", whole()), Provider("two", whole()), Provider("three", whole())
    claude, nova = one.target(api="anthropic"), two.target(api="bedrock")
    with pytest.raises(NotUnderstood) as same:
        await ask(asked(n=2), route(claude, three.target(api="anthropic"), nova))
    assert same.value.param == "n"
    assert same.value.message.startswith("No target of fast can be asked this. one/m and three/m: n ")
    assert "; two/m: n " in same.value.message
    with pytest.raises(NotUnderstood) as other:
        await ask(asked(verbosity="low", logprobs=True), route(claude, nova))
    assert other.value.message.count("; two/m: ") == 1
    assert [one.seen, two.seen, three.seen] == [[], [], []]


@virtual
async def test_that_another_target_failed_tells_more_than_that_one_cannot_be_asked():
    """The client did nothing wrong with the first one."""
    one, two = Provider("one", whole(503, "down")), Provider("two", whole())
    reply, _ = await ask(asked(n=2), route(one.target(), two.target(api="anthropic")))
    assert reply.status == 503


@virtual
async def test_headers_of_a_dialect_go_to_its_own_providers_only():
    """And the upstream's own key goes before anything else."""
    one, two = Provider("one", whole(503)), Provider("two", whole())
    await ask(asked(), route(one.target(), two.target(api="anthropic")))
    sent = dict(one.seen[0].headers)
    assert sent[b"authorization"] == b"Bearer own"
    assert sent[b"user-agent"] == b"test"
    assert b"anthropic-version" in dict(two.seen[0].headers)
    assert b"anthropic-beta" not in dict(two.seen[0].headers)


@virtual
async def test_every_answer_that_is_not_given_is_closed():
    """No connection is held by a target that failed."""
    closed = []

    def failing() -> Reply:
        reply = whole(503)()
        reply.on_close(lambda: closed.append(True))
        return reply

    one, two = Provider("one", failing), Provider("two", stream(ROLE, ERROR))
    three = Provider("three", whole())
    await ask(asked(stream=True), route(one.target(), two.target(), three.target()))
    assert closed == [True]
    assert two.replies[0].body._inner.closed  # type: ignore[union-attr]


@virtual
async def test_a_deadline_that_has_passed_asks_nobody_more():
    """The last error is told."""
    call = first_call(1.0)
    one, two = Provider("one", whole(503), after=2.0), Provider("two", whole())
    reply, _ = await ask(asked(), route(one.target(), two.target()), call)
    assert reply.status == 503
    assert two.seen == []
