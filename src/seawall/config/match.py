"""What a route matches: `GET /v1/items/*`, `* /v1/**`, `GET,HEAD /`."""

import re
from typing import Annotated, NamedTuple

from pydantic import AfterValidator

__all__ = ["Match", "MatchText", "parse_match"]

_METHODS = re.compile(r"\*|[A-Z]+(?:,[A-Z]+)*", re.ASCII)
_SEGMENT = re.compile(r"[A-Za-z0-9._~!$&'()+,;=:@%-]*|\*\*?", re.ASCII)
_EXAMPLE = '(for example "GET /v1/items/*")'


class Match(NamedTuple):
    """A route's pattern in parts.

    Attributes:
        methods: upper case, None for any.
        path: the glob: `*` is one segment, `**` any number of them.
    """

    methods: frozenset[str] | None
    path: str


def parse_match(text: str) -> Match:
    """Return the parts of a pattern.

    Raises:
        ValueError: it is not `METHOD /path`, or a star is only part of a segment.
    """
    methods, blank, path = text.partition(" ")
    if not blank or not _METHODS.fullmatch(methods) or not path.startswith("/"):
        raise ValueError(f"must be a method and a path {_EXAMPLE}")
    for segment in path[1:].split("/"):
        if not _SEGMENT.fullmatch(segment):
            raise ValueError(f"must use * for one whole segment and ** for any number, without a query {_EXAMPLE}")
    names = frozenset(methods.split(","))
    if names & {"CONNECT", "TRACE"}:
        raise ValueError(f"must name methods that are proxied, CONNECT and TRACE are not {_EXAMPLE}")
    return Match(None if methods == "*" else names, path)


def _check(text: str) -> str:
    parse_match(text)
    return text


MatchText = Annotated[str, AfterValidator(_check)]
