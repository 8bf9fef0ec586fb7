"""The tables [[upstreams.<name>.routes]] and what routes and upstreams have in common."""

from typing import Annotated

from pydantic import Field

from seawall.config.kinds import HeaderName, Name, Switch
from seawall.config.match import MatchText
from seawall.config.price import PriceSettings
from seawall.contracts.settings import Settings
from seawall.contracts.units import Duration
from seawall.policies.breaker.settings import BreakerSettings
from seawall.policies.cache.settings import CacheSettings
from seawall.policies.concurrency.settings import ConcurrencySettings
from seawall.policies.fallback.settings import FallbackSettings
from seawall.policies.hedge.settings import HedgeSettings
from seawall.policies.ratelimit.settings import RateSettings
from seawall.policies.retry.settings import RetrySettings

__all__ = ["PolicySettings", "RouteSettings"]

RetryKey = Annotated[RetrySettings | None, Switch()]
BreakerKey = Annotated[BreakerSettings | None, Switch()]
ConcurrencyKey = Annotated[ConcurrencySettings | None, Switch({"type": "integer", "minimum": 1}, {"const": "adaptive"})]
RateKey = Annotated[RateSettings | None, Switch({"type": "string", "pattern": r"^\d+/(s|min|m|h|d)$"})]
HedgeKey = Annotated[HedgeSettings | None, Switch({"type": "string"})]
FallbackKey = Annotated[FallbackSettings | None, Switch()]
CacheKey = Annotated[CacheSettings | None, Switch()]
PriceKey = Annotated[PriceSettings | None, Switch({"type": "string", "pattern": r"^\d+(\.\d+)? USD$"})]


class PolicySettings(Settings):
    """What an upstream and each of its routes may say; what a route does not name is inherited."""

    timeout: Duration = Field(
        30.0,
        gt=0,
        description="One deadline for the whole call: queueing, every attempt, every wait, a fallback.",
        examples=["10s"],
    )
    attempt_timeout: Duration | None = Field(
        None, gt=0, description="One attempt until its answer is handed over. Default: timeout.", examples=["4s"]
    )
    connect_timeout: Duration = Field(5.0, gt=0, description="DNS, TCP and TLS handshake.", examples=["3s"])
    first_byte_timeout: Duration | None = Field(
        None,
        gt=0,
        description="From the request written to the first byte of the answer. Default: attempt_timeout.",
        examples=["4s"],
    )
    idle_timeout: Duration = Field(30.0, gt=0, description="Between two chunks of a body.", examples=["15s"])
    stream_timeout: Duration = Field(
        600.0,
        gt=0,
        description="The deadline of a streamed answer; first_byte_timeout and idle_timeout still apply.",
        examples=["5m"],
    )
    retry: RetryKey = Field(
        RetrySettings(), description="When a failed attempt is tried again; false never.", examples=[{"attempts": 3}]
    )
    breaker: BreakerKey = Field(
        BreakerSettings(),
        description="When a failing upstream is left alone; false never.",
        examples=[{"failure_rate": "50%"}],
    )
    concurrency: ConcurrencyKey = Field(
        ConcurrencySettings(),
        description='Calls in flight at once: a number, "adaptive", a table, or false. A route\'s is its own, beside '
        "the upstream's; by default it has none.",
        examples=[8],
    )
    rate: RateKey = Field(
        None,
        description="Calls per time, all callers together: a rate, a table, or false. A route's is its own, beside the "
        "upstream's. Default: none.",
        examples=["600/h"],
    )
    hedge: HedgeKey = Field(
        None, description="A second attempt beside a slow first one. Default: none.", examples=[{"after": "p95"}]
    )
    fallback: FallbackKey = Field(
        None,
        description="The answer of last resort, marked in the response headers. Default: none.",
        examples=[{"status": 200, "json": {"stale": True}}],
    )
    cache: CacheKey = Field(
        None,
        description="What may be answered again without asking: true obeys the response, a table says more. "
        "Default: false.",
        examples=[{"ttl": "15m"}],
    )
    price: PriceKey = Field(
        None,
        description="Cost of a call that reached the upstream; plain REST calls count against caps too. Default: 0.",
        examples=["0.0001 USD"],
    )
    idempotent: bool = Field(False, description="true lets POST be retried as if it had an Idempotency-Key.")
    deadline_header: HeaderName | None = Field(
        None,
        description="Header that tells the upstream the time left, in milliseconds. Default: none.",
        examples=["X-Deadline-Ms"],
    )


class RouteSettings(PolicySettings):
    """One route of an upstream; the first that matches is used."""

    match: MatchText = Field(
        description="Method (or * or GET,HEAD) and path below the mount; * is one segment, ** any number.",
        examples=["GET /v1/items/*"],
    )
    name: Name | None = Field(None, description="Name in logs and metrics. Default: the match.", examples=["items"])
