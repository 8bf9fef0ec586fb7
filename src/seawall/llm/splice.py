"""The three changes that a request in the provider's own dialect gets, made in place."""

from collections.abc import Mapping
from typing import Any

from seawall.llm.parse import Document, members

__all__ = ["Splices", "document_of", "put_plainly"]


def document_of(document: Mapping[str, Any], body: bytes) -> Document:
    """Return the document with its text, scanned again only where it was not kept."""
    return document if isinstance(document, Document) else Document(dict(document), body.decode("utf-8"))


def put_plainly(document: Document, key: str, value: str, first: Mapping[str, str]) -> bytes | None:
    """Return the text with what most requests need changed, None where `Splices` has to do it.

    Args:
        document: what is changed.
        key: of a text that is given once, as `Document.span` finds it.
        value: put in its place, written in JSON.
        first: new members and their values, written in JSON.
    """
    span = document.span(key) if key in document else None
    if span is None or not first.keys().isdisjoint(document):
        return None
    text, (start, end) = document.text, span
    at = text.index("{") + 1
    put = "".join([f'"{name}":{new},' for name, new in first.items()])
    return f"{text[:at]}{put}{text[at:start]}{value}{text[end:]}".encode()


class Splices:
    """Changes to one object's text: members replaced where they stand, new ones put first.

    Args:
        document: what is changed.
    """

    __slots__ = ("_changes", "_document", "_first")

    def __init__(self, document: Document) -> None:
        self._document = document
        self._changes: list[tuple[int, int, str]] = []
        self._first: list[str] = []

    def put(self, key: str, value: str) -> None:
        """Give `key`, letters of ASCII and underscores, a value written in JSON: wherever it stands, or as a new first
        member.
        """
        document = self._document
        if key not in document:
            self._first.append(f'"{key}":{value}')
        elif (span := document.span(key)) is not None:
            self._changes.append((*span, value))
        else:
            self._changes += [(one.start, one.end, value) for one in document.members if one.key == key]

    def put_inside(self, key: str, name: str, value: str) -> None:
        """Give `name` a value in the object at `key`; both are made where they are missing (null is missing)."""
        whole = f'{{"{name}":{value}}}'
        document = self._document
        text = document.text
        if key not in document:
            self._first.append(f'"{key}":{whole}')
            return
        for one in document.members:
            if one.key != key:
                continue
            if text[one.start] != "{":
                self._changes.append((one.start, one.end, whole))
                continue
            inside = members(text, one.start)
            same = [(inner.start, inner.end, value) for inner in inside if inner.key == name]
            opening = f'"{name}":{value}' + ("," if inside else "")
            self._changes += same or [(one.start + 1, one.start + 1, opening)]

    def done(self) -> bytes:
        """Return the text with all changes, as bytes."""
        text = self._document.text
        pieces: list[str] = []
        at = 0
        if self._first:
            at = text.index("{") + 1
            pieces += (text[:at], ",".join(self._first), "," if self._document else "")
        for start, end, value in sorted(self._changes):
            pieces += (text[at:start], value)
            at = end
        pieces.append(text[at:])
        return "".join(pieces).encode("utf-8")
