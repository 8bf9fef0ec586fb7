"""Headers an upstream is given on the way out: valid names and values, and none that frame a message."""

from collections.abc import Mapping
from types import MappingProxyType
from typing import Annotated

from pydantic import AfterValidator, WrapSerializer
from pydantic_core import PydanticCustomError

from seawall.config.kinds import HeaderName, SecretText, broken
from seawall.contracts.secret import Secret

__all__ = ["HeaderTable", "header_fault"]

# RFC 9110 section 7.6.1, RFC 9112 section 6, and what names the target
_FRAMING = frozenset((
    "connection", "content-length", "expect", "host", "http2-settings", "keep-alive", "proxy-authenticate",
    "proxy-authorization", "proxy-connection", "te", "trailer", "transfer-encoding", "upgrade",
))  # fmt: skip


def header_fault(name: str, value: Secret) -> PydanticCustomError | None:
    """Return what is wrong with a header sent upstream, or None."""
    if name.lower() in _FRAMING:
        return broken("cannot be set: Host and framing headers are made by the gateway", '"X-Api-Key"', name)
    text = value.reveal()
    good = all(sign == "\t" or (32 <= ord(sign) < 256 and ord(sign) != 127) for sign in text)
    if not good or text != text.strip():
        return broken("must be a header value without control characters and outer blanks", '"${API_KEY}"', name)
    return None


def _check(table: dict[str, Secret]) -> Mapping[str, Secret]:
    seen: dict[str, str] = {}
    for name, value in table.items():
        fault = header_fault(name, value)
        if fault is not None:
            raise fault
        if name.lower() in seen:
            raise broken(f"stands twice, names are case-insensitive: {seen[name.lower()]}", '"X-Api-Key"', name)
        seen[name.lower()] = name
    return MappingProxyType(table)


HeaderTable = Annotated[
    dict[HeaderName, SecretText],
    AfterValidator(_check),
    WrapSerializer(lambda table, whole: whole(dict(table))),
]
