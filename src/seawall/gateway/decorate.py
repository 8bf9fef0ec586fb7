"""What the gateway adds to an answer on its way to the client."""

from seawall.contracts.call import Call
from seawall.contracts.fields import rendered
from seawall.contracts.reply import Reply

__all__ = ["HTTP", "HTTPS", "VIA", "via", "with_own"]

_OWN = b"%b%bvia: 1.1 seawall\r\nx-request-id: %b\r\nserver-timing: %b\r\n"
VIA = (b"via", b"1.1 seawall")
HTTP = (b"x-forwarded-proto", b"http")
HTTPS = (b"x-forwarded-proto", b"https")


def via(seen: bytes) -> tuple[bytes, bytes]:
    """Return the Via header with this hop added (RFC 9110 section 7.6.3)."""
    return (b"via", seen + b", 1.1 seawall")


def with_own(reply: Reply, call: Call, now: float) -> None:
    """Add its marks, Via, X-Request-Id and Server-Timing to an upstream's answer, in place.

    Server-Timing shows our own time, the upstream's and what policies noted: numbers and fixed words only, never
    anything of the request (security.md 10).

    Args:
        reply: whose list of headers is nobody else's.
        call: it answers.
        now: seconds on the monotonic clock.
    """
    run = call.run
    headers, ready = reply.headers, reply.ready
    upstream_ms = run.wire_time * 1000
    own_ms = (now - run.started) * 1000 - upstream_ms
    timing = b"seawall;dur=%.1f, upstream;dur=%.1f" % (own_ms if own_ms > 0 else 0.0, upstream_ms)
    if run.attempts > 1:
        timing += b', attempts;desc="%d"' % run.attempts
    if run.notes:
        timing += b"".join(map(_note, run.notes))
    request_id = call.request_id.encode("ascii")
    marks = b""
    # words of policies are judged like any header, and so is all of an answer of which nothing is known
    known = ready is not None and ready[0] is headers and ready[2] == len(headers) and not run.notes
    if reply.marks is not None:
        headers += reply.marks
        written = rendered(reply.marks) if known else None
        known = written is not None
        marks = written or b""
    headers += (VIA, (b"x-request-id", request_id), (b"server-timing", timing))
    if ready is not None and known:
        reply.ready = (headers, _OWN % (ready[1], marks, request_id, timing), len(headers))


def _note(note: tuple[str, float | None, str]) -> bytes:
    name, seconds, text = note
    out = b", " + name.encode("ascii")
    if seconds is not None:
        out += b";dur=%.1f" % (seconds * 1000)
    if text:
        out += b';desc="%b"' % text.encode("ascii", "replace").replace(b'"', b"'").replace(b"\\", b"/")
    return out
