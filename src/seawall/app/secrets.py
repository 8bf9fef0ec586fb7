"""Every secret of a settings tree, for the redaction that stands last before anything is written."""

from collections.abc import Iterable, Iterator, Mapping
from typing import Any
from urllib.parse import unquote

from pydantic import BaseModel

from seawall.contracts.secret import Secret

__all__ = ["secrets_of"]


def secrets_of(value: Any) -> Iterator[Secret]:
    """Yield each `Secret` anywhere below `value`; of a store's address what is secret in it."""
    if isinstance(value, Secret):
        yield from _parts(value)
    elif isinstance(value, BaseModel):
        for name in type(value).model_fields:
            yield from secrets_of(getattr(value, name))
    elif isinstance(value, Mapping):
        for item in value.values():
            yield from secrets_of(item)
    elif isinstance(value, Iterable) and not isinstance(value, str | bytes):
        for item in value:
            yield from secrets_of(item)


def _parts(secret: Secret) -> Iterator[Secret]:
    """Yield the secret itself; an address of a store is none, but its password is, however a library writes it."""
    scheme, mark, rest = secret.reveal().partition("://")
    if not mark or scheme in ("http", "https"):
        yield secret
        return
    user, at, _ = rest.partition("?")[0].rpartition("@")
    if at or "?" in rest:
        yield secret
    password = user.partition(":")[2]
    if password:
        yield from (Secret(text) for text in dict.fromkeys((password, unquote(password))))
