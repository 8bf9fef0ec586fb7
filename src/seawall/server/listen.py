"""Where to listen: `host:port`, `unix:/path` or `fd://3`, turned into a bound socket."""

import asyncio
import socket
import stat
from pathlib import Path

__all__ = ["acceptors", "bind", "shown"]

_BACKLOG = 1024
# Connections accepted in one turn of a loop that takes one per listening descriptor and turn.
_AT_ONCE = 16


def bind(listen: str) -> list[socket.socket]:
    """Return listening sockets for one address; a host name may have several.

    Args:
        listen: `host:port` (`[::1]:8080` for IPv6, port 0 for any free one), `unix:/path`, or `fd://N` for a socket
            that is already bound.

    Raises:
        OSError: the address is in use or cannot be bound.
        ValueError: `listen` is none of the three forms.
    """
    if listen.startswith("unix:"):
        return [_unix(Path(listen.removeprefix("unix:")))]
    if listen.startswith("fd://"):
        inherited = socket.socket(fileno=int(listen.removeprefix("fd://")))
        inherited.setblocking(False)
        return [inherited]
    host, colon, port = listen.rpartition(":")
    if not colon or not port.isascii() or not port.isdigit():
        raise ValueError(f"{listen!r} is not an address (for example 127.0.0.1:8080, unix:/run/seawall.sock, fd://3)")
    return _tcp(host.strip("[]"), int(port))


def _tcp(host: str, port: int) -> list[socket.socket]:
    found = socket.getaddrinfo(host or None, port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE)
    bound: list[socket.socket] = []
    try:
        for family, kind, protocol, _, address in dict.fromkeys(found):
            listener = socket.socket(family, kind, protocol)
            bound.append(listener)
            listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            if family == socket.AF_INET6:
                listener.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 1)
            listener.bind(address)
            listener.listen(_BACKLOG)
            listener.setblocking(False)
    except OSError:
        for listener in bound:
            listener.close()
        raise
    return bound


def _unix(path: Path) -> socket.socket:
    if path.exists() and stat.S_ISSOCK(path.stat().st_mode):
        _remove_stale(path)
    listener = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    try:
        listener.bind(str(path))
        path.chmod(0o660)
        listener.listen(_BACKLOG)
        listener.setblocking(False)
    except OSError:
        listener.close()
        raise
    return listener


def _remove_stale(path: Path) -> None:
    """Remove a socket file nobody listens on; leave a living one, so that `bind` fails with "in use"."""
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as probe:
        probe.settimeout(1.0)
        try:
            probe.connect(str(path))
        except ConnectionRefusedError:
            path.unlink(missing_ok=True)
        except OSError:
            return


def acceptors(listener: socket.socket, loop: asyncio.AbstractEventLoop) -> list[socket.socket]:
    """Return the descriptors to accept on: `listener`, and on uvloop copies of it.

    libuv accepts one connection per listening descriptor and turn (since 1.45), and a turn is as long as all calls of
    the connections that are there already. So of several hundred clients that come at once the last ones would wait
    for seconds. asyncio's own loop accepts as many as there are.
    """
    if isinstance(loop, asyncio.BaseEventLoop):
        return [listener]
    return [listener, *(listener.dup() for _ in range(_AT_ONCE - 1))]


def shown(listener: socket.socket) -> str:
    """Return the address a listener is bound to, in the form `bind` takes."""
    name = listener.getsockname()
    if listener.family == socket.AF_UNIX:
        return f"unix:{name}"
    host, port = name[0], name[1]
    return f"[{host}]:{port}" if ":" in host else f"{host}:{port}"
