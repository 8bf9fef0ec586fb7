"""What a caller is told about its limits: RateLimit fields, Retry-After, and what language-model SDKs read.

Source: draft-ietf-httpapi-ratelimit-headers-10, with structured fields of RFC 9651.
"""

from collections.abc import Sequence
from math import ceil, inf
from typing import Literal

import http_sf
from http_sf.types import BareItemType

from seawall.contracts.body import Headers
from seawall.contracts.units import Rate
from seawall.policies.ratelimit.core import Verdict

__all__ = ["Fields", "headers", "model_headers", "retry_after"]

NEVER = 86400  # told as Retry-After where waiting does not help


class Fields:
    """The fields of one limit; what does not change is written once.

    Args:
        name: of the policy, such as `rate`.
        rate: the limit.
        unit: the unit of its quota where that is not requests.
    """

    __slots__ = ("_member", "name", "policy", "rate")

    def __init__(self, name: str, rate: Rate, unit: str = "") -> None:
        parameters: dict[str, BareItemType] = {"q": rate.calls}
        if unit:
            parameters["qu"] = unit
        parameters["w"] = ceil(rate.per)
        self.name = name
        self.rate = rate
        self.policy = http_sf.ser([(name, parameters)]).encode("ascii")
        self._member = http_sf.ser((name, {})).encode("ascii")

    def state(self, verdict: Verdict) -> bytes:
        """Return the limit's member of `RateLimit`: what remains, and for how many seconds."""
        return b"%b;r=%d;t=%d" % (self._member, verdict.remaining, _seconds(verdict.reset))


def headers(limits: Sequence[tuple[Fields, Verdict]]) -> Headers:
    """Return the fields of all limits a call met."""
    if len(limits) == 1:
        ((fields, verdict),) = limits
        return [(b"ratelimit-policy", fields.policy), (b"ratelimit", fields.state(verdict))]
    return [
        (b"ratelimit-policy", b", ".join([fields.policy for fields, _ in limits])),
        (b"ratelimit", b", ".join([fields.state(verdict) for fields, verdict in limits])),
    ]


def retry_after(limits: Sequence[tuple[Fields, Verdict]]) -> int:
    """Return the whole seconds of Retry-After for limits that refused: never earlier than the `t` of one of them."""
    after = [_seconds(max(verdict.retry_after, verdict.reset)) for _, verdict in limits if not verdict.allowed]
    return max(1, *after) if after else 0


def model_headers(kind: Literal["requests", "tokens"], rate: Rate, verdict: Verdict) -> Headers:
    """Return `x-ratelimit-{limit,remaining,reset}-{kind}`, the reset as a duration in the form of OpenAI's API."""
    end = kind.encode("ascii")
    return [
        (b"x-ratelimit-limit-" + end, b"%d" % rate.calls),
        (b"x-ratelimit-remaining-" + end, b"%d" % verdict.remaining),
        (b"x-ratelimit-reset-" + end, _duration(verdict.reset)),
    ]


def _seconds(wait: float) -> int:
    return NEVER if wait == inf else ceil(wait)


def _duration(wait: float) -> bytes:
    if wait < 1:
        return b"%dms" % ceil(wait * 1000)
    seconds = _seconds(wait)
    if seconds < 60:
        return b"%ds" % seconds
    minutes, seconds = divmod(seconds, 60)
    if minutes < 60:
        return b"%dm%ds" % (minutes, seconds)
    return b"%dh%dm%ds" % (minutes // 60, minutes % 60, seconds)
