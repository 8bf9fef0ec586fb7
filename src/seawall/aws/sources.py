"""Where credentials come from: each source gives them, has nothing to say (None), or says why it cannot."""

import asyncio
from collections.abc import Callable, Mapping
from ipaddress import ip_address
from pathlib import Path
from typing import TypeVar
from urllib.parse import urlsplit

from seawall.aws.credentials import Credentials, CredentialsError
from seawall.aws.documents import from_json
from seawall.aws.fetch import METADATA, Fetch
from seawall.contracts.body import Headers
from seawall.contracts.secret import Secret

__all__ = ["container", "environment", "instance", "off_loop", "read_token", "static"]

_MOST = 64 << 10
Environment = Mapping[str, str]
T = TypeVar("T")


async def off_loop(work: Callable[[], T]) -> T:
    """Do what reads disk in a thread."""
    return await asyncio.get_running_loop().run_in_executor(None, work)


def environment(env: Environment) -> Credentials | None:
    """Return `AWS_ACCESS_KEY_ID`, `AWS_SECRET_ACCESS_KEY` and `AWS_SESSION_TOKEN`.

    Raises:
        CredentialsError: half of them is there.
    """
    access, secret = env.get("AWS_ACCESS_KEY_ID"), env.get("AWS_SECRET_ACCESS_KEY")
    if not access:
        return None
    if not secret:
        raise CredentialsError("AWS_ACCESS_KEY_ID is set and AWS_SECRET_ACCESS_KEY is not")
    token = env.get("AWS_SESSION_TOKEN") or env.get("AWS_SECURITY_TOKEN")
    return _usable(access, secret, token, "the environment")


def static(values: Mapping[str, str], name: str) -> Credentials | None:
    """Return the keys that a profile holds itself.

    Raises:
        CredentialsError: half of them is there.
    """
    access, secret = values.get("aws_access_key_id"), values.get("aws_secret_access_key")
    if not access:
        return None
    if not secret:
        raise CredentialsError(f"profile {name} has aws_access_key_id and no aws_secret_access_key")
    token = values.get("aws_session_token") or values.get("aws_security_token")
    return _usable(access, secret, token, f"profile {name}")


def _usable(access: str, secret: str, token: str | None, source: str) -> Credentials:
    if any(not text.isascii() or any(sign <= " " for sign in text) for text in (access, secret, token or "")):
        raise CredentialsError(f"{source} holds keys with blanks or other signs no key has")
    return Credentials(access, Secret(secret), Secret(token) if token else None, None, source)


def read_token(path: str) -> str:
    """Return what a token file holds; reads disk.

    Raises:
        CredentialsError: it cannot be read, or holds what no header can carry.
    """
    try:
        with Path(path).open("rb") as file:
            text = file.read(_MOST + 1).decode("ascii").strip()
    except (OSError, UnicodeDecodeError) as error:
        raise CredentialsError(f"the token file {path} cannot be read: {type(error).__name__}") from None
    if not text or len(text) > _MOST or any(sign < " " for sign in text):
        raise CredentialsError(f"the token file {path} holds no token")
    return text


async def container(env: Environment, fetch: Fetch) -> Credentials | None:
    """Return what the container's agent gives (ECS, EKS pod identity).

    Raises:
        CredentialsError: the address in the environment is not one that may be asked, or gives none.
    """
    relative, full = env.get("AWS_CONTAINER_CREDENTIALS_RELATIVE_URI"), env.get("AWS_CONTAINER_CREDENTIALS_FULL_URI")
    if not relative and not full:
        return None
    url = f"http://169.254.170.2{relative}" if relative else full or ""
    own = _of_this_machine(url)
    if urlsplit(url).scheme != "https" and not own:
        raise CredentialsError(
            "AWS_CONTAINER_CREDENTIALS_FULL_URI must be https, or an address of this machine or of its agent"
        )
    headers: Headers = [(b"accept", b"application/json")]
    path, token = env.get("AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE"), env.get("AWS_CONTAINER_AUTHORIZATION_TOKEN")
    if path:
        token = await off_loop(lambda: read_token(path))
    if token:
        if not token.isascii() or any(sign < " " for sign in token):
            raise CredentialsError("AWS_CONTAINER_AUTHORIZATION_TOKEN holds what no header can carry")
        headers.append((b"authorization", token.encode()))
    return from_json(await fetch("GET", url, headers, private=own), "the container's agent")


def _of_this_machine(url: str) -> bool:
    try:
        host = urlsplit(url).hostname or ""
    except ValueError:
        return False
    if host in METADATA or host == "localhost":
        return True
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return False


async def instance(env: Environment, fetch: Fetch) -> Credentials | None:
    """Return what the instance's metadata service gives, version 2 only: no token, no credentials.

    Raises:
        CredentialsError: it is there and gives none.
    """
    if env.get("AWS_EC2_METADATA_DISABLED", "").lower() == "true":
        return None
    named = env.get("AWS_EC2_METADATA_SERVICE_ENDPOINT")
    ipv6 = env.get("AWS_EC2_METADATA_SERVICE_ENDPOINT_MODE", "").lower() == "ipv6"
    base = (named or ("http://[fd00:ec2::254]" if ipv6 else "http://169.254.169.254")).rstrip("/")
    private = named is not None  # who sets the environment says where to ask
    try:
        token = await fetch(
            "PUT", f"{base}/latest/api/token", [(b"x-aws-ec2-metadata-token-ttl-seconds", b"21600")], private=private
        )
    except CredentialsError:
        if named is not None:
            raise
        return None  # not on an instance
    text = token.body.strip()
    if token.status != 200 or not text or not text.isascii() or b"\n" in text:
        raise CredentialsError(
            f"no AWS credentials before the instance's metadata service, which gives no token (it answered "
            f"{token.status}); where this is no EC2 instance "
            "set AWS_EC2_METADATA_DISABLED=true, and AWS_ACCESS_KEY_ID or AWS_PROFILE"
        )
    headers: Headers = [(b"x-aws-ec2-metadata-token", text)]
    place = f"{base}/latest/meta-data/iam/security-credentials/"
    role = await fetch("GET", place, headers, private=private)
    name = role.body.decode("ascii", "replace").strip().partition("\n")[0]
    if role.status != 200 or not name or set(name) - _ROLE:
        raise CredentialsError(f"the instance has no role, its metadata service answered {role.status}")
    return from_json(await fetch("GET", place + name, headers, private=private), "the instance's role")


_ROLE = frozenset("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+=,.@-_")
