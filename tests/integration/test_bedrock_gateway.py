"""boto3 through a whole gateway that signs for it: real sockets, real credentials files, and ministack."""

import asyncio
import os
import socket
import sys
from datetime import UTC, datetime
from unittest.mock import patch

import boto3
import pytest
from botocore.auth import SigV4Auth
from botocore.awsrequest import AWSRequest
from botocore.config import Config
from botocore.credentials import Credentials
from botocore.exceptions import ClientError
from gateways import calls, gateway, settings

from seawall.cli.live import probe_all
from seawall.config import parse, resolve
from seawall.contracts.errors import SettingsError
from seawall.testing.exchange import Answer
from seawall.testing.faultserver import FaultServer

SECRET, TOKEN, BEARER = "planted-secret-key-of-the-gateway", "planted-session-token-of-it", "planted-bedrock-api-key"
BEDROCK = 'api = "bedrock"\nregion = "us-east-1"\nconnect_timeout = "10s"\ntimeout = "120s"\nretry = { attempts = 1 }\n'
ANSWERED = (
    b'{"output": {"message": {"role": "assistant", "content": [{"text": "Hello"}]}}, "stopReason": "end_turn",'
    b'"usage": {"inputTokens": 3, "outputTokens": 1, "totalTokens": 4}, "metrics": {"latencyMs": 5}}'
)
JSON = ((b"content-type", b"application/json"),)
ARN = "arn:aws:bedrock:us-east-1:123456789012:inference-profile/us.anthropic.claude-sonnet-4-5-20250929-v1:0"


@pytest.fixture(autouse=True)
def environment(monkeypatch, tmp_path):
    """Leave nothing of this machine's own AWS settings."""
    for name in [name for name in os.environ if name.startswith("AWS_")]:
        monkeypatch.delenv(name)
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setenv("AWS_EC2_METADATA_DISABLED", "true")
    return monkeypatch


@pytest.fixture
def keys(environment):
    """Give the gateway credentials in its environment."""
    environment.setenv("AWS_ACCESS_KEY_ID", "AKGATEWAY")
    environment.setenv("AWS_SECRET_ACCESS_KEY", SECRET)
    environment.setenv("AWS_SESSION_TOKEN", TOKEN)


def converse(url, model="amazon.nova-lite-v1:0", text="Hello"):
    """Ask with boto3, which signs with keys that mean nothing; blocks."""
    config = Config(retries={"max_attempts": 0})
    client = boto3.client("bedrock-runtime", region_name="us-east-1", endpoint_url=url, config=config,
                          aws_access_key_id="AKCLIENT", aws_secret_access_key="client-secret")  # fmt: skip
    said = client.converse(modelId=model, messages=[{"role": "user", "content": [{"text": text}]}])
    return {name: said[name] for name in ("output", "stopReason", "usage")}


def signature(exchange):
    """Return the Authorization that the gateway's credentials give what has arrived, by botocore."""
    headers = {name.decode(): value.decode("latin-1") for name, value in exchange.headers}
    moment = datetime.strptime(headers["x-amz-date"], "%Y%m%dT%H%M%SZ").replace(tzinfo=UTC)
    names = headers["authorization"].partition("SignedHeaders=")[2].partition(",")[0].split(";")
    kept = {name: headers[name] for name in names if name not in ("x-amz-date", "x-amz-security-token")}
    request = AWSRequest(exchange.method.decode(), f"http://h{exchange.target.decode()}", kept, exchange.body)
    with patch("botocore.auth.get_current_datetime", lambda *_, **__: moment):
        SigV4Auth(Credentials("AKGATEWAY", SECRET, TOKEN), "bedrock", "us-east-1").add_auth(request)
    return request.headers["Authorization"]


@pytest.mark.parametrize("model", ["amazon.nova-lite-v1:0", ARN])
async def test_boto3_through_a_gateway_that_signs(model, keys, tmp_path):
    """Its request arrives with the gateway's signature over exactly what arrived, paths of ARNs included."""
    async with FaultServer(lambda _: Answer(200, ANSWERED, JSON)) as upstream:
        async with gateway(settings(f"http://127.0.0.1:{upstream.port}", BEDROCK), tmp_path / "log") as one:
            said = await asyncio.to_thread(converse, one.url, model, "x" * 200_000)
        (exchange,) = upstream.exchanges
    assert said["output"]["message"]["content"] == [{"text": "Hello"}]
    sent = dict(exchange.headers)
    assert sent[b"authorization"].decode() == signature(exchange)
    assert sent[b"x-amz-security-token"] == TOKEN.encode()
    assert b"AKCLIENT" not in sent[b"authorization"]
    assert len(exchange.body) > 200_000


async def test_an_api_key_of_bedrock(environment, tmp_path):
    """From the settings, or from the environment, as AWS names it; never signed, never the client's own."""
    environment.setenv("AWS_BEARER_TOKEN_BEDROCK", BEARER)
    for more, key in (("", BEARER), ('key = "planted-key-in-settings"\n', "planted-key-in-settings")):
        async with FaultServer(lambda _: Answer(200, ANSWERED, JSON)) as upstream:
            text = settings(f"http://127.0.0.1:{upstream.port}", BEDROCK + more)
            async with gateway(text, tmp_path / "log") as one:
                await asyncio.to_thread(converse, one.url)
            (exchange,) = upstream.exchanges
        assert [value for name, value in exchange.headers if name == b"authorization"] == [f"Bearer {key}".encode()]


async def test_an_api_key_that_is_none_ends_the_start(environment, tmp_path):
    """It is named, and not shown."""
    environment.setenv("AWS_BEARER_TOKEN_BEDROCK", "two\nlines-of-a-key")
    with pytest.raises(SettingsError, match="AWS_BEARER_TOKEN_BEDROCK: must be a key") as refused:
        async with gateway(settings("http://127.0.0.1:1", BEDROCK), tmp_path / "log"):
            pass
    assert "lines-of" not in str(refused.value)


async def test_without_credentials_it_starts_and_says_so(tmp_path):
    """The gateway runs, the log says what to do, the caller gets 503 and not the operator's business."""
    async with FaultServer(lambda _: Answer(200, ANSWERED, JSON)) as upstream:
        async with gateway(settings(f"http://127.0.0.1:{upstream.port}", BEDROCK), tmp_path / "log") as one:
            with pytest.raises(ClientError) as refused:
                await asyncio.to_thread(converse, one.url)
        assert upstream.exchanges == []
    assert refused.value.response["ResponseMetadata"]["HTTPStatusCode"] == 503
    log = (tmp_path / "log").read_text()
    assert "no AWS credentials: none in the environment" in log
    assert "AWS_PROFILE" not in str(refused.value)
    assert calls(tmp_path / "log")[0]["error"] == "no-credentials"


async def test_a_profile_is_found_again_when_it_changes(environment, tmp_path):
    """AWS refuses old keys, the file is read again, and the next call is signed with the new ones."""
    (tmp_path / ".aws").mkdir()
    file = tmp_path / ".aws" / "credentials"
    file.write_text("[default]\naws_access_key_id = AKOLD\naws_secret_access_key = old-secret-key\n")

    def answer(exchange):
        if b"Credential=AKNEW/" in dict(exchange.headers).get(b"authorization", b""):
            return Answer(200, ANSWERED, JSON)
        return Answer(403, b'{"message": "expired"}', (*JSON, (b"x-amzn-errortype", b"ExpiredTokenException")))

    with patch("seawall.aws.keeper.REFUSED", 0.0):
        async with (
            FaultServer(answer) as upstream,
            gateway(settings(f"http://127.0.0.1:{upstream.port}", BEDROCK), tmp_path / "log") as one,
        ):
            file.write_text("[default]\naws_access_key_id = AKNEW\naws_secret_access_key = new-secret-key\n")
            for _ in range(50):
                try:
                    said = await asyncio.to_thread(converse, one.url)
                    break
                except ClientError as error:
                    assert "have expired" in str(error)  # noqa: PT017 - until the file was read again
            else:
                raise AssertionError("the file was not read again")
    assert said["stopReason"] == "end_turn"


def denied(name, date=None):
    """Return a refusal as AWS names it."""
    return Answer(403, b"{}", ((b"x-amzn-errortype", name), *(((b"date", date),) if date else ())))


@pytest.mark.parametrize(("answer", "words", "good"), [
    (Answer(200, b'{"modelSummaries": []}', JSON), "200, credentials and region us-east-1 are good", True),
    (denied(b"AccessDeniedException"), "bedrock:ListFoundationModels", False),
    (denied(b"UnrecognizedClientException"), "does not know the gateway's", False),
    (denied(b"InvalidSignatureException"), "secret key and the region", False),
    (denied(b"InvalidSignatureException", b"Wed, 01 Jan 2020 00:00:00 GMT"), "ahead of that of AWS; set it", False),
    (Answer(500, b"{}", ()), "500", False),
])  # fmt: skip
async def test_the_smoke_command(answer, words, good, keys, environment):
    """One signed, free call to the control plane; each way it fails says what to do."""
    async with FaultServer(lambda _: answer) as control:
        environment.setenv("AWS_ENDPOINT_URL_BEDROCK", f"http://127.0.0.1:{control.port}")
        text = '[upstreams.bedrock]\napi = "bedrock"\nregion = "us-east-1"\n'
        (probe,) = await probe_all(resolve(parse(text, {}).tree))
        (exchange,) = control.exchanges
    assert (probe.what, probe.good) == ("GET /foundation-models", good)
    assert words in probe.text
    assert (exchange.method, exchange.target) == (b"GET", b"/foundation-models")
    assert dict(exchange.headers)[b"authorization"].decode() == signature(exchange)


async def test_the_smoke_command_without_credentials():
    """It tells where they were looked for."""
    (probe,) = await probe_all(resolve(parse('[upstreams.b]\napi = "bedrock"\nregion = "us-east-1"\n', {}).tree))
    assert not probe.good
    assert "set AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY, AWS_PROFILE, or the upstream's key" in probe.text


def free_port():
    """Return a port nobody uses."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


async def reachable(port):
    """Wait until somebody listens."""
    async with asyncio.timeout(60):
        while True:
            try:
                _, writer = await asyncio.open_connection("127.0.0.1", port)
            except OSError:
                await asyncio.sleep(0)
                continue
            writer.close()
            return


async def test_ministack_answers_boto3_and_us_alike(keys, tmp_path):
    """The same call straight and through the gateway gives the same answer, and the smoke command is content."""
    port = free_port()
    environ = {**os.environ, "GATEWAY_PORT": str(port), "SERVICES": "bedrock,bedrock-runtime", "HOME": str(tmp_path)}
    server = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "uvicorn", "ministack.app:app", "--host", "127.0.0.1", "--port", str(port),
        "--log-level", "warning", env=environ, stdout=asyncio.subprocess.DEVNULL, stderr=asyncio.subprocess.DEVNULL,
    )  # fmt: skip
    try:
        await reachable(port)
        straight = await asyncio.to_thread(converse, f"http://127.0.0.1:{port}")
        async with gateway(settings(f"http://127.0.0.1:{port}", BEDROCK), tmp_path / "log") as one:
            through = await asyncio.to_thread(converse, one.url)
        assert through == straight
        os.environ["AWS_ENDPOINT_URL_BEDROCK"] = f"http://127.0.0.1:{port}"
        (probe,) = await probe_all(resolve(parse('[upstreams.b]\napi = "bedrock"\nregion = "us-east-1"\n', {}).tree))
        assert probe.good, probe.text
    finally:
        os.environ.pop("AWS_ENDPOINT_URL_BEDROCK", None)
        server.terminate()
        await server.wait()
