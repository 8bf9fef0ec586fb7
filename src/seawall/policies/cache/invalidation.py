"""What an answer to an unsafe request makes invalid (RFC 9111 section 4.4)."""

from urllib.parse import urlsplit

from seawall.contracts.body import Headers
from seawall.contracts.target import Target

__all__ = ["invalidated"]

_USUAL = {"http": 80, "https": 443}


def invalidated(path: bytes, status: int, headers: Headers, target: Target, public: bytes, mount: bytes) -> list[bytes]:
    """Return the raw paths whose answers are no longer good.

    Args:
        path: raw path and query of the request, as the upstream's own.
        status: of the answer; an error invalidates nothing.
        headers: of the answer; Location and Content-Location count where they are of the same origin.
        target: that answered.
        public: the name and port the client asked for, under which an upstream may write its links; `b""` unknown.
        mount: raw path prefix under which the client sees the upstream.
    """
    if not 200 <= status < 400:
        return []
    paths = [path]
    for name, value in headers:
        if name in (b"location", b"content-location"):
            found = _local(path, value, target, public, mount)
            if found is not None and found not in paths:
                paths.append(found)
    return paths


def _local(path: bytes, link: bytes, target: Target, public: bytes, mount: bytes) -> bytes | None:
    """Return the upstream's raw path a link leads to, or None where it leads to another origin."""
    try:
        # the request's path as the upstream saw it; urljoin would drop what is not decodable
        parts = urlsplit(link.strip(b" \t").decode("ascii"))
        port = parts.port
    except ValueError:
        return None
    if parts.netloc:
        base = _base(parts.scheme or target.scheme, parts.hostname or "", port, target, public, mount)
        if base is None:
            return None
        found = parts.path or "/"
    elif parts.scheme:
        return None
    else:
        base = target.base
        found = _absolute((target.base + path).decode("latin-1"), parts.path, parts.query)
    raw = found.encode("latin-1")
    if base:
        if not raw.startswith(base) or raw[len(base) : len(base) + 1] not in (b"", b"/"):
            return None
        raw = raw[len(base) :] or b"/"
    return raw + (b"?" + parts.query.encode("latin-1") if parts.query else b"")


def _base(scheme: str, host: str, port: int | None, target: Target, public: bytes, mount: bytes) -> bytes | None:
    """Return what stands before the upstream's paths under an origin, None where it is not ours."""
    usual = _USUAL.get(scheme)
    if usual is None:
        return None
    if (scheme, host, port or usual) == (target.scheme, target.host, target.port):
        return target.base
    if public:
        try:
            known = urlsplit("//" + public.decode("ascii"))
            same = host == known.hostname and port == known.port
        except ValueError:
            return None
        if same:
            return mount
    return None


def _absolute(request: str, link: str, query: str) -> str:
    """Return the path of a relative link (RFC 3986 section 5.2, without scheme and authority)."""
    own = request.partition("?")[0]
    if not link:
        return own
    if link.startswith("/"):
        return _without_dots(link)
    return _without_dots(own.rpartition("/")[0] + "/" + link)


def _without_dots(path: str) -> str:
    out: list[str] = []
    segments = path.split("/")
    for segment in segments:
        if segment == "..":
            if len(out) > 1:
                out.pop()
        elif segment != ".":
            out.append(segment)
    if segments[-1] in (".", ".."):
        out.append("")
    return "/".join(out)
