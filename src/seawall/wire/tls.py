"""TLS to upstreams: always verified, one context per set of certificate authorities."""

import asyncio
import ssl

from seawall.contracts.errors import TlsError

__all__ = ["Contexts", "client_context"]


def client_context(ca: str | None) -> ssl.SSLContext:
    """Return a verifying context that trusts `ca`, a PEM file, or the system's authorities when None.

    Not `ssl.create_default_context`: that one writes every session's keys to the file named by SSLKEYLOGFILE, and no
    environment variable may give a key away (security.md 4).

    Raises:
        OSError: the file cannot be read (`ssl.SSLError` included: it holds no certificate).
    """
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)  # CERT_REQUIRED and check_hostname are its defaults
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    context.set_alpn_protocols(["http/1.1"])
    if ca is None:
        context.load_default_certs()
    else:
        context.load_verify_locations(cafile=ca)
    return context


class Contexts:
    """Contexts by certificate authority file; built off the loop, since reading a bundle takes milliseconds."""

    def __init__(self, loop: asyncio.AbstractEventLoop) -> None:
        self._loop = loop
        self._kept: dict[str | None, ssl.SSLContext] = {}

    async def get(self, ca: str | None) -> ssl.SSLContext:
        """Return the context for `ca`.

        Raises:
            TlsError: the file cannot be read or holds no certificate.
        """
        context = self._kept.get(ca)
        if context is None:
            try:
                context = await self._loop.run_in_executor(None, client_context, ca)
            except OSError as error:
                raise TlsError("The certificate authorities of this upstream cannot be read") from error
            self._kept[ca] = context
        return context
