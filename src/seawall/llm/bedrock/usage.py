"""What Bedrock says a call used, and what a cut answer is taken to have used."""

from collections.abc import Mapping
from typing import Any

from seawall.contracts.usage import Usage

__all__ = ["tier_in", "tokens_of", "usage_of"]

_TOKEN = 3  # bytes of text: rather too many tokens than too few (llm/tally.py)


def usage_of(document: Mapping[str, Any]) -> Usage | None:
    """Return the usage in an answer or in a stream's `metadata`, None where it tells none.

    Converse's `inputTokens` leave out what was read from a cache or written to it, but not with every model: where
    `totalTokens` says so, they are within.
    """
    said = document.get("usage")
    if not isinstance(said, dict) or "inputTokens" not in said:
        return None
    fresh, output = _count(said, "inputTokens"), _count(said, "outputTokens")
    read, written = _count(said, "cacheReadInputTokens"), _count(said, "cacheWriteInputTokens")
    details = said.get("cacheDetails")
    hour = sum(
        _count(one, "inputTokens")
        for one in (details if isinstance(details, list) else ())
        if isinstance(one, dict) and one.get("ttl") == "1h"
    )
    within = _count(said, "totalTokens") == fresh + output and read + written <= fresh
    return Usage(
        input=fresh if within else fresh + read + written,
        output=output,
        cache_read=read,
        cache_write=written,
        cache_write_1h=min(hour, written),
    )


def tier_in(document: Mapping[str, Any]) -> str | None:
    """Return the service tier of an answer or of a stream's `metadata`, `""` for the standard one, None untold."""
    said = document.get("serviceTier")
    tier = said.get("type") if isinstance(said, dict) else None
    if not isinstance(tier, str):
        return None
    return "" if tier == "default" else tier


def tokens_of(text: str) -> int:
    """Return the tokens that a piece of a cut answer is counted as, at least one."""
    return max(1, -(-len(text.encode("utf-8", "replace")) // _TOKEN))


def _count(said: Mapping[str, Any], name: str) -> int:
    value = said.get(name)
    return value if type(value) is int and value >= 0 else 0
