"""The usage object of each provider, read into one count by kind of token."""

from collections.abc import Mapping
from typing import Any

from seawall.contracts.usage import Usage, usage_of

__all__ = ["anthropic_usage", "openai_usage", "searches", "tier_of", "usage_in"]


_TOKENS = frozenset(("prompt_tokens", "input_tokens", "completion_tokens", "output_tokens"))

_NONE: Mapping[str, Any] = {}


def _count(source: Any, *names: str) -> int:
    """Return the first of `names` that is a whole number, 0 where none is."""
    if isinstance(source, dict):
        for name in names:
            value = source.get(name)
            if type(value) is int and value > 0:
                return value
    return 0


def usage_in(said: Mapping[str, Any]) -> Mapping[str, Any] | None:
    """Return the usage object of a body or a chunk, wherever its provider puts it; None where it has none.

    Known places: the top (OpenAI, Anthropic, Mistral), `response` (Responses API), `message` (Anthropic's
    `message_start`), `x_groq` (Groq), and a choice (Moonshot).
    """
    found = said.get("usage")
    if isinstance(found, dict) and found:
        return found
    choices = said.get("choices")
    first = choices[0] if isinstance(choices, list) and choices else None
    for place in (said.get("response"), said.get("message"), said.get("x_groq"), first):
        found = place.get("usage") if isinstance(place, dict) else None
        if isinstance(found, dict) and found:
            return found
    return None


def openai_usage(said: Mapping[str, Any]) -> Usage | None:
    """Return what a usage object in one of OpenAI's shapes says, None where it counts no tokens.

    Chat counts `prompt_tokens`, responses, images and audio `input_tokens`; whisper counts seconds, which are none.
    """
    if _TOKENS.isdisjoint(said):
        return None
    read = said.get("prompt_tokens_details") or said.get("input_tokens_details") or said.get("input_token_details")
    made = said.get("completion_tokens_details") or said.get("output_tokens_details")
    of_read = read.get if isinstance(read, dict) else _NONE.get
    of_made = made.get if isinstance(made, dict) else _NONE.get
    told = (
        said.get("prompt_tokens"), said.get("completion_tokens"), of_read("cached_tokens"),
        of_read("cache_write_tokens"), of_read("audio_tokens"), of_made("reasoning_tokens"), of_made("audio_tokens"),
    )  # fmt: skip
    taken, given, cached, written, heard, reasoned, spoken = [
        count if type(count) is int and count > 0 else 0 for count in told
    ]
    return usage_of((
        taken or _count(said, "input_tokens"),
        given or _count(said, "output_tokens"),
        cached or _count(said, "prompt_cache_hit_tokens", "cached_tokens"),
        written, 0, reasoned, heard, spoken, 0,
    ))  # fmt: skip


def anthropic_usage(said: Mapping[str, Any]) -> Usage | None:
    """Return what Anthropic's usage object says; its `input_tokens` leaves cached ones out, `Usage.input` does not."""
    if "input_tokens" not in said and "output_tokens" not in said:
        return None
    read = _count(said, "cache_read_input_tokens")
    kept = said.get("cache_creation")
    hour = _count(kept, "ephemeral_1h_input_tokens")
    written = max(_count(said, "cache_creation_input_tokens"), hour + _count(kept, "ephemeral_5m_input_tokens"))
    return Usage(
        input=_count(said, "input_tokens") + read + written,
        output=_count(said, "output_tokens"),
        cache_read=read,
        cache_write=written,
        cache_write_1h=hour,
        reasoning=_count(said.get("output_tokens_details"), "thinking_tokens"),
        tools=_count(said.get("server_tool_use"), "web_search_requests"),
    )


def tier_of(said: Mapping[str, Any]) -> str | None:
    """Return the tier that an answer or a usage object says it was given in, `""` for the standard one, None for none.

    OpenAI tells `service_tier` beside the usage, Anthropic `service_tier` and `speed` in it.
    """
    tier, speed = said.get("service_tier"), said.get("speed")
    if isinstance(speed, str) and speed != "standard":
        return speed
    if not isinstance(tier, str):
        return None
    return "" if tier in ("default", "standard", "auto") else tier


def searches(said: Mapping[str, Any]) -> tuple[int, int]:
    """Return how many searches of the web and of stored files OpenAI made for a response, each of them billed.

    Opening a page that was found, or looking for a word in it, is an item too and costs nothing.
    """
    made = said.get("output")
    web = files = 0
    for item in made if isinstance(made, list) else ():
        if not isinstance(item, Mapping):
            continue
        if item.get("type") == "file_search_call":
            files += 1
        elif item.get("type") == "web_search_call":
            action = item.get("action")
            web += not isinstance(action, Mapping) or action.get("type", "search") == "search"
    return web, files
