"""Addresses of stores; a password in one never prints."""

from collections.abc import Callable
from typing import Annotated, Any
from urllib.parse import urlsplit

from pydantic import AfterValidator, BeforeValidator, PlainSerializer, WithJsonSchema

from seawall.config.kinds import secret_text
from seawall.contracts.secret import Secret
from seawall.stores.address import parse_address

__all__ = ["JobsUrl", "LedgerUrl", "PlainUrl", "SecretUrl", "StateUrl", "show_store"]


def show_store(address: Secret) -> str:
    """Return an address without its user, password and query."""
    text = address.reveal()
    scheme, mark, rest = text.partition("://")
    if "@" not in rest and "?" not in rest:
        return text
    place = rest.partition("?")[0].rpartition("@")
    return f"{scheme}{mark}{'***@' if place[1] else ''}{place[2]}{'?***' if '?' in rest else ''}"


def _of(*schemes: str, example: str) -> Callable[[Secret], Secret]:
    known = ", ".join(f"{scheme}://" for scheme in schemes)

    def check(address: Secret) -> Secret:
        text = address.reveal()
        scheme, mark, rest = text.partition("://")
        good = bool(mark) and scheme in schemes and text.isprintable() and " " not in text
        if good and scheme == "memory":
            good = not rest
        elif good and scheme == "sqlite":
            good = rest.startswith("/") and len(rest) > 1
        elif "redis" in scheme and "redis" in schemes:
            parse_address(text)
            return address
        elif good:
            good = _has_host(text)
        if not good:
            raise ValueError(f'must be an address of {known} (for example "{example}")')
        return address

    return check


def _has_host(text: str) -> bool:
    try:
        parts = urlsplit(text)
        return bool(parts.hostname) and parts.port != 0
    except ValueError:
        return False


def _schema(*schemes: str) -> dict[str, Any]:
    return {"type": "string", "pattern": f"^({'|'.join(schemes)})://"}


def _plain(text: str) -> str:
    if not text.startswith(("http://", "https://")) or not _has_host(text) or "@" in text or not text.isascii():
        raise ValueError(
            'must be an http:// or https:// address without a password (for example "http://127.0.0.1:4318")'
        )
    return text


def _secret(text: Secret) -> Secret:
    if not text.reveal().startswith(("http://", "https://")) or not _has_host(text.reveal()):
        raise ValueError('must be an http:// or https:// address (for example "${ALERT_WEBHOOK_URL:-}")')
    return text


_read = BeforeValidator(secret_text)
_show = PlainSerializer(show_store, return_type=str)
StateUrl = Annotated[
    Secret, _read, AfterValidator(_of("memory", "redis", "rediss", example="redis://127.0.0.1:6379/0")), _show,
    WithJsonSchema(_schema("memory", "redis", "rediss")),
]  # fmt: skip
LedgerUrl = Annotated[
    Secret, _read, AfterValidator(_of("memory", "sqlite", "postgresql", example="sqlite:///var/lib/seawall/ledger.db")),
    _show, WithJsonSchema(_schema("memory", "sqlite", "postgresql")),
]  # fmt: skip
JobsUrl = Annotated[
    Secret, _read, AfterValidator(_of("memory", "postgresql", example="postgresql://seawall@127.0.0.1/seawall")), _show,
    WithJsonSchema(_schema("memory", "postgresql")),
]  # fmt: skip
PlainUrl = Annotated[str, AfterValidator(_plain)]
SecretUrl = Annotated[
    Secret, _read, AfterValidator(_secret), PlainSerializer(repr, return_type=str), WithJsonSchema({"type": "string"}),
]  # fmt: skip
