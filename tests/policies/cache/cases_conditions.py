"""RFC 9111 section 4.3.2: conditions of clients, judged here."""

from cache_exchange import Case, cases

__all__ = ["CASES"]


def conditional(name: str, request: str, *, same: bool, stored: str = 'ETag: "1" | Last-Modified: {-100}') -> Case:
    """Return the case of a client's condition judged here."""
    text = f"> GET /a\n< 200 | Cache-Control: max-age=60 | {stored}\n= 200\n> GET /a | {request}\n"
    return Case("9111 4.3.2", name, text + ("= 304" if same else '= 200 | "answer 1"'))


TEXT = r"""
9110 15.4.5: a 304 has what tells caches and not what describes the body
    > GET /a
    < 200 | Cache-Control: max-age=60 | ETag: "1" | Vary: Foo | Content-Location: /b | Content-Type: text/plain
    = 200
    + 5
    > GET /a | If-None-Match: "1"
    = 304 | Cache-Control: max-age=60 | ETag: "1" | Vary: Foo | Content-Location: /b | Age: 5 | -Content-Type
9110 13.2.1: an error is not compared
    > GET /a
    < 404 | Cache-Control: max-age=60 | ETag: "1"
    = 404
    > GET /a | If-None-Match: "1"
    = 404
9111 4.3.2: If-Match is the origin's to judge
    > GET /a
    < 200 | Cache-Control: max-age=60 | ETag: "1" | Last-Modified: {-100}
    = 200
    > GET /a | If-Match: "2"
    ? If-Match: "2"
    < 412
    = 412 | Cache-Status: seawall; fwd=bypass
9111 4.3.2: If-Unmodified-Since is the origin's to judge
    > GET /a
    < 200 | Cache-Control: max-age=60 | ETag: "1" | Last-Modified: {-100}
    = 200
    > GET /a | If-Unmodified-Since: {-200}
    < 412
    = 412
9111 4.3.2: a condition is judged after a validation too
    > GET /a
    < 200 | Cache-Control: max-age=10 | ETag: "1" | Last-Modified: {-100}
    = 200
    + 30
    > GET /a | If-None-Match: "1"
    < 304 | ETag: "1" | Cache-Control: max-age=60
    = 304
"""

CASES = [
    *cases(TEXT),
    conditional("the same strong tag", 'If-None-Match: "1"', same=True),
    conditional("another tag", 'If-None-Match: "2"', same=False),
    conditional("the tag in a list", 'If-None-Match: "2", "1"', same=True),
    conditional("the tag in a second line", 'If-None-Match: "2" | If-None-Match: "1"', same=True),
    conditional("a comma inside a tag separates nothing", 'If-None-Match: "a,"1"', same=False, stored='ETag: "1"'),
    conditional("a tag with a comma", 'If-None-Match: "x", "a,b"', same=True, stored='ETag: "a,b"'),
    conditional("any tag", "If-None-Match: *", same=True),
    conditional("any tag where there is none", "If-None-Match: *", same=True, stored="X: y"),
    conditional("a weak tag against a strong one", 'If-None-Match: W/"1"', same=True),
    conditional("a strong tag against a weak one", 'If-None-Match: "1"', same=True, stored='ETag: W/"1"'),
    conditional("a tag where there is none", 'If-None-Match: "1"', same=False, stored="X: y"),
    conditional("a tag in other case", 'If-None-Match: "A"', same=False, stored='ETag: "a"'),
    conditional("the same date", "If-Modified-Since: {-100}", same=True),
    conditional("a later date", "If-Modified-Since: {-50}", same=True),
    conditional("an earlier date", "If-Modified-Since: {-150}", same=False),
    conditional(
        "the same date in the obsolete form", "If-Modified-Since: Wednesday, 31-Dec-25 23:58:20 GMT", same=True
    ),
    conditional("the same date in the form of asctime", "If-Modified-Since: Wed Dec 31 23:58:20 2025", same=True),
    conditional("what is no date", "If-Modified-Since: yesterday", same=False),
    conditional("without Last-Modified the Date counts", "If-Modified-Since: {0}", same=True, stored="X: y"),
    conditional(
        "without Last-Modified an earlier date than Date", "If-Modified-Since: {-1}", same=False, stored="X: y"
    ),
    conditional(
        "the tag goes before the date when it differs", 'If-None-Match: "2" | If-Modified-Since: {0}', same=False
    ),
    conditional(
        "the tag goes before the date when it is the same", 'If-None-Match: "1" | If-Modified-Since: {-150}', same=True
    ),
]
