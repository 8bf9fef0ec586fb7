r"""A request's JSON parsed within bounds, with the span of each top-level value, so that one can be changed in place.

Nothing is ever written anew: key order, white space, big numbers, repeated keys and escapes stay as the client sent
them. A key is found whatever way it is written (`"model"` and `"mod\u0065l"` are the same key to every parser).
"""

import json
from typing import Any, NamedTuple

import orjson

from seawall.llm.seam import NotUnderstood

__all__ = ["MOST_BYTES", "MOST_DEPTH", "Document", "Member", "members", "parse"]

MOST_BYTES = 32 * 1024 * 1024
MOST_DEPTH = 64
_BLANKS = " \t\n\r"
_NOT_BRACKETS = bytes(set(range(256)) - set(b"{}[]"))
# Only spans are wanted: numbers stay text, so that one of 5,000 digits costs nothing and fails nowhere.
_SCAN = json.JSONDecoder(parse_int=str, parse_float=str).raw_decode


class Member(NamedTuple):
    """One key of an object and where its value stands: `text[start:end]`."""

    key: str
    start: int
    end: int


class Document(dict[str, Any]):
    """A parsed object that remembers its own text.

    Attributes:
        text: the whole body.
        plain: every letter of ASCII in it stands as it is: a key `name` stands as `"name"`, and in no other way.
    """

    __slots__ = ("_members", "plain", "text")

    def __init__(self, parsed: dict[str, Any], text: str) -> None:
        super().__init__(parsed)
        self.text = text
        # JSON can write a letter of ASCII in one other way, which begins so (RFC 8259 section 7)
        self.plain = "\\u00" not in text
        self._members: list[Member] | None = None

    @property
    def members(self) -> list[Member]:
        """Every member in order, repeated keys too; the text is scanned for them once."""
        found = self._members
        if found is None:
            found = self._members = members(self.text)
        return found

    def span(self, key: str) -> tuple[int, int] | None:
        """Return where the value of a key stands, if it is certain without a scan: a text without escapes, given once.

        Args:
            key: of this object; letters of ASCII and underscores.
        """
        text, written = self.text, f'"{key}"'
        # the key stands there as it is; what else may look like it (a value, a key further in) comes in addition
        if not self.plain or text.count(written) != 1:
            return None
        at = text.find(written) + len(written)
        # as nearly everybody writes it
        start = at + 1 if text.startswith(':"', at) else at + 2 if text.startswith(': "', at) else 0
        if not start:
            start = _past_blanks(text, _past_blanks(text, at) + 1)
            if text[start] != '"':
                return None
        end = text.find('"', start + 1) + 1
        return (start, end) if text.find("\\", start, end) < 0 else None


def parse(body: bytes) -> Document:
    """Return the object that a body is.

    Args:
        body: bytes of JSON in UTF-8 (RFC 8259 section 8.1).

    Raises:
        NotUnderstood: too large, nested too deeply, no JSON, or no object.
    """
    if len(body) > MOST_BYTES:
        raise NotUnderstood(f"The body has {len(body)} bytes; at most {MOST_BYTES} are read")
    if _many(body, b"{") or _many(body, b"["):
        _bound_depth(body)
    try:
        parsed = orjson.loads(body)
    except orjson.JSONDecodeError as exc:
        raise NotUnderstood(f"The body is no JSON: {exc.msg} at character {exc.pos}") from None
    if not isinstance(parsed, dict):
        raise NotUnderstood('The body must be a JSON object (for example {"model": "fast", "messages": […]})')
    return Document(parsed, body.decode("utf-8"))


def _many(body: bytes, bracket: bytes) -> bool:
    """Whether a bracket stands so often that two kinds could nest too deeply; to search costs less than to count."""
    at = -1
    for _ in range(MOST_DEPTH // 2 + 1):
        at = body.find(bracket, at + 1)
        if at < 0:
            return False
    return True


def _bound_depth(body: bytes) -> None:
    """Count nesting before anything is built: strings go first, then the innermost brackets, level by level."""
    bare = body.replace(b"\\\\", b"").replace(b'\\"', b"")
    brackets = b"".join(bare.split(b'"')[::2]).translate(None, _NOT_BRACKETS)
    for _ in range(MOST_DEPTH):
        if not brackets:
            return
        brackets = brackets.replace(b"{}", b"x").replace(b"[]", b"").replace(b"x", b"")
    if brackets:
        raise NotUnderstood(f"The body is nested too deeply or its brackets do not match; {MOST_DEPTH} levels at most")


def members(text: str, start: int = 0) -> list[Member]:
    """Return the members of the object that begins at or after `start` of a valid JSON text."""
    found: list[Member] = []
    at = _past_blanks(text, start) + 1
    while (at := _past_blanks(text, at)) < len(text) and text[at] != "}":
        key, at = _SCAN(text, at)
        begin = _past_blanks(text, _past_blanks(text, at) + 1)
        _, end = _SCAN(text, begin)
        found.append(Member(key, begin, end))
        at = _past_blanks(text, end)
        if text[at] == ",":
            at += 1
    return found


def _past_blanks(text: str, at: int) -> int:
    while at < len(text) and text[at] in _BLANKS:
        at += 1
    return at
