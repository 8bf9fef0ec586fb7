"""OpenAI and Bedrock as programs of `seawall.testing`: each streams the same coach's words in its own format."""

import json
import struct
import zlib
from collections.abc import Iterator

from seawall.testing.exchange import Action, Answer, Exchange

__all__ = ["OpenAI", "bedrock"]

_PAUSE = 0.01  # seconds between two words
_LONG = 280  # tokens of a plan, which takes some thinking that is not shown
_ANSWERS = {
    "start": "Start small: walk ten minutes after lunch, every day this week.",
    "rain": "Then climb the stairs at home, three times up and down.",
    "back": "Stand up every half hour and stretch. If it still hurts in a week, see a doctor.",
    "knees": "Try swimming or a bicycle, both are kind to knees.",
    "sleep": "Leave the phone in the kitchen tonight and go to bed at the same time.",
    "plan": "Monday and Thursday: walk. Tuesday and Friday: stretch. Sunday: rest.",
}
_ANY = "Good question! Drink a glass of water first, then we look at it together."


def _reply(texts: list[str]) -> tuple[str, int, int]:
    """Return the answer to the last of these texts, and the tokens that are billed for reading and writing it."""
    word = next((word for word in _ANSWERS if word in texts[-1].lower()), "")
    answer = _ANSWERS.get(word, _ANY)
    return answer, sum(map(len, texts)) // 4, _LONG if word == "plan" else len(answer) // 4


def _words(text: str) -> list[str]:
    return [f"{word} " for word in text.split(" ")[:-1]] + text.split(" ")[-1:]


def _piece(data: bytes) -> bytes:
    return b"%x\r\n%s\r\n" % (len(data), data)


class OpenAI:
    """A chat completion, streamed; or some trouble instead, as providers have it.

    Attributes:
        trouble: "" for none; "429" and "503" are those errors; "error event" is one with status 200, before the first
            word; "cut" breaks off after some words.
    """

    def __init__(self) -> None:
        self.trouble = ""

    def __call__(self, exchange: Exchange) -> Answer | Iterator[Action]:
        """Answer one request."""
        if self.trouble in ("429", "503"):
            body = json.dumps(self._error())
            return Answer(int(self.trouble), body.encode(), ((b"content-type", b"application/json"),))
        return self._stream([one["content"] for one in json.loads(exchange.body)["messages"]])

    def _error(self) -> dict[str, object]:
        message = "The engine is overloaded" if self.trouble == "503" else "Rate limit reached"
        return {"error": {"message": message, "type": "server_error", "param": None, "code": None}}

    def _stream(self, texts: list[str]) -> Iterator[Action]:
        answer, read, written = _reply(texts)
        yield Answer(200, headers=((b"content-type", b"text/event-stream"),), chunked=True).head()
        yield _chunk(choices=[_choice({"role": "assistant", "content": ""})])
        if self.trouble == "error event":
            yield _piece(f"data: {json.dumps(self._error())}\n\n".encode()) + b"0\r\n\r\n"
            return
        words = _words(answer)
        for word in words[: len(words) // 2] if self.trouble == "cut" else words:
            yield _chunk(choices=[_choice({"content": word})])
            yield _PAUSE
        if self.trouble == "cut":
            yield _piece(f"data: {json.dumps(self._error())}\n\n".encode()) + b"0\r\n\r\n"
            return
        yield _chunk(choices=[_choice({}, "stop")])
        used = {"prompt_tokens": read, "completion_tokens": written, "total_tokens": read + written}
        yield _chunk(choices=[], usage=used)
        yield _piece(b"data: [DONE]\n\n") + b"0\r\n\r\n"


def _choice(delta: dict[str, str], finish: str | None = None) -> dict[str, object]:
    return {"index": 0, "delta": delta, "finish_reason": finish}


def _chunk(**said: object) -> bytes:
    front = {"id": "chatcmpl-1", "object": "chat.completion.chunk", "created": 0, "model": "gpt-5-mini"}
    return _piece(f"data: {json.dumps({**front, **said})}\n\n".encode())


def bedrock(exchange: Exchange) -> Iterator[Action]:
    """Answer one request as ConverseStream does, in AWS's binary event stream."""
    said = json.loads(exchange.body)
    turns = [block["text"] for turn in said["messages"] for block in turn["content"]]
    answer, read, written = _reply([*(block["text"] for block in said.get("system", ())), *turns])
    kind = (b"content-type", b"application/vnd.amazon.eventstream")
    yield Answer(200, headers=(kind,), chunked=True).head()
    yield _message("messageStart", {"role": "assistant"})
    for word in _words(answer):
        yield _message("contentBlockDelta", {"contentBlockIndex": 0, "delta": {"text": word}})
        yield _PAUSE
    yield _message("contentBlockStop", {"contentBlockIndex": 0})
    yield _message("messageStop", {"stopReason": "end_turn"})
    used = {"inputTokens": read, "outputTokens": written, "totalTokens": read + written}
    yield _message("metadata", {"usage": used, "metrics": {"latencyMs": 1}}) + b"0\r\n\r\n"


def _message(kind: str, said: dict[str, object]) -> bytes:
    """Return one message of the event stream: prelude, its checksum, headers, payload, checksum of all."""
    headers = {":event-type": kind, ":content-type": "application/json", ":message-type": "event"}
    packed = b"".join(
        bytes([len(name)]) + name.encode() + b"\x07" + struct.pack("!H", len(value)) + value.encode()
        for name, value in headers.items()
    )
    payload = json.dumps(said).encode()
    prelude = struct.pack("!II", len(packed) + len(payload) + 16, len(packed))
    front = prelude + struct.pack("!I", zlib.crc32(prelude)) + packed + payload
    return _piece(front + struct.pack("!I", zlib.crc32(front)))
