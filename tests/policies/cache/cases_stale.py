"""RFC 5861, RFC 9111 section 4.2.4 and RFC 9211: stale answers, and what Cache-Status says."""

from cache_exchange import Case

__all__ = ["CASES"]


def failing(name: str, fields: str, how: str, expected: str, later: int = 30, request: str = "", **settings: object) -> Case:
    """Return the case of an upstream that fails where something stale is kept."""
    text = f"> GET /a\n< 200 | {fields}\n= 200\n+ {later}\n> GET /a{request}\n< {how}\n= {expected}"
    return Case("5861 4", name, text, settings)


SIE = "Cache-Control: max-age=10, stale-if-error=60"
SWR = "Cache-Control: max-age=10, stale-while-revalidate=60"
WITH = '200 | "answer 1"'

CASES = [
    # 9111 4.2.4
    failing("a stale answer is not given where nobody allows it", "Cache-Control: max-age=10", "down", "error 502"),
    failing("a stale answer is not given for a 503 where nobody allows it", "Cache-Control: max-age=10", "503", "503"),
    # 5861 4
    failing("stale-if-error where the upstream cannot be reached", SIE, "down", WITH + " | Age: 30"),
    *(failing(f"stale-if-error where the upstream says {code}", SIE, str(code), WITH) for code in (500, 502, 503, 504)),
    *(failing(f"no stale-if-error where the upstream says {code}", SIE, f"{code} | X: y", f'{code} | "answer 2"') for code in (400, 404, 429, 501)),
    failing("stale-if-error is over", SIE, "down", "error 502", 71),
    failing("stale-if-error just not over", SIE, "down", WITH, 69),
    failing("stale-if-error of the settings", "Cache-Control: max-age=10", "down", WITH, stale_if_error=60),
    failing("stale-if-error of the settings where the response says nothing else", "X: y", "down", WITH, stale_if_error=60),
    failing("the response's stale-if-error goes before the settings'", "Cache-Control: max-age=10, stale-if-error=5", "down", "error 502", stale_if_error=60),
    failing("override goes before the response's stale-if-error", "Cache-Control: max-age=10, stale-if-error=5", "down", WITH, stale_if_error=60, ttl=10, override=True),
    failing("stale-if-error of the request", "Cache-Control: max-age=10", "down", WITH, request=" | Cache-Control: stale-if-error=60"),
    failing("stale-if-error of the request is over", "Cache-Control: max-age=10", "down", "error 502", request=" | Cache-Control: stale-if-error=5"),
    failing("no stale-if-error for a request that says no-cache", SIE, "down", "error 502", request=" | Cache-Control: no-cache"),
    failing("no stale-if-error for a request that says max-age", SIE, "down", "error 502", request=" | Cache-Control: max-age=5"),
    *(
        failing(f"no stale-if-error with {word}", f"{SIE}, {word}", how, expected, stale_if_error=60)
        for word in ("must-revalidate", "proxy-revalidate", "s-maxage=10", "no-cache")
        for how, expected in (("down", "error 502"),)
    ),
    *(
        Case("5861 4", f"no stale-if-error for a 503 with {word}", f'> GET /a\n< 200 | {SIE}, {word} | ETag: "1"\n= 200\n+ 30\n> GET /a\n< 503\n= 503')
        for word in ("must-revalidate", "proxy-revalidate", "s-maxage=10", "no-cache")
    ),
    Case("semantics 7.6", "an error that is kept never stands in", f"> GET /a\n< 404 | {SIE}\n= 404\n+ 30\n> GET /a\n< down\n= error 502"),
    Case("semantics 7.6", "after patience the copy is given and the call goes on behind", f"> GET /a\n< 200 | {SIE}\n= 200\n+ 30\n> GET /a\n< wait 5 | 200 | Cache-Control: max-age=60\n= 200 | \"answer 1\" | Cache-Status: ~not answered yet\n+ 6\n> GET /a\n= 200 | \"answer 2\""),
    Case("semantics 7.6", "within patience the new answer is given", f"> GET /a\n< 200 | {SIE}\n= 200\n+ 30\n> GET /a\n< wait 0.4 | 200\n= 200 | \"answer 2\""),
    Case("semantics 7.6", "without a copy there is no patience", "> GET /a\n< wait 5 | 200\n= 200 | \"answer 1\""),
    Case("5861 4", "HEAD has the copy too", f"> GET /a\n< 200 | {SIE}\n= 200\n+ 30\n> HEAD /a\n< down\n= 200"),
    Case("5861 4", "the next one asks again", f"> GET /a\n< 200 | {SIE}\n= 200\n+ 30\n> GET /a\n< 503\n= 200 | \"answer 1\"\n> GET /a\n< 200\n= 200 | \"answer 3\""),
    # 5861 3
    Case("5861 3", "stale-while-revalidate answers at once and refreshes behind", f"> GET /a\n< 200 | {SWR}\n= 200\n+ 30\n> GET /a\n< wait 2 | 200 | {SWR}\n= 200 | \"answer 1\" | Age: 30\n+ 3\n> GET /a\n= 200 | \"answer 2\""),
    Case("5861 3", "stale-while-revalidate is over", f"> GET /a\n< 200 | {SWR}\n= 200\n+ 71\n> GET /a\n< 200 | {SWR}\n= 200 | \"answer 2\""),
    Case("5861 3", "stale-while-revalidate just not over", f"> GET /a\n< 200 | {SWR}\n= 200\n+ 69\n> GET /a\n< 200 | {SWR}\n= 200 | \"answer 1\""),
    Case("5861 3", "a refresh is conditional", f'> GET /a\n< 200 | {SWR} | ETag: "1"\n= 200\n+ 30\n> GET /a\n? If-None-Match: "1"\n< 304 | ETag: "1"\n= 200 | "answer 1"\n> GET /a\n= 200 | "answer 1" | Age: 0'),
    Case("5861 3", "a refresh that fails leaves what is kept", f"> GET /a\n< 200 | {SWR}\n= 200\n+ 30\n> GET /a\n< down\n= 200 | \"answer 1\"\n> GET /a\n< 503\n= 200 | \"answer 1\"\n> GET /a\n< 200 | {SWR}\n= 200 | \"answer 1\"\n> GET /a\n= 200 | \"answer 3\""),
    Case("5861 3", "one refresh at a time", f"> GET /a\n< 200 | {SWR}\n= 200\n+ 30\n> GET /a\n< wait 5 | 200 | {SWR}\n= 200 | \"answer 1\"\n> GET /a\n= 200 | \"answer 1\""),
    Case("semantics 7.5", "stale-while-revalidate of the settings", "> GET /a\n< 200 | Cache-Control: max-age=10\n= 200\n+ 30\n> GET /a\n< 200\n= 200 | \"answer 1\"", {"stale_while_revalidate": 60}),
    Case("semantics 7.5", "stale-while-revalidate of the settings past a ttl", "> GET /a\n< 200\n= 200\n+ 30\n> GET /a\n< 200\n= 200 | \"answer 1\"\n> GET /a\n= 200 | \"answer 2\"", {"stale_while_revalidate": 60, "ttl": 10}),
    Case("semantics 7.5", "the settings' stale-while-revalidate needs a freshness to count from", '> GET /a\n< 200 | ETag: "1"\n= 200\n> GET /a\n< 304 | ETag: "1"\n= 200', {"stale_while_revalidate": 60}),
    *(
        Case("semantics 7.5", f"no stale-while-revalidate with {word}", f"> GET /a\n< 200 | {SWR}, {word}\n= 200\n+ 30\n> GET /a\n< 200\n= 200 | \"answer 2\"")
        for word in ("must-revalidate", "proxy-revalidate", "s-maxage=10")
    ),
    Case("semantics 7.5", "that s-maxage forbids it is said", f"> GET /a\n< 200 | {SWR}, s-maxage=10\n= 200\n+ 30\n> GET /a\n< 200\n= 200 | Cache-Status: ~s-maxage forbids stale-while-revalidate"),
    Case("9111 5.2.1.1", "a request with max-age takes nothing stale", f"> GET /a\n< 200 | {SWR}\n= 200\n+ 30\n> GET /a | Cache-Control: max-age=40\n< 200\n= 200 | \"answer 2\""),
    # 9211
    Case("9211 2.1", "a hit", "> GET /a\n< 200 | Cache-Control: max-age=60\n= 200\n+ 20\n> GET /a\n= 200 | Cache-Status: seawall; hit; ttl=40"),
    Case("9211 2.2", "a miss that is kept", "> GET /a\n< 200 | Cache-Control: max-age=60\n= 200 | Cache-Status: seawall; fwd=uri-miss; ttl=60; stored"),
    Case("9211 2.2", "a miss that is not kept", "> GET /a\n< 200\n= 200 | Cache-Status: seawall; fwd=uri-miss"),
    Case("9211 2.3", "a validation", '> GET /a\n< 200 | Cache-Control: max-age=10 | ETag: "1"\n= 200\n+ 20\n> GET /a\n< 304 | ETag: "1" | Cache-Control: max-age=60\n= 200 | Cache-Status: seawall; fwd=stale; fwd-status=304; ttl=60; stored'),
    Case("9211 2.2", "a request that wants it so", "> GET /a\n< 200 | Cache-Control: max-age=60\n= 200\n> GET /a | Cache-Control: no-cache\n< 200\n= 200 | Cache-Status: seawall; fwd=request"),
    Case("9211 2.2", "a method that is not cached", "> POST /a\n< 200\n= 200 | Cache-Status: seawall; fwd=method"),
    Case("9211 2.4", "a stale hit has a negative ttl", f"> GET /a\n< 200 | {SIE}\n= 200\n+ 30\n> GET /a\n< down\n= 200 | Cache-Status: seawall; hit; ttl=-20; detail=\"the upstream failed\""),
    Case("9211 2.3", "a stale answer for a 503 says what the upstream said", f"> GET /a\n< 200 | {SIE}\n= 200\n+ 30\n> GET /a\n< 503\n= 200 | Cache-Status: ~fwd=stale; fwd-status=503; ttl=-20"),
    Case("9211 2", "our member comes after the upstream's", "> GET /a\n< 200 | Cache-Control: max-age=60 | Cache-Status: origin; hit\n= 200 | Cache-Status: origin; hit, seawall; fwd=uri-miss; ttl=60; stored\n> GET /a\n= 200 | Cache-Status: origin; hit, seawall; hit; ttl=60"),
]
