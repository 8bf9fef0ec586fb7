"""Addresses of shared state: taken apart once, so that a password never travels in a text (security.md 10)."""

from typing import NamedTuple
from urllib.parse import SplitResult, parse_qsl, unquote, urlsplit

from seawall.contracts.secret import Secret

__all__ = ["Address", "parse_address"]

_EXAMPLE = '(for example "redis://127.0.0.1:6379/0")'
_PORT = 6379
_DATABASES = 1 << 16
_FILES = ("ca", "certificate", "key")


class Address(NamedTuple):
    """One primary of Redis or Valkey.

    Attributes:
        host, port: of it; an IPv6 address without brackets.
        database: its number.
        user: `""` for the default one.
        password: empty for none.
        tls: whether the connection is encrypted.
        ca: PEM file of the authority that signed its certificate, `""` for the system's.
        certificate, key: PEM files the client shows, `""` for none.
    """

    host: str
    port: int
    database: int
    user: str
    password: Secret
    tls: bool
    ca: str = ""
    certificate: str = ""
    key: str = ""

    @property
    def place(self) -> str:
        """What may be shown."""
        host = f"[{self.host}]" if ":" in self.host else self.host
        return f"{'rediss' if self.tls else 'redis'}://{host}:{self.port}/{self.database}"


def parse_address(text: str) -> Address:
    """Return the parts of `redis://` or `rediss://` `[user][:password]@host[:port][/database][?ca=file]`.

    Raises:
        ValueError: it is none, or means a cluster or sentinels; the message holds nothing of it.
    """
    scheme, mark, rest = text.partition("://")
    if "cluster" in scheme or "sentinel" in scheme:
        raise ValueError(f"must be one primary, clusters and sentinels are not supported {_EXAMPLE}")
    if not mark or scheme not in ("redis", "rediss") or not text.isprintable() or " " in text:
        raise ValueError(f"must be an address of redis:// or rediss:// {_EXAMPLE}")
    if "," in rest.rpartition("@")[2].partition("?")[0].partition("/")[0]:
        raise ValueError(f"must name one host, the primary; clusters and sentinels are not supported {_EXAMPLE}")
    try:
        parts = urlsplit(text)
        port = parts.port
    except ValueError:
        parts, port = SplitResult("", "", "", "", ""), 0
    if not parts.hostname or port == 0:
        raise ValueError(f"must hold a host and a port from 1 to 65535 {_EXAMPLE}")
    if parts.fragment:
        raise ValueError(f"must hold no #; in a password it is written %23 {_EXAMPLE}")
    tls = scheme == "rediss"
    files = _options(parts.query, tls)
    return Address(
        parts.hostname,
        port or _PORT,
        _database(parts.path),
        unquote(parts.username or ""),
        Secret(unquote(parts.password or "")),
        tls,
        **files,
    )


def _database(path: str) -> int:
    number = path.removeprefix("/")
    if not number:
        return 0
    if not (number.isascii() and number.isdigit()) or int(number) >= _DATABASES:
        raise ValueError(f"must hold the number of a database after the host {_EXAMPLE}")
    return int(number)


def _options(query: str, tls: bool) -> dict[str, str]:
    found = dict(parse_qsl(query, keep_blank_values=True))
    example = '(for example "rediss://redis.lan:6380/0?ca=/etc/seawall/redis-ca.pem")'
    if set(found) - set(_FILES) or not all(found.values()):
        raise ValueError(f"may hold the options ca, certificate and key, each a PEM file {example}")
    if found and not tls:
        raise ValueError(f"must be rediss:// where it names ca, certificate or key {example}")
    if ("certificate" in found) != ("key" in found):
        raise ValueError(f"must name certificate and key together {example}")
    return found
