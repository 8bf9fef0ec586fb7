"""What the operations pages see of kept answers, and may do to them."""

from dataclasses import dataclass
from typing import Protocol, runtime_checkable

__all__ = ["AnswerView", "CacheView", "Keeps", "KeepsAnswers", "PathView"]


@dataclass(frozen=True, slots=True)
class CacheView:
    """How full the store of kept answers is, and what became of it since the start."""

    bytes: int = 0
    limit: int = 0
    answers: int = 0
    evicted: int = 0
    flights: int = 0
    refreshed: int = 0


@dataclass(frozen=True, slots=True)
class PathView:
    """What is kept of one path of an upstream, whatever the query; `bytes` as accounted."""

    upstream: str
    path: str
    urls: int
    answers: int
    bytes: int


@dataclass(frozen=True, slots=True)
class AnswerView:
    """One kept answer without its body, and without what may be a caller's own.

    Attributes:
        query: names in the query.
        status: of the answer.
        bytes: of its body.
        size: as accounted.
        stored: seconds since the epoch.
        age, ttl: seconds; `ttl` negative where it is stale.
        varies: request headers.
        headers: names and values, `***` for a value that is not shown.
    """

    query: list[str]
    status: int
    bytes: int
    size: int
    stored: float
    age: float
    ttl: float
    varies: list[str]
    headers: list[tuple[str, str]]


class Keeps(Protocol):
    """Kept answers, looked at and made invalid; paths are raw, as the upstream sees them."""

    def totals(self) -> CacheView:
        """Return how full the store is."""
        ...

    async def paths(self, upstream: str, prefix: str, most: int) -> tuple[list[PathView], int]:
        """Return what is kept under a prefix, and how many answers are left out beyond `most` paths."""
        ...

    async def answers(self, upstream: str, path: str, most: int) -> list[AnswerView]:
        """Return the answers of a path, or with a query of one URL."""
        ...

    async def purge(self, upstream: str, path: str | None, prefix: str | None) -> int:
        """Make answers invalid at every replica; return how many were kept in this one."""
        ...


@runtime_checkable
class KeepsAnswers(Protocol):
    """A runtime with a cache."""

    @property
    def kept(self) -> Keeps:
        """What is kept."""
        ...
