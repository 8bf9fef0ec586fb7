"""Kept answers for tests of the app."""

from seawall.policies.cache import Entry

__all__ = ["entry"]


def entry(size: int = 1000) -> Entry:
    """Return one that is accounted with `size` bytes."""
    return Entry(
        status=200, headers=[], body=b"", names=(), variant=b"", born=0.0, lifetime=60.0, fresh_until=60.0,
        no_cache=False, never_stale=False, shared_age=False, swr=0.0, sie=0.0, asked_swr=False, etag=None,
        last_modified=None, modified=None, stored=0.0, size=size,
    )  # fmt: skip
