"""Text forms of settings: durations, rates, sizes, shares and money; decoded here and nowhere else."""

import re
from decimal import Decimal
from typing import Annotated, Any, NamedTuple

from pydantic import BeforeValidator, Field, PlainSerializer, WithJsonSchema

__all__ = [
    "Duration",
    "Money",
    "Rate",
    "RateSetting",
    "Share",
    "Size",
    "TokenPrice",
    "parse_duration",
    "parse_money",
    "parse_rate",
    "parse_share",
    "parse_size",
    "parse_token_price",
    "show_duration",
    "show_rate",
    "show_size",
]

_DURATION = re.compile(r"(\d+(?:\.\d+)?)(ms|s|m|h|d)", re.ASCII)
_SECONDS = {"ms": 0.001, "s": 1.0, "m": 60.0, "h": 3600.0, "d": 86400.0}
_RATE = re.compile(r"(\d+)/(s|min|m|h|d)", re.ASCII)
_PER = {"s": 1.0, "min": 60.0, "m": 60.0, "h": 3600.0, "d": 86400.0}
_SIZE = re.compile(r"(\d+)(B|KiB|MiB|GiB)?", re.ASCII)
_BYTES = {None: 1, "B": 1, "KiB": 1 << 10, "MiB": 1 << 20, "GiB": 1 << 30}
_MONEY = re.compile(r"(\d+(?:\.\d+)?) USD", re.ASCII)
_TOKEN_PRICE = re.compile(r"(\d+(?:\.\d+)?) USD/M", re.ASCII)
_SHARE = re.compile(r"(\d+(?:\.\d+)?)%", re.ASCII)


class Rate(NamedTuple):
    """`calls` calls in `per` seconds."""

    calls: int
    per: float


def parse_duration(text: object) -> float:
    """Return seconds of `"250ms"`, `"10s"`, `"15m"`, `"1h"`, `"90d"`; a number is seconds.

    Raises:
        ValueError: it is none of these, with the rule and an example.
    """
    if isinstance(text, int | float) and not isinstance(text, bool) and 0 <= text < float("inf"):
        return float(text)
    found = _DURATION.fullmatch(text) if isinstance(text, str) else None
    if found is None:
        raise ValueError('must be a duration (for example "250ms", "10s", "15m", "1h")')
    return float(found[1]) * _SECONDS[found[2]]


def show_duration(seconds: float) -> str:
    """Return the shortest text form that parses back to the same seconds."""
    for unit in ("d", "h", "m", "s"):
        whole = seconds / _SECONDS[unit]
        if whole >= 1 and whole == int(whole):
            return f"{int(whole)}{unit}"
    short = f"{seconds * 1000:g}ms"
    if not seconds:
        return "0s"
    return short if "e" not in short and parse_duration(short) == seconds else f"{Decimal(repr(seconds)):f}s"


def parse_rate(text: object) -> Rate:
    """Return the rate of `"60/min"`, `"5/s"`, `"600/h"`, `"1000/d"`.

    Raises:
        ValueError: it is none of these, or zero.
    """
    if isinstance(text, Rate):
        return text
    found = _RATE.fullmatch(text) if isinstance(text, str) else None
    if found is None or int(found[1]) == 0:
        raise ValueError('must be a rate above zero (for example "60/min", "5/s", "600/h")')
    return Rate(int(found[1]), _PER[found[2]])


def show_rate(rate: Rate) -> str:
    """Return the text form of a rate."""
    unit = {1.0: "s", 60.0: "min", 3600.0: "h", 86400.0: "d"}[rate.per]
    return f"{rate.calls}/{unit}"


def parse_size(text: object) -> int:
    """Return bytes of `"64KiB"`, `"16MiB"`, `"1GiB"`, `"512"`; an int is bytes.

    Raises:
        ValueError: it is none of these.
    """
    if isinstance(text, int) and not isinstance(text, bool) and text >= 0:
        return text
    found = _SIZE.fullmatch(text) if isinstance(text, str) else None
    if found is None:
        raise ValueError('must be a size (for example "64KiB", "16MiB")')
    return int(found[1]) * _BYTES[found[2]]


def show_size(size: int) -> str:
    """Return the text form of a size."""
    for unit in ("GiB", "MiB", "KiB"):
        if size and size % _BYTES[unit] == 0:
            return f"{size // _BYTES[unit]}{unit}"
    return f"{size}B"


def parse_share(text: object) -> float:
    """Return 0..1 of `"20%"` or `0.2`.

    Raises:
        ValueError: it is neither, or above 100 %.
    """
    if isinstance(text, int | float) and not isinstance(text, bool) and 0 <= text <= 1:
        return float(text)
    found = _SHARE.fullmatch(text) if isinstance(text, str) else None
    if found is None or float(found[1]) > 100:
        raise ValueError('must be a share from 0% to 100% (for example "50%")')
    return float(found[1]) / 100


def parse_money(text: object) -> Decimal:
    """Return US dollars of `"0.50 USD"`.

    Raises:
        ValueError: it is not of that form; other currencies are refused.
    """
    if isinstance(text, Decimal):
        return text
    found = _MONEY.fullmatch(text) if isinstance(text, str) else None
    if found is None:
        raise ValueError('must be an amount in USD (for example "0.50 USD")')
    return Decimal(found[1])


def parse_token_price(text: object) -> Decimal:
    """Return US dollars per million tokens of `"0.15 USD/M"`.

    Raises:
        ValueError: it is not of that form.
    """
    if isinstance(text, Decimal):
        return text
    found = _TOKEN_PRICE.fullmatch(text) if isinstance(text, str) else None
    if found is None:
        raise ValueError('must be a price per million tokens in USD (for example "0.15 USD/M")')
    return Decimal(found[1])


def _text(pattern: str, example: str, number: str = "") -> dict[str, Any]:
    return {"type": ["string", number] if number else "string", "pattern": pattern, "examples": [example]}


def _percent(share: float) -> str:
    texts = (f"{share * 100:.{digits}g}" for digits in range(6, 17))
    exact = next((text for text in texts if "e" not in text and float(text) / 100 == share), None)
    return f"{exact}%" if exact is not None else f"{Decimal(repr(share)) * 100:f}%"


Duration = Annotated[
    float,
    BeforeValidator(parse_duration),
    PlainSerializer(show_duration, return_type=str),
    WithJsonSchema(_text(r"^\d+(\.\d+)?(ms|s|m|h|d)$", "10s", "number")),
]
RateSetting = Annotated[
    Rate,
    BeforeValidator(parse_rate),
    PlainSerializer(show_rate, return_type=str),
    WithJsonSchema(_text(r"^\d+/(s|min|m|h|d)$", "60/min")),
]
Size = Annotated[
    int,
    BeforeValidator(parse_size),
    PlainSerializer(show_size, return_type=str),
    WithJsonSchema(_text(r"^\d+(B|KiB|MiB|GiB)?$", "16MiB", "integer")),
]
Share = Annotated[
    float,
    BeforeValidator(parse_share),
    PlainSerializer(_percent, return_type=str),
    WithJsonSchema(_text(r"^\d+(\.\d+)?%$", "50%", "number")),
]
Money = Annotated[
    Decimal,
    Field(ge=0),
    BeforeValidator(parse_money),
    PlainSerializer(lambda amount: f"{amount:f} USD", return_type=str),
    WithJsonSchema(_text(r"^\d+(\.\d+)? USD$", "0.50 USD")),
]
TokenPrice = Annotated[
    Decimal,
    Field(ge=0),
    BeforeValidator(parse_token_price),
    PlainSerializer(lambda amount: f"{amount:f} USD/M", return_type=str),
    WithJsonSchema(_text(r"^\d+(\.\d+)? USD/M$", "0.15 USD/M")),
]
