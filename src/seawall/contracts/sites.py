"""Which web pages may use a door: a known Host, and no browser that acts for a foreign site (security.md 15)."""

from collections.abc import Iterable
from dataclasses import dataclass
from ipaddress import IPv4Address, IPv6Address, ip_address

from seawall.contracts.body import Headers

__all__ = ["ANY_ADDRESS", "Sites", "host_name", "known_hosts", "refused"]

# Stands in a set of hosts for "every address literal": no page can make a browser send one for a name of its own,
# so it is safe against rebinding, and a wildcard bind answers on addresses nobody lists. No header can hold it.
ANY_ADDRESS = b"\n"

_LOCAL = ("localhost", "127.0.0.1", "[::1]")
_HOST = "This gateway is not known under that Host"
_ORIGIN = "Calls from pages of that Origin are not allowed"
_CROSS = "Calls from pages of other sites are not allowed"


@dataclass(frozen=True, slots=True)
class Sites:
    """What a door lets in.

    Attributes:
        hosts: from `known_hosts`.
        origins: `scheme://host[:port]`, lower case, from `server.origins`.
    """

    hosts: frozenset[bytes]
    origins: frozenset[bytes] = frozenset()

    def host_refused(self, host: bytes) -> str | None:
        """Return why a Host is refused, or None."""
        if host in self.hosts:
            return None
        name = host_name(host)
        if name in self.hosts or (ANY_ADDRESS in self.hosts and _address(name) is not None):
            return None
        return _HOST

    def page_refused(self, host: bytes, origin: bytes | None, site: bytes | None) -> str | None:
        """Return why a page may not call, or None.

        Args:
            host: the Host header.
            origin: the Origin header; `null` is always refused, the door's own is allowed.
            site: the Sec-Fetch-Site header; `cross-site` is refused unless the origin is listed.
        """
        if origin is not None:
            origin = origin.lower()
            if origin != b"null" and origin in self.origins:
                return None
            scheme, _, authority = origin.partition(b"://")
            if scheme not in (b"http", b"https") or authority != host.lower():
                return _ORIGIN
        if site is not None and site.lower() not in (b"same-origin", b"same-site", b"none"):
            return _CROSS
        return None


def refused(headers: Headers, host: bytes, sites: Sites) -> str | None:
    """Return why a request is refused with 403, or None; of several Origin headers every one must be allowed."""
    reason = sites.host_refused(host)
    site = next((value for name, value in headers if name == b"sec-fetch-site"), None)
    origins: list[bytes | None] = [value for name, value in headers if name == b"origin"]
    for origin in origins or [None]:
        reason = reason or sites.page_refused(host, origin, site)
    return reason


def known_hosts(listen: str, port: int | None = None, hosts: Iterable[str] = ()) -> frozenset[bytes]:
    """Return the names a door is known under, lower case; those with `port` are there for speed, any port will do.

    Args:
        listen: the bound host or address literal, with or without brackets; `""` for a Unix or inherited socket.
        port: the bound port, if there is one.
        hosts: further names from settings; a port in one is ignored.
    """
    known = {name.encode() for name in _LOCAL}
    known.update(host_name(_ascii(host)) for host in hosts)
    address = _address(listen.encode("ascii", "ignore"))
    if address is not None and address.is_unspecified:
        known.add(ANY_ADDRESS)
    elif address is not None:
        known.add(f"[{address}]".encode() if address.version == 6 else f"{address}".encode())
    elif listen:
        known.add(_ascii(listen).lower())
    known.discard(b"")
    if port is not None:
        known.update(b"%s:%d" % (name, port) for name in tuple(known) if name != ANY_ADDRESS)
    return frozenset(known)


def host_name(host: bytes) -> bytes:
    """Return a Host value without its port and trailing dot, lower case; `b""` when it is not of that form."""
    end = host.find(b"]") + 1 if host.startswith(b"[") else host.find(b":")
    if end < 0:
        return host.lower().rstrip(b".")
    port = host[end + 1 :]
    if end == 0 or host[end : end + 1] not in (b"", b":") or (port and not port.isdigit()):
        return b""
    return host[:end].lower().rstrip(b".")


def _ascii(name: str) -> bytes:
    return name.encode("ascii" if name.isascii() else "idna")


def _address(text: bytes) -> IPv4Address | IPv6Address | None:
    try:
        return ip_address(text.strip(b"[]").decode("ascii"))
    except ValueError:
        return None
