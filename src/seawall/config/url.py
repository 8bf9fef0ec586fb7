"""Addresses of upstreams: parsed into parts once, so that nothing is ever joined from strings (security 1)."""

import ipaddress
import re
import socket
from typing import Annotated, NamedTuple
from urllib.parse import unquote

from pydantic import AfterValidator

from seawall.wire.guard import classify

__all__ = ["Url", "UrlText", "parse_url"]

_URL = re.compile(r"(?P<scheme>[a-z]+)://(?P<authority>[^/?#\\]*)(?P<path>/[^?#\\]*)?", re.ASCII | re.IGNORECASE)
_PATH = re.compile(r"(?:/[A-Za-z0-9._~!$&'()*+,;=:@%-]*)*", re.ASCII)  # RFC 3986 section 3.3
_PERCENT = re.compile(r"%(?![0-9A-Fa-f]{2})", re.ASCII)
_LABEL = re.compile(r"(?!-)[a-z0-9_-]{1,63}(?<!-)", re.ASCII)
_EXAMPLE = '(for example "https://api.example.com/v1")'


class Url(NamedTuple):
    """The parts an upstream address has.

    Attributes:
        scheme: `http` or `https`.
        host: lower case, IDNA-encoded, an address without brackets.
        port: 1..65535.
        base: raw path without a slash at its end, `""` for none.
    """

    scheme: str
    host: str
    port: int
    base: str

    @property
    def private(self) -> bool:
        """Whether the text alone shows an address that is not public: a literal, or a name of this machine."""
        if self.host == "localhost" or self.host.endswith(".localhost"):  # RFC 6761 section 6.3
            return True
        try:
            ipaddress.ip_address(self.host)
        except ValueError:
            return False  # a name; the wire checks what it resolves to
        return classify(self.host) is not None


def parse_url(text: str) -> Url:
    """Return the parts of an upstream's address.

    Raises:
        ValueError: it is not http or https, carries user:password@, a query or a fragment, its host or port is
            none, or its path climbs.
    """
    if any(ord(sign) <= 32 or ord(sign) == 127 for sign in text):
        raise ValueError(f"must hold no blanks or control characters {_EXAMPLE}")
    if "?" in text or "#" in text:
        raise ValueError(f"must hold no query and no fragment {_EXAMPLE}")
    found = _URL.fullmatch(text)
    if found is None or found["scheme"].lower() not in ("http", "https"):
        raise ValueError(f"must be an http:// or https:// address {_EXAMPLE}")
    scheme = found["scheme"].lower()
    if "@" in found["authority"]:
        raise ValueError(f'must hold no user and password; use headers = {{ Authorization = "…" }} {_EXAMPLE}')
    host, port = _authority(found["authority"], 443 if scheme == "https" else 80)
    return Url(scheme, host, port, _base(found["path"] or ""))


def _authority(text: str, usual: int) -> tuple[str, int]:
    if text.startswith("["):
        literal, bracket, rest = text[1:].partition("]")
        try:
            host = str(ipaddress.IPv6Address(literal))
        except ValueError:
            bracket = ""
            host = ""
        if not bracket or "%" in literal or (rest and not rest.startswith(":")):
            raise ValueError('must hold an IPv6 address in brackets (for example "http://[::1]:8080")')
        number = rest[1:] if rest else None
    else:
        name, colon, digits = text.partition(":")
        host = _host(name)
        number = digits if colon else None
    if number is None:
        return host, usual
    if not re.fullmatch(r"\d{1,5}", number, re.ASCII) or not 1 <= int(number) <= 65535:
        raise ValueError('must hold a port from 1 to 65535 (for example "https://api.example.com:8443")')
    return host, int(number)


def _host(name: str) -> str:
    try:
        host = name.encode("idna").decode("ascii").lower().removesuffix(".")
    except UnicodeError:
        host = ""
    if not host or not all(_LABEL.fullmatch(label) for label in host.split(".")) or len(host) > 253:
        raise ValueError(f"must hold a host name {_EXAMPLE}")
    try:
        packed = socket.inet_aton(host)
    except OSError:
        return host
    # inet_aton takes "127.1", "0x7f.1" and "2130706433"; such a host hides the address it means (security 2)
    if socket.inet_ntoa(packed) != host:
        raise ValueError('must write an IPv4 address as four decimal numbers (for example "http://192.168.1.20")')
    return host


def _base(path: str) -> str:
    if not _PATH.fullmatch(path) or _PERCENT.search(path):
        raise ValueError(f"must hold a path of unreserved and percent-encoded characters {_EXAMPLE}")
    if any(unquote(part) in (".", "..") or "/" in unquote(part) for part in path.split("/")):
        raise ValueError(f'must hold no "." or ".." in its path {_EXAMPLE}')
    base = path.rstrip("/")
    if "//" in base:
        raise ValueError(f'must hold no "//" in its path {_EXAMPLE}')
    return base


def _check(text: str) -> str:
    parse_url(text)
    return text


UrlText = Annotated[str, AfterValidator(_check)]
