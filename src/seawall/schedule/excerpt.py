"""The message that is published of an answer: a part of its JSON, small."""

from datetime import UTC, datetime
from typing import Any

import orjson

__all__ = ["LARGEST", "Unfit", "message"]

LARGEST = 8192  # bytes of a message (semantics 10.4)


class Unfit(Exception):
    """An answer that cannot be published; its text says why and holds nothing of the answer."""


def message(channel: str, body: bytes, select: str | None, wall: float) -> bytes:
    """Return the message as one line of JSON: `channel`, `time` and `data`.

    Args:
        channel: it goes to.
        body: of the answer.
        select: JSON pointer (RFC 6901) to the part that is published, None for the whole.
        wall: seconds since the epoch.

    Raises:
        Unfit: the body is no JSON, has no such part, or the message would be longer than 8 KiB.
    """
    try:
        document = orjson.loads(body)
    except orjson.JSONDecodeError:
        raise Unfit("the answer is not JSON") from None
    data = document if select is None else _at(document, select)
    time = datetime.fromtimestamp(wall, UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
    text = orjson.dumps({"channel": channel, "time": time, "data": data})
    if len(text) > LARGEST:
        raise Unfit(f"the message would have {len(text)} bytes, {LARGEST} at most; select a smaller part")
    return text


def _at(document: Any, pointer: str) -> Any:
    found = document
    for token in pointer.split("/")[1:]:
        key = token.replace("~1", "/").replace("~0", "~")
        if isinstance(found, dict) and key in found:
            found = found[key]
        elif isinstance(found, list) and _index(key) and int(key) < len(found):
            found = found[int(key)]
        else:
            raise Unfit(f"the answer has nothing at {pointer}")
    return found


def _index(key: str) -> bool:
    """Whether a token is an index of RFC 6901: ASCII digits without a zero in front."""
    return key.isascii() and key.isdigit() and (key == "0" or key[0] != "0") and len(key) < 10
