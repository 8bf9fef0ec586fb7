"""A range of a whole answer that is kept (RFC 9110 section 14, RFC 9111 section 3.4)."""

from seawall.policies.cache.entry import Entry

__all__ = ["if_range_holds", "wanted"]

_LONGEST = 18  # digits


def wanted(value: bytes, size: int) -> tuple[int, int] | None:
    """Return first byte and end (exclusive) of the one range asked for; None where Range is to be ignored.

    Ignored is another unit, what does not parse, and more than one range (RFC 9110 section 14.2 allows it). A range
    that cannot be satisfied comes back empty, as `(size, size)`.

    Args:
        value: of Range.
        size: bytes there are.
    """
    unit, equals, spec = value.partition(b"=")
    if not equals or unit.strip().lower() != b"bytes" or b"," in spec:
        return None
    first, dash, last = spec.strip(b" \t").partition(b"-")
    if not dash or len(first) > _LONGEST or len(last) > _LONGEST:
        return None
    if not first:
        if not last.isdigit():
            return None
        return max(0, size - int(last)), size
    if not first.isdigit() or (last and not last.isdigit()):
        return None
    start = int(first)
    end = min(size, int(last) + 1) if last else size
    if last and int(last) < start:
        return None
    return (start, end) if start < size else (size, size)


def if_range_holds(value: bytes | None, entry: Entry) -> bool:
    """Whether the range may be given: If-Range is absent, or names what is kept strongly (section 13.1.5)."""
    if value is None:
        return True
    if value[:1] == b'"':
        return value == entry.etag
    # a date is strong only if the answer was made at least a second later; the letter must be the same
    return value == entry.last_modified and value != entry.header(b"date")
