"""What metadata services and STS answer, read into credentials."""

import calendar
import time
from typing import Any

import orjson

from seawall.aws.credentials import Credentials, CredentialsError
from seawall.aws.fetch import Answer
from seawall.contracts.secret import Secret

__all__ = ["from_json", "from_sts", "moment"]

_LONGEST = 300
_ENTITIES = (("<", "&lt;"), (">", "&gt;"), ('"', "&quot;"), ("'", "&apos;"), ("&", "&amp;"))  # the last one last


def from_json(answer: Answer, source: str) -> Credentials:
    """Return the credentials that a metadata service gives (IMDS, ECS, EKS pod identity).

    Raises:
        CredentialsError: it gives none; its own code and message are named.
    """
    try:
        said = orjson.loads(answer.body)
    except orjson.JSONDecodeError:
        said = None
    if answer.status != 200 or not isinstance(said, dict):
        raise CredentialsError(f"{source} answered {answer.status}{_why(said)}")
    if said.get("Code") not in (None, "Success"):
        raise CredentialsError(f"{source} gives no credentials{_why(said)}")
    found = [said.get(name) for name in ("AccessKeyId", "SecretAccessKey", "Token")]
    return _made(found, said.get("Expiration"), source)


def from_sts(answer: Answer, source: str) -> Credentials:
    """Return the credentials in an answer of STS.

    Raises:
        CredentialsError: there are none; STS's own code and message are named.
    """
    text = answer.body.decode("utf-8", "replace")
    if answer.status != 200:
        said = {"Code": _element(text, "Code"), "Message": _element(text, "Message")}
        raise CredentialsError(f"{source}: STS answered {answer.status}{_why(said)}")
    found = [_element(text, name) for name in ("AccessKeyId", "SecretAccessKey", "SessionToken")]
    return _made(found, _element(text, "Expiration"), source)


def moment(text: str) -> float:
    """Return seconds since the epoch of a time in UTC (ISO 8601, as AWS writes it).

    Raises:
        ValueError: it is none.
    """
    plain = text.strip().removesuffix("Z").removesuffix("+00:00").partition(".")[0]
    return float(calendar.timegm(time.strptime(plain, "%Y-%m-%dT%H:%M:%S")))


def _made(found: list[Any], expiration: Any, source: str) -> Credentials:
    access, secret, token = (item if isinstance(item, str) and item.isascii() else "" for item in found)
    if not access or not secret or any(sign <= " " for sign in access + secret + token):
        raise CredentialsError(f"{source} gives no credentials that can be used")
    try:
        expires = moment(expiration) if expiration else None
    except (ValueError, AttributeError):
        raise CredentialsError(f"{source} gives credentials whose Expiration is no time") from None
    return Credentials(access, Secret(secret), Secret(token) if token else None, expires, source)


def _why(said: Any) -> str:
    if not isinstance(said, dict):
        return ""
    words = [said.get(name) or said.get(name.lower()) for name in ("Code", "Message")]
    text = ": ".join(word for word in words if isinstance(word, str) and word)
    return f" ({text[:_LONGEST]})" if text else ""


def _element(text: str, name: str) -> str:
    """Return the text of the first element of a name: the answers are flat, and no XML parser need be trusted."""
    found = text.partition(f"<{name}>")[2].partition(f"</{name}>")[0].strip()
    for sign, entity in _ENTITIES:
        found = found.replace(entity, sign)
    return found
