"""RFC 9111 section 4.3: conditions asked upstream, and those of clients."""

from cache_exchange import Case, cases

__all__ = ["CASES"]


def updated(name: str, *, taken: bool) -> Case:
    """Return the case of a header that a 304 changes, or not."""
    text = f'> GET /a\n< 200 | Cache-Control: max-age=10 | ETag: "1" | {name}: old\n= 200\n+ 30\n'
    then = f"= 200 | {name}: {'new' if taken else 'old'}"
    text += (
        f'> GET /a\n< 304 | Cache-Control: max-age=60 | ETag: "1" | {name}: new\n{then}\n> GET /a\n{then} | "answer 1"'
    )
    return Case("9111 3.2", f"a 304 {'changes' if taken else 'does not change'} {name}", text)


TEXT = r"""
9111 4.3.1: a stale answer is validated by its entity tag and date
    > GET /a
    < 200 | Cache-Control: max-age=10 | ETag: "1" | Last-Modified: {-100}
    = 200
    + 30
    > GET /a
    ? If-None-Match: "1" | If-Modified-Since: {-100}
    < 304 | ETag: "1"
    = 200 | "answer 1" | Age: 0
9111 4.3.1: a weak entity tag is asked with as it is
    > GET /a
    < 200 | Cache-Control: max-age=0 | ETag: W/"1"
    = 200
    > GET /a
    ? If-None-Match: W/"1" | -If-Modified-Since
    < 304 | ETag: W/"1"
    = 200 | "answer 1"
9111 4.3.1: no entity tag, only the date
    > GET /a
    < 200 | Cache-Control: max-age=0 | Last-Modified: {-100}
    = 200
    > GET /a
    ? If-Modified-Since: {-100} | -If-None-Match
    < 304
    = 200 | "answer 1"
9111 4.3.1: no validator, no condition
    > GET /a
    < 200 | Cache-Control: max-age=10
    = 200
    + 30
    > GET /a
    ? -If-None-Match | -If-Modified-Since
    < 200
    = 200
9111 4.3.1: an answer that says nothing but has a validator is validated each time
    > GET /a
    < 200 | ETag: "1"
    = 200
    > GET /a
    ? If-None-Match: "1"
    < 304 | ETag: "1"
    = 200 | "answer 1"
9111 4.3.1: a client's own tag is asked about as well
    > GET /a
    < 200 | Cache-Control: max-age=10 | ETag: "1" | Last-Modified: {-100}
    = 200
    + 30
    > GET /a | If-None-Match: "2"
    ? If-None-Match: "1", "2"
    < 304 | ETag: "1"
    = 200 | "answer 1"
9111 4.3.1: a client's own tag that is confirmed is told to that client only
    > GET /a
    < 200 | Cache-Control: max-age=10 | ETag: "1" | Last-Modified: {-100}
    = 200
    + 30
    > GET /a | If-None-Match: "2"
    < 304 | ETag: "2"
    = 304 | ETag: "2"
    > GET /a
    < 304 | ETag: "1"
    = 200 | "answer 1"
9111 4.3.1: a client's tag is passed on where nothing is kept
    > GET /a | If-None-Match: "1"
    ? If-None-Match: "1"
    < 304 | ETag: "1"
    = 304
9111 4.3.1: after that the answer itself is asked for, once for all
    > GET /a | If-None-Match: "1"
    < 304 | ETag: "1"
    = 304
    > GET /a | If-None-Match: "1"
    ? -If-None-Match
    < 200 | ETag: "1" | Cache-Control: max-age=60
    = 304
    > GET /a
    = 200 | "answer 2"
9111 4.3.4: a 304 without a validator is about nothing where a client's tag was asked about too
    > GET /a
    < 200 | Cache-Control: max-age=10 | ETag: "1"
    = 200
    + 30
    > GET /a | If-None-Match: "2"
    ? If-None-Match: "1", "2"
    < 304 | X: y
    ? -If-None-Match
    < 200 | ETag: "2" | Cache-Control: max-age=60
    = 304 | ETag: "2"
    > GET /a
    = 200 | "answer 3"
9111 5.2.2.4: no-cache is validated every time
    > GET /a
    < 200 | Cache-Control: no-cache, max-age=60 | ETag: "1"
    = 200
    > GET /a
    ? If-None-Match: "1"
    < 304 | ETag: "1" | Cache-Control: no-cache
    = 200 | "answer 1"
    > GET /a
    < 304 | ETag: "1"
    = 200
9111 4.3.3: a full answer takes the place of what was kept
    > GET /a
    < 200 | Cache-Control: max-age=10 | ETag: "1" | Last-Modified: {-100}
    = 200
    + 30
    > GET /a
    < 200 | Cache-Control: max-age=60 | ETag: "2"
    = 200 | "answer 2"
    > GET /a
    = 200 | "answer 2" | ETag: "2"
9111 4.3.3: a full answer that may not be kept takes it away
    > GET /a
    < 200 | Cache-Control: max-age=10 | ETag: "1" | Last-Modified: {-100}
    = 200
    + 30
    > GET /a
    < 200 | Cache-Control: no-store
    = 200 | "answer 2"
    > GET /a
    ? -If-None-Match
    < 200
    = 200 | "answer 3"
9111 4.3.3: an answer that it is gone takes it away
    > GET /a
    < 200 | Cache-Control: max-age=10 | ETag: "1" | Last-Modified: {-100}
    = 200
    + 30
    > GET /a
    < 404 | X: y
    = 404
    > GET /a
    ? -If-None-Match
    < 200
    = 200
9111 4.3.3: a server error leaves it
    > GET /a
    < 200 | Cache-Control: max-age=10 | ETag: "1" | Last-Modified: {-100}
    = 200
    + 30
    > GET /a
    < 500 | X: y
    = 500
    > GET /a
    ? If-None-Match: "1"
    < 304 | ETag: "1"
    = 200 | "answer 1"
9111 4.3.4: a 304 with another entity tag is no answer and is asked again
    > GET /a
    < 200 | Cache-Control: max-age=10 | ETag: "1" | Last-Modified: {-100}
    = 200
    + 30
    > GET /a
    < 304 | ETag: "9"
    < 200 | ETag: "9" | Cache-Control: max-age=60
    = 200 | "answer 3" | ETag: "9"
9111 4.3.4: a 304 without a validator is about what was asked
    > GET /a
    < 200 | Cache-Control: max-age=10 | ETag: "1" | Last-Modified: {-100}
    = 200
    + 30
    > GET /a
    < 304 | Cache-Control: max-age=60
    = 200 | "answer 1"
    + 30
    > GET /a
    = 200 | Age: 30
9111 4.3.4: a 304 makes it fresh again
    > GET /a
    < 200 | Cache-Control: max-age=10 | ETag: "1" | Last-Modified: {-100}
    = 200
    + 30
    > GET /a
    < 304 | ETag: "1" | Cache-Control: max-age=60
    = 200
    + 50
    > GET /a
    = 200 | "answer 1" | Age: 50
9111 4.3.4: a 304 that says no-store takes it away
    > GET /a
    < 200 | Cache-Control: max-age=10 | ETag: "1" | Last-Modified: {-100}
    = 200
    + 30
    > GET /a
    < 304 | ETag: "1" | Cache-Control: no-store
    = 200 | "answer 1"
    > GET /a
    ? -If-None-Match
    < 200
    = 200
semantics 7.1: a 304 with Set-Cookie gives it to the one who asked and keeps nothing
    > GET /a
    < 200 | Cache-Control: max-age=10 | ETag: "1" | Last-Modified: {-100}
    = 200
    + 30
    > GET /a
    < 304 | ETag: "1" | Set-Cookie: a=b | Cache-Control: max-age=60
    = 200 | "answer 1" | Set-Cookie: a=b
    > GET /a
    < 200
    = 200 | -Set-Cookie
9111 4.3.4: a new header of a 304 is added
    > GET /a
    < 200 | Cache-Control: max-age=10 | ETag: "1" | Last-Modified: {-100}
    = 200
    + 30
    > GET /a
    < 304 | ETag: "1" | New: 1 | Cache-Control: max-age=60
    = 200 | New: 1
    > GET /a
    = 200 | New: 1
9111 4.3.4: the Date of a 304 is taken, and without one the moment it came
    > GET /a
    < 200 | Cache-Control: max-age=10 | ETag: "1" | Last-Modified: {-100}
    = 200
    + 30
    > GET /a
    < 304 | ETag: "1" | -Date | Cache-Control: max-age=60
    = 200 | Date: {30} | Age: 0
semantics 7.1: another Host the upstream is told of is given nothing of the first
    > GET /a | X-Forwarded-Host: a.example
    < 200 | Cache-Control: max-age=60
    = 200
    > GET /a | X-Forwarded-Host: b.example
    < 200
    = 200 | "answer 2"
"""

CASES = [
    *cases(TEXT),
    *(
        updated(name, taken=True)
        for name in (
            "Test-Header",
            "Content-Type",
            "Content-Language",
            "Expires",
            "X-Frame-Options",
            "Content-Security-Policy",
        )
    ),
    *(updated(name, taken=False) for name in ("Content-Encoding",)),
]
