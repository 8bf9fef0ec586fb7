"""A caller that was let in, for one call: an `Admitted`."""

from collections.abc import Callable, Sequence
from math import inf

from seawall.callers.caller import Caller
from seawall.callers.fields import Fields, headers, model_headers, retry_after
from seawall.callers.subject import Subject
from seawall.contracts.body import Headers
from seawall.contracts.errors import QuotaExceeded
from seawall.contracts.units import Rate, show_rate
from seawall.policies.ratelimit.core import Verdict

__all__ = ["Entry"]

_Met = tuple[Fields, Verdict]


class Entry:
    """What one call holds of its caller's limits.

    Args:
        caller: whose call.
        user: the end user behind the key.
        subjects: whom it counts for, the narrowest first.
        model_route: whether language-model SDKs read the answer.
        now: monotonic seconds.
    """

    __slots__ = (
        "_calls",
        "_entered",
        "_holds",
        "_model_route",
        "_now",
        "_rules",
        "_subjects",
        "_tokens",
        "caller",
        "user",
    )

    def __init__(
        self, caller: Caller, user: str, subjects: Sequence[Subject], model_route: bool, now: Callable[[], float]
    ) -> None:
        self._rules = caller.rules
        self.caller = caller.rules.name
        self.user = user
        self._subjects = subjects
        self._model_route = model_route
        self._now = now
        self._entered = 0  # how many of the subjects count this call as under way
        self._calls: list[_Met] = []
        self._tokens: list[_Met] = []
        self._holds: list[tuple[Subject, int, bool]] = []

    def walk_in(self) -> bool:
        """Take a place of every subject where none has a limit; whether that was so."""
        for subject in self._subjects:
            if subject.concurrency is not None or subject.calls is not None or subject.tokens is not None:
                return False
        for subject in self._subjects:
            subject.running += 1
        self._entered = len(self._subjects)
        return True

    async def enter(self) -> None:
        """Take a place and a call of every subject, or nothing.

        Raises:
            QuotaExceeded: one has none left.
        """
        try:
            for subject in self._subjects:
                if subject.concurrency is not None and subject.running >= subject.concurrency:
                    raise self._full(subject.concurrency)
                subject.running += 1
                self._entered += 1
            await self._take_calls()
        except BaseException:
            self.close()
            raise
        if self._model_route:
            self._tokens = [
                (limit.fields, limit.state(self._now()))
                for limit in (subject.tokens for subject in self._subjects)
                if limit is not None and not limit.shared
            ]

    @property
    def headers(self) -> Headers:
        """Rate-limit fields as the limits stood when they were last asked."""
        met = self._calls + self._tokens
        if not met:
            return []
        found = headers(met)
        if self._model_route:
            if self._calls:
                found += model_headers("requests", *_tightest(self._calls))
            if self._tokens:
                found += model_headers("tokens", *_tightest(self._tokens))
        return found

    def may_call(self, upstream: str) -> bool:
        """Whether the caller may call an upstream."""
        return self._rules.upstreams is None or upstream in self._rules.upstreams

    def may_use(self, alias: str) -> bool:
        """Whether the caller may use a model."""
        return self._rules.models is None or alias in self._rules.models

    async def hold_tokens(self, estimate: int) -> None:
        """Hold an estimate against every token limit, or nothing; what was held before is settled to nothing.

        Raises:
            QuotaExceeded: there are not that many.
        """
        self.settle_tokens(0)
        self._tokens = met = []
        try:
            for subject in self._subjects:
                limit = subject.tokens
                if limit is None:
                    continue
                verdict, here = await limit.hold(estimate, self._now())
                met.append((limit.fields, verdict))
                if not verdict.allowed:
                    raise _too_many_tokens(met[-1], estimate)
                self._holds.append((subject, estimate, here))
        except BaseException:
            self.settle_tokens(0)
            raise

    def settle_tokens(self, used: int) -> None:
        """End the hold and charge what was used; nothing where none is open."""
        holds, self._holds = self._holds, []
        for subject, estimate, here in holds:
            if subject.tokens is not None:
                subject.tokens.settle(estimate, used, here, self._now())

    def close(self) -> None:
        """Give back what the call holds. Idempotent."""
        entered, self._entered = self._entered, 0
        for subject in self._subjects[:entered]:
            subject.running -= 1
        if self._holds:
            self.settle_tokens(0)

    async def _take_calls(self) -> None:
        taken: list[Subject] = []
        try:
            for subject in self._subjects:
                limit = subject.calls
                if limit is None:
                    continue
                now = self._now()
                verdict = limit.check(now) or await limit.take(now)
                self._calls.append((limit.fields, verdict))
                if not verdict.allowed:
                    raise self._too_many_calls()
                taken.append(subject)
        except BaseException:
            # a user that is refused uses nothing of its caller, nor the other way round
            for subject in taken:
                if subject.calls is not None:
                    subject.calls.give_back(self._now())
            raise

    def _full(self, most: int) -> QuotaExceeded:
        said = f"{most} calls of this caller are under way, the most at once. Send fewer in parallel."
        return self._refused(QuotaExceeded(said, policy="callers", retry_after=1))

    def _too_many_calls(self) -> QuotaExceeded:
        fields, _ = self._calls[-1]
        wait = retry_after(self._calls)
        said = f'The limit "{fields.name}" of {show_rate(fields.rate)} is used up; try again in {wait} s.'
        return self._refused(QuotaExceeded(said, policy="callers", retry_after=wait))

    def _refused(self, error: QuotaExceeded) -> QuotaExceeded:
        """Tell an error what the door, which gets no entry, has to know."""
        error.caller, error.user = self.caller, self.user
        error.headers = tuple(self.headers)
        return error


def _too_many_tokens(met: _Met, estimate: int) -> QuotaExceeded:
    fields, verdict = met
    limit = f'The limit "{fields.name}" of {show_rate(fields.rate)}'
    if verdict.retry_after == inf:
        error = QuotaExceeded(
            f"{limit} never leaves {estimate} tokens for one call. Ask for fewer at once.", policy="callers"
        )
        error.headers = ((b"x-should-retry", b"false"),)
        return error
    wait = retry_after([met])
    return QuotaExceeded(
        f"{limit} leaves no {estimate} tokens; try again in {wait} s.", policy="callers", retry_after=wait
    )


def _tightest(met: Sequence[_Met]) -> tuple[Rate, Verdict]:
    """Return the limit that leaves least, for SDKs that read one of a kind."""
    fields, verdict = min(met, key=lambda one: one[1].remaining)
    return fields.rate, verdict
