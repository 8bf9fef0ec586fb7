"""What passes by, what makes answers invalid, whose they are: semantics 7.1 and 7.7, security.md 12."""

import asyncio

import pytest
from cache_exchange import body_of, build, entries, flights, make_call
from cache_upstream import FRESH, Upstream, get, settle

from seawall.contracts.call import Call
from seawall.contracts.reply import Reply
from seawall.pipeline.states import States
from seawall.policies.cache import CacheSettings, bystander
from seawall.testing import ScriptedSource, virtual


@virtual
async def test_an_unsafe_request_dooms_what_is_on_its_way():
    """An answer made before it may be seen by those who waited, and by nobody after."""
    stage, context = build()
    upstream = Upstream(after=2)
    waiting = asyncio.create_task(get(stage, upstream))
    await asyncio.sleep(0.5)
    await get(stage, Upstream(after=0.1, body=b"posted"), make_call("POST"))
    later = asyncio.create_task(get(stage, Upstream(after=3, body=b"new")))
    assert (await waiting)[1] == b"x"
    assert len(entries(context)) == 0
    assert (await later)[1] == b"new"
    assert (await get(stage, upstream))[1] == b"new"
    assert flights(context).under_way == {}


@virtual
async def test_an_unsafe_request_dooms_a_body_on_its_way():
    """The same for what has begun to come."""
    stage, context = build()
    upstream = Upstream(lambda _: Reply(200, list(FRESH), ScriptedSource([b"a", b"b"], gap=1), 2))
    reply = await stage.send(make_call(), upstream)
    await get(stage, Upstream(after=0.1), make_call("DELETE"))
    assert await body_of(reply) == b"ab"
    await settle()
    assert len(entries(context)) == 0


@virtual
async def test_a_route_without_a_cache_makes_answers_of_the_upstream_invalid_too():
    """With the bystander's stage."""
    states = States()
    stage, context = build(states=states)
    ((_, beside),) = bystander(context)
    upstream = Upstream(body=b"old")
    await get(stage, upstream)
    assert (await get(beside, upstream, make_call("GET")))[1] == b"old"
    assert len(entries(context)) == 1
    await get(beside, upstream, make_call("PUT"))
    assert len(entries(context)) == 0


@virtual
async def test_the_fixed_answer_of_a_fallback_is_never_kept_and_a_stale_copy_goes_before_it():
    """It stands for an answer the upstream did not give (semantics 1.2)."""
    stage, context = build({"stale_if_error": 10, "ttl": 1, "override": True})

    def fixed(_: Call) -> Reply:
        reply = Reply(200, list(FRESH), b"sorry")
        reply.mark(b"x-seawall-fallback", b"fixed")
        return reply

    upstream = Upstream(fixed)
    _, body, reply = await get(stage, upstream)
    assert (body, reply.marks, len(entries(context))) == (b"sorry", [(b"x-seawall-fallback", b"fixed")], 0)
    upstream.make = lambda _: Reply(200, [], b"real")
    await asyncio.sleep(31)
    await get(stage, upstream)
    await asyncio.sleep(5)
    upstream.make = fixed
    upstream.after = 0.1
    assert (await get(stage, upstream))[1] == b"real"
    await asyncio.sleep(20)
    assert (await get(stage, upstream))[1] == b"sorry"


@virtual
async def test_a_get_with_a_body_passes_by():
    """What its body means only the upstream knows (security.md 12)."""
    stage, context = build()
    upstream = Upstream()
    for body in (b"{}", ScriptedSource([b"{}"])):
        call = make_call(body=body)
        await get(stage, upstream, call)
        assert call.run.cache == "bypass"
    assert len(entries(context)) == 0
    assert len(upstream.calls) == 2


@virtual
async def test_one_caller_only_where_share_says_so():
    """Even without any credential."""
    stage, _ = build({"share": "caller"})
    upstream = Upstream(lambda call: Reply(200, list(FRESH), call.caller.encode()))
    for caller in ("a", "b", "a", ""):
        assert (await get(stage, upstream, make_call(caller=caller)))[1] == caller.encode()
    assert len(upstream.calls) == 3


@virtual
async def test_the_gateways_own_credential_is_nobodys():
    """Where the gateway puts it in, the answer is everybody's and section 3.5 is not about it."""
    stage, _ = build(added=frozenset((b"authorization", b"x-api-key")))
    upstream = Upstream()
    for client in ("1", "2"):
        call = make_call(headers=[("Authorization", "ours"), ("X-Api-Key", client)])
        await get(stage, upstream, call)
    assert len(upstream.calls) == 1


@virtual
async def test_an_event_stream_is_never_kept():
    """It has no end to wait for."""
    stage, context = build({"ttl": 60})
    kind = [(b"content-type", b"text/event-stream; charset=utf-8"), *FRESH]
    upstream = Upstream(lambda _: Reply(200, list(kind), ScriptedSource([b"data: 1\n\n"]), None, True))
    status, _, reply = await get(stage, upstream)
    assert (status, reply.streamed, len(entries(context))) == (200, True, 0)


@virtual
async def test_the_words_for_the_log():
    """hit, stale, miss, bypass (contracts/call.py)."""
    stage, _ = build({"stale_if_error": 60})
    upstream = Upstream(headers=[(b"cache-control", b"max-age=10")], after=0)
    words = []
    for method, wait in (("GET", 1), ("GET", 1), ("HEAD", 20), ("GET", 0), ("POST", 0)):
        call = make_call(method)
        await get(stage, upstream, call)
        words.append(call.run.cache)
        await asyncio.sleep(wait)
    upstream.after = 3
    assert words == ["miss", "hit", "hit", "miss", "bypass"]


def test_settings_have_the_documented_defaults():
    """`cache = true` is all defaults."""
    settings = CacheSettings.model_validate(True)
    assert settings == CacheSettings()
    assert (settings.ttl, settings.patience, settings.share, settings.largest) == (None, 0.5, "credential", 1 << 20)
    with pytest.raises(ValueError, match="field name"):
        CacheSettings.model_validate({"targeted": ["CDN Cache"]})
