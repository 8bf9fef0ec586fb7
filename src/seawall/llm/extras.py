"""What a request asks for beyond tokens at the list price: a dearer tier, and tools that the provider runs.

A tool that is billed by the call is bounded where the request bounds its calls (`max_uses`, `max_tool_calls`). What has
no price by the call, or whose calls no answer counts, is named, so that it is refused under a cap.
"""

from collections.abc import Mapping
from typing import Any, NamedTuple

from seawall.llm.seam import Operation

__all__ = ["ASKED_AGAIN", "NOTHING", "SEARCHES", "Extras", "calls_at_most", "extras"]

# Tools of the Responses API that are billed by the call, and counted by the items of its answer.
SEARCHES = frozenset(("web_search", "web_search_preview", "web_search_2025_08_26", "web_search_preview_2025_03_11",
                      "file_search"))  # fmt: skip
# Tools that run at Anthropic: after each use the model is asked again, with a window full of what was found at most. A
# fetch is free, and held like a search.
ASKED_AGAIN = ("web_search_", "web_fetch_")
# Tiers that cost no more than the list price, or whose price is the project's own default.
_NO_DEARER = frozenset(("auto", "default", "standard", "standard_only", "flex", "batch"))
# Tools with a fee that nobody is told: by the session, the hour, or the picture. Anthropic's carry a date behind.
_UNTOLD = ("code_interpreter", "code_execution", "image_generation", "computer_use_preview", "shell")

_ASKED = frozenset(("service_tier", "speed", "inference_geo", "web_search_options", "tools"))


class Extras(NamedTuple):
    """What is asked for; see `Bill` for each.

    Attributes:
        tier: a dearer service tier.
        tools: calls at most of tools that are billed by the call.
        beyond: what has no known price, in words.
    """

    tier: str = ""
    tools: int = 0
    beyond: str = ""


NOTHING = Extras()


def extras(operation: Operation, document: Mapping[str, Any]) -> Extras:
    """Return what a request asks for beyond tokens at the list price.

    Args:
        operation: by which route it came.
        document: the parsed body.
    """
    if _ASKED.isdisjoint(document):
        return NOTHING
    asked = document.get
    tier, speed, place, search, tools = (
        asked("service_tier"), asked("speed"), asked("inference_geo"), asked("web_search_options"), asked("tools"),
    )  # fmt: skip
    dearer = [one for one in (tier, speed) if isinstance(one, str) and one not in _NO_DEARER]
    beyond = [name for name, value in (("inference_geo", place), ("web_search_options", search)) if value is not None]
    own = [tool for tool in tools if isinstance(tool, dict)] if isinstance(tools, list) else []
    beyond += [kind for tool in own if (kind := str(tool.get("type"))).startswith(_UNTOLD)]
    return Extras(" and ".join(dearer), _calls(operation, document, own), ", ".join(beyond))


def _calls(operation: Operation, document: Mapping[str, Any], tools: list[dict[str, Any]]) -> int:
    if operation == "responses":
        searches = any(str(tool.get("type")) in SEARCHES for tool in tools)
        return (calls_at_most(document, "max_tool_calls") or 0) if searches else 0
    if operation != "messages":
        return 0
    return sum(calls_at_most(tool, "max_uses") or 0 for tool in tools if str(tool.get("type")).startswith(ASKED_AGAIN))


def calls_at_most(said: Mapping[str, Any], name: str) -> int | None:
    """Return the most calls of a tool that a request allows under this name, None where it sets no limit."""
    value = said.get(name)
    return value if type(value) is int and value >= 0 else None
