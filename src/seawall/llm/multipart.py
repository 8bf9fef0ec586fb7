"""The text fields of a form (RFC 7578) and where their values stand; files are passed over, not read."""

from typing import NamedTuple

from seawall.llm.seam import NotUnderstood

__all__ = ["Span", "fields", "replaced"]

_MOST_PARTS = 64
_MOST_HEAD = 4096


class Span(NamedTuple):
    """Where a field's value stands: `body[start:end]`."""

    start: int
    end: int


def fields(content_type: bytes, body: bytes) -> dict[str, list[Span]]:
    """Return the spans of every field that is no file, by name.

    Args:
        content_type: with its boundary.
        body: whole.

    Raises:
        NotUnderstood: it is no form, or one with too many parts.
    """
    mark = b"--" + _boundary(content_type)
    found: dict[str, list[Span]] = {}
    at = 0 if body.startswith(mark) else body.find(b"\r\n" + mark) + 2
    for _ in range(_MOST_PARTS):
        after = at + len(mark)
        if at < 0 or body[at:after] != mark or body[after : after + 2] == b"--":
            break
        end = body.find(b"\r\n" + mark, after)
        head_end = body.find(b"\r\n\r\n", after, after + _MOST_HEAD)
        if end < 0 or not after <= head_end <= end:
            raise NotUnderstood("The form is cut off or one of its parts has no head (RFC 7578)")
        name = _name(body[after:head_end])
        if name is not None:
            found.setdefault(name, []).append(Span(head_end + 4, max(end, head_end + 4)))
        at = end + 2
    else:
        raise NotUnderstood(f"The form has more than {_MOST_PARTS} parts")
    if not found:
        raise NotUnderstood("The form has no text field; at least model is needed")
    return found


def replaced(body: bytes, spans: list[Span], value: bytes) -> bytes:
    """Return the body with other bytes at `spans`, which are in order."""
    pieces: list[bytes] = []
    at = 0
    for span in spans:
        pieces += (body[at : span.start], value)
        at = span.end
    return b"".join((*pieces, body[at:]))


def _boundary(content_type: bytes) -> bytes:
    for parameter in content_type.split(b";")[1:]:
        name, _, value = parameter.strip().partition(b"=")
        value = value.strip(b'"')
        if name.lower() == b"boundary" and 0 < len(value) <= 70:
            return value
    raise NotUnderstood("The form's content type has no boundary (RFC 2046 section 5.1.1)")


def _name(head: bytes) -> str | None:
    """Return the name of a field, None for a file or a part without one."""
    for line in head.split(b"\r\n"):
        field, _, value = line.partition(b":")
        if field.strip().lower() != b"content-disposition":
            continue
        parameters = [one.strip() for one in value.split(b";")[1:]]
        if any(one.lower().startswith((b"filename=", b"filename*=")) for one in parameters):
            return None
        for one in parameters:
            if one.lower().startswith(b"name="):
                return one[5:].strip(b'"').decode("utf-8", "replace")
    return None
