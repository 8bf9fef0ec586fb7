"""Raw paths: what is refused, and what a pattern of settings is compared with (security.md 1)."""

from urllib.parse import unquote_to_bytes

__all__ = ["climbs", "comparable"]

# A path that is still encoded after so many rounds is nobody's file name.
_ROUNDS = 3


def climbs(path: bytes) -> bool:
    """Whether a path holds a `..` segment in any spelling an upstream might resolve.

    Such a path may leave the configured base or meet another route's policies than the resource it names, so it is
    refused whether or not it climbs that far; clients resolve dot segments themselves (RFC 3986 section 5.2.4).

    Args:
        path: raw path without the query.
    """
    if b".." not in path and b"%" not in path:
        return False
    for _ in range(_ROUNDS):
        for segment in path.replace(b"\\", b"/").split(b"/"):
            # parameters (RFC 3986 section 3.3) are no part of the name, nor, for upstreams in C, what follows a NUL
            if segment.replace(b"\0", b";").split(b";", 1)[0] == b"..":
                return True
        decoded = unquote_to_bytes(path)
        if decoded == path:
            return False
        path = decoded
    return True


def comparable(path: bytes) -> bytes:
    """Return the path as patterns are compared with it: percent-encoding undone once, so that no spelling of a
    path escapes its route's policies; an encoded slash stays encoded, since it does not separate segments.
    """
    if b"%" not in path:
        return path
    return b"%2F".join(unquote_to_bytes(part) for part in path.replace(b"%2f", b"%2F").split(b"%2F"))
