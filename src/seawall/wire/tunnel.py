"""A TLS connection through a forward proxy: CONNECT, then the handshake inside (RFC 9110 section 9.3.6)."""

import asyncio
import ssl

from seawall.contracts.errors import ConnectError, TlsError
from seawall.contracts.target import Target
from seawall.wire.connection import Connection

__all__ = ["open_tunnel"]

# The proxy's answer to CONNECT has a head and nothing else.
MAX_ANSWER = 16384


class _Greeting(asyncio.Protocol):
    """Collects the proxy's answer to CONNECT."""

    def __init__(self, loop: asyncio.AbstractEventLoop) -> None:
        self.answer: asyncio.Future[bytes] = loop.create_future()
        self._got = b""

    def data_received(self, data: bytes) -> None:
        self._got += data
        if b"\r\n\r\n" in self._got or len(self._got) > MAX_ANSWER:
            self._done(self._got)

    def connection_lost(self, exc: Exception | None) -> None:
        self._done(b"")

    def _done(self, answer: bytes) -> None:
        if not self.answer.done():
            self.answer.set_result(answer)


async def open_tunnel(
    loop: asyncio.AbstractEventLoop,
    proxy: tuple[str, int],
    target: Target,
    connection: Connection,
    context: ssl.SSLContext,
) -> Connection:
    """Return `connection`, connected to `target` through `proxy` and verified for the target's name.

    Raises:
        ConnectError: the proxy cannot be reached or refuses.
        TlsError: the handshake inside failed.
    """
    try:
        transport, greeting = await loop.create_connection(lambda: _Greeting(loop), *proxy)
    except OSError as error:
        raise ConnectError("The proxy cannot be reached") from error
    try:
        host = f"[{target.host}]" if ":" in target.host else target.host
        authority = f"{host}:{target.port}".encode("ascii")
        transport.write(b"CONNECT %b HTTP/1.1\r\nhost: %b\r\n\r\n" % (authority, authority))
        _check(await greeting.answer)
        connection.connection_made(transport)  # it is told of a handshake that breaks
        secure = await loop.start_tls(transport, connection, context, server_hostname=target.host)
    except ssl.SSLError as error:
        transport.abort()
        raise TlsError("The TLS handshake through the proxy failed") from error
    except OSError as error:
        transport.abort()
        raise ConnectError("The connection through the proxy broke") from error
    except BaseException:
        transport.abort()
        raise
    if secure is None:
        raise ConnectError("The connection through the proxy broke")
    connection.connection_made(secure)
    return connection


def _check(answer: bytes) -> None:
    """Raise ConnectError unless the answer is a 2xx head, complete and with nothing behind it."""
    head, end, rest = answer.partition(b"\r\n\r\n")
    version, _, status = head.partition(b" ")
    if not end or version not in (b"HTTP/1.1", b"HTTP/1.0"):
        raise ConnectError("The proxy's answer is not HTTP")
    if status[:1] != b"2" or not status[:3].isdigit():
        code = status[:3].decode("latin-1") if status[:3].isdigit() else "an invalid status"
        raise ConnectError(f"The proxy refuses: {code}")
    if rest:
        raise ConnectError("The proxy sends data before the tunnel is used")
