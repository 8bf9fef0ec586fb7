"""Making a connection: resolve, check every address, dial what was checked (security.md 2)."""

import asyncio
import socket
import ssl
from collections.abc import Callable, Collection
from urllib.parse import urlsplit

from seawall.contracts.errors import AddressRefused, ConnectError, TlsError
from seawall.contracts.target import Target
from seawall.wire.connection import Connection
from seawall.wire.dns import Resolver
from seawall.wire.guard import canonical, classify
from seawall.wire.race import race
from seawall.wire.tls import Contexts
from seawall.wire.tunnel import open_tunnel

__all__ = ["Dialer", "Listeners"]

# Gives the (address, port) pairs this process listens on.
Listeners = Callable[[], Collection[tuple[str, int]]]


class Dialer:
    """Makes connections; knows which addresses may be dialled.

    Args:
        loop: the connections' loop.
        resolver: names to addresses.
        own: what we listen on; never dialled, whatever `allow_private` says, since such a call would come back to us.
    """

    def __init__(self, loop: asyncio.AbstractEventLoop, resolver: Resolver, own: Listeners) -> None:
        self._loop = loop
        self._resolver = resolver
        self._own = own
        self._contexts = Contexts(loop)

    async def dial(self, target: Target, new: Callable[[], Connection]) -> Connection:
        """Return a connection to `target`, its TLS handshake done and verified.

        Raises:
            DnsError: the name does not resolve.
            AddressRefused: every address it resolves to is refused.
            TlsError: the handshake failed, or the certificate is not trusted or not for this name.
            ConnectError: nobody answers there.
        """
        context = await self._contexts.get(target.ca) if target.scheme == "https" else None
        if target.proxy is not None:
            return await self._through_proxy(target, new, context)
        addresses = await self._resolver.addresses(target.host, target.port, target.dns_ttl)
        allowed = self._allowed(addresses, target.port, target.allow_private)

        async def connect(ip: str) -> Connection:
            return await self._connect(ip, target.port, new, context, target.host)

        return await race(self._loop, allowed, connect)

    def _allowed(self, addresses: Collection[str], port: int, private: bool) -> list[str]:
        """Return the addresses that may be dialled.

        Raises:
            AddressRefused: there is none; names the reason, never the address.
        """
        allowed = []
        reason = ""
        for ip in addresses:
            why = "our own listener" if self._is_own(ip, port) else None if private else classify(ip)
            if why is None:
                allowed.append(ip)
            else:
                reason = reason or why
        if not allowed:
            raise AddressRefused(f"The upstream's address is not allowed: {reason}")
        return allowed

    def _is_own(self, ip: str, port: int) -> bool:
        ports = [(host, own) for host, own in self._own() if own == port]
        if not ports:
            return False
        address = canonical(ip)
        if address.is_unspecified:  # dialled, it means this machine
            return True
        for host, _ in ports:
            own = canonical(host)
            if own == address or (own.is_unspecified and _is_local(str(address))):
                return True
        return False

    async def _connect(
        self, ip: str, port: int, new: Callable[[], Connection], context: ssl.SSLContext | None, name: str
    ) -> Connection:
        try:
            _, connection = await self._loop.create_connection(
                new, ip, port, ssl=context, server_hostname=name if context is not None else None
            )
        except ssl.SSLError as error:
            raise TlsError(_tls_detail(error)) from error
        except OSError as error:
            raise ConnectError from error
        return connection

    async def _through_proxy(
        self, target: Target, new: Callable[[], Connection], context: ssl.SSLContext | None
    ) -> Connection:
        """Return a connection by way of the forward proxy, which settings name and so may be private.

        The target's name is the proxy's to resolve; only a literal address can be checked here.
        """
        literal = _literal(target.host)
        if literal is not None:
            self._allowed((literal,), target.port, target.allow_private)
        url = urlsplit(target.proxy or "")
        if url.scheme != "http" or not url.hostname:
            raise ConnectError("The proxy is not of the form http://host:port")
        port = url.port or 80
        addresses = await self._resolver.addresses(url.hostname, port, target.dns_ttl)
        allowed = self._allowed(addresses, port, True)

        async def connect(ip: str) -> Connection:
            if context is None:
                return await self._connect(ip, port, new, None, "")
            return await open_tunnel(self._loop, (ip, port), target, new(), context)

        return await race(self._loop, allowed, connect)


def _tls_detail(error: ssl.SSLError) -> str:
    if isinstance(error, ssl.SSLCertVerificationError):
        return f"The upstream's certificate is not accepted: {error.verify_message}"
    return "The TLS handshake with the upstream failed"


def _literal(host: str) -> str | None:
    """Return the address a numeric host means, `127.1` and `0x7f.1` included, or None for a name."""
    if ":" in host:
        return host
    try:
        return socket.inet_ntoa(socket.inet_aton(host))
    except OSError:
        return None


def _is_local(ip: str) -> bool:
    """Whether `ip` is an address of this machine: only those can be bound."""
    family = socket.AF_INET6 if ":" in ip else socket.AF_INET
    with socket.socket(family, socket.SOCK_DGRAM) as probe:
        try:
            probe.bind((ip, 0))
        except OSError:
            return False
    return True
