"""What a request wants to happen, said in its own text: `[[{"output": 20, "status": 503, "times": 2, "key": "a"}]]`.

The text may stand anywhere in the body, so it survives every translation; a header `x-scenario` says the same.
"""

import json
from dataclasses import dataclass, fields
from typing import Any

__all__ = ["Scenario", "scenario_of", "texts_in"]


@dataclass(frozen=True)
class Scenario:
    """One request's script.

    Attributes:
        output: output tokens the model wants to make; the request's own limit cuts them.
        input: input tokens, counted from the text where it is 0. A real provider never counts more than the request has
            bytes; whoever compares with what was reserved keeps to that.
        cached, written, written_1h: of the input: read from the cache, written to it, written for an hour.
        reasoning: of the output: not shown, and sent before the first word.
        searches, file_searches: of the provider's own tools, billed each.
        tools: how many tool calls the answer makes, with the request's tools in turn.
        stop: the reason to stop in OpenAI's words; "" is the natural one.
        delay, pace: seconds before the head, and before each event of a stream.
        status, retry_after: an error instead of an answer, and its header (seconds, or None).
        times, key: only so many requests with this key get the error, the cut or the reset; 0 is all of them.
        error_at: inside a stream: an error event before this token (0 is before any content); -1 is none.
        cut: close before this token (a plain answer: after so many bytes); -1 is never.
        reset: reset the connection instead of answering.
        usage: where it stands: "usual", "choice" (the last choice), "groq" (x_groq), "none".
        lump: tokens in one event.
    """

    output: int = 8
    input: int = 0
    cached: int = 0
    written: int = 0
    written_1h: int = 0
    reasoning: int = 0
    searches: int = 0
    file_searches: int = 0
    tools: int = 0
    stop: str = ""
    delay: float = 0.0
    pace: float = 0.0
    status: int = 0
    retry_after: str | None = None
    times: int = 0
    key: str = ""
    error_at: int = -1
    cut: int = -1
    reset: bool = False
    usage: str = "usual"
    lump: int = 1


_NAMES = frozenset(field.name for field in fields(Scenario))


def scenario_of(document: Any, header: str = "") -> Scenario:
    """Return the script of a request; one that is not understood is an error, not a default."""
    for text in (header, *texts_in(document)):
        begin = text.find("[[{")
        if begin >= 0:
            said = json.loads(text[begin + 2 : text.index("}]]", begin) + 1])
            unknown = set(said) - _NAMES
            if unknown:
                raise ValueError(f"a scenario has no {', '.join(sorted(unknown))}")
            return Scenario(**said)
    return Scenario()


def texts_in(value: Any) -> list[str]:
    """Return every text in a document, in order."""
    if isinstance(value, str):
        return [value]
    if isinstance(value, dict):
        value = list(value.values())
    return [text for inner in value for text in texts_in(inner)] if isinstance(value, list) else []
