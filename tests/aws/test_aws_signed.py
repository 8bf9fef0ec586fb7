"""The transport that signs: what goes over a real wire is what was signed, and nothing of it comes back."""

import asyncio
from datetime import UTC, datetime
from unittest.mock import patch

import orjson
import pytest
from botocore.auth import SigV4Auth
from botocore.awsrequest import AWSRequest
from botocore.credentials import Credentials as Theirs

from seawall.aws.credentials import Credentials, CredentialsError
from seawall.aws.keeper import Keeper
from seawall.aws.signed import Bearer, NoCredentials, Signed, SigV4
from seawall.aws.sigv4 import Signer
from seawall.contracts.call import Attempt, Call, Run
from seawall.contracts.clock import Clock
from seawall.contracts.errors import RequestBodyError, Saturated
from seawall.contracts.secret import Secret
from seawall.contracts.target import Target, Timeouts
from seawall.contracts.wheel import Wheel
from seawall.pipeline.buffers import Allowance
from seawall.testing.exchange import Answer
from seawall.testing.faultserver import FaultServer
from seawall.testing.source import ScriptedSource
from seawall.wire import Wire

SECRET, TOKEN = "planted-secret-key", "planted-session-token"
PATHS = [
    b"/model/amazon.nova-lite-v1%3A0/converse", b"/model/amazon.nova-lite-v1:0/converse",
    b"/model/arn%3Aaws%3Abedrock%3Aus-east-1%3A123456789012%3Ainference-profile%2Fus.x/converse-stream",
    b"/async-invoke?statusEquals=Completed&maxResults=2&empty", b"/",
]  # fmt: skip


class Rig:
    """A server, a wire, and a transport that signs for it."""

    def __init__(self, loop, server, base=b"", broken=""):
        self.clock = Clock()
        wheel = Wheel(self.clock, loop)
        self.wire = Wire(self.clock, wheel, loop)
        self.server = server
        self.target = Target("bedrock", "bedrock", "http", "127.0.0.1", server.port, base, allow_private=True)
        self.room = Allowance(1 << 20)
        self.looks = 0
        self.broken = broken
        self.keeper = Keeper(self.find, self.clock, lambda event: None, lambda low, high: high)
        self.keeper.start()
        auth = SigV4(self.keeper, Signer("us-east-1", "bedrock"), self.clock.wall, self.room)
        self.transport = Signed(self.wire, auth, self.clock.wall)

    async def find(self):
        self.looks += 1
        if self.broken:
            raise CredentialsError(self.broken)
        return Credentials("AKID", Secret(SECRET), Secret(TOKEN), None, "a test")

    def attempt(self, method, path, headers=(), body=b"", length=0):
        now = self.clock.now()
        call = Call(method, path, list(headers), self.target, Timeouts(), now + 5, Run(now), body, length)
        return Attempt(call, 1, [(b"traceparent", b"00-1-2-00")], now + 5)

    async def close(self):
        await self.keeper.close()
        await self.wire.close()


@pytest.fixture
async def rig():
    """Run a rig in front of a server that agrees to everything."""
    async with FaultServer() as server:
        made = Rig(asyncio.get_running_loop(), server, b"/vpc")
        yield made
        await made.close()


def expected(exchange):
    """Return the Authorization that botocore gives exactly what the server received."""
    headers = {name.decode(): value.decode() for name, value in exchange.headers}
    moment = datetime.strptime(headers["x-amz-date"], "%Y%m%dT%H%M%SZ").replace(tzinfo=UTC)
    signed = headers["authorization"].partition("SignedHeaders=")[2].partition(",")[0].split(";")
    kept = {name: headers[name] for name in signed if name not in ("x-amz-date", "x-amz-security-token")}
    request = AWSRequest(exchange.method.decode(), f"http://h{exchange.target.decode()}", kept, exchange.body)
    with patch("botocore.auth.get_current_datetime", lambda *_, **__: moment):
        SigV4Auth(Theirs("AKID", SECRET, TOKEN), "bedrock", "us-east-1").add_auth(request)
    return request.headers["Authorization"]


@pytest.mark.parametrize("path", PATHS)
async def test_what_arrives_is_what_was_signed(rig, path):
    """Method, path byte for byte, query, Host, body: botocore signs what arrived in the same way."""
    headers = [(b"content-type", b"application/json"), (b"x-amz-custom", b"a  b"), (b"user-agent", b"boto")]
    reply = await rig.transport.send(rig.attempt(b"POST", path, headers, b'{"a":1}', 7))
    reply.close()
    (exchange,) = rig.server.exchanges
    assert exchange.target == b"/vpc" + path
    sent = dict(exchange.headers)
    assert sent[b"authorization"].decode() == expected(exchange)
    assert sent[b"x-amz-security-token"] == TOKEN.encode()
    assert b"SignedHeaders=content-type;host;x-amz-custom;x-amz-date;x-amz-security-token," in sent[b"authorization"]


async def test_a_clients_own_credentials_do_not_pass(rig):
    """Its signature is for another host, its key for this gateway; each attempt is signed anew."""
    theirs = [(b"authorization", b"AWS4-HMAC-SHA256 x"), (b"x-amz-date", b"2020"), (b"x-api-key", b"caller"),
              (b"x-amz-security-token", b"theirs"), (b"x-amz-content-sha256", b"beef")]  # fmt: skip
    attempt = rig.attempt(b"GET", b"/x", theirs)
    call = attempt.call
    for _ in range(2):
        attempt.call = call
        (await rig.transport.send(attempt)).close()
    assert call.headers == theirs
    for exchange in rig.server.exchanges:
        names = [name for name, _ in exchange.headers]
        assert len(names) == len(set(names))
        assert dict(exchange.headers)[b"authorization"].decode() == expected(exchange)
        assert not {b"caller", b"theirs", b"beef"} & {value for _, value in exchange.headers}


async def test_a_body_that_comes_in_pieces_is_signed_whole(rig):
    """It is held within the allowance and goes with its length; the allowance is whole again after."""
    source = ScriptedSource([b"part one, ", b"part two"])
    (await rig.transport.send(rig.attempt(b"POST", b"/x", body=source, length=None))).close()
    (exchange,) = rig.server.exchanges
    assert exchange.body == b"part one, part two"
    assert dict(exchange.headers)[b"authorization"].decode() == expected(exchange)
    assert rig.room.used == 0


async def test_a_body_without_room_is_refused(rig):
    """Nothing is sent, nothing stays held; a body that breaks is the client's own fault."""
    rig.room.limit = 5
    with pytest.raises(Saturated, match="no room"):
        await rig.transport.send(rig.attempt(b"POST", b"/x", body=ScriptedSource([b"1234", b"5678"]), length=None))
    broken = ScriptedSource([b"12"], error=RequestBodyError(400, "broken"))
    with pytest.raises(RequestBodyError):
        await rig.transport.send(rig.attempt(b"POST", b"/x", body=broken, length=None))
    assert rig.room.used == 0
    assert rig.server.exchanges == []


async def test_without_credentials_nothing_is_sent():
    """The call is refused, and the caller's error does not tell why: that is for the log."""
    async with FaultServer() as server:
        rig = Rig(asyncio.get_running_loop(), server, broken="the profile of the operator is missing")
        with pytest.raises(NoCredentials) as refused:
            await rig.transport.send(rig.attempt(b"GET", b"/x"))
        await rig.close()
    assert "profile" not in refused.value.detail
    assert "profile" in str(refused.value.__cause__)
    assert (refused.value.status_hint, refused.value.retry_after) == (503, 1.0)
    assert rig.server.exchanges == []


QUOTED = orjson.dumps({"message": f"The Canonical String should have been 'POST\n/\nx-amz-security-token:{TOKEN}'"})


@pytest.mark.parametrize(("name", "words"), [
    (b"InvalidSignatureException:http://x/", "look at the secret key and the region"),
    (b"com.amazon.coral#UnrecognizedClientException", "does not know the gateway's credentials"),
    (b"ExpiredTokenException", "have expired"), (b"MissingAuthenticationTokenException", "does not take"),
])  # fmt: skip
async def test_what_aws_says_of_a_signature_is_not_passed_on(rig, name, words):
    """AWS quotes what was to be signed, the session token included; the caller gets words of ours."""
    rig.server.app = lambda _: Answer(403, QUOTED, ((b"x-amzn-errortype", name), (b"x-amzn-requestid", b"r1")))
    reply = await rig.transport.send(rig.attempt(b"GET", b"/x"))
    assert reply.status == 403
    assert TOKEN.encode() not in reply.body + repr(reply.headers).encode()
    assert words in orjson.loads(reply.body)["message"]
    assert (b"x-amzn-requestid", b"r1") in reply.headers
    reply.close()


@pytest.mark.parametrize(("date", "words"), [
    (b"Wed, 01 Jan 2020 00:00:00 GMT", "ahead of that of AWS"),
    (b"Wed, 01 Jan 2070 00:00:00 GMT", "behind that of AWS"),
])  # fmt: skip
async def test_a_wrong_clock_is_named(rig, date, words):
    """A signature is refused for its date: the Date of the answer says by how much our clock is off."""
    headers = ((b"x-amzn-errortype", b"InvalidSignatureException"), (b"date", date))
    rig.server.app = lambda _: Answer(403, QUOTED, headers)
    reply = await rig.transport.send(rig.attempt(b"GET", b"/x"))
    assert words in orjson.loads(reply.body)["message"]
    reply.close()


async def test_other_errors_pass_untouched(rig):
    """A permission that is missing is the upstream's own answer."""
    said = orjson.dumps({"Message": "not authorized to perform bedrock:InvokeModel"})
    rig.server.app = lambda _: Answer(403, said, ((b"x-amzn-errortype", b"AccessDeniedException"),))
    reply = await rig.transport.send(rig.attempt(b"GET", b"/x"))
    assert (reply.status, reply.body) == (403, said)
    reply.close()


async def test_a_bedrock_api_key_is_a_bearer(rig):
    """It goes as such, in place of what the client sent, and nothing is signed."""
    transport = Signed(rig.wire, Bearer("planted-bearer"), rig.clock.wall)
    (await transport.send(rig.attempt(b"GET", b"/x", [(b"authorization", b"Bearer theirs")]))).close()
    (exchange,) = rig.server.exchanges
    values = [value for name, value in exchange.headers if name == b"authorization"]
    assert values == [b"Bearer planted-bearer"]
    assert b"x-amz-date" not in dict(exchange.headers)
