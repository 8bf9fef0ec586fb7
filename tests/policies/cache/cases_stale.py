"""RFC 5861, RFC 9111 section 4.2.4 and RFC 9211: stale answers, and what Cache-Status says."""

from cache_exchange import Case, cases

__all__ = ["CASES"]


def failing(
    name: str, fields: str, how: str, expected: str, later: int = 30, request: str = "", **settings: object
) -> Case:
    """Return the case of an upstream that fails where something stale is kept."""
    text = f"> GET /a\n< 200 | {fields}\n= 200\n+ {later}\n> GET /a{request}\n< {how}\n= {expected}"
    return Case("5861 4", name, text, settings)


SIE = "Cache-Control: max-age=10, stale-if-error=60"
SWR = "Cache-Control: max-age=10, stale-while-revalidate=60"
WITH = '200 | "answer 1"'


TEXT = r"""
semantics 7.6: an error that is kept never stands in
    > GET /a
    < 404 | Cache-Control: max-age=10, stale-if-error=60
    = 404
    + 30
    > GET /a
    < down
    = error 502
semantics 7.6: after patience the copy is given and the call goes on behind
    > GET /a
    < 200 | Cache-Control: max-age=10, stale-if-error=60
    = 200
    + 30
    > GET /a
    < wait 5 | 200 | Cache-Control: max-age=60
    = 200 | "answer 1" | Cache-Status: ~not answered yet
    + 6
    > GET /a
    = 200 | "answer 2"
semantics 7.6: within patience the new answer is given
    > GET /a
    < 200 | Cache-Control: max-age=10, stale-if-error=60
    = 200
    + 30
    > GET /a
    < wait 0.4 | 200
    = 200 | "answer 2"
semantics 7.6: without a copy there is no patience
    > GET /a
    < wait 5 | 200
    = 200 | "answer 1"
5861 4: HEAD has the copy too
    > GET /a
    < 200 | Cache-Control: max-age=10, stale-if-error=60
    = 200
    + 30
    > HEAD /a
    < down
    = 200
5861 4: the next one asks again
    > GET /a
    < 200 | Cache-Control: max-age=10, stale-if-error=60
    = 200
    + 30
    > GET /a
    < 503
    = 200 | "answer 1"
    > GET /a
    < 200
    = 200 | "answer 3"
5861 3: stale-while-revalidate answers at once and refreshes behind
    > GET /a
    < 200 | Cache-Control: max-age=10, stale-while-revalidate=60
    = 200
    + 30
    > GET /a
    < wait 2 | 200 | Cache-Control: max-age=10, stale-while-revalidate=60
    = 200 | "answer 1" | Age: 30
    + 3
    > GET /a
    = 200 | "answer 2"
5861 3: stale-while-revalidate is over
    > GET /a
    < 200 | Cache-Control: max-age=10, stale-while-revalidate=60
    = 200
    + 71
    > GET /a
    < 200 | Cache-Control: max-age=10, stale-while-revalidate=60
    = 200 | "answer 2"
5861 3: stale-while-revalidate just not over
    > GET /a
    < 200 | Cache-Control: max-age=10, stale-while-revalidate=60
    = 200
    + 69
    > GET /a
    < 200 | Cache-Control: max-age=10, stale-while-revalidate=60
    = 200 | "answer 1"
5861 3: a refresh is conditional
    > GET /a
    < 200 | Cache-Control: max-age=10, stale-while-revalidate=60 | ETag: "1"
    = 200
    + 30
    > GET /a
    ? If-None-Match: "1"
    < 304 | ETag: "1"
    = 200 | "answer 1"
    > GET /a
    = 200 | "answer 1" | Age: 0
5861 3: a refresh that fails leaves what is kept
    > GET /a
    < 200 | Cache-Control: max-age=10, stale-while-revalidate=60
    = 200
    + 30
    > GET /a
    < down
    = 200 | "answer 1"
    > GET /a
    < 503
    = 200 | "answer 1"
    > GET /a
    < 200 | Cache-Control: max-age=10, stale-while-revalidate=60
    = 200 | "answer 1"
    > GET /a
    = 200 | "answer 3"
5861 3: one refresh at a time
    > GET /a
    < 200 | Cache-Control: max-age=10, stale-while-revalidate=60
    = 200
    + 30
    > GET /a
    < wait 5 | 200 | Cache-Control: max-age=10, stale-while-revalidate=60
    = 200 | "answer 1"
    > GET /a
    = 200 | "answer 1"
semantics 7.5: that s-maxage forbids it is said
    > GET /a
    < 200 | Cache-Control: max-age=10, stale-while-revalidate=60, s-maxage=10
    = 200
    + 30
    > GET /a
    < 200
    = 200 | Cache-Status: ~s-maxage forbids stale-while-revalidate
9111 5.2.1.1: a request with max-age takes nothing stale
    > GET /a
    < 200 | Cache-Control: max-age=10, stale-while-revalidate=60
    = 200
    + 30
    > GET /a | Cache-Control: max-age=40
    < 200
    = 200 | "answer 2"
"""

CASES = [
    *cases(TEXT),
    *cases(
        r"""
semantics 7.5: stale-while-revalidate of the settings
    > GET /a
    < 200 | Cache-Control: max-age=10
    = 200
    + 30
    > GET /a
    < 200
    = 200 | "answer 1"
semantics 7.5: the settings' stale-while-revalidate needs a freshness to count from
    > GET /a
    < 200 | ETag: "1"
    = 200
    > GET /a
    < 304 | ETag: "1"
    = 200
""",
        stale_while_revalidate=60,
    ),
    *cases(
        r"""
semantics 7.5: stale-while-revalidate of the settings past a ttl
    > GET /a
    < 200
    = 200
    + 30
    > GET /a
    < 200
    = 200 | "answer 1"
    > GET /a
    = 200 | "answer 2"
""",
        stale_while_revalidate=60,
        ttl=10,
    ),
    failing("a stale answer is not given where nobody allows it", "Cache-Control: max-age=10", "down", "error 502"),
    failing("a stale answer is not given for a 503 where nobody allows it", "Cache-Control: max-age=10", "503", "503"),
    failing("stale-if-error where the upstream cannot be reached", SIE, "down", WITH + " | Age: 30"),
    *(failing(f"stale-if-error where the upstream says {code}", SIE, str(code), WITH) for code in (500, 502, 503, 504)),
    *(
        failing(f"no stale-if-error where the upstream says {code}", SIE, f"{code} | X: y", f'{code} | "answer 2"')
        for code in (400, 404, 429, 501)
    ),
    failing("stale-if-error is over", SIE, "down", "error 502", 71),
    failing("stale-if-error just not over", SIE, "down", WITH, 69),
    failing("stale-if-error of the settings", "Cache-Control: max-age=10", "down", WITH, stale_if_error=60),
    failing(
        "stale-if-error of the settings where the response says nothing else", "X: y", "down", WITH, stale_if_error=60
    ),
    failing(
        "the response's stale-if-error goes before the settings'",
        "Cache-Control: max-age=10, stale-if-error=5",
        "down",
        "error 502",
        stale_if_error=60,
    ),
    failing(
        "override goes before the response's stale-if-error",
        "Cache-Control: max-age=10, stale-if-error=5",
        "down",
        WITH,
        stale_if_error=60,
        ttl=10,
        override=True,
    ),
    failing(
        "stale-if-error of the request",
        "Cache-Control: max-age=10",
        "down",
        WITH,
        request=" | Cache-Control: stale-if-error=60",
    ),
    failing(
        "stale-if-error of the request is over",
        "Cache-Control: max-age=10",
        "down",
        "error 502",
        request=" | Cache-Control: stale-if-error=5",
    ),
    failing(
        "no stale-if-error for a request that says no-cache",
        SIE,
        "down",
        "error 502",
        request=" | Cache-Control: no-cache",
    ),
    failing(
        "no stale-if-error for a request that says max-age",
        SIE,
        "down",
        "error 502",
        request=" | Cache-Control: max-age=5",
    ),
    *(
        failing(f"no stale-if-error with {word}", f"{SIE}, {word}", how, expected, stale_if_error=60)
        for word in ("must-revalidate", "proxy-revalidate", "s-maxage=10", "no-cache")
        for how, expected in (("down", "error 502"),)
    ),
    *(
        Case(
            "5861 4",
            f"no stale-if-error for a 503 with {word}",
            f'> GET /a\n< 200 | {SIE}, {word} | ETag: "1"\n= 200\n+ 30\n> GET /a\n< 503\n= 503',
        )
        for word in ("must-revalidate", "proxy-revalidate", "s-maxage=10", "no-cache")
    ),
    *(
        Case(
            "semantics 7.5",
            f"no stale-while-revalidate with {word}",
            f'> GET /a\n< 200 | {SWR}, {word}\n= 200\n+ 30\n> GET /a\n< 200\n= 200 | "answer 2"',
        )
        for word in ("must-revalidate", "proxy-revalidate", "s-maxage=10")
    ),
]
