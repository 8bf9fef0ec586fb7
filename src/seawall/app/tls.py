"""The certificate clients see."""

import ssl

from seawall.config.server import TlsSettings
from seawall.contracts.errors import SettingsError

__all__ = ["server_context"]


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
