"""What a plain call costs: a price per call, or the one its answer tells in a header or at a JSON pointer."""

from decimal import Decimal, InvalidOperation
from typing import Any

import orjson

from seawall.contracts.bill import STANDARD, Terms
from seawall.contracts.body import Headers
from seawall.contracts.usage import Usage

__all__ = ["PlainBill", "parse_told"]

_LARGEST = 1 << 20  # bytes of an answer that are looked through for its price
_LONGEST = 40  # characters of a price; one has about ten
_MOST = Decimal(10**6)


def parse_told(value: object) -> Decimal | None:
    """Return US dollars that an answer tells, None where it is no amount from nothing to a million."""
    if isinstance(value, bool) or not isinstance(value, str | int | float):
        return None
    text = str(value)
    if len(text) > _LONGEST:
        return None
    try:
        amount = Decimal(text)
    except InvalidOperation:
        return None
    return amount if amount.is_finite() and 0 <= amount <= _MOST else None


class _NoMeter:
    """A meter of calls whose price is fixed: one for all, it remembers nothing."""

    def head(self, status: int, headers: Headers) -> None:
        """See nothing."""

    def feed(self, chunk: bytes) -> None:
        """See nothing."""

    def usage(self) -> Usage | None:
        """Return None: there are no tokens."""
        return None

    def begun(self) -> Usage | None:
        """Return None: there are no tokens."""
        return None

    def seen(self) -> int:
        """Return 0: there are no tokens."""
        return 0

    def price(self) -> Decimal | None:
        """Return None: the bill's own price counts."""
        return None

    def terms(self) -> Terms:
        """Return none but the usual."""
        return STANDARD


class _HeaderMeter(_NoMeter):
    """Reads the price from a header."""

    __slots__ = ("_name", "_price")

    def __init__(self, name: bytes) -> None:
        self._name = name
        self._price: Decimal | None = None

    def head(self, status: int, headers: Headers) -> None:
        """Read the header."""
        for name, value in headers:
            if name == self._name:
                self._price = parse_told(value.decode("latin-1").strip())
                return

    def price(self) -> Decimal | None:
        """Return what the header told."""
        return self._price


class _PointerMeter(_NoMeter):
    """Reads the price from a JSON answer once it is whole (RFC 6901)."""

    __slots__ = ("_body", "_path")

    def __init__(self, path: tuple[str, ...]) -> None:
        self._path = path
        self._body: bytearray | None = bytearray()

    def feed(self, chunk: bytes) -> None:
        """Keep the body, up to a bound."""
        body = self._body
        if body is not None:
            body += chunk
            if len(body) > _LARGEST:
                self._body = None

    def price(self) -> Decimal | None:
        """Return what stands at the pointer."""
        if not self._body:
            return None
        try:
            found: Any = orjson.loads(self._body)
            for part in self._path:
                found = found[int(part)] if isinstance(found, list) else found[part]
        except (ValueError, LookupError, TypeError):
            return None
        return parse_told(found)


_NO_METER = _NoMeter()


class PlainBill:
    """The bill of every call of an upstream or route with a price; bound once.

    Args:
        upstream: name in settings.
        call: US dollars; with a header or pointer what is reserved, and what counts where the answer tells none.
        header: of the answer, tells its price.
        pointer: into the answer's JSON.
    """

    __slots__ = (
        "_header", "_path", "alias", "beyond", "fixed", "input_bound", "model", "output_bound", "tier", "tools_bound",
        "upstream",
    )  # fmt: skip

    def __init__(self, upstream: str, call: Decimal, header: str | None = None, pointer: str | None = None) -> None:
        self.upstream = upstream
        self.model = ""
        self.alias = ""
        self.input_bound: int | None = 0
        self.output_bound = 0
        self.fixed = call
        self.tier = self.beyond = ""
        self.tools_bound = 0
        self._header = (header or "").lower().encode("ascii")
        self._path = () if pointer is None else tuple(map(_unescaped, pointer.split("/")[1:]))

    def meter(self) -> _NoMeter:
        """Return a meter for one more attempt."""
        if self._header:
            return _HeaderMeter(self._header)
        return _PointerMeter(self._path) if self._path else _NO_METER


def _unescaped(part: str) -> str:
    return part.replace("~1", "/").replace("~0", "~")
