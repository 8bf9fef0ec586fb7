"""The one error tree.

    SeawallError
    |-- SettingsError            the settings are wrong; lists every fault
    |-- RequestBodyError         the client's body broke, was too large or too slow
    `-- CallError                a call has no answer
        |-- Refusal              we said no, the upstream is not to blame
        |   |-- Saturated        rate of the upstream or its queue
        |   |-- BreakerOpen
        |   |-- QuotaExceeded    the caller's own rate, tokens or concurrency
    |   |-- Unauthenticated  no key where one is needed, or one that nobody has
    |   |-- Forbidden        a known caller, but not for this
    |   |-- SpendCapReached  the money is spent, or held by calls under way
    |   `-- PriceUnknown     a model without a price while a cap applies
        |-- DeadlineExceeded     the call's own deadline has passed
        `-- UpstreamError        the upstream, or the way to it, failed
            |-- ConnectError     no connection: nothing was sent
            |   |-- DnsError
            |   |-- TlsError
            |   `-- AddressRefused   the address is not allowed
            |-- UpstreamTimeout  a phase of the attempt took too long
            `-- UpstreamBroken   reset, garbage, wrong length

A foreign error is translated once, where it appears, with `raise ... from exc`. No message holds a URL query, a
header value, a body or a key.
"""

from collections.abc import Sequence

__all__ = [
    "AddressRefused",
    "BreakerOpen",
    "CallError",
    "ConnectError",
    "DeadlineExceeded",
    "DnsError",
    "Forbidden",
    "PriceUnknown",
    "QuotaExceeded",
    "Refusal",
    "RequestBodyError",
    "Saturated",
    "SeawallError",
    "SettingsError",
    "SpendCapReached",
    "TlsError",
    "Unauthenticated",
    "UpstreamBroken",
    "UpstreamError",
    "UpstreamTimeout",
    "deadline_passed",
]


class SeawallError(Exception):
    """Base of everything Seawall raises on purpose."""


class SettingsError(SeawallError):
    """The settings are wrong.

    Attributes:
        faults: one line each: `path: rule, got value (for example x)`.
    """

    def __init__(self, faults: Sequence[str]) -> None:
        self.faults = tuple(faults)
        super().__init__("\n".join(self.faults))


class RequestBodyError(SeawallError):
    """The client's body cannot be read to its end.

    Attributes:
        status: 400 broken framing, 408 too slow, 413 too large, 499 the client left.
    """

    def __init__(self, status: int, message: str) -> None:
        self.status = status
        super().__init__(message)


class CallError(SeawallError):
    """A call has no answer from an upstream.

    Attributes:
        status_hint: the status a door answers with.
        type: last part of the problem's `type`, or a whole URI.
        title: short, the same for every occurrence.
        policy: the policy that decided, `""` for the wire.
        retry_after: seconds after which trying again makes sense, or None.
        kind: the word retry and breaker settings use: `connect`, `reset`, `timeout`, or `""` for refusals.
        sent: whether a byte of the request may have reached the upstream.
        headers: more headers of the answer, such as rate-limit fields.
    """

    headers: Sequence[tuple[bytes, bytes]] = ()
    status_hint = 502
    type = "upstream-unreachable"
    title = "The upstream could not be called"
    policy = ""
    kind = ""
    sent = False

    def __init__(self, detail: str = "", *, policy: str | None = None, retry_after: float | None = None) -> None:
        self.detail = detail or self.title
        self.retry_after = retry_after
        if policy is not None:
            self.policy = policy
        super().__init__(self.detail)


class Refusal(CallError):
    """Refused here; never counted against the upstream."""

    status_hint = 503
    type = "saturated"
    title = "Refused by a limit of this gateway"


class Saturated(Refusal):
    """The upstream's own rate limit, concurrency queue or the gateway itself is full."""

    title = "Too much is already under way"


class BreakerOpen(Refusal):
    """The upstream's breaker is open."""

    type = "breaker-open"
    title = "The upstream is failing and is left alone for now"
    policy = "breaker"


class QuotaExceeded(Refusal):
    """The caller's own rate, tokens or concurrency is used up.

    Attributes:
        caller: whose, for the record; `""` where the door knows already.
        user: the end user behind its key.
    """

    caller = ""
    user = ""
    status_hint = 429
    type = "https://iana.org/assignments/http-problem-types#quota-exceeded"
    title = "Your quota is used up for now"


class Unauthenticated(Refusal):
    """No key where one is needed, or one that nobody has: one answer for both (security.md 11)."""

    status_hint = 401
    type = "unauthenticated"
    title = "A key is needed"
    headers = ((b"www-authenticate", b'Bearer realm="seawall"'),)


class Forbidden(Refusal):
    """The caller is known and may not do this."""

    status_hint = 403
    type = "forbidden"
    title = "This caller may not do that"


class SpendCapReached(Refusal):
    """A cap leaves no room for what this call may cost (semantics 8.1, 8.5).

    Attributes:
        cap: which one, such as `caller day`.

    Args:
        detail: this occurrence.
        cap: which one.
        final: the money is spent, so that trying again before the reset is useless, and the SDKs are told.
        prepaid: it never resets: 402 instead of 429.
        retry_after: seconds to the reset, or 1 where the money is only held.
    """

    status_hint = 429
    type = "spend-cap-reached"
    title = "A spend cap leaves no room for this call"
    policy = "spend"

    def __init__(
        self,
        detail: str = "",
        *,
        cap: str = "",
        final: bool = False,
        prepaid: bool = False,
        retry_after: float | None = None,
    ) -> None:
        self.cap = cap
        if prepaid:
            self.status_hint = 402
        told = [(b"x-seawall-left-cap", cap.encode("ascii"))] if cap else []
        self.headers = [*told, (b"x-should-retry", b"false")] if final else told
        super().__init__(detail, retry_after=retry_after)


class PriceUnknown(Refusal):
    """A model has no price or its input no bound while a cap applies: nobody could say whether the cap would hold."""

    status_hint = 403
    type = "price-unknown"
    title = "Nobody knows what this call may cost"
    policy = "spend"
    headers = ((b"x-should-retry", b"false"),)


class DeadlineExceeded(CallError):
    """The call's one deadline has passed (semantics 1.1)."""

    status_hint = 504
    type = "deadline"
    title = "The deadline of this call has passed"
    policy = "deadline"


class UpstreamError(CallError):
    """The upstream, or the way to it, failed; counts against it."""


class ConnectError(UpstreamError):
    """No connection was made, so nothing was sent."""

    title = "Cannot connect to the upstream"
    kind = "connect"


class DnsError(ConnectError):
    """The upstream's name does not resolve."""

    title = "The upstream's name does not resolve"


class TlsError(ConnectError):
    """The TLS handshake failed or the certificate is not trusted."""

    title = "TLS to the upstream failed"


class AddressRefused(ConnectError):
    """Every address of the upstream is one that must not be dialled."""

    type = "address-refused"
    title = "The upstream's address is not allowed"
    kind = ""


class UpstreamTimeout(UpstreamError):
    """A phase of the attempt took too long.

    Attributes:
        phase: `connect`, `first_byte`, `idle` or `attempt`.
    """

    status_hint = 504
    type = "upstream-timeout"
    title = "The upstream did not answer in time"
    kind = "timeout"

    def __init__(self, phase: str, detail: str = "", *, sent: bool = True) -> None:
        self.phase = phase
        self.sent = sent
        super().__init__(detail or f"The upstream took too long ({phase})")


class UpstreamBroken(UpstreamError):
    """The connection broke or what came is not HTTP.

    Attributes:
        answered: whether a byte of the answer had arrived.
    """

    type = "upstream-broken"
    title = "The upstream's answer broke"
    kind = "reset"

    def __init__(self, detail: str = "", *, sent: bool = True, answered: bool = False) -> None:
        self.sent = sent
        self.answered = answered
        super().__init__(detail)


def deadline_passed(cancelled: BaseException) -> CallError:
    """Return what a deadline's cancellation means; an attempt that timed out before it in the same turn says so."""
    earlier = cancelled.__cause__
    if isinstance(earlier, UpstreamTimeout):
        return UpstreamTimeout(earlier.phase, sent=earlier.sent)
    return DeadlineExceeded()
