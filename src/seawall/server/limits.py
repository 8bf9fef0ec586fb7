"""How much a client may send, how long it may take, and how many clients there may be."""

from dataclasses import dataclass

__all__ = ["Limits"]


@dataclass(frozen=True, slots=True)
class Limits:
    """Bounds of one server; seconds and bytes.

    Attributes:
        max_body: bytes of a request body; 413 above.
        max_header: bytes of a request head, request line included; 431 (414 for the request line) above.
        max_header_count: header lines; 431 above.
        header_timeout: from the first byte of a head to its last, and for a new connection to its first head.
        body_timeout: between two pieces of a request body; 408.
        idle_timeout: between an answer and the next request's first byte.
        write_timeout: without the client taking a single byte of an answer; the connection is aborted.
        max_connections: open connections.
        max_connections_per_address: open connections of one IP address; 0 for no bound.
        max_inflight: calls under way; 503 at once above.
    """

    max_body: int = 4 << 20
    max_header: int = 16 << 10
    max_header_count: int = 100
    header_timeout: float = 10.0
    body_timeout: float = 30.0
    idle_timeout: float = 75.0
    write_timeout: float = 30.0
    max_connections: int = 1024
    max_connections_per_address: int = 0
    max_inflight: int = 512
