"""RFC 9111 sections 4 and 4.3.5: HEAD, answered from GET and updating it."""

from cache_exchange import cases

__all__ = ["CASES"]

TEXT = r"""
9111 4: HEAD is answered from GET
    > GET /a
    < 200 | Cache-Control: max-age=60 | ETag: "1" | Last-Modified: {-100}
    = 200
    > HEAD /a
    = 200 | ETag: "1" | ""
9111 4.3.2: HEAD with a condition is answered from GET
    > GET /a
    < 200 | Cache-Control: max-age=60 | ETag: "1" | Last-Modified: {-100}
    = 200
    > HEAD /a | If-None-Match: "1"
    = 304
9111 3: an answer to HEAD is no answer to GET
    > HEAD /a
    < 200 | Cache-Control: max-age=60
    = 200
    > GET /a
    < 200
    = 200
    > HEAD /a
    < 200
    = 200
9111 4.3.5: an answer to HEAD freshens what is kept for GET
    > GET /a
    < 200 | Cache-Control: max-age=10 | ETag: "1" | Last-Modified: {-100}
    = 200
    + 30
    > HEAD /a
    < 200 | ETag: "1" | Cache-Control: max-age=60 | New: 1
    = 200
    > GET /a
    = 200 | "answer 1" | New: 1 | Age: 0
9111 4.3.5: an answer to HEAD with another tag ends what is kept
    > GET /a
    < 200 | Cache-Control: max-age=10 | ETag: "1" | Last-Modified: {-100}
    = 200
    + 30
    > HEAD /a
    < 200 | ETag: "2" | Cache-Control: max-age=60
    = 200
    > GET /a
    ? -If-None-Match
    < 200
    = 200
9111 4.3.5: an answer to HEAD with another length ends what is kept
    > GET /a
    < 200 | Cache-Control: max-age=10 | ETag: "1" | Last-Modified: {-100}
    = 200
    + 30
    > HEAD /a
    < 200 | ETag: "1" | Content-Length: 99
    = 200
    > GET /a
    ? -If-None-Match
    < 200
    = 200
9111 4.3.5: an answer to HEAD with another date ends what is kept
    > GET /a
    < 200 | Cache-Control: max-age=10 | ETag: "1" | Last-Modified: {-100}
    = 200
    + 30
    > HEAD /a
    < 200 | Last-Modified: {-50}
    = 200
    > GET /a
    ? -If-None-Match
    < 200
    = 200
9111 4.3.5: an answer to HEAD that may not be kept ends what is kept
    > GET /a
    < 200 | Cache-Control: max-age=10 | ETag: "1" | Last-Modified: {-100}
    = 200
    + 30
    > HEAD /a
    < 200 | ETag: "1" | Cache-Control: no-store
    = 200
    > GET /a
    ? -If-None-Match
    < 200
    = 200
9111 4.3.5: an error to HEAD leaves what is kept
    > GET /a
    < 200 | Cache-Control: max-age=10 | ETag: "1" | Last-Modified: {-100}
    = 200
    + 30
    > HEAD /a
    < 404
    = 404
    > GET /a
    ? If-None-Match: "1"
    < 304 | ETag: "1"
    = 200 | "answer 1"
"""

CASES = cases(TEXT)
