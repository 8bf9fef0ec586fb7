"""Event-stream messages as AWS writes them, made here from the specification and not with the decoder's own code."""

import json
import struct
from binascii import crc32


def header(name, value):
    """Return one header; bool, int, bytes and str by their types."""
    head = bytes([len(name.encode())]) + name.encode()
    match value:
        case bool():
            return head + (b"\0" if value else b"\1")
        case int():
            return head + b"\5" + struct.pack(">q", value)
        case bytes():
            return head + b"\6" + struct.pack(">H", len(value)) + value
        case str():
            return head + b"\7" + struct.pack(">H", len(value.encode())) + value.encode()


def frame(headers, payload):
    """Return one message."""
    fields = b"".join(header(name, value) for name, value in headers.items())
    lengths = struct.pack(">II", 16 + len(fields) + len(payload), len(fields))
    start = lengths + struct.pack(">I", crc32(lengths)) + fields + payload
    return start + struct.pack(">I", crc32(start))


def event(name, document):
    """Return an event as ConverseStream sends it, padding member included."""
    padded = {**document, "p": "abcdefghijklmnopqrstuvwxyz"[: len(name)]}
    headers = {":event-type": name, ":content-type": "application/json", ":message-type": "event"}
    return frame(headers, json.dumps(padded).encode())


def exception(name, message, **more):
    """Return an exception inside a stream."""
    headers = {":exception-type": name, ":content-type": "application/json", ":message-type": "exception"}
    return frame(headers, json.dumps({"message": message, **more}).encode())


def stream(*parts):
    """Return a whole body."""
    return b"".join(parts)
