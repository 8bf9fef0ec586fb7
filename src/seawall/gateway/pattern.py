"""Route patterns: `METHOD /path`, where `*` is one segment and `**` any number."""

from seawall.gateway.paths import comparable

__all__ = ["Pattern"]


class Pattern:
    """A compiled `match` of settings.

    Args:
        text: `"GET /v1/forecast"`, `"* /v1/archive/**"`, `"POST,PUT /x"`; GET matches HEAD too, which
            is the same resource without its body (RFC 9110 section 9.3.2).

    Raises:
        ValueError: it is not a method, a blank and a path.
    """

    __slots__ = ("_exact", "_methods", "_segments", "text")

    def __init__(self, text: str) -> None:
        method, blank, path = text.partition(" ")
        if not blank or not path.startswith("/") or " " in path:
            raise ValueError('must be a method and a path (for example "GET /v1/forecast" or "* /v1/**")')
        self.text = text
        methods = set(method.encode("ascii").split(b","))
        if b"GET" in methods:
            methods.add(b"HEAD")
        self._methods = None if method == "*" else frozenset(methods)
        raw = path.encode()
        self._segments = tuple(raw.split(b"/"))
        self._exact = raw if b"*" not in self._segments and b"**" not in self._segments else None

    def matches(self, method: bytes, path: bytes) -> bool:
        """Whether a call is meant. `path` is raw, without the query."""
        if self._methods is not None and method not in self._methods:
            return False
        path = comparable(path)
        if self._exact is not None:
            return path == self._exact
        return _match(self._segments, tuple(path.split(b"/")))


def _match(pattern: tuple[bytes, ...], path: tuple[bytes, ...]) -> bool:
    """Greedy glob with one restart point, so that no pattern costs more than pattern times path."""
    at = step = 0
    restart = resume = -1
    while at < len(path):
        wanted = pattern[step] if step < len(pattern) else None
        if wanted == b"**":
            restart, resume = step, at
            step += 1
        elif wanted is not None and (wanted in (b"*", path[at])):
            step += 1
            at += 1
        elif restart >= 0:
            resume += 1
            step, at = restart + 1, resume
        else:
            return False
    return all(rest == b"**" for rest in pattern[step:])
