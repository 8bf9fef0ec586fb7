"""A caller never receives another's private entry (semantics 7.1, security.md 12): random headers, both share modes."""

import asyncio
from collections.abc import Sequence

import pytest
from cache_exchange import TARGET, body_of, build, entries, flights, make_call
from hypothesis import given, settings
from hypothesis import strategies as st

from seawall.contracts.call import Call, Run
from seawall.contracts.reply import Reply
from seawall.contracts.target import Timeouts
from seawall.policies.cache.directives import response_directives
from seawall.policies.cache.key import Asked, Reader, variant, vary_names
from seawall.testing import ScriptedSource, run_virtual

CREDENTIALS = ("Authorization", "Cookie", "X-Api-Key", "Api-Key", "X-Auth-Token", "X-Session-Id", "Private-Token")
OTHER = (
    "Accept",
    "Accept-Language",
    "User-Agent",
    "Foo",
    "Cache-Control",
    "If-None-Match",
    "Range",
    "X-Forwarded-Host",
)
VALUES = ("", "a", "b", "a, b", "a,b", "b, a", '"a"', "no-cache", "max-stale", "bytes=0-1", "*", "en;q=0.5", "A")
DIRECTIVES = (
    "private", "public", "max-age=60", "s-maxage=60", "no-store", "no-cache", "must-revalidate", "stale-if-error=60",
    "stale-while-revalidate=60", "must-understand", 'private="foo"', "max-age=0", "immutable", "PRIVATE",
)  # fmt: skip

request_headers = st.lists(st.tuples(st.sampled_from(CREDENTIALS + OTHER), st.sampled_from(VALUES)), max_size=5)
response = st.tuples(
    st.lists(st.sampled_from(DIRECTIVES), max_size=4),
    st.sampled_from((None, "Foo", "Accept-Language", "*", "Cookie", "foo, Accept")),
    st.booleans(),  # Set-Cookie
    st.sampled_from((None, '"1"', 'W/"1"')),
    st.sampled_from((200, 200, 200, 404, 503, 304, 206)),
    st.booleans(),  # in pieces
)


class Personal:
    """An upstream whose every answer says for whom it was made, and is private unless it says otherwise."""

    def __init__(self, said: Sequence[tuple[list[str], str | None, bool, str | None, int, bool]]) -> None:
        self.said = said
        self.at = 0
        self.private: dict[bytes, bool] = {}

    async def __call__(self, call: Call) -> Reply:
        """Answer with a text of its own each time."""
        directives, vary, cookie, etag, status, pieces = self.said[self.at % len(self.said)]
        self.at += 1
        await asyncio.sleep(0.1)
        headers = [(b"cache-control", ", ".join(directives).encode())]
        if vary:
            headers.append((b"vary", vary.encode()))
        if cookie:
            headers.append((b"set-cookie", b"s=" + call.caller.encode()))
        if etag:
            headers.append((b"etag", etag.encode()))
        text = b"%b %d" % (call.caller.encode(), self.at)
        said = response_directives(headers, ())
        authorized = any(name == b"authorization" for name, _ in call.headers)
        open_to_all = said.public or said.must_revalidate or said.s_maxage is not None
        forbidden = said.private or said.no_store or cookie or (authorized and not open_to_all)
        self.private[text] = bool(forbidden) and not (said.must_understand and said.no_store and not said.private)
        if status == 304:
            return Reply(304, headers)
        return Reply(status, headers, ScriptedSource([text]) if pieces else text, len(text) if pieces else None)


def fingerprint(headers: list[tuple[str, str]]) -> tuple[tuple[str, str], ...]:
    """Return what of a request tells who sends it."""
    return tuple((name, value) for name, value in headers if name in CREDENTIALS)


async def play(
    calls: list[tuple[str, list[tuple[str, str]], bool]],
    said: Sequence[tuple[list[str], str | None, bool, str | None, int, bool]],
    options: dict[str, object],
) -> None:
    """Send the calls, some at once, and look at whose answer each got."""
    stage, context = build(options)
    upstream = Personal(said)
    sent: dict[str, list[tuple[tuple[str, str], ...]]] = {}

    async def one(caller: str, headers: list[tuple[str, str]]) -> None:
        # each caller's own credential beside what is drawn, so that two callers never are one
        own = [*headers, ("Cookie", f"id={caller}")] if options["share"] == "credential" else headers
        sent.setdefault(caller, []).append(fingerprint(own))
        reply = await stage.send(make_call(headers=own, caller=caller), upstream)
        body = await body_of(reply)
        for whole in upstream.private:
            if body and whole.startswith(body):
                assert whole.split()[0].decode() == caller, (caller, whole, reply.headers)
        for name, value in reply.headers:
            assert name != b"set-cookie" or value == b"s=" + caller.encode()

    under_way: list[asyncio.Task[None]] = []
    for caller, headers, wait in calls:
        under_way.append(asyncio.create_task(one(caller, headers)))
        if wait:
            await asyncio.gather(*under_way)
            under_way.clear()
    await asyncio.gather(*under_way)
    await flights(context).close()
    assert entries(context).held == 0


@settings(max_examples=150)
@given(
    st.lists(st.tuples(st.sampled_from(("alice", "bob")), request_headers, st.booleans()), min_size=2, max_size=8),
    st.lists(response, min_size=1, max_size=4),
    st.sampled_from(("credential", "caller")),
    st.booleans(),
)
def test_nobody_is_given_what_was_made_for_another(calls, said, share, override):
    """Whatever the answers say, concurrent or not, overridden or not: each caller has a credential of its own."""
    ttl = {"ttl": 60, "override": True} if override else {}
    run_virtual(play(calls, said, {"share": share, "stale_if_error": 60, "heuristic": True, **ttl}))


async def shared(
    calls: list[tuple[str, list[tuple[str, str]], bool]],
    said: Sequence[tuple[list[str], str | None, bool, str | None, int, bool]],
) -> None:
    """Callers without credentials: only what no answer calls private may be shared."""
    stage, context = build({"stale_if_error": 60, "heuristic": True})
    upstream = Personal(said)

    async def one(caller: str, headers: list[tuple[str, str]]) -> None:
        plain = [(name, value) for name, value in headers if name not in CREDENTIALS]
        reply = await stage.send(make_call(headers=plain, caller=caller), upstream)
        body = await body_of(reply)
        if upstream.private.get(body):
            assert body.split()[0].decode() == caller, (caller, body, reply.headers)
        for name, value in reply.headers:
            assert name != b"set-cookie" or value == b"s=" + caller.encode()

    under_way: list[asyncio.Task[None]] = []
    for caller, headers, wait in calls:
        under_way.append(asyncio.create_task(one(caller, headers)))
        if wait:
            await asyncio.gather(*under_way)
            under_way.clear()
    await asyncio.gather(*under_way)
    await flights(context).close()


@settings(max_examples=150)
@given(
    st.lists(st.tuples(st.sampled_from(("alice", "bob")), request_headers, st.booleans()), min_size=2, max_size=8),
    st.lists(response, min_size=1, max_size=4),
)
def test_a_private_answer_is_given_to_nobody_else_even_without_credentials(calls, said):
    """private, no-store, Set-Cookie: for the one who asked, also among those who waited with him."""
    run_virtual(shared(calls, said))


def scope(
    headers: list[tuple[str, str]], *, added: tuple[bytes, ...] = (), by_caller: bool = False, caller: str = ""
) -> bytes:
    """Return whose answers a request may be given."""
    call = make_call_plain(headers, caller)
    return Reader("api", added, by_caller).read(call).scope


def make_call_plain(headers: list[tuple[str, str]], caller: str = "") -> Call:
    """Return a call, made on a loop of its own."""

    async def make() -> Call:
        return make_call(headers=headers, caller=caller)

    return run_virtual(make())


@pytest.mark.parametrize(
    "name",
    [
        "Authorization", "Cookie", "X-Api-Key", "Api-Key", "Apikey", "X-Goog-Api-Key", "X-Auth-Token", "X-Access-Token",
        "Private-Token", "X-Vault-Token", "Ocp-Apim-Subscription-Key", "X-Amz-Security-Token", "X-Session-Id",
        "X-User-Id", "X-Tenant", "X-Signature", "X-Csrf-Token",
    ],
)  # fmt: skip
def test_a_header_that_tells_who_asks_is_part_of_the_key(name: str):
    """By the words in its name."""
    assert scope([(name, "1")]) != scope([(name, "2")])
    assert scope([(name, "1")]) != scope([])
    assert scope([(name, "1")], added=(name.lower().encode(),)) == scope([], added=(name.lower().encode(),))


@pytest.mark.parametrize("name", ["User-Agent", "Accept", "Idempotency-Key", "Sec-Fetch-User", "X-Request-Id", "Via"])
def test_a_header_that_tells_nothing_of_that_is_not(name: str):
    """Else nobody would share anything."""
    assert scope([(name, "1")]) == scope([(name, "2")])


def test_what_the_upstream_is_told_of_the_host_is_part_of_the_key():
    """An upstream may write links with it; the port too (security.md 12)."""
    hosts = {scope([("X-Forwarded-Host", host)]) for host in ("a", "b", "a:1")}
    assert len(hosts) == 3
    assert scope([("X-Forwarded-Proto", "http")]) != scope([("X-Forwarded-Proto", "https")])


def test_two_parts_never_pass_for_one():
    """Lengths are part of the fingerprint."""
    assert scope([("Cookie", "a"), ("X-Token", "b")]) != scope([("Cookie", "ax-tokenb")])
    assert scope([("Cookie", "a"), ("Cookie", "b")]) != scope([("Cookie", "ab")])
    assert variant((b"a", b"b"), [(b"a", b"1"), (b"b", b"")]) != variant((b"a", b"b"), [(b"a", b""), (b"b", b"1")])


def test_the_meaning_of_names_is_remembered_for_a_bounded_number():
    """Clients choose names."""
    reader = Reader("api", (), by_caller=False)
    for number in range(5000):
        reader.read(make_call_headers([(b"x-%d" % number, b"1")]))
    assert len(reader._meanings) <= 1024
    assert isinstance(reader.read(make_call_headers([(b"cookie", b"1")])), Asked)


def make_call_headers(headers: list[tuple[bytes, bytes]]) -> Call:
    """Return a call with these headers, without a loop."""
    return Call(b"GET", b"/a", headers, TARGET, Timeouts(), 30.0, Run(0.0))


def test_the_names_of_vary_are_a_set():
    """Order and repetition say nothing."""
    assert vary_names([(b"vary", b"B, a"), (b"vary", b"b,, A")]) == (b"a", b"b")
    assert vary_names([]) == ()
    assert vary_names([(b"vary", b"a, *")]) is None
