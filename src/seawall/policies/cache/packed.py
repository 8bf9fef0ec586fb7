"""A kept answer as bytes, to cross machines; what cannot be read back is as none."""

from typing import Any

import orjson

from seawall.policies.cache.entry import Entry, cost

__all__ = ["pack", "unpack"]

_FORM = 1  # another number is another program's


def pack(entry: Entry, now: float) -> bytes:
    """Return an answer as bytes, its age as of `now`, monotonic seconds."""
    head = {
        "form": _FORM,
        "status": entry.status,
        "headers": [(name.decode("latin-1"), value.decode("latin-1")) for name, value in entry.headers],
        "names": [name.decode("latin-1") for name in entry.names],
        "variant": entry.variant.hex(),
        "age": now - entry.born,
        "lifetime": entry.lifetime,
        "no_cache": entry.no_cache,
        "never_stale": entry.never_stale,
        "shared_age": entry.shared_age,
        "swr": entry.swr,
        "sie": entry.sie,
        "asked_swr": entry.asked_swr,
        "etag": _text(entry.etag),
        "last_modified": _text(entry.last_modified),
        "modified": entry.modified,
        "stored": entry.stored,
    }
    return orjson.dumps(head) + b"\n" + entry.body


def unpack(data: bytes, since: float, now: float) -> Entry | None:
    """Return the answer, or None.

    Args:
        data: of `pack`.
        since: seconds that have passed since then, on the store's clock.
        now: monotonic seconds of this machine.
    """
    head, mark, body = data.partition(b"\n")
    try:
        fields: dict[str, Any] = orjson.loads(head)
        return _entry(fields, body, since, now) if mark and fields["form"] == _FORM else None
    except (ValueError, KeyError, TypeError):
        return None


def _entry(fields: dict[str, Any], body: bytes, since: float, now: float) -> Entry:
    headers = [(name.encode("latin-1"), value.encode("latin-1")) for name, value in fields["headers"]]
    born, lifetime = now - max(0.0, since) - float(fields["age"]), float(fields["lifetime"])
    no_cache = bool(fields["no_cache"])
    return Entry(
        status=int(fields["status"]),
        headers=headers,
        body=body,
        names=tuple(name.encode("latin-1") for name in fields["names"]),
        variant=bytes.fromhex(fields["variant"]),
        born=born,
        lifetime=lifetime,
        fresh_until=float("-inf") if no_cache else born + lifetime,
        no_cache=no_cache,
        never_stale=bool(fields["never_stale"]),
        shared_age=bool(fields["shared_age"]),
        swr=float(fields["swr"]),
        sie=float(fields["sie"]),
        asked_swr=bool(fields["asked_swr"]),
        etag=_bytes(fields["etag"]),
        last_modified=_bytes(fields["last_modified"]),
        modified=None if fields["modified"] is None else float(fields["modified"]),
        stored=float(fields["stored"]),
        size=cost(headers, len(body)),
    )


def _text(value: bytes | None) -> str | None:
    return None if value is None else value.decode("latin-1")


def _bytes(value: str | None) -> bytes | None:
    return None if value is None else value.encode("latin-1")
