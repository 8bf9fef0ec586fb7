"""Fields of an event as one bounded line: JSON for machines, text for a terminal."""

import time
from collections.abc import Callable, Mapping
from typing import Any

import orjson

__all__ = ["LARGEST", "Fields", "Stamp", "json_line", "text_line"]

LARGEST = 2048  # bytes of a line, its newline included (semantics 9.3)

Fields = dict[str, Any]

_SHOWN_FIRST = ("timestamp", "level", "service", "event", "message", "cut")
_STEPS = (512, 160, 48, 16)


class Stamp:
    """RFC 3339 in UTC with milliseconds; the seconds are formatted once each."""

    __slots__ = ("_prefix", "_second")

    def __init__(self) -> None:
        self._second = -1
        self._prefix = ""

    def __call__(self, wall: float) -> str:
        """Return the text of `wall`, seconds since the epoch."""
        second = int(wall)
        if second != self._second:
            self._prefix = time.strftime("%Y-%m-%dT%H:%M:%S.", time.gmtime(second))
            self._second = second
        return "%s%03dZ" % (self._prefix, (wall - second) * 1000)  # noqa: UP031 - half the time of an f-string here


def json_line(fields: Fields) -> bytes:
    """Return one line of JSON; too long a line has its longest fields cut and names them in `cut`."""
    try:
        line = orjson.dumps(fields, default=str, option=orjson.OPT_APPEND_NEWLINE)
    except TypeError:  # lone surrogates, integers past 64 bits, keys that are no text
        fields = {_clean(key): _clean(value) for key, value in fields.items()}
        line = orjson.dumps(fields, option=orjson.OPT_APPEND_NEWLINE)
    return line if len(line) <= LARGEST else _cut(fields, _json)


def text_line(fields: Fields) -> bytes:
    """Return one line for a terminal, control characters escaped, bounded like a line of JSON."""
    line = _text(fields)
    return line if len(line) <= LARGEST else _cut(fields, _text)


def _cut(fields: Fields, render: Callable[[Fields], bytes]) -> bytes:
    line = b""
    for most in _STEPS:
        cut = {name: _shortened(value, most) for name, value in fields.items()}
        marks = [name[:64] for name, value in fields.items() if cut[name] is not value]
        line = render({**cut, "cut": marks})
        if len(line) <= LARGEST:
            return line
    kept = {name: _shortened(value, 32) for name, value in fields.items() if name in _SHOWN_FIRST}
    return render({**kept, "cut": ["*"]})


def _shortened(value: object, most: int) -> object:
    text = value if isinstance(value, str) else "" if isinstance(value, int | float) else _clean(value)
    return f"{text[:most]}…" if len(text) > most else value


def _json(fields: Fields) -> bytes:
    return orjson.dumps(fields, default=str, option=orjson.OPT_APPEND_NEWLINE)


def _clean(value: object) -> str:
    return str(value).encode("utf-8", "replace").decode()


def _text(fields: Mapping[str, Any]) -> bytes:
    rest = " ".join(
        f"{_plain(name)}={_plain(value)}"
        for name, value in fields.items()
        if name not in _SHOWN_FIRST[:5] and value not in ("", None)
    )
    parts = (
        fields["timestamp"],
        f"{_plain(fields['level']):<7}",
        _plain(fields["event"]),
        _plain(fields.get("message", "")),
        rest,
    )
    return " ".join(part for part in parts if part).encode("utf-8", "replace") + b"\n"


def _plain(value: object) -> str:
    """Return text in which nothing can move a terminal's cursor or begin a line of its own."""
    text = value if isinstance(value, str) else str(value)
    return text if text.isprintable() else text.encode("unicode_escape").decode()
