"""Two providers as programs of `seawall.testing`: each streams a sentence in its own dialect and bills it."""

import json
from collections.abc import Iterable, Iterator

from seawall.testing.exchange import Action, Answer, Exchange

STREAM = Answer(200, headers=((b"content-type", b"text/event-stream"),), chunked=True)
PAUSE = 0.01  # seconds between two words
WORDS = 40  # tokens of the answer that are billed
ASKED = 60  # tokens of the question


def _streamed(events: Iterable[str]) -> Iterator[Action]:
    yield STREAM.head()
    for event in events:
        text = event.encode()
        yield b"%x\r\n%s\r\n" % (len(text), text)
        yield PAUSE
    yield b"0\r\n\r\n"


def _chunk(**said: object) -> str:
    front = {"id": "chatcmpl-1", "object": "chat.completion.chunk", "created": 0, "model": "gpt-5-mini", "choices": []}
    return f"data: {json.dumps({**front, **said})}\n\n"


def gpt(exchange: Exchange) -> Iterator[Action]:
    """Stream a chat completion as OpenAI does."""

    def events() -> Iterator[str]:
        for word in ("The ", "first ", "provider ", "answers."):
            yield _chunk(choices=[{"index": 0, "delta": {"role": "assistant", "content": word}, "finish_reason": None}])
        yield _chunk(choices=[{"index": 0, "delta": {}, "finish_reason": "stop"}])
        yield _chunk(usage={"prompt_tokens": ASKED, "completion_tokens": WORDS, "total_tokens": ASKED + WORDS})
        yield "data: [DONE]\n\n"

    return _streamed(events())


def _event(kind: str, **said: object) -> str:
    return f"event: {kind}\ndata: {json.dumps({'type': kind, **said})}\n\n"


def claude(exchange: Exchange) -> Iterator[Action]:
    """Stream a message as Anthropic does."""
    message = {
        "id": "msg_1",
        "type": "message",
        "role": "assistant",
        "model": "claude-haiku-4-5",
        "content": [],
        "stop_reason": None,
        "stop_sequence": None,
        "usage": {"input_tokens": ASKED, "output_tokens": 1},
    }

    def events() -> Iterator[str]:
        yield _event("message_start", message=message)
        yield _event("content_block_start", index=0, content_block={"type": "text", "text": ""})
        for word in ("The ", "second ", "provider ", "answers."):
            yield _event("content_block_delta", index=0, delta={"type": "text_delta", "text": word})
        yield _event("content_block_stop", index=0)
        stop = {"stop_reason": "end_turn", "stop_sequence": None}
        yield _event("message_delta", delta=stop, usage={"output_tokens": WORDS})
        yield _event("message_stop")

    return _streamed(events())
