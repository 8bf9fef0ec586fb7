"""RFC 9111 sections 2 to 4.1: what is kept, of it which headers, and for whom."""

from cache_exchange import Case, cases
from cache_shapes import fresh, stale, status

__all__ = ["CASES"]


def header(name: str, kept: bool) -> Case:
    """Return the case of a response header that is kept, or not."""
    text = f"> GET /a\n< 200 | Cache-Control: max-age=60 | {name}: x\n= 200\n> GET /a\n= 200 | "
    text += f"{name}: x" if kept else f"-{name}"
    return Case("9111 3.1", f"{name} {'is' if kept else 'is not'} kept", text)


AUTHORIZED = """
9111 3.5: WORD lets an answer to Authorization be kept for the same one
    > GET /a | Authorization: A
    < 200 | Cache-Control: max-age=60, WORD
    = 200
    > GET /a | Authorization: A
    = 200 | "answer 1"
    > GET /a | Authorization: B
    < 200
    = 200 | "answer 2"
    > GET /a
    < 200
    = 200 | "answer 3"
"""

APART = """
semantics 7.1: another NAME is given nothing of the first
    > GET /a | NAME: 1
    < 200 | Cache-Control: max-age=60, public
    = 200
    > GET /a | NAME: 2
    < 200
    = 200 | "answer 2"
    > GET /a | NAME: 1
    = 200 | "answer 1"
"""

TEXT = r"""
9111 5.2.2.3: must-understand keeps no unknown status
    > GET /a
    < 299 | Cache-Control: must-understand, max-age=60
    = 299
    > GET /a
    < 200
    = 200
9111 3: only answers to GET are kept
    > POST /a
    < 200 | Cache-Control: max-age=60
    = 200
    > GET /a
    < 200
    = 200 | "answer 2"
    > POST /a
    < 200
    = 200
9111 3: an unknown method is passed on
    > REPORT /a
    < 200 | Cache-Control: max-age=60
    = 200 | Cache-Status: seawall; fwd=method
    > REPORT /a
    < 200
    = 200
9111 2: the order of the query is part of the key
    > GET /a?x=1&y=2
    < 200 | Cache-Control: max-age=60
    = 200
    > GET /a?y=2&x=1
    < 200 | Cache-Control: max-age=60
    = 200 | "answer 2"
    > GET /a?x=1&y=2
    = 200 | "answer 1"
9111 2: an empty query is another resource
    > GET /a
    < 200 | Cache-Control: max-age=60
    = 200
    > GET /a?
    < 200
    = 200 | "answer 2"
9111 3.1: a header named in Connection is not kept
    > GET /a
    < 200 | Cache-Control: max-age=60 | Connection: a, B | A: 1 | B: 2 | C: 3
    = 200
    > GET /a
    = 200 | -A | -B | C: 3
9111 5.2.2.4: a header named in no-cache is not given again
    > GET /a
    < 200 | Cache-Control: max-age=60, no-cache="A, b" | A: 1 | B: 2 | C: 3
    = 200 | A: 1
    > GET /a
    = 200 | -A | -B | C: 3
9111 5.2.2.4: a bare name in no-cache is one too
    > GET /a
    < 200 | Cache-Control: max-age=60, no-cache=a | A: 1
    = 200 | A: 1
    > GET /a
    = 200 | -A
9111 5.2.2.7: a header named in private is not kept
    > GET /a
    < 200 | Cache-Control: max-age=60, private="A" | A: 1 | C: 3
    = 200 | A: 1
    > GET /a
    = 200 | -A | C: 3
9111 3.3: an answer cut short is not kept
    > GET /a
    < 200 | Cache-Control: max-age=60 | ~cut 3
    = 200 | "ans"
    > GET /a
    < 200
    = 200 | "answer 2"
9111 3.5: an answer to Authorization is not kept
    > GET /a | Authorization: A
    < 200 | Cache-Control: max-age=60
    = 200
    > GET /a | Authorization: A
    < 200
    = 200
"""

CASES = [
    *cases(TEXT),
    *(status(code, True) for code in (200, 203, 204, 299, 300, 301, 302, 303, 307, 308, 400, 404, 405, 410, 414, 499)),
    *(status(code, True) for code in (500, 501, 502, 503, 504, 599)),
    status(206, False),
    status(404, False, "X: y"),
    status(500, False, "X: y"),
    status(404, False, "X: y", ttl=60),
    status(503, False, "X: y", ttl=60, override=True),
    status(302, False, "X: y", ttl=60),
    status(301, True, "X: y", ttl=60),
    fresh("9111 3", "public and max-age are kept", "Cache-Control: max-age=60, public"),
    stale("9111 3", "no-store is not kept", "Cache-Control: no-store, max-age=60"),
    stale("9111 3", "NO-STORE in capitals is not kept", "Cache-Control: NO-STORE, max-age=60"),
    stale("9111 3", "no-store with an argument is not kept", "Cache-Control: max-age=60, no-store=x"),
    stale("9111 3", "no-store in a second line is not kept", "Cache-Control: max-age=60 | Cache-Control: no-store"),
    stale("9111 3", "private is not kept", "Cache-Control: private, max-age=60"),
    stale("9111 3", "private beside s-maxage is not kept", "Cache-Control: private, s-maxage=60"),
    stale("9111 3", "private beside public is not kept", "Cache-Control: public, private, max-age=60"),
    stale(
        "semantics 7.1", "an answer with Set-Cookie is not kept", "Cache-Control: max-age=60, public | Set-Cookie: a=b"
    ),
    stale("9111 3", "an answer that says nothing is not kept", "X: y"),
    stale("9111 3", "public alone gives no freshness", "Cache-Control: public"),
    fresh("9111 3", "an unknown directive changes nothing", "Cache-Control: foo, max-age=60, bar=baz"),
    stale(
        "9111 3",
        "an unknown directive's quoted argument hides no directive",
        'Cache-Control: foo="a, b", no-store, max-age=60',
    ),
    fresh("9111 3", "a directive inside a quoted argument is none", 'Cache-Control: max-age=60, foo="no-store"'),
    fresh(
        "9111 3",
        "a directive inside a quoted argument with an escape is none",
        r'Cache-Control: max-age=60, foo="a\", no-store, \""',
    ),
    fresh(
        "9111 5.2.2.3",
        "must-understand lifts no-store for a known status",
        "Cache-Control: must-understand, no-store, max-age=60",
    ),
    header("Test-Header", True),
    header("Content-Type", True),
    header("Content-Encoding", True),
    header("Content-Security-Policy", True),
    header("Content-Location", True),
    header("Clear-Site-Data", True),
    header("X-Frame-Options", True),
    header("ETag", True),
    *(
        header(name, False)
        for name in (
            "Connection",
            "Keep-Alive",
            "Proxy-Authenticate",
            "Proxy-Authentication-Info",
            "Proxy-Authorization",
            "Proxy-Connection",
            "TE",
            "Trailer",
            "Transfer-Encoding",
            "Upgrade",
        )
    ),
    *(
        case
        for word in ("public", "must-revalidate", "s-maxage=60")
        for case in cases(AUTHORIZED.replace("WORD", word))
    ),
    *(
        case
        for name in ("Cookie", "X-Api-Key", "X-Auth-Token", "Private-Token", "X-User-Id")
        for case in cases(APART.replace("NAME", name))
    ),
    *(
        status(code, True, "Last-Modified: {-36000}", heuristic=True)
        for code in (200, 203, 204, 300, 301, 308, 404, 405, 410, 414, 501)
    ),
    *(
        status(code, False, "Last-Modified: {-36000}", heuristic=True)
        for code in (201, 202, 302, 307, 400, 403, 500, 502, 503, 504, 599)
    ),
]
