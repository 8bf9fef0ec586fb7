"""Roles taken on at STS: by a web identity's token, or by other credentials (STS API 2011-06-15)."""

from collections.abc import Mapping
from typing import NamedTuple
from urllib.parse import urlencode, urlsplit

from seawall.aws.credentials import Credentials
from seawall.aws.documents import from_sts
from seawall.aws.fetch import Fetch
from seawall.aws.sigv4 import Signer
from seawall.aws.sources import off_loop, read_token
from seawall.contracts.body import Headers

__all__ = ["Role", "Sts", "assume", "sts_of", "web_identity"]

_FORM = (b"content-type", b"application/x-www-form-urlencoded; charset=utf-8")


class Role(NamedTuple):
    """A role to take on.

    Attributes:
        arn: of the role.
        session: a name for CloudTrail.
        external: `external_id`, `""` for none.
        seconds: how long, `""` for what AWS gives.
    """

    arn: str
    session: str = ""
    external: str = ""
    seconds: str = ""


class Sts(NamedTuple):
    """Where STS is.

    Attributes:
        url: without a path.
        private: named in the environment, and so perhaps an address of this network.
        region: it is signed for.
    """

    url: str
    private: bool
    region: str


def sts_of(env: Mapping[str, str], region: str) -> Sts:
    """Return the STS of a region: a VPC's own where `AWS_ENDPOINT_URL_STS` names it."""
    named = env.get("AWS_ENDPOINT_URL_STS")
    return Sts((named or f"https://sts.{region}.amazonaws.com").rstrip("/"), named is not None, region)


async def web_identity(sts: Sts, role: Role, path: str, fetch: Fetch) -> Credentials:
    """Return the credentials of a role for the token in a file, which is read anew each time.

    Raises:
        CredentialsError: the file cannot be read, or STS gives none.
    """
    token = await off_loop(lambda: read_token(path))
    form = _form("AssumeRoleWithWebIdentity", role) | {"WebIdentityToken": token}
    headers: Headers = [_FORM, (b"accept", b"text/xml")]
    answer = await fetch("POST", f"{sts.url}/", headers, urlencode(form).encode(), private=sts.private)
    return from_sts(answer, f"the role {role.arn} by web identity")


async def assume(sts: Sts, role: Role, by: Credentials, now: float, fetch: Fetch) -> Credentials:
    """Return the credentials of a role that other credentials may take on.

    Args:
        sts: where.
        role: which.
        by: who takes it on.
        now: seconds since the epoch.
        fetch: makes the call.

    Raises:
        CredentialsError: STS gives none.
    """
    form = _form("AssumeRole", role)
    if role.external:
        form["ExternalId"] = role.external
    body = urlencode(form).encode()
    host = urlsplit(sts.url).netloc.encode()
    signed = Signer(sts.region, "sts").sign(by, now, b"POST", b"/", host, body, [_FORM])
    answer = await fetch("POST", f"{sts.url}/", [_FORM, *signed], body, private=sts.private)
    return from_sts(answer, f"the role {role.arn} by {by.source}")


def _form(action: str, role: Role) -> dict[str, str]:
    form = {
        "Action": action, "Version": "2011-06-15", "RoleArn": role.arn, "RoleSessionName": role.session or "seawall",
    }  # fmt: skip
    if role.seconds:
        form["DurationSeconds"] = role.seconds
    return form
