"""The JSON line of a call, written straight: the one line that is written for every call."""

from collections.abc import Callable
from decimal import Decimal

import orjson

from seawall.contracts.events import CallEnded
from seawall.observers.lines import LARGEST, Fields, json_line

__all__ = ["CallLine", "call_fields"]

_LINE = (  # one format for all: compiled code would make each part of an f-string by a call of its own
    '{"timestamp":"%s","level":"%s",%s,"method":"%s","status":%d,"outcome":"%s","error":"%s","attempts":%d,'
    '"cache":"%s","latency_ms":%.3f,"upstream_ms":%.3f,"queue_ms":%.3f,"received_bytes":%d,"sent_bytes":%d,'
    '"streamed":%s,%s,"request_id":"%s","trace_id":"%s"}\n'
)
_UNPAID = '"tokens":null,"cost":null'
_KNOWN = 4096  # names of settings that are kept encoded; more are encoded each time


class CallLine:
    """Renders `CallEnded`: the same line that `json_line` makes of its fields, in a third of the time.

    Args:
        service: the line's `service` field.
    """

    def __init__(self, service: str) -> None:
        self._service = service
        self._names: dict[tuple[str, str, str], str] = {}

    def __call__(self, event: CallEnded, timestamp: str, level: str, clean: Callable[[str], str]) -> bytes:
        """Return the line.

        Args:
            event: the call.
            timestamp: of the line, RFC 3339.
            level: of the line.
            clean: takes secrets out of a text; applied to what a client may have chosen.
        """
        (
            caller, upstream, route, method, status, outcome, error, attempts, cache, latency, upstream_time,
            queue_time, received, sent, streamed, request_id, trace_id, tokens, cost,
        ) = event  # fmt: skip
        chosen = method + request_id + trace_id
        key = (caller, upstream, route)
        names = self._names.get(key) or self._encode(key)
        line = _LINE % (
            timestamp, level, names, method, status, outcome, error, attempts, cache, latency * 1000,
            upstream_time * 1000, queue_time * 1000, received, sent, "true" if streamed else "false",
            _paid(tokens, cost), request_id, trace_id,
        )  # fmt: skip
        # a quote, a backslash or a control character would end the text early and let a client write fields of its own
        if _unsafe(chosen) or clean(chosen) is not chosen or len(line) > LARGEST or not line.isascii():
            fields = call_fields(event, timestamp, level, self._service)
            for name in ("method", "request_id", "trace_id"):
                fields[name] = clean(fields[name])
            return json_line(fields)
        return line.encode("ascii")

    def _encode(self, key: tuple[str, str, str]) -> str:
        caller, upstream, route = (orjson.dumps(name).decode() for name in key)
        service = orjson.dumps(self._service).decode()
        text = f'"service":{service},"event":"call","caller":{caller},"upstream":{upstream},"route":{route}'
        if len(self._names) < _KNOWN:
            self._names[key] = text
        return text


def _paid(tokens: int | None, cost: Decimal | None) -> str:
    if cost is None and tokens is None:
        return _UNPAID
    money = "null" if cost is None else repr(float(cost))
    return f'"tokens":{"null" if tokens is None else tokens},"cost":{money}'


def _unsafe(text: str) -> bool:
    return '"' in text or "\\" in text or not text.isprintable()


def call_fields(event: CallEnded, timestamp: str, level: str, service: str) -> Fields:
    """Return the fields of a call's line, in their order."""
    return {
        "timestamp": timestamp,
        "level": level,
        "service": service,
        "event": "call",
        "caller": event.caller,
        "upstream": event.upstream,
        "route": event.route,
        "method": event.method,
        "status": event.status,
        "outcome": event.outcome,
        "error": event.error,
        "attempts": event.attempts,
        "cache": event.cache,
        "latency_ms": round(event.latency * 1000, 3),
        "upstream_ms": round(event.upstream_time * 1000, 3),
        "queue_ms": round(event.queue_time * 1000, 3),
        "received_bytes": event.received,
        "sent_bytes": event.sent,
        "streamed": event.streamed,
        "tokens": event.tokens,
        "cost": None if event.cost is None else float(event.cost),
        "request_id": event.request_id,
        "trace_id": event.trace_id,
    }
