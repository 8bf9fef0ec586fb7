"""Each source of credentials against a real HTTP server and real files, and as botocore resolves it."""

import asyncio

import pytest
from aws_places import by_botocore, places

from seawall.aws.credentials import CredentialsError
from seawall.testing.exchange import Answer

NONE = {"AWS_EC2_METADATA_DISABLED": "true", "HOME": "/nonexistent"}
KEYS = {"AWS_ACCESS_KEY_ID": "AKENV", "AWS_SECRET_ACCESS_KEY": "secret-env"}
IMDS = {"AWS_EC2_METADATA_SERVICE_ENDPOINT": "http://127.0.0.1:{port}", "HOME": "/nonexistent"}
STS = {"AWS_ENDPOINT_URL_STS": "http://127.0.0.1:{port}"}
CREDENTIALS = """
[default]
aws_access_key_id = AKDEFAULT
aws_secret_access_key = secret-default
[work]
aws_access_key_id = AKWORK
aws_secret_access_key = secret-work
aws_session_token = token-work
"""
CONFIG = """
[default]
region = eu-west-1
s3 =
  max_concurrent_requests = 20
[profile plain]
aws_access_key_id = AKPLAIN
aws_secret_access_key = secret-plain
[profile work]
aws_access_key_id = AKOTHER
aws_secret_access_key = secret-other
[profile role]
role_arn = arn:aws:iam::123456789012:role/app
source_profile = work
external_id = ext
duration_seconds = 900
[profile by-env]
role_arn = arn:aws:iam::123456789012:role/app
credential_source = Environment
[profile by-imds]
role_arn = arn:aws:iam::123456789012:role/app
credential_source = Ec2InstanceMetadata
[profile over-two]
role_arn = arn:aws:iam::123456789012:role/second
source_profile = role
[profile self]
role_arn = arn:aws:iam::123456789012:role/app
source_profile = self
aws_access_key_id = AKSELF
aws_secret_access_key = secret-self
[profile web]
role_arn = arn:aws:iam::123456789012:role/app
web_identity_token_file = {home}/web
[profile denied]
role_arn = arn:aws:iam::123456789012:role/denied
source_profile = work
[profile circle]
role_arn = arn:aws:iam::123456789012:role/app
source_profile = circle-2
[profile circle-2]
role_arn = arn:aws:iam::123456789012:role/app
source_profile = circle
[profile sso]
sso_session = corp
sso_account_id = 1
sso_role_name = x
[profile mfa]
role_arn = arn:aws:iam::123456789012:role/app
source_profile = work
mfa_serial = arn:aws:iam::1:mfa/me
[profile empty]
region = us-east-1
[profile half]
aws_access_key_id = AKHALF
[profile lost]
role_arn = arn:aws:iam::123456789012:role/app
source_profile = nowhere
[profile undecided]
role_arn = arn:aws:iam::123456789012:role/app
"""


@pytest.fixture
def home(tmp_path):
    """A home with both files and tokens."""
    (tmp_path / ".aws").mkdir()
    (tmp_path / ".aws" / "credentials").write_text(CREDENTIALS)
    (tmp_path / ".aws" / "config").write_text(CONFIG.replace("{home}", str(tmp_path)))
    (tmp_path / "web").write_text("web-token")
    (tmp_path / "agent").write_text("agent-token")
    return str(tmp_path)


def at(home, **more):
    """Return an environment with a home and nothing else to find."""
    return {"HOME": home, "AWS_EC2_METADATA_DISABLED": "true", **more}


CASES = {
    "environment": (dict(NONE, **KEYS), "AKENV", "the environment"),
    "environment with a token": (dict(NONE, **KEYS, AWS_SESSION_TOKEN="token-env"), "AKENV", "the environment"),
    "environment before a profile": ({**KEYS, "AWS_PROFILE": "work"}, "AKENV", "the environment"),
    "default profile": ({}, "AKDEFAULT", "profile default"),
    "a profile with a token": ({"AWS_PROFILE": "work"}, "AKWORK", "profile work"),
    "a profile of the config file": ({"AWS_PROFILE": "plain"}, "AKPLAIN", "profile plain"),
    "a role by a profile": ({"AWS_PROFILE": "role", **STS}, "AKFROMSTS",
                            "the role arn:aws:iam::123456789012:role/app by profile work"),
    "a role by the environment's keys": ({"AWS_PROFILE": "self", **STS}, "AKFROMSTS",
                                         "the role arn:aws:iam::123456789012:role/app by profile self"),
    "a role by a role": ({"AWS_PROFILE": "over-two", **STS}, "AKFROMSTS", None),
    "a role by the instance": ({"AWS_PROFILE": "by-imds", "AWS_EC2_METADATA_DISABLED": "false", **STS,
                                "AWS_EC2_METADATA_SERVICE_ENDPOINT": "http://127.0.0.1:{port}"}, "AKFROMSTS", None),
    "a web identity": ({"AWS_PROFILE": "web", **STS}, "AKFROMSTS", None),
    "a web identity of the environment": (
        {"AWS_WEB_IDENTITY_TOKEN_FILE": "{home}/web", "AWS_ROLE_ARN": "arn:aws:iam::1:role/x", **STS}, "AKFROMSTS",
        "the role arn:aws:iam::1:role/x by web identity"),
    "a container with a token file": (
        {"AWS_PROFILE": "empty", "AWS_CONTAINER_CREDENTIALS_FULL_URI": "http://127.0.0.1:{port}/container?x=1",
         "AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE": "{home}/agent"}, "AKFROMECS", "the container's agent"),
    "a container with a token": (
        {"AWS_PROFILE": "empty", "AWS_CONTAINER_CREDENTIALS_FULL_URI": "http://127.0.0.1:{port}/container?x=1",
         "AWS_CONTAINER_AUTHORIZATION_TOKEN": "agent-token"}, "AKFROMECS", "the container's agent"),
    "an instance": (IMDS | {"AWS_EC2_METADATA_DISABLED": "false"}, "AKFROMIMDS", "the instance's role"),
}  # fmt: skip


@pytest.mark.parametrize("name", CASES)
async def test_every_source_as_botocore_resolves_it(name, home):
    """The same environment gives the same access key, secret and token here and in botocore."""
    more, key, source = CASES[name]
    env = {**at(home), **more}
    env = {name: text.replace("{home}", home) for name, text in env.items()}
    loop = asyncio.get_running_loop()
    async with places(loop) as (server, find):
        found = await find(env)
        theirs = await loop.run_in_executor(None, by_botocore, env, server.port)
    token = None if found.token is None else found.token.reveal()
    assert (found.access_key, found.secret_key.reveal(), token) == theirs
    assert found.access_key == key
    assert source is None or found.source == source
    assert (found.expires is not None) == (key.startswith("AKFROM"))


async def test_a_role_by_the_environments_keys(home):
    """credential_source = Environment takes the keys that stand there; those come first anyway, as in botocore."""
    async with places(asyncio.get_running_loop()) as (_, find):
        found = await find(at(home, AWS_PROFILE="by-env", **KEYS))
    assert found.access_key == "AKENV"


@pytest.mark.parametrize(("more", "words"), [
    ({"HOME": "/nonexistent"}, "no AWS credentials: none in the environment"),
    ({"AWS_PROFILE": "missing"}, "there is no profile missing, which AWS_PROFILE names"),
    ({"AWS_PROFILE": "sso"}, "profile sso uses single sign-on"), ({"AWS_PROFILE": "mfa"}, "mfa_serial"),
    ({"AWS_PROFILE": "half"}, "no aws_secret_access_key"), ({"AWS_PROFILE": "lost"}, "no profile nowhere"),
    ({"AWS_PROFILE": "circle"}, "leads back to itself"), ({"AWS_PROFILE": "undecided"}, "needs either source_profile"),
    ({"AWS_PROFILE": "denied", **STS}, "STS answered 403 (AccessDenied: Not authorized)"),
    ({"AWS_ACCESS_KEY_ID": "AK"}, "AWS_SECRET_ACCESS_KEY is not"),
    ({"AWS_ACCESS_KEY_ID": "AK", "AWS_SECRET_ACCESS_KEY": "a b"}, "keys with blanks"),
    ({"AWS_WEB_IDENTITY_TOKEN_FILE": "/nonexistent/token"}, "AWS_ROLE_ARN is not"),
    ({"AWS_WEB_IDENTITY_TOKEN_FILE": "/nonexistent/token", "AWS_ROLE_ARN": "arn"}, "cannot be read: FileNotFoundError"),
    ({"AWS_PROFILE": "empty", "AWS_CONTAINER_CREDENTIALS_FULL_URI": "http://evil.example/x"}, "must be https"),
    ({"AWS_PROFILE": "empty", "AWS_CONTAINER_CREDENTIALS_FULL_URI": "http://127.0.0.1:{port}/container?x=1"},
     "the container's agent answered 403"),
    ({"AWS_PROFILE": "web", "AWS_ENDPOINT_URL_STS": "http://127.0.0.1:1"}, "127.0.0.1 gave no answer"),
])  # fmt: skip
async def test_what_is_wrong_is_said(more, words, home):
    """A source that is configured and cannot give credentials says why; nothing is passed over in silence."""
    async with places(asyncio.get_running_loop()) as (_, find):
        with pytest.raises(CredentialsError) as refused:
            await find({**at(home), **more})
    assert words in str(refused.value)
    assert "secret" not in str(refused.value).replace("aws_secret_access_key", "")


async def test_a_broken_file_is_named_and_not_quoted(home, tmp_path):
    """A parser's own message would quote the line, which may be a key."""
    (tmp_path / ".aws" / "credentials").write_text("[default]\naws_access_key_id = A\nPLANTED-SECRET-LINE\n")
    async with places(asyncio.get_running_loop()) as (_, find):
        with pytest.raises(CredentialsError, match="credentials cannot be read: ") as refused:
            await find(at(home))
    assert "PLANTED" not in str(refused.value)


@pytest.mark.parametrize(("body", "words"), [
    (b"no json", "the instance's role answered 200"),
    (b'{"Code": "Failed", "Message": "no trust"}', "Failed: no trust"),
    (b'{"AccessKeyId": "A"}', "no credentials that can be used"),
    (b'{"AccessKeyId": "A", "SecretAccessKey": "B\\r\\nx", "Token": "C"}', "no credentials that can be used"),
    (b'{"AccessKeyId": "A", "SecretAccessKey": "B", "Expiration": "soon"}', "Expiration is no time"),
    (b"x" * 70_000, "more than 64 KiB"),
])  # fmt: skip
async def test_an_instance_that_answers_nonsense(body, words, home):
    """What a metadata service says is read within bounds, and never believed blindly."""
    async with places(asyncio.get_running_loop()) as (server, find):
        good = server.app
        server.app = lambda exchange: Answer(200, body) if exchange.target.endswith(b"/my-role") else good(exchange)
        with pytest.raises(CredentialsError) as refused:
            await find(IMDS)
    assert words in str(refused.value)


async def test_no_version_one_of_the_metadata_service(home):
    """Without a token nothing is asked for: version 1 can be reached by a request that somebody else forges."""
    async with places(asyncio.get_running_loop()) as (server, find):
        server.app = lambda exchange: Answer(403, b"") if exchange.method == b"PUT" else Answer(200, b"my-role")
        with pytest.raises(CredentialsError, match="gives no token .it answered 403.; where this is no EC2 instance"):
            await find(IMDS)
        assert [exchange.method for exchange in server.exchanges] == [b"PUT"]


async def test_a_name_of_a_role_is_no_path(home):
    """A name that would lead elsewhere is refused."""
    async with places(asyncio.get_running_loop()) as (server, find):
        good = server.app
        server.app = lambda one: Answer(200, b"../../x") if one.target.endswith(b"credentials/") else good(one)
        with pytest.raises(CredentialsError, match="no role"):
            await find(IMDS)
