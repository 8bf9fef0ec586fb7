"""Every secret of a settings tree, for the redaction that stands last before anything is written."""

from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from pydantic import BaseModel

from seawall.contracts.secret import Secret

__all__ = ["secrets_of"]


def secrets_of(value: Any) -> Iterator[Secret]:
    """Yield each `Secret` anywhere below `value`."""
    if isinstance(value, Secret):
        yield value
    elif isinstance(value, BaseModel):
        for name in type(value).model_fields:
            yield from secrets_of(getattr(value, name))
    elif isinstance(value, Mapping):
        for item in value.values():
            yield from secrets_of(item)
    elif isinstance(value, Iterable) and not isinstance(value, str | bytes):
        for item in value:
            yield from secrets_of(item)
