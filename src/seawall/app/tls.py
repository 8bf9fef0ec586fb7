"""The certificate clients see, and the authorities upstreams are trusted by."""

import ssl
from collections.abc import Iterable

from seawall.config import ResolvedUpstream
from seawall.config.server import TlsSettings
from seawall.contracts.errors import SettingsError
from seawall.wire.tls import client_context

__all__ = ["check_authorities", "server_context"]


def server_context(settings: TlsSettings | None) -> ssl.SSLContext | None:
    """Return the context of `server.tls`, None without it.

    Raises:
        SettingsError: a file cannot be read or does not hold what it should.
    """
    if settings is None:
        return None
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    context.set_alpn_protocols(["http/1.1"])
    try:
        context.load_cert_chain(settings.certificate, settings.key)
    except (OSError, ssl.SSLError) as error:
        reason = error.strerror or type(error).__name__
        raise SettingsError(
            [f"server.tls: certificate and key must be PEM files that fit each other, {reason}"]
        ) from error
    return context


def check_authorities(upstreams: Iterable[ResolvedUpstream]) -> None:
    """Read every `ca` once, so that one that would fail each call is told before the first.

    Raises:
        SettingsError: a file cannot be read or holds no certificate; lists all of them.
    """
    faults = []
    for upstream in upstreams:
        for ca in sorted({target.ca for target in upstream.targets if target.ca is not None}):
            try:
                client_context(ca)
            except OSError as error:
                reason = error.strerror or type(error).__name__
                faults.append(f"upstreams.{upstream.name}.ca: must be a PEM file with certificates, got {ca}, {reason}")
    if faults:
        raise SettingsError(faults)
