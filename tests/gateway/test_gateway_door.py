"""The data plane's door: one request in, one reply out, one event told."""

import asyncio
import random

import orjson
import pytest

from seawall.callers import Callers, Strangers
from seawall.contracts.admission import EVERYBODY, Admission
from seawall.contracts.call import Call
from seawall.contracts.clock import Clock
from seawall.contracts.errors import (
    BreakerOpen,
    CallError,
    ConnectError,
    DeadlineExceeded,
    RequestBodyError,
    Saturated,
    UpstreamBroken,
    UpstreamTimeout,
)
from seawall.contracts.events import CallEnded
from seawall.contracts.policy import Proceed
from seawall.contracts.reply import Reply
from seawall.contracts.request import Request
from seawall.contracts.sites import Sites, known_hosts
from seawall.contracts.target import Target, Timeouts
from seawall.gateway.door import Gateway, Options
from seawall.gateway.pattern import Pattern
from seawall.gateway.table import Route, Table, Upstream
from seawall.testing import Recorder, ScriptedSource, virtual

TRACE = "0af7651916cd43dd8448eb211c80319c"


class Harness:
    """A gateway over upstreams whose pipeline is a function of the test."""

    def __init__(
        self, send: Proceed, *, anonymous: bool = True, hops: int = 0, origins: frozenset[bytes] = frozenset()
    ) -> None:
        loop = asyncio.get_running_loop()
        self.calls: list[Call] = []
        self.events = Recorder()

        async def noted(call: Call) -> Reply:
            self.calls.append(call)
            return await send(call)

        slow = Route("GET /slow", Pattern("GET /slow"), Timeouts(total=60.0), True, 5, noted)
        kept = Route("* /kept", Pattern("* /kept"), Timeouts(total=10.0), False, 3, noted, kept=True)
        rest = Route("", None, Timeouts(total=10.0), False, 3, noted)
        target = Target("weather", "weather", "http", "api.example", 80)
        upstreams = [
            Upstream("weather", b"/weather", None, target, [(b"x-key", b"ours")], [slow, kept, rest]),
            Upstream("lamps", b"/home/lamps", None, target, [], [rest]),
            Upstream("named", None, b"named.lan", target, [], [rest]),
        ]
        admission: Admission = EVERYBODY
        if not anonymous:
            admission = Callers(loop.time)
            admission.configure((), Strangers("no"))
        sites = Sites(known_hosts("127.0.0.1", 8080, ["named.lan"]), origins)
        self.gateway = Gateway(
            Table(upstreams),
            Options(sites, admission, hops),
            Clock(loop.time, loop.time),
            random.Random(1).getrandbits,
            self.events,
        )

    async def ask(
        self, target: bytes = b"/weather/x", method: bytes = b"GET", *headers: tuple[bytes, bytes], **fields: object
    ) -> Reply:
        """Send a request and return the reply, not yet closed."""
        request = Request(
            method,
            target,
            list(headers),
            b"127.0.0.1:8080",
            peer="10.1.2.3",
            received=asyncio.get_running_loop().time(),
        )
        for name, value in fields.items():
            setattr(request, name, value)
        return await self.gateway(request)

    async def done(self, *args: object, **fields: object) -> tuple[Reply, CallEnded]:
        """Send a request, take its reply as a server does, and return both it and the event told."""
        reply = await self.ask(*args, **fields)  # type: ignore[arg-type]
        reply.sent, reply.finished = len(reply.body) if isinstance(reply.body, bytes) else 0, True
        reply.close()
        return reply, self.events.of(CallEnded)[-1]


async def fine(call: Call) -> Reply:
    """Answer 200."""
    return Reply(200, [(b"content-type", b"text/plain")], b"hello")


def raising(error: BaseException) -> Proceed:
    """Return a pipeline that raises."""

    async def send(call: Call) -> Reply:
        raise error

    return send


@virtual
async def test_a_request_becomes_a_call_and_its_answer_a_reply() -> None:
    """The call holds the rest of the path, cleaned headers, ours, and the route's deadline."""
    here = Harness(fine)
    reply, event = await here.done(b"/weather/x?q=1", b"GET", (b"accept", b"*/*"), (b"x-key", b"client"))
    call = here.calls[0]
    assert (reply.status, reply.body) == (200, b"hello")
    assert (call.method, call.path, call.upstream, call.route) == (b"GET", b"/x?q=1", "weather", "")
    assert (call.deadline - call.run.started, call.run.budget, call.idempotent) == (10.0, 3, True)
    assert [value for name, value in call.headers if name == b"x-key"] == [b"ours"]
    assert dict(call.headers)[b"via"] == b"1.1 seawall"
    assert dict(call.headers)[b"x-forwarded-for"] == b"10.1.2.3"
    assert dict(call.headers)[b"x-forwarded-host"] == b"127.0.0.1:8080"
    assert (event.status, event.outcome, event.sent, event.upstream, event.method) == (200, "ok", 5, "weather", "GET")


@virtual
async def test_the_answer_carries_id_via_and_timing() -> None:
    """X-Request-Id both ways, Via, Server-Timing with numbers only."""
    here = Harness(fine)
    reply, event = await here.done(b"/weather/x", b"GET", (b"x-request-id", b"abc-1"))
    assert reply.header(b"x-request-id") == b"abc-1"
    assert dict(here.calls[0].headers)[b"x-request-id"] == b"abc-1"
    assert reply.header(b"via") == b"1.1 seawall"
    assert reply.header(b"server-timing") == b"seawall;dur=0.0, upstream;dur=0.0"
    assert event.request_id == "abc-1"


@virtual
@pytest.mark.parametrize("sent", [b"", b"a b", b"x" * 129, b"a\x7f", b'"'])
async def test_an_unsafe_request_id_is_replaced(sent: bytes) -> None:
    """It would be copied into headers and log lines."""
    reply, _ = await Harness(fine).done(b"/weather/x", b"GET", (b"x-request-id", sent))
    assert len(reply.header(b"x-request-id") or b"") == 32


@virtual
async def test_trace_context_is_passed_on_or_started() -> None:
    """A valid one is continued with its state; an invalid or doubled one starts anew without it."""
    here = Harness(fine)
    parent = b"00-" + TRACE.encode() + b"-b7ad6b7169203331-01"
    await here.done(b"/weather/x", b"GET", (b"traceparent", parent), (b"tracestate", b"a=1"))
    assert here.calls[0].trace == (TRACE, "b7ad6b7169203331", "01")
    assert (b"tracestate", b"a=1") in here.calls[0].headers
    await here.done(b"/weather/x", b"GET", (b"traceparent", parent), (b"traceparent", parent), (b"tracestate", b"a=1"))
    assert here.calls[1].trace[0] != TRACE
    assert here.calls[1].trace[1] == ""
    assert b"tracestate" not in dict(here.calls[1].headers)


@virtual
@pytest.mark.parametrize(
    ("target", "host", "upstream", "path"),
    [
        (b"/weather", b"localhost", "weather", b"/"),
        (b"/weather?x=/y", b"localhost", "weather", b"/?x=/y"),
        (b"/weather/", b"localhost", "weather", b"/"),
        (b"/home/lamps/1?a", b"localhost", "lamps", b"/1?a"),
        (b"/home/lamps", b"localhost", "lamps", b"/"),
        (b"/any/thing", b"named.lan:80", "named", b"/any/thing"),
    ],
)
async def test_an_upstream_is_found_by_mount_or_host(target: bytes, host: bytes, upstream: str, path: bytes) -> None:
    """One segment, several segments, or the Host a client asks for; the query stays untouched."""
    here = Harness(fine)
    await here.done(target, b"GET", host=host)
    assert (here.calls[0].upstream, here.calls[0].path) == (upstream, path)


@virtual
@pytest.mark.parametrize("target", [b"/", b"/nowhere/x", b"/home", b"/home/lampsx", b"/weatherx", b"/WEATHER/x"])
async def test_an_unknown_upstream_is_a_404_problem_that_names_those_there_are(target: bytes) -> None:
    """The body says what is mounted; nothing is called; the event carries no made-up label."""
    here = Harness(fine)
    reply, event = await here.done(target)
    body = orjson.loads(reply.body)
    assert (reply.status, body["type"], here.calls) == (404, "urn:seawall:not-found", [])
    assert "weather" in body["detail"]
    assert (event.upstream, event.route, event.outcome) == ("", "", "refused")


@virtual
async def test_dot_segments_are_refused_before_anything_is_called() -> None:
    """Also those that would climb out of the mount into another upstream."""
    here = Harness(fine)
    for target in (b"/weather/../home/lamps", b"/weather/%2e%2e/x", b"/weather/a%2f..%2f"):
        reply, _ = await here.done(target)
        assert reply.status == 400
    assert here.calls == []
    assert (await here.done(b"/weather/x?a=../.."))[0].status == 200


@virtual
async def test_routes_choose_timeouts_and_budget() -> None:
    """The first pattern that matches; HEAD is GET without a body."""
    here = Harness(fine)
    await here.done(b"/weather/slow?x", b"HEAD")
    call = here.calls[0]
    assert (call.route, call.run.budget, call.deadline - call.run.started) == ("GET /slow", 5, 60.0)


@virtual
@pytest.mark.parametrize(
    ("method", "headers", "idempotent"),
    [
        (b"GET", (), True), (b"HEAD", (), True), (b"PUT", (), True), (b"DELETE", (), True), (b"POST", (), False),
        (b"PATCH", (), False), (b"POST", ((b"idempotency-key", b"k"),), True),
    ],
)  # fmt: skip
async def test_what_may_be_tried_again_is_known_from_method_and_key(
    method: bytes, headers: tuple[tuple[bytes, bytes], ...], idempotent: bool
) -> None:
    """RFC 9110 section 9.2.2, or an Idempotency-Key, which goes upstream too."""
    here = Harness(fine)
    await here.done(b"/weather/x", method, *headers)
    assert here.calls[0].idempotent is idempotent
    assert all(pair in here.calls[0].headers for pair in headers)


@virtual
@pytest.mark.parametrize(
    ("error", "status", "kind", "outcome"),
    [
        (Saturated("full", policy="rate", retry_after=1.2), 503, "saturated", "refused"),
        (BreakerOpen(retry_after=7.0), 503, "breaker-open", "refused"),
        (DeadlineExceeded(), 504, "deadline", "deadline"),
        (UpstreamTimeout("first_byte"), 504, "upstream-timeout", "failed"),
        (ConnectError("refused"), 502, "upstream-unreachable", "failed"),
        (UpstreamBroken("reset"), 502, "upstream-broken", "failed"),
    ],
)
async def test_an_error_is_a_problem_with_the_status_of_the_table(
    error: CallError, status: int, kind: str, outcome: str
) -> None:
    """The table in architecture.md: one shape, Proxy-Status, Retry-After on every 503, the id to ask about."""
    reply, event = await Harness(raising(error)).done()
    body = orjson.loads(reply.body)
    assert (reply.status, body["status"], body["type"]) == (status, status, f"urn:seawall:{kind}")
    assert body["upstream"] == "weather"
    assert body["error"]["code"] == kind
    assert body["request_id"] == event.request_id == (reply.header(b"x-request-id") or b"").decode()
    assert reply.header(b"content-type") == b"application/problem+json"
    assert (reply.header(b"proxy-status") or b"").startswith(b"seawall; error=")
    assert (reply.header(b"retry-after") is not None) is (status == 503)
    assert (event.outcome, event.error, event.status) == (outcome, kind, status)


@virtual
@pytest.mark.parametrize(("status", "kind"), [(413, "too-large"), (408, "bad-request"), (400, "bad-request")])
async def test_a_body_that_breaks_is_the_clients_error(status: int, kind: str) -> None:
    """Too large, too slow or malformed while it was streamed upstream."""
    reply, event = await Harness(raising(RequestBodyError(status, "no"))).done()
    assert (reply.status, orjson.loads(reply.body)["type"]) == (status, f"urn:seawall:{kind}")
    assert event.outcome == "refused"


@virtual
async def test_a_client_that_leaves_is_told_once_and_stays_a_cancellation() -> None:
    """499 in the log, CancelledError to the server."""
    here = Harness(raising(asyncio.CancelledError()))
    with pytest.raises(asyncio.CancelledError):
        await here.ask()
    event = here.events.one(CallEnded)
    assert (event.status, event.outcome) == (499, "cancelled")


@virtual
async def test_a_client_that_leaves_in_the_body_is_told_as_such() -> None:
    """The reply was closed before it was finished."""
    here = Harness(fine)
    reply = await here.ask()
    reply.close()
    reply.close()
    assert here.events.one(CallEnded).outcome == "cancelled"


async def read_all(reply: Reply) -> bytes:
    """Read a streamed body to its end."""
    out = b""
    while chunk := await reply.body.read():  # type: ignore[union-attr]
        out += chunk
    return out


@virtual
@pytest.mark.parametrize(
    ("kind", "start"),
    [
        (b"text/event-stream; charset=utf-8", b"data: par\nevent: error\ndata: {"),
        (b"application/x-ndjson", b"data: par\n{"),
    ],
)
async def test_a_stream_that_breaks_ends_in_an_error_event(kind: bytes, start: bytes) -> None:
    """The half-sent event becomes part of the error event, so that no client takes it for a whole one."""

    async def send(call: Call) -> Reply:
        source = ScriptedSource([b"data: par"], error=UpstreamBroken("reset"))
        return Reply(200, [(b"content-type", kind)], source, None, True)

    here = Harness(send)
    reply = await here.ask()
    body = await read_all(reply)
    assert body.startswith(start)
    assert b'"type":"urn:seawall:upstream-broken"' in body
    reply.finished = True
    reply.close()
    event = here.events.one(CallEnded)
    assert (event.outcome, event.error, event.streamed) == ("broken", "upstream-broken", True)


@virtual
async def test_any_other_body_that_breaks_is_cut_off() -> None:
    """Its framing shows the client that it is not whole."""

    async def send(call: Call) -> Reply:
        return Reply(200, [], ScriptedSource([b"half"], error=UpstreamBroken("reset")), 100)

    reply = await Harness(send).ask()
    with pytest.raises(UpstreamBroken):
        await read_all(reply)


@virtual
async def test_an_upstreams_error_passes_through_unchanged() -> None:
    """Status and body are the upstream's; ours is only what is added."""

    async def send(call: Call) -> Reply:
        return Reply(500, [(b"content-type", b"text/x"), (b"x-seawall-cost", b"forged")], b"their words")

    reply, event = await Harness(send).done()
    assert (reply.status, reply.body, reply.header(b"content-type")) == (500, b"their words", b"text/x")
    assert reply.header(b"x-seawall-cost") is None
    assert event.outcome == "upstream_error"


@virtual
async def test_an_unknown_host_is_refused() -> None:
    """Rebinding a name of a page to loopback leads nowhere."""
    here = Harness(fine)
    reply, _ = await here.done(b"/weather/x", b"GET", host=b"evil.example")
    assert (reply.status, orjson.loads(reply.body)["type"]) == (403, "urn:seawall:cross-site")
    assert here.calls == []


@virtual
@pytest.mark.parametrize(
    ("headers", "status"),
    [
        (((b"sec-fetch-site", b"cross-site"),), 403),
        (((b"origin", b"https://evil.example"),), 403),
        (((b"origin", b"null"),), 403),
        (((b"origin", b"https://app.example"), (b"sec-fetch-site", b"cross-site")), 200),
        (((b"sec-fetch-site", b"same-origin"), (b"origin", b"http://127.0.0.1:8080")), 200),
        (((b"sec-fetch-site", b"none"),), 200),
    ],
)
async def test_pages_of_other_sites_are_refused_unless_listed(
    headers: tuple[tuple[bytes, bytes], ...], status: int
) -> None:
    """Any page can make a browser call loopback; only listed origins may (security.md 15)."""
    here = Harness(fine, origins=frozenset((b"https://app.example",)))
    assert (await here.done(b"/weather/x", b"POST", *headers))[0].status == status
    assert len(here.calls) == (status == 200)


@virtual
async def test_without_a_key_nobody_enters_where_keys_are_needed() -> None:
    """401 with the header RFC 9110 section 15.5.2 asks for."""
    here = Harness(fine, anonymous=False)
    reply, _ = await here.done()
    assert reply.status == 401
    assert reply.header(b"www-authenticate") == b'Bearer realm="seawall"'
    assert here.calls == []


@virtual
@pytest.mark.parametrize(("hops", "shown"), [(0, b"10.1.2.3"), (1, b"2.2.2.2"), (2, b"1.1.1.1"), (5, b"10.1.2.3")])
async def test_forwarded_for_is_believed_only_from_configured_hops(hops: int, shown: bytes) -> None:
    """Each trusted proxy appended the address it saw; who did not pass them all is whom the socket shows."""
    here = Harness(fine, hops=hops)
    await here.done(b"/weather/x", b"GET", (b"x-forwarded-for", b"1.1.1.1, 2.2.2.2"))
    assert dict(here.calls[0].headers)[b"x-forwarded-for"] == shown


@virtual
async def test_a_callers_hint_shortens_the_deadline_and_never_lengthens_it() -> None:
    """Semantics 1.6; the hint itself goes no further."""
    here = Harness(fine)
    for hint, seconds in ((b"2", 2.0), (b"99", 10.0), (b"x", 10.0)):
        await here.done(b"/weather/x", b"GET", (b"x-request-timeout", hint))
        call = here.calls[-1]
        assert call.deadline - call.run.started == seconds
        assert b"x-request-timeout" not in dict(call.headers)


@virtual
async def test_a_reload_changes_the_next_request_only() -> None:
    """The table and the options are replaced together."""
    here = Harness(fine)
    here.gateway.reload(Table([]), Options(Sites(known_hosts("127.0.0.1"))))
    assert (await here.done())[0].status == 404


@virtual
async def test_a_path_of_nobody_is_as_closed_as_the_others() -> None:
    """A page of another site gets 403 and a stranger 401 there; neither is told which upstreams there are."""
    page, _ = await Harness(fine).done(b"/nowhere", b"GET", (b"sec-fetch-site", b"cross-site"))
    stranger, _ = await Harness(fine, anonymous=False).done(b"/nowhere")
    assert (page.status, stranger.status) == (403, 401)
    assert b"weather" not in page.body + stranger.body  # type: ignore[operator]


@virtual
async def test_nothing_new_is_taken_while_memory_is_short() -> None:
    """503 with Retry-After, and on again afterwards."""
    here = Harness(fine)
    here.gateway.refuse_new(True)
    reply, event = await here.done()
    assert (reply.status, reply.header(b"retry-after"), event.error) == (503, b"1", "saturated")
    here.gateway.refuse_new(False)
    assert (await here.done())[0].status == 200


@virtual
async def test_a_request_of_the_gateways_own_passes_doors_that_are_shut_to_others() -> None:
    """No Host, no key: `inside` is asked all the same, under its name; a full gateway and odd paths refuse it too."""
    here = Harness(fine, anonymous=False)
    now = asyncio.get_running_loop().time()

    async def inside(target: bytes) -> tuple[Reply, CallEnded]:
        request = Request(b"GET", target, [(b"accept", b"*/*")], b"nobody.example", received=now)
        reply = await here.gateway.inside(request, "schedule:forecast")
        reply.finished = True
        reply.close()
        return reply, here.events.of(CallEnded)[-1]

    reply, event = await inside(b"/weather/x?q=1")
    assert (reply.status, event.caller, event.outcome, event.upstream) == (200, "schedule:forecast", "ok", "weather")
    assert (here.calls[0].path, here.calls[0].caller) == (b"/x?q=1", "schedule:forecast")
    assert (await here.done(b"/weather/x"))[0].status == 401
    assert (await inside(b"/weather/../lamps"))[0].status == 400
    assert (await inside(b"/nowhere"))[0].status == 404
    here.gateway.refuse_new(True)
    assert (await inside(b"/weather/x"))[0].status == 503
    assert len(here.calls) == 1


@virtual
async def test_an_upstream_whose_answers_are_kept_is_not_told_by_which_name_a_client_asked() -> None:
    """Else links made for one client would be given to another, or the same thing be asked once for each name."""
    here = Harness(fine)
    for method, told in ((b"GET", False), (b"HEAD", False), (b"POST", True)):
        await here.done(
            b"/weather/kept", method, (b"x-forwarded-host", b"evil.example"), (b"x-forwarded-proto", b"gopher")
        )
        names = [name for name, _ in here.calls[-1].headers]
        assert names.count(b"x-forwarded-host") == names.count(b"x-forwarded-proto") == told
        assert b"evil.example" not in dict(here.calls[-1].headers).values()
