"""Kinds of values that settings are made of: secrets, names, header names, policies that can be switched off."""

import re
from collections.abc import Mapping
from types import MappingProxyType
from typing import Annotated, Any, TypeVar
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from pydantic import (
    AfterValidator,
    BeforeValidator,
    Field,
    GetCoreSchemaHandler,
    GetJsonSchemaHandler,
    PlainSerializer,
    WithJsonSchema,
    WrapSerializer,
)
from pydantic.json_schema import JsonSchemaValue
from pydantic_core import CoreSchema, PydanticCustomError, core_schema

from seawall.contracts.secret import Secret

__all__ = [
    "Count",
    "HeaderName",
    "Name",
    "OptionalSecret",
    "Pointer",
    "SecretText",
    "Short",
    "Switch",
    "Table",
    "Timezone",
    "UserHeader",
    "broken",
    "secret_text",
]

T = TypeVar("T")

_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._:-]*", re.ASCII)
_TOKEN = re.compile(r"[!#$%&'*+.^_`|~0-9A-Za-z-]+", re.ASCII)  # RFC 9110 section 5.6.2
_CREDENTIALS = frozenset(("authorization", "cookie", "proxy-authorization", "x-api-key", "x-seawall-key"))
_POINTER = re.compile(r"(/([^~/]|~0|~1)*)*")  # RFC 6901 section 3


def broken(rule: str, example: str, *keys: str | tuple[str | int, ...]) -> PydanticCustomError:
    """Return the error of a rule between keys of one table; the first key is where it is told.

    Args:
        rule: what must hold, starting with "must", "needs" or "cannot".
        example: a value that would do, as TOML.
        keys: the keys involved, relative to the table; a tuple for one further down.
    """
    paths = tuple((key,) if isinstance(key, str) else key for key in keys)
    return PydanticCustomError("rule", "{rule}", {"rule": rule, "example": example, "keys": paths})


def secret_text(value: object) -> Secret:
    """Return the secret of a text.

    Raises:
        ValueError: it is no text, or the mask that `check --print` shows.
    """
    if isinstance(value, Secret):
        return value
    if not isinstance(value, str):
        raise ValueError('must be a text (for example "${API_KEY}")')  # noqa: TRY004 - pydantic collects ValueErrors only
    if value == "***":
        raise ValueError('must be the value and not its mask (for example "${API_KEY}")')
    return Secret(value)


SecretText = Annotated[
    Secret,
    BeforeValidator(secret_text),
    PlainSerializer(repr, return_type=str),
    WithJsonSchema({"type": "string"}),
]


def _optional(value: object) -> object:
    return None if value == "" else value  # "${NAME:-}" leaves it out


OptionalSecret = Annotated[SecretText | None, BeforeValidator(_optional)]


def _name(text: str) -> str:
    if not _NAME.fullmatch(text) or len(text) > 64:
        raise ValueError('must be a name of letters, digits and . _ : - (for example "weather")')
    return text


def _header_name(text: str) -> str:
    if not _TOKEN.fullmatch(text):
        raise ValueError('must be a header name (for example "X-Api-Key")')
    return text


def _user_header(text: str) -> str:
    if text.lower() in _CREDENTIALS:  # a user's name is in the ledger, in log lines and in shared state
        raise ValueError('must name the user and hold no key (for example "X-Seawall-User")')
    return text


def _timezone(text: str) -> str:
    try:
        ZoneInfo(text)
    except (ZoneInfoNotFoundError, ValueError, OSError) as exc:
        raise ValueError('must be a time zone of the tz database (for example "Europe/Berlin")') from exc
    return text


def _pointer(text: str) -> str:
    if not _POINTER.fullmatch(text):
        raise ValueError('must be a JSON pointer (for example "/current")')
    return text


def _freeze(table: dict[str, T]) -> Mapping[str, T]:
    return MappingProxyType(table)


Name = Annotated[str, AfterValidator(_name), Field(json_schema_extra={"pattern": f"^{_NAME.pattern}$"})]
HeaderName = Annotated[str, AfterValidator(_header_name)]
UserHeader = Annotated[HeaderName, AfterValidator(_user_header)]
Timezone = Annotated[str, AfterValidator(_timezone)]
Pointer = Annotated[str, AfterValidator(_pointer)]
Count = Annotated[int, Field(ge=1)]
Table = Annotated[
    dict[Name, T],
    AfterValidator(_freeze),
    WrapSerializer(lambda table, whole: whole(dict(table))),
]


class Short:
    """Marks a key that has short forms besides its table, for editors and docs."""

    def __init__(self, *forms: JsonSchemaValue) -> None:
        self._forms = forms

    def __get_pydantic_json_schema__(self, schema: CoreSchema, handler: GetJsonSchemaHandler) -> JsonSchemaValue:
        """Tell about the forms that are no table."""
        return {"anyOf": [handler(schema), *self._forms]}


class Switch(Short):
    """Marks a policy's key: `false` switches it off, `true` stands for its defaults."""

    def __init__(self, *forms: JsonSchemaValue) -> None:
        super().__init__({"type": "boolean"}, *forms)

    def __get_pydantic_core_schema__(self, source: Any, handler: GetCoreSchemaHandler) -> CoreSchema:
        """Put the switch before the settings class."""
        return core_schema.no_info_before_validator_function(self._switch, handler(source))

    @staticmethod
    def _switch(value: Any) -> Any:
        if value is False:
            return None
        return {} if value is True else value
