"""The cache in the management API: how full it is, what is kept of which path, and making answers invalid."""

from dataclasses import asdict
from typing import Annotated, Any, Self

from fastapi import FastAPI, HTTPException, Query
from pydantic import BaseModel, ConfigDict, Field, model_validator
from pydantic.config import JsonDict

from seawall.admin.failures import GUARDED, Errors, error
from seawall.admin.kept import KeepsAnswers
from seawall.admin.view import Runtime

__all__ = ["CacheShown", "KeptAnswer", "KeptAnswers", "KeptPath", "Purge", "Purged", "add_cache"]

_PATH: JsonDict = {"upstream": "weather", "path": "/v1/forecast", "urls": 2, "answers": 3, "bytes": 6120}
_ANSWER: JsonDict = {
    "query": ["latitude", "longitude"],
    "status": 200,
    "bytes": 640,
    "size": 2040,
    "stored": 1767225600.0,
    "age": 12.5,
    "ttl": 887.5,
    "varies": ["accept"],
    "headers": [["content-type", "application/json"], ["x-request-cost", "***"]],
}
_PURGES: JsonDict = {"upstream": "weather", "path": None, "prefix": "/v1/forecast"}
_MOST = 1000
_REFUSED: Errors = {
    **GUARDED,
    404: error(
        "There is no such upstream.", 404, "not-found", "Not found", "No upstream has that name. Upstreams: weather.",
    ),
    422: error(
        "The body is not what it should be.",
        422, "bad-request", "The request's body is not what it should be",
        "body: Value error, path and prefix need an upstream, and only one of them may be given",
    ),
}  # fmt: skip
_UNKNOWN: Errors = {status: _REFUSED[status] for status in (401, 404)}


class KeptPath(BaseModel):
    """What is kept of one path, whatever the query."""

    model_config = ConfigDict(frozen=True, extra="forbid", json_schema_extra={"examples": [_PATH]})

    upstream: str = Field(description="Its name in the settings; empty for answers of models.")
    path: str = Field(description="As the upstream sees it, without the query; for models models/ALIAS.")
    urls: int = Field(description="How many URLs, the queries told apart.", ge=0)
    answers: int = Field(description="How many answers: one for each credential and variant.", ge=0)
    bytes: int = Field(description="What they take in memory.", ge=0)


class CacheShown(BaseModel):
    """How full the cache is, and its paths."""

    model_config = ConfigDict(
        frozen=True,
        extra="forbid",
        json_schema_extra={
            "examples": [
                {
                    "bytes": 6120,
                    "limit": 67108864,
                    "answers": 3,
                    "evicted": 0,
                    "flights": 1,
                    "refreshed": 4,
                    "paths": [_PATH],
                    "left_out": 0,
                }
            ]
        },
    )

    bytes: int = Field(description="What all answers take in memory, those on their way in too.", ge=0)
    limit: int = Field(description="state.cache_memory.", ge=0)
    answers: int = Field(description="How many are kept.", ge=0)
    evicted: int = Field(description="How many had to make room since the start.", ge=0)
    flights: int = Field(description="Requests upstream under way that others may wait for.", ge=0)
    refreshed: int = Field(description="Refreshes behind a stale answer since the start.", ge=0)
    paths: list[KeptPath] = Field(description="In order.")
    left_out: int = Field(description="Answers under paths beyond `limit` of the request.", ge=0)


class KeptAnswer(BaseModel):
    """One answer, without its body."""

    model_config = ConfigDict(frozen=True, extra="forbid", json_schema_extra={"examples": [_ANSWER]})

    query: list[str] = Field(description="Names in the query; the values are never shown.")
    status: int = Field(description="Of the answer.")
    bytes: int = Field(description="Of its body.", ge=0)
    size: int = Field(description="Bytes it takes in memory.", ge=0)
    stored: float = Field(description="When it was kept, in seconds since the epoch.")
    age: float = Field(description="Seconds, as Age says.", ge=0)
    ttl: float = Field(description="Seconds of freshness left, negative once it is stale.")
    varies: list[str] = Field(description="Request headers it varies by.")
    headers: list[tuple[str, str]] = Field(description="Names, and values of those that say how it is kept; else ***.")


class KeptAnswers(BaseModel):
    """The answers of one path."""

    model_config = ConfigDict(frozen=True, extra="forbid", json_schema_extra={"examples": [{"answers": [_ANSWER]}]})

    answers: list[KeptAnswer]


class Purge(BaseModel):
    """Which answers are no longer good: one URL, all under a prefix, all of an upstream, or, with nothing said, all."""

    model_config = ConfigDict(frozen=True, extra="forbid", json_schema_extra={"examples": [_PURGES]})

    upstream: str | None = Field(None, description="Its name; null for every upstream.", min_length=1)
    path: str | None = Field(None, description="One URL: path and query as the upstream sees them.", pattern="^/")
    prefix: str | None = Field(None, description="All whose path begins so, whatever the query.", pattern="^/")

    @model_validator(mode="after")
    def _one_way(self) -> Self:
        if (self.upstream is None and (self.path or self.prefix)) or (self.path and self.prefix):
            raise ValueError("path and prefix need an upstream, and only one of them may be given")
        return self


class Purged(BaseModel):
    """What was made invalid."""

    model_config = ConfigDict(frozen=True, extra="forbid", json_schema_extra={"examples": [{"answers": 3}]})

    answers: int = Field(description="How many this replica had; the others, and what is on its way, forget too.", ge=0)


def add_cache(app: FastAPI, runtime: Runtime, cache: KeepsAnswers) -> None:
    """Add the routes of the cache.

    Args:
        app: to add them to.
        runtime: knows the upstreams.
        cache: what is kept.
    """

    @app.get("/api/v1/cache", summary="What is kept", tags=["cache"], responses=_UNKNOWN)
    async def shown(
        upstream: str = "", prefix: str = "", limit: Annotated[int, Query(ge=1, le=_MOST)] = 100
    ) -> CacheShown:
        """How full the cache is, and the paths answers are kept of; of one upstream, or under a prefix of its paths."""
        _known(runtime, upstream)
        paths, left = await cache.kept.paths(upstream, prefix, limit)
        totals = asdict(cache.kept.totals())
        return CacheShown.model_validate({**totals, "paths": [asdict(one) for one in paths], "left_out": left})

    @app.get("/api/v1/cache/answers", summary="The answers of a path", tags=["cache"], responses=_UNKNOWN)
    async def answers(upstream: str, path: str, limit: Annotated[int, Query(ge=1, le=_MOST)] = 100) -> KeptAnswers:
        """Headers and sizes of the answers of a path, never bodies; with a query, of that URL only."""
        _known(runtime, upstream)
        found = await cache.kept.answers(upstream, path, limit)
        return KeptAnswers(answers=[KeptAnswer.model_validate(asdict(one)) for one in found])

    @app.post("/api/v1/cache/purge", summary="Make answers invalid", tags=["cache"], responses=_REFUSED)
    async def purge(what: Purge) -> Purged:
        """Make answers invalid: here, those on their way from the upstream, and at every replica."""
        _known(runtime, what.upstream or "")
        return Purged(answers=await cache.kept.purge(what.upstream or "", what.path, what.prefix))


def _known(runtime: Runtime, upstream: str) -> None:
    names: list[Any] = [one.name for one in runtime.status().upstreams]
    if upstream and upstream not in names:
        raise HTTPException(404, f"No upstream has that name. Upstreams: {', '.join(names) or 'none'}.")
