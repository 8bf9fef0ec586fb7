"""One line of a spool: a checksum, a mark, and a row or the id of one; a torn or foreign line is nobody's."""

from collections.abc import Iterator
from decimal import Decimal
from zlib import crc32

import orjson

from seawall.contracts.ledger import Row
from seawall.contracts.usage import Usage

__all__ = ["RELEASED", "RESERVED", "SETTLED", "line_of", "lines_in"]

RESERVED, SETTLED, RELEASED = b"R", b"S", b"F"
_MARKS = (RESERVED, SETTLED, RELEASED)
_USAGE, _COST, _RESERVED, _PRICES = map(Row._fields.index, ("usage", "cost", "reserved", "prices"))


def line_of(mark: bytes, what: Row | str) -> bytes:
    """Return the line of a row, or of an id where a reservation is released."""
    if isinstance(what, str):
        text = mark + orjson.dumps(what)
    else:
        values: list[object] = list(what)
        values[_USAGE] = [*what.usage]
        values[_COST] = str(what.cost)
        values[_RESERVED] = str(what.reserved)
        if type(what.prices) is not dict:
            values[_PRICES] = dict(what.prices)
        text = mark + orjson.dumps(values)
    return b"%08x%b\n" % (crc32(text), text)


def lines_in(text: bytes) -> Iterator[tuple[bytes, Row | str]]:
    """Yield mark and content of every whole line; what fails its checksum is left out."""
    for line in text.split(b"\n"):
        body = line[8:]
        if len(body) < 2 or body[:1] not in _MARKS or b"%08x" % crc32(body) != line[:8]:
            continue
        what = orjson.loads(body[1:])
        yield body[:1], what if isinstance(what, str) else _row(what)


def _row(values: list[object]) -> Row:
    values[_USAGE] = Usage(*values[_USAGE])  # type: ignore[misc]  # the checksum says that we wrote it
    values[_COST] = Decimal(str(values[_COST]))
    values[_RESERVED] = Decimal(str(values[_RESERVED]))
    return Row(*values)  # type: ignore[arg-type]  # the checksum says that we wrote it
