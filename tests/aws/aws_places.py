"""Where AWS gives out credentials, on loopback: metadata services and STS in one server, and botocore as the judge."""

import os
from contextlib import asynccontextmanager
from urllib.parse import parse_qs

import botocore.session

from seawall.aws.chain import Chain
from seawall.aws.fetch import Fetcher
from seawall.contracts.clock import Clock
from seawall.contracts.wheel import Wheel
from seawall.testing.exchange import Answer
from seawall.testing.faultserver import FaultServer
from seawall.wire import Wire

EXPIRES = "2099-01-01T00:00:00Z"
GIVEN = (
    f'{{"Code": "Success", "Type": "AWS-HMAC", "AccessKeyId": "AKFROM%s", "SecretAccessKey": "secret/%s+", '
    f'"Token": "token-%s", "Expiration": "{EXPIRES}"}}'
)
STS = (
    '<{0}Response xmlns="https://sts.amazonaws.com/doc/2011-06-15/"><{0}Result><Credentials><AccessKeyId>AKFROMSTS'
    "</AccessKeyId><SecretAccessKey>secret&amp;sts</SecretAccessKey><SessionToken>token-sts</SessionToken><Expiration>"
    + EXPIRES
    + "</Expiration></Credentials></{0}Result></{0}Response>"
)
JSON, XML = ((b"content-type", b"application/json"),), ((b"content-type", b"text/xml"),)
DENIED = (
    "<ErrorResponse><Error><Type>Sender</Type><Code>AccessDenied</Code><Message>Not authorized</Message></Error>"
    "<RequestId>1</RequestId></ErrorResponse>"
)


def answer(exchange):
    """Answer as the services of AWS do, and refuse what they refuse."""
    headers = dict(exchange.headers)
    match exchange.method, exchange.target:
        case b"PUT", b"/latest/api/token":
            good = b"x-aws-ec2-metadata-token-ttl-seconds" in headers
            return Answer(200 if good else 400, b"imds-token")
        case b"GET", path if path.startswith(b"/latest/meta-data/iam/security-credentials/"):
            if headers.get(b"x-aws-ec2-metadata-token") != b"imds-token":
                return Answer(401, b"")
            name = path.rpartition(b"/")[2]
            return Answer(200, b"my-role") if not name else Answer(200, (GIVEN % (("IMDS",) * 3)).encode(), JSON)
        case b"GET", b"/container?x=1":
            good = headers.get(b"authorization") == b"agent-token"
            return Answer(200, (GIVEN % (("ECS",) * 3)).encode(), JSON) if good else Answer(403, b"{}", JSON)
        case b"POST", b"/":
            return sts(parse_qs(exchange.body.decode()), headers)
    return Answer(404, b"")


def sts(form, headers):
    """Answer as STS does: a role by a token needs no signature, one by credentials needs theirs."""
    action = form["Action"][0]
    if form["RoleArn"][0].endswith("denied"):
        return Answer(403, DENIED.encode(), XML)
    signed = headers.get(b"authorization", b"")
    good = form.get("WebIdentityToken") == ["web-token"] if action == "AssumeRoleWithWebIdentity" else (
        b"/sts/aws4_request" in signed)  # fmt: skip
    return Answer(200 if good else 403, (STS.format(action) if good else DENIED).encode(), XML)


@asynccontextmanager
async def places(loop, env=None):
    """Give a server, and what looks for credentials in an environment that names it."""
    async with FaultServer(answer) as server:
        clock = Clock()
        wheel = Wheel(clock, loop)
        wire = Wire(clock, wheel, loop)
        fetch = Fetcher(wire, clock, wheel)

        def find(env):
            return Chain(
                {name: text.format(port=server.port) for name, text in env.items()}, "us-east-1", fetch, clock.wall
            )()

        try:
            yield server, find
        finally:
            await wire.close()


def by_botocore(env, port):
    """Return access key, secret and token that botocore finds in an environment; blocks."""
    before = dict(os.environ)
    os.environ.clear()
    os.environ.update({name: text.format(port=port) for name, text in env.items()}, AWS_DEFAULT_REGION="us-east-1")
    try:
        found = botocore.session.Session().get_credentials()
        frozen = None if found is None else found.get_frozen_credentials()
        return None if frozen is None else (frozen.access_key, frozen.secret_key, frozen.token)
    finally:
        os.environ.clear()
        os.environ.update(before)
