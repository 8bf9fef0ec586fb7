"""TLS to PostgreSQL as `sslmode` in its address asks for, made once and off the loop.

The driver would look for certificates in the home directory at each connection, on the loop.
Source: libpq, "SSL Support", table of sslmode values.
"""

import ssl
from urllib.parse import parse_qs, urlsplit

from seawall.contracts.errors import SettingsError

__all__ = ["MODES", "tls_of"]

MODES = ("disable", "prefer", "require", "verify-ca", "verify-full")


def tls_of(url: str) -> tuple[ssl.SSLContext | None, ...]:
    """Return what to try in turn, None being a connection without TLS; reads files.

    Args:
        url: `postgresql://…?sslmode=verify-full&sslrootcert=/etc/ca.pem`; without sslmode it is `prefer`: encrypted
            where the server can, unverified, else in the clear; and none to this machine itself.

    Raises:
        SettingsError: the mode is none, or the file of authorities cannot be used.
    """
    parts = urlsplit(url)
    query = parse_qs(parts.query)
    local = parts.hostname in ("127.0.0.1", "localhost", "::1")
    mode = query.get("sslmode", ["disable" if local else "prefer"])[-1]
    if mode not in MODES:
        raise SettingsError([f'ledger.url: sslmode must be one of {", ".join(MODES)} (for example "verify-full")'])
    if mode == "disable":
        return (None,)
    context = _context(mode, query.get("sslrootcert", [None])[-1])
    return (context, None) if mode == "prefer" else (context,)


def _context(mode: str, authorities: str | None) -> ssl.SSLContext:
    try:
        context = ssl.create_default_context(cafile=authorities)
    except OSError as error:
        reason = error.strerror or type(error).__name__
        raise SettingsError([f"ledger.url: sslrootcert must be a PEM file with certificates, {reason}"]) from error
    if mode != "verify-full":
        context.check_hostname = False
    if not mode.startswith("verify"):
        context.verify_mode = ssl.CERT_NONE  # what `require` means to every client of PostgreSQL
    return context
