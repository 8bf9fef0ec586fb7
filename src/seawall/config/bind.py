"""Where a door listens: `host:port`, `unix:/path` or `fd://3`."""

import ipaddress
import re
from typing import Annotated, NamedTuple

from pydantic import AfterValidator

__all__ = ["Bind", "BindText", "parse_bind"]

_PORT = re.compile(r"\d{1,5}", re.ASCII)
_HOST = re.compile(r"[A-Za-z0-9.-]+|\[[0-9A-Fa-f:.]+\]", re.ASCII)
_RULE = 'must be host:port, unix:/path or fd://number (for example "127.0.0.1:8080")'


class Bind(NamedTuple):
    """One place to listen.

    Attributes:
        host: name or address without brackets, `""` unless it is TCP.
        port: 0..65535, 0 lets the system choose.
        path: of a Unix socket, or `""`.
        fd: of a socket handed over, or None.
    """

    host: str = ""
    port: int = 0
    path: str = ""
    fd: int | None = None

    @property
    def loopback(self) -> bool:
        """Whether only this machine can reach it, as far as the text tells: a Unix socket is, an fd is not."""
        if self.path:
            return True
        if self.host == "localhost":
            return True
        try:
            return ipaddress.ip_address(self.host).is_loopback
        except ValueError:
            return False


def parse_bind(text: str) -> Bind:
    """Return the parts of a listen address.

    Raises:
        ValueError: it is none of the three forms.
    """
    if text.startswith("unix:"):
        path = text[5:]
        if path.startswith("/") and "\0" not in path:
            return Bind(path=path)
        raise ValueError(_RULE)
    if text.startswith("fd://"):
        if _PORT.fullmatch(text[5:]):
            return Bind(fd=int(text[5:]))
        raise ValueError(_RULE)
    host, colon, port = text.rpartition(":")
    if not colon or not _HOST.fullmatch(host) or not _PORT.fullmatch(port) or int(port) > 65535:
        raise ValueError(_RULE)
    if host.startswith("["):
        host = str(ipaddress.IPv6Address(host[1:-1]))  # AddressValueError is a ValueError
    return Bind(host=host.lower(), port=int(port))


def _check(text: str) -> str:
    try:
        parse_bind(text)
    except ValueError as exc:
        raise ValueError(_RULE) from exc
    return text


BindText = Annotated[str, AfterValidator(_check)]
