"""Answers of Converse and ConverseStream in the format AWS documents, with what each dialect's client must see."""

import json

from bedrock_frames import event, exception, stream

REQUEST_ID = "6f1b0a52-5a0a-4b5e-9b7e-0d5b3f2f6a11"
HEADERS = [
    (b"date", b"Wed, 25 Nov 2026 12:00:00 GMT"), (b"content-type", b"application/json"),
    (b"x-amzn-requestid", REQUEST_ID.encode()),
]  # fmt: skip
STREAM_HEADERS = [HEADERS[0], (b"content-type", b"application/vnd.amazon.eventstream"), HEADERS[2]]
USAGE = {"inputTokens": 30, "outputTokens": 8, "totalTokens": 138, "cacheReadInputTokens": 80,
         "cacheWriteInputTokens": 20, "cacheDetails": [{"ttl": "1h", "inputTokens": 20}]}  # fmt: skip
PLAIN_USAGE = {"inputTokens": 12, "outputTokens": 5, "totalTokens": 17}


def whole(content, stop="end_turn", usage=None, **more):
    """Return a body of Converse."""
    return json.dumps({
        "metrics": {"latencyMs": 551}, "output": {"message": {"content": content, "role": "assistant"}},
        "stopReason": stop, "usage": usage or PLAIN_USAGE, **more,
    }).encode()  # fmt: skip


def delta(index, **kinds):
    """Return a delta of a block."""
    return event("contentBlockDelta", {"contentBlockIndex": index, "delta": kinds})


def stop_block(index):
    """Return the end of a block."""
    return event("contentBlockStop", {"contentBlockIndex": index})


def tool_start(index, identity, name):
    """Return the beginning of a tool call."""
    start = {"toolUse": {"toolUseId": identity, "name": name}}
    return event("contentBlockStart", {"contentBlockIndex": index, "start": start})


START = event("messageStart", {"role": "assistant"})


def last(reason, usage=None, **more):
    """Return the two events that end a stream."""
    tail = event("metadata", {"metrics": {"latencyMs": 812}, "usage": usage or PLAIN_USAGE})
    return event("messageStop", {"stopReason": reason, **more}) + tail


TEXT = stream(START, delta(0, text="Hello"), delta(0, text=", wörld 🌊"), stop_block(0), last("end_turn"))
TOOLS = stream(
    START, delta(0, text="Let me look."), stop_block(0),
    tool_start(1, "tooluse_A", "weather"), delta(1, toolUse={"input": '{"city":'}),
    delta(1, toolUse={"input": ' "Berlin"}'}), stop_block(1),
    tool_start(2, "tooluse_B", "clock"), delta(2, toolUse={"input": "{}"}), stop_block(2), last("tool_use"),
)  # fmt: skip
THINKING = stream(
    START, delta(0, reasoningContent={"text": "Two and "}), delta(0, reasoningContent={"text": "two"}),
    delta(0, reasoningContent={"signature": "c2lnbmVk"}), stop_block(0),
    delta(1, reasoningContent={"redactedContent": "aGlkZGVu"}), stop_block(1),
    delta(2, text="Four."), stop_block(2), last("end_turn", USAGE),
)  # fmt: skip
EARLY = stream(START, exception("throttlingException", "Too many requests, please wait before trying again."))
LATE = stream(START, delta(0, text="Hel"), exception(
    "modelStreamErrorException", "The model broke", originalStatusCode=529, originalMessage="overloaded"))  # fmt: skip
CUT = stream(START, delta(0, text="Hello"), delta(0, text=" there"))[:-3]
BLOCKS = [
    {"reasoningContent": {"reasoningText": {"text": "Two and two", "signature": "c2lnbmVk"}}},
    {"reasoningContent": {"redactedContent": "aGlkZGVu"}}, {"text": "Four. "}, {"text": "Or so."},
    {"toolUse": {"toolUseId": "tooluse_A", "name": "weather", "input": {"city": "Berlin"}}},
]  # fmt: skip
