"""What a door received from a client, before anybody decided where it goes."""

from collections.abc import Awaitable, Callable

from seawall.contracts.body import Body, Headers
from seawall.contracts.reply import Reply

__all__ = ["Handler", "Memory", "Request"]


class Memory:
    """One place for what a door makes of a head: a connection's requests share it while they have the same head.

    The same but for the digits of Content-Length. It goes with the connection, or with the next other head.

    Attributes:
        kept: the door's, None at first.
        key: the guard's: what it makes of the head's keys; never a key itself. None at first.
    """

    __slots__ = ("kept", "key")

    def __init__(self) -> None:
        self.kept: object = None
        self.key: object = None


class Request:
    """One request as the server or an ASGI host parsed it; strictness has been applied, meaning has not.

    Attributes:
        method: as sent in upper case.
        target: origin-form exactly as sent, raw path and query; starts with exactly one `/`, or is `b"*"`.
        headers: everything the client sent, names lower case, framing and Host included.
        host: the value of the one Host header.
        body: `b""` when there is none; bytes when it arrived whole; else a `Source`.
        length: bytes declared by Content-Length, None when chunked.
        peer: the client's IP address as text, `""` on a Unix socket.
        secure: the client came over TLS.
        received: when the last byte of the head arrived, seconds on the monotonic clock.
        memory: shared by requests of one connection with the same head, or None.
        interim: takes status and headers of an interim answer (1xx) to pass on at once; None where nobody is told of
            one: the client speaks HTTP/1.0, the door has no way for it, or the answer itself has been given.
    """

    __slots__ = (
        "body", "headers", "host", "interim", "length", "memory", "method", "peer", "received", "secure", "target",
    )  # fmt: skip

    def __init__(
        self,
        method: bytes,
        target: bytes,
        headers: Headers,
        host: bytes = b"",
        body: Body = b"",
        length: int | None = 0,
        peer: str = "",
        secure: bool = False,
        received: float = 0.0,
        memory: Memory | None = None,
        interim: Callable[[int, Headers], None] | None = None,
    ) -> None:
        self.method = method
        self.target = target
        self.headers = headers
        self.host = host
        self.body = body
        self.length = length
        self.peer = peer
        self.secure = secure
        self.received = received
        self.memory = memory
        self.interim = interim

    def header(self, name: bytes) -> bytes | None:
        """Return the first value of `name` (lower case), or None."""
        for key, value in self.headers:
            if key == name:
                return value
        return None


# A handler never raises for what a client did; it answers. It is cancelled when the client leaves.
Handler = Callable[[Request], Awaitable[Reply]]
