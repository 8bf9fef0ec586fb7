"""Answers made of a kept one: whole, a range of it, only its head, or that nothing has changed."""

from seawall.contracts.body import Headers
from seawall.contracts.reply import Reply
from seawall.policies.cache.entry import Entry
from seawall.policies.cache.key import Asked
from seawall.policies.cache.ranges import if_range_holds, wanted
from seawall.policies.cache.validation import not_modified

__all__ = ["answer", "unchanged"]


def answer(entry: Entry, asked: Asked, head_only: bool, age: float, member: bytes, wall: float) -> Reply:
    """Return the reply to a request from a kept answer, Age included (RFC 9111 section 5.1).

    Args:
        entry: what is kept.
        asked: what the client has and wants (sections 3.4 and 4.3.2).
        head_only: the request is HEAD.
        age: seconds.
        member: ours of Cache-Status.
        wall: seconds since the epoch.
    """
    headers = [*entry.headers, (b"age", b"%d" % age), (b"cache-status", member)]
    if (asked.if_none_match is not None or asked.if_modified_since is not None) and not_modified(asked, entry, wall):
        return unchanged(headers)
    body = entry.body
    if head_only:
        return Reply(entry.status, headers, b"", len(body))
    if asked.range is not None and entry.status == 200 and if_range_holds(asked.if_range, entry):
        found = wanted(asked.range, len(body))
        if found is not None:
            return _part(headers, body, *found)
    return Reply(entry.status, headers, body)


def unchanged(headers: Headers) -> Reply:
    """Return the 304 of an answer with these headers, without those that only describe its body.

    RFC 9110 section 15.4.5.
    """
    return Reply(304, [pair for pair in headers if not _describes(pair[0])])


def _describes(name: bytes) -> bool:
    if name[:8] == b"content-":
        return name not in (b"content-location", b"content-security-policy")
    return name == b"accept-ranges"


def _part(headers: Headers, body: bytes, start: int, end: int) -> Reply:
    size = len(body)
    if start == end:
        kept = [pair for pair in headers if not _describes(pair[0])]
        return Reply(416, [*kept, (b"content-range", b"bytes */%d" % size)])  # RFC 9110 section 15.5.17
    return Reply(206, [*headers, (b"content-range", b"bytes %d-%d/%d" % (start, end - 1, size))], body[start:end])
