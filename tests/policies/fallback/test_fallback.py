"""What is given where every attempt failed."""

import asyncio
import random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from seawall.contracts.call import Call, Run
from seawall.contracts.errors import BreakerOpen, ConnectError, DeadlineExceeded, RequestBodyError, UpstreamBroken
from seawall.contracts.policy import Context, Position
from seawall.contracts.reply import Reply
from seawall.contracts.target import Target, Timeouts
from seawall.contracts.wheel import Wheel
from seawall.pipeline.compose import compose
from seawall.policies import balance, breaker, deadline, retry
from seawall.policies.fallback import SPEC, FallbackSettings
from seawall.policies.fallback.core import MARGIN, until
from seawall.testing import ScriptedSource, virtual

LAMPS = Target("lamps", "main", "http", "lamps.example", 80)
SPARE = Target("lamps", "spare", "http", "spare.example", 80)
LAST = Target("lamps", "last", "http", "last.example", 80)
FIXED = {"status": 200, "json": {"on": False, "stale": True}}


class Lamps:
    """A context with its kept state, and an upstream whose targets answer as told."""

    def __init__(self, targets=(LAMPS, SPARE, LAST)):
        loop = asyncio.get_running_loop()
        self.now = loop.time
        self.kept = {}
        self.ctx = Context(
            "lamps", "", targets, loop.clock(), Wheel(loop.clock(), loop), loop, random.Random(3).uniform,
            lambda _: None, self.keep, {"backups": ("spare", "last")},
        )  # fmt: skip
        self.seen = []
        self.answers = {}
        self.closed = 0

    def keep(self, upstream, policy, scope, make):
        """Keep, as the pipeline does."""
        key = (upstream, policy, scope)
        if key not in self.kept:
            self.kept[key] = make()
        return self.kept[key]

    def stages(self, settings, spec=SPEC):
        """Return the stages."""
        return list(spec.build(spec.settings.model_validate(settings), self.ctx))

    def build(self, settings, *more):
        """Return stages folded around the upstream."""
        return compose([*self.stages(settings), *more], self.answer)

    async def answer(self, call):
        """Answer as told for the target; None hangs."""
        self.seen.append(call.target.label)
        call.run.attempts += 1
        found = self.answers.get(call.target.label, 200)
        if found is None:
            await asyncio.get_running_loop().create_future()
        await asyncio.sleep(0.01)
        if isinstance(found, Exception):
            raise found
        reply = Reply(found, [], b"from " + call.target.label.encode())
        reply.on_close(self.count)
        return reply

    def count(self):
        """Count a reply that was closed."""
        self.closed += 1

    def call(self, method=b"GET", left=10.0, **more):
        """Return a call."""
        more.setdefault("idempotent", method in (b"GET", b"HEAD"))
        timeouts = Timeouts(total=left, attempt=left, first_byte=left)
        run = Run(self.now(), 3)
        return Call(method, b"/", [], LAMPS, timeouts, self.now() + left, run, upstream="lamps", **more)


@virtual
async def test_an_answer_passes():
    """Nothing is marked, also where it is the caller's fault."""
    for status in (200, 404, 501):
        lamps = Lamps()
        lamps.answers["main"] = status
        reply = await lamps.build(FIXED)(lamps.call())
        assert (reply.status, reply.marks) == (status, None)


@pytest.mark.parametrize("failure", [500, 502, 503, 504, 429, ConnectError(), UpstreamBroken(), BreakerOpen()])
def test_the_fixed_answer_stands_behind_every_failure(failure):
    """Marked in the headers; what failed is closed."""

    @virtual
    async def check():
        lamps = Lamps()
        lamps.answers["main"] = failure
        call = lamps.call(b"POST", body=ScriptedSource((b"x",)), length=1)
        reply = await lamps.build(FIXED)(call)
        assert (reply.status, reply.body) == (200, b'{"on":false,"stale":true}')
        assert reply.header(b"content-type") == b"application/json"
        assert reply.header(b"cache-control") == b"no-store"
        assert reply.marks == [(b"x-seawall-fallback", b"fixed")]
        assert call.run.notes == [("fallback", None, "fixed")]
        assert lamps.closed == isinstance(failure, int)

    check()


@virtual
async def test_a_broken_request_is_not_answered_for():
    """The client's own fault is told to it, and a bug is a bug."""
    for error in (RequestBodyError(400, "broken"), KeyError("bug")):
        lamps = Lamps()
        lamps.answers["main"] = error
        with pytest.raises(type(error)):
            await lamps.build(FIXED)(lamps.call())


@virtual
async def test_nothing_is_given_once_the_client_has_a_byte():
    """The failure is passed on."""
    lamps = Lamps()
    lamps.answers["main"] = ConnectError()
    call = lamps.call()
    call.run.committed = True
    with pytest.raises(ConnectError):
        await lamps.build(FIXED)(call)


@virtual
async def test_attempts_end_50_ms_before_the_deadline_where_a_fixed_answer_waits():
    """Semantics 1.2; and the breaker has seen a timeout."""
    lamps = Lamps((LAMPS,))
    lamps.answers["main"] = None
    outer = lamps.stages({"timeout": "2s"}, deadline.SPEC)
    pipeline = lamps.build(FIXED, *outer, *lamps.stages({}, breaker.SPEC))
    for left in (2.0, 0.06):
        began = lamps.now()
        reply = await pipeline(lamps.call(left=left))
        assert reply.marks == [(b"x-seawall-fallback", b"fixed")]
        spent = lamps.now() - began
        assert left - MARGIN - 1e-9 <= spent <= left - MARGIN + 0.011 or left / 2 <= spent < left
    assert lamps.kept["lamps", "breaker", "main"].status().failures == 2


@virtual
async def test_without_a_fixed_answer_the_deadline_is_the_deadline():
    """Nobody ends the last target's attempts earlier."""
    lamps = Lamps((LAMPS, SPARE))
    lamps.answers = {"main": ConnectError(), "spare": None}
    pipeline = lamps.build({"targets": ["spare"]}, *lamps.stages({}, deadline.SPEC))
    began = lamps.now()
    with pytest.raises(DeadlineExceeded):
        await pipeline(lamps.call(left=2.0))
    assert 2.0 <= lamps.now() - began <= 2.02


@virtual
async def test_backups_are_asked_in_order():
    """Each once the one before has failed; the reply says that it came from one."""
    lamps = Lamps()
    lamps.answers = {"main": 503, "spare": ConnectError()}
    reply = await lamps.build({"targets": ["spare", "last"]})(lamps.call())
    assert lamps.seen == ["main", "spare", "last"]
    assert reply.body == b"from last"
    assert reply.marks == [(b"x-seawall-fallback", b"target"), (b"x-seawall-target", b"last")]
    assert lamps.closed == 1


@virtual
async def test_a_call_bound_to_a_backup_goes_to_the_first_that_is_none():
    """The door binds calls to the first target of the file, which may be one that only waits."""
    lamps = Lamps((SPARE, LAST, LAMPS))
    call = lamps.call()
    call.target = SPARE
    assert (await lamps.build({"targets": ["spare", "last"]})(call)).body == b"from main"
    assert lamps.seen == ["main"]


@virtual
async def test_where_all_fail_the_last_targets_failure_is_told_or_the_fixed_answer_given():
    """As settings say."""
    lamps = Lamps()
    lamps.answers = {"main": 503, "spare": 502, "last": 504}
    reply = await lamps.build({"targets": ["spare", "last"]})(lamps.call())
    assert reply.status == 504
    reply = await lamps.build({"targets": ["spare", "last"], **FIXED})(lamps.call())
    assert reply.status == 200
    lamps.answers["last"] = ConnectError()
    with pytest.raises(ConnectError):
        await lamps.build({"targets": ["spare", "last"]})(lamps.call())


@virtual
async def test_one_attempt_is_held_back_for_every_target_not_yet_tried():
    """Three attempts and two backups: one each; a fallback gets no fresh set of retries (semantics 1.2)."""
    lamps = Lamps()
    lamps.answers = {"main": 503, "spare": 503, "last": 503}
    stages = lamps.stages({"base": "1ms", "attempts": 3}, retry.SPEC)
    call = lamps.call()
    await lamps.build({"targets": ["spare", "last"]}, *stages)(call)
    assert lamps.seen == ["main", "spare", "last"]
    assert (call.run.attempts, call.run.held) == (3, 0)
    lamps.seen.clear()
    await lamps.build({"targets": ["spare"]}, *stages)(lamps.call())
    assert lamps.seen == ["main", "main", "spare"]
    lamps.answers["main"] = 200
    call = lamps.call()
    await lamps.build({"targets": ["spare", "last"]}, *stages)(call)
    assert call.run.held == 0


@virtual
async def test_a_target_that_is_not_the_last_has_a_share_of_the_time():
    """60 % of what is left, or `try_for`."""
    for settings, moment in (({}, 6.0), ({"try_for": "2s"}, 2.0)):
        lamps = Lamps()
        lamps.answers["main"] = None
        began = lamps.now()
        reply = await lamps.build({"targets": ["spare"], **settings})(lamps.call())
        assert reply.body == b"from spare"
        assert lamps.now() - began == pytest.approx(moment, abs=0.03)


@pytest.mark.parametrize(
    ("failure", "seen"),
    [(503, 1), (UpstreamBroken(), 1), (ConnectError(), 2), (BreakerOpen(), 2), (None, 1)],
)
def test_a_post_goes_on_only_where_it_was_never_sent(failure, seen):
    """Doing it twice may do harm."""

    @virtual
    async def check():
        lamps = Lamps()
        lamps.answers["main"] = failure
        pipeline = lamps.build({"targets": ["spare"]})
        await asyncio.gather(pipeline(lamps.call(b"POST", body=b"x")), return_exceptions=True)
        assert len(lamps.seen) == seen

    check()


@virtual
async def test_a_body_that_can_be_read_once_is_not_sent_twice():
    """Only bytes go to another target."""
    lamps = Lamps()
    lamps.answers["main"] = ConnectError()
    call = lamps.call(b"PUT", body=ScriptedSource((b"x",)), length=1, idempotent=True)
    with pytest.raises(ConnectError):
        await lamps.build({"targets": ["spare"]})(call)
    assert lamps.seen == ["main"]
    assert call.run.held == 0


@virtual
async def test_a_backup_stands_outside_the_choice_of_targets():
    """Balance chooses among the others and leaves a bound call alone."""
    other = Target("lamps", "other", "http", "other.example", 80)
    lamps = Lamps((LAMPS, other, SPARE))
    lamps.answers = {"main": 503, "other": 503}
    stages = lamps.stages("failover", balance.SPEC) + lamps.stages({"base": "1ms"}, retry.SPEC)
    reply = await lamps.build({"targets": ["spare"]}, *stages)(lamps.call())
    assert lamps.seen == ["main", "other", "spare"]
    assert reply.body == b"from spare"


@pytest.mark.parametrize("moment", [0.005, 0.015])
def test_cancelled_at_any_await_asks_nobody_else(moment):
    """A caller that leaves gets no fallback, and no timer is left."""

    @virtual
    async def check():
        lamps = Lamps()
        lamps.answers["main"] = 503
        task = asyncio.ensure_future(lamps.build({"targets": ["spare"], **FIXED})(lamps.call()))
        await asyncio.sleep(moment)
        seen = len(lamps.seen)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
        assert len(lamps.seen) == seen
        assert len(lamps.ctx.wheel) == 0

    check()


@virtual
async def test_head_has_the_length_and_not_the_body():
    """RFC 9110 section 9.3.2."""
    lamps = Lamps()
    lamps.answers["main"] = ConnectError()
    reply = await lamps.build(FIXED)(lamps.call(b"HEAD"))
    assert (reply.body, reply.length) == (b"", 25)


@virtual
async def test_text_status_type_and_headers():
    """As settings say; a reply's headers are its own list."""
    lamps = Lamps()
    lamps.answers["main"] = ConnectError()
    settings = {"status": 503, "body": "zu ✓", "type": "text/html", "headers": {"Cache-Control": "max-age=60"}}
    pipeline = lamps.build(settings)
    first, second = await pipeline(lamps.call()), await pipeline(lamps.call())
    assert (first.status, first.body) == (503, "zu ✓".encode())
    assert first.headers == [(b"content-type", b"text/html"), (b"cache-control", b"max-age=60")]
    first.headers.clear()
    assert second.headers
    reply = await lamps.build({"body": "closed"})(lamps.call())
    assert reply.header(b"content-type") == b"text/plain; charset=utf-8"
    reply = await lamps.build({"status": 204})(lamps.call())
    assert (reply.status, reply.body, reply.header(b"content-type")) == (204, b"", None)


@pytest.mark.parametrize(
    ("settings", "rule"),
    [
        ({"json": 1, "body": "x"}, "body cannot stand beside json"),
        ({"type": "text/html"}, "type needs body"),
        ({"status": 99}, "greater than or equal to 200"),
        ({"headers": {"Content-Length": "1"}}, "field names other than framing"),
        ({"headers": {"x y": "1"}}, "field names other than framing"),
        ({"headers": {"x-y": "1\r\nz: 2"}}, "printable ASCII"),
        ({"headers": {"x-y": "ü"}}, "printable ASCII"),
    ],
)
def test_settings_that_cannot_be_sent_are_faults(settings, rule):
    """Each with its rule."""
    with pytest.raises(ValueError, match=rule):
        FallbackSettings.model_validate(settings)


@virtual
async def test_a_label_no_target_has_is_a_fault():
    """Where the pipeline is built."""
    with pytest.raises(KeyError):
        Lamps((LAMPS,)).stages({"targets": ["spare"]})
    assert [position for position, _ in Lamps().stages(FIXED)] == [Position.FALLBACK]


@given(st.floats(0.001, 100), st.integers(0, 3), st.none() | st.floats(0.01, 10), st.booleans())
def test_time_for_a_target_lies_between_now_and_the_deadline(left, targets, try_for, fixed):
    """And something is left for what comes behind it."""
    end = until(1000.0, 1000.0 + left, targets, try_for, fixed=fixed)
    assert 1000.0 < end <= 1000.0 + left
    if fixed or (targets and try_for is None):
        assert end < 1000.0 + left


@pytest.mark.parametrize(
    ("settings", "words"),
    [
        (FIXED, "a fixed answer with status 200"),
        ({"targets": ["spare", "last"]}, "targets spare, last"),
        ({"targets": ["spare"], "body": "closed", "status": 503}, "targets spare, then a fixed answer with status 503"),
    ],
)
def test_explain_says_the_values_in_force(settings, words):
    """One line, in plain words."""
    assert SPEC.explain(FallbackSettings.model_validate(settings)) == words
