"""One free, signed call to Bedrock's control plane, and what its answer proves."""

import os
from collections.abc import Mapping

from seawall.aws.refused import concerns_credentials, error_name, explained
from seawall.config.resolve import ResolvedUpstream
from seawall.config.url import parse_url
from seawall.contracts.body import Headers
from seawall.contracts.call import Attempt, Call, Run
from seawall.contracts.clock import Clock
from seawall.contracts.policy import Transport
from seawall.contracts.target import Target

__all__ = ["WHAT", "models_listed"]

WHAT = "GET /foundation-models"


async def models_listed(
    upstream: ResolvedUpstream, transport: Transport, clock: Clock, env: Mapping[str, str] = os.environ
) -> tuple[str, bool]:
    """Ask Bedrock for its models; return what came in words, and whether it is good.

    A good answer proves that the credentials are known, the clock is right and the region has Bedrock. It does not
    prove that a model may be called: that costs money, and is another permission.

    Args:
        upstream: of Bedrock.
        transport: signs, and sends.
        clock: time.
        env: `AWS_ENDPOINT_URL_BEDROCK` names another control plane, such as a VPC's.

    Raises:
        CallError: there was no answer.
    """
    target = _target(upstream, env)
    headers: Headers = [(b"accept", b"application/json"), *_key(upstream)]
    now = clock.now()
    deadline = now + min(upstream.timeouts.total, upstream.timeouts.attempt)
    call = Call(b"GET", b"/foundation-models", headers, target, upstream.timeouts, deadline, Run(now))
    reply = await transport.send(Attempt(call, 1, [], deadline))
    reply.close()
    return _words(reply.status, reply.headers, upstream.settings.region or "", clock.wall()), reply.status == 200


def _target(upstream: ResolvedUpstream, env: Mapping[str, str]) -> Target:
    settings = upstream.settings
    named = env.get("AWS_ENDPOINT_URL_BEDROCK")
    url = parse_url(named or f"https://bedrock.{settings.region}.amazonaws.com")
    return Target(
        upstream.name, "control plane", url.scheme, url.host, url.port, url.base.encode("ascii"),
        allow_private=named is not None, ca=settings.ca, proxy=settings.proxy, dns_ttl=settings.dns_ttl,
    )  # fmt: skip


def _key(upstream: ResolvedUpstream) -> Headers:
    """Return the header of a key in the settings; of several, the first one's."""
    own = [(name, value.reveal().encode("latin-1")) for name, value in upstream.headers]
    return own or list(upstream.targets[0].headers)


def _words(status: int, headers: Headers, region: str, now: float) -> str:
    name = error_name(headers)
    if status == 200:
        return f"200, credentials and region {region} are good"
    if concerns_credentials(name):
        return f"{status} {explained(name, headers, now)}"
    if status == 403:
        return (
            f"403 {name or 'denied'}: the credentials are known, but may not list models; give them "
            "bedrock:ListFoundationModels, or set the upstream's own check"
        )
    return f"{status} {name}".strip()
