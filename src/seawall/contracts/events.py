"""What happened, as frozen values that observers listen to; an observer returns nothing.

Named tuples, not frozen dataclasses: one is made per call, and a named tuple costs a third.
"""

from collections.abc import Callable
from decimal import Decimal
from functools import partial
from typing import NamedTuple

from seawall.contracts.usage import Usage

__all__ = [
    "AttemptEnded",
    "AttemptPaid",
    "BreakerChanged",
    "CallEnded",
    "CapUsed",
    "Emit",
    "Event",
    "Notice",
    "UpstreamPaused",
    "attempt_ended",
    "attempt_paid",
    "call_ended",
]


class CallEnded(NamedTuple):
    """A call is over: its body was sent, or broke, or nobody wanted it any more.

    Attributes:
        caller, upstream, route: names from settings; `""` unknown.
        method: as sent.
        status: what the client got; 499 when it left before the head was sent.
        outcome: `ok`, `upstream_error` (its 5xx passed on), `client_error` (4xx), `refused`, `failed`, `deadline`,
            `cancelled`, `broken` (ended inside the body).
        error: the problem's type, or `""`.
        attempts: how many reached the wire.
        cache: `""`, `hit`, `stale`, `miss`, `bypass`.
        latency: seconds from arrival to the end of the body.
        upstream_time: seconds on the wire until replies were handed over, all attempts.
        queue_time: seconds waiting for rate or concurrency.
        received, sent: body bytes from and to the client.
        streamed: whether the reply was a stream.
        request_id, trace_id: for log lines, never for labels.
        tokens: input and output of language models, all attempts; None where nothing was metered.
        cost: US dollars, all attempts; None where nothing was metered.
    """

    caller: str
    upstream: str
    route: str
    method: str
    status: int
    outcome: str
    error: str
    attempts: int
    cache: str
    latency: float
    upstream_time: float
    queue_time: float
    received: int
    sent: int
    streamed: bool
    request_id: str
    trace_id: str
    tokens: int | None = None
    cost: Decimal | None = None


class AttemptEnded(NamedTuple):
    """One attempt handed its reply over or failed.

    `result` is a status as text, or `connect`, `reset`, `timeout`, or `cancelled` where nobody wanted it any more.
    """

    upstream: str
    target: str
    route: str
    number: int
    result: str
    seconds: float


# What every call makes, or every metered one, from all fields in order; in C, as a named tuple's constructor is not.
call_ended: Callable[
    [
        tuple[
            str, str, str, str, int, str, str, int, str, float, float, float, int, int, bool, str, str, int | None,
            Decimal | None,
        ]
    ],
    CallEnded,
] = partial(tuple.__new__, CallEnded)  # fmt: skip
attempt_ended: Callable[[tuple[str, str, str, int, str, float]], AttemptEnded] = partial(tuple.__new__, AttemptEnded)


class BreakerChanged(NamedTuple):
    """A breaker moved. States: `closed`, `open`, `half_open`; `retry_after` seconds while open."""

    upstream: str
    target: str
    old: str
    new: str
    reason: str
    retry_after: float


class UpstreamPaused(NamedTuple):
    """An upstream asked with Retry-After to be left alone for `seconds`."""

    upstream: str
    target: str
    seconds: float


class AttemptPaid(NamedTuple):
    """One attempt's cost is known and in the ledger.

    Attributes:
        caller, upstream: names from settings.
        alias: of the model, `""` for plain calls and models asked for by their own name.
        model: as the upstream knows it, `""` for plain calls; a client may have chosen it, so it is no label.
        cost: US dollars.
        usage: tokens by kind.
        estimated: nothing was reported.
        source: where the price comes from (`settings`, `genai-prices`, `response`, `fixed`, `free`, `reserved`).
        suspicious: tokens of a model with a price cost nothing.
    """

    caller: str
    upstream: str
    alias: str
    model: str
    cost: Decimal
    usage: Usage
    estimated: bool
    source: str
    suspicious: bool


attempt_paid: Callable[[tuple[str, str, str, str, Decimal, Usage, bool, str, bool]], AttemptPaid] = partial(
    tuple.__new__, AttemptPaid
)


class CapUsed(NamedTuple):
    """Spending passed a step of `spend.alert_at` under a cap.

    Attributes:
        scope: `gateway`, `caller`, `user`, `model`.
        name: of the caller or model in settings; for an end user its caller's.
        period: `day`, `month`, `total`.
        share: the step, 0..1.
        spent, cap: US dollars.
    """

    scope: str
    name: str
    period: str
    share: float
    spent: Decimal
    cap: Decimal


class Notice(NamedTuple):
    """Anything else worth a log line. `level` is `debug`, `info`, `warning` or `error`; `fields` hold no secrets."""

    level: str
    event: str
    message: str
    fields: tuple[tuple[str, object], ...] = ()


Event = CallEnded | AttemptEnded | AttemptPaid | BreakerChanged | CapUsed | UpstreamPaused | Notice
Emit = Callable[[Event], None]
