"""RFC 9111 sections 3.4, 4.4 and 5.2.1: ranges, invalidation, what requests say."""

from cache_exchange import Case, cases

__all__ = ["CASES"]

KEPT = '> GET /a\n< 200 | Cache-Control: max-age=60 | ETag: "1" | Last-Modified: {-100}\n= 200\n'
BYTES = '> GET /a\n< 200 | Cache-Control: max-age=60 | ETag: "1" | Last-Modified: {-100} | "0123456789"\n= 200\n'


def ranged(name: str, value: str, expected: str, more: str = "") -> Case:
    """Return the case of a range of a whole answer."""
    return Case("9111 3.4", name, f"{BYTES}> GET /a | Range: {value}{more}\n= {expected}")


def asks(name: str, said: str, *, given: bool, later: int = 30, kept: str = KEPT, answer: str = "200") -> Case:
    """Return the case of a request directive."""
    text = f"{kept}+ {later}\n> GET /a | Cache-Control: {said}\n"
    text += '= 200 | "answer 1"' if given else f"< {answer}\n= 200"
    return Case("9111 5.2.1", name, text)


def unsafe(name: str, request: str, answer: str, *, gone: bool, after: str = "/a") -> Case:
    """Return the case of a request that makes an answer invalid, or not."""
    text = f"> GET {after}\n< 200 | Cache-Control: max-age=60\n= 200\n"
    text += f"> {request}\n< {answer}\n= {answer.split(' ')[0]}\n> GET {after}\n"
    return Case("9111 4.4", name, text + ('< 200\n= 200 | "answer 3"' if gone else '= 200 | "answer 1"'))


TEXT = r"""
9111 3.4: a range of what is not kept passes through and is not kept as the whole
    > GET /a | Range: bytes=0-2
    ? Range: bytes=0-2
    < 206 | Cache-Control: max-age=60 | Content-Range: bytes 0-2/10
    = 206
    > GET /a
    < 200 | Cache-Control: max-age=60
    = 200 | "answer 2"
    > GET /a
    = 200 | "answer 2"
9111 3.4: a range of what is stale passes through
    > GET /a
    < 200 | Cache-Control: max-age=10 | ETag: "1" | Last-Modified: {-100}
    = 200
    + 30
    > GET /a | Range: bytes=0-2
    ? Range: bytes=0-2 | -If-None-Match
    < 206 | Content-Range: bytes 0-2/10
    = 206
9111 3.4: a 206 nobody asked for is not kept
    > GET /a
    < 206 | Cache-Control: max-age=60 | Content-Range: bytes 0-2/10
    = 206
    > GET /a
    < 200
    = 200
semantics 7.7: a name the client asked for is of the same origin
    > GET /a | X-Forwarded-Host: gate.example:8080
    < 200 | Cache-Control: max-age=60
    = 200
    > POST /b | X-Forwarded-Host: gate.example:8080
    < 201 | Location: http://gate.example:8080/a
    = 201
    > GET /a | X-Forwarded-Host: gate.example:8080
    < 200
    = 200
semantics 7.7: every variant and every credential's answer goes
    > GET /a | Foo: 1 | Cookie: a
    < 200 | Cache-Control: max-age=60 | Vary: Foo
    = 200
    > GET /a | Foo: 2
    < 200 | Cache-Control: max-age=60 | Vary: Foo
    = 200
    > POST /a
    < 204
    = 204
    > GET /a | Foo: 1 | Cookie: a
    < 200
    = 200
    > GET /a | Foo: 2
    < 200
    = 200
9111 5.4: Pragma no-cache asks again
    > GET /a
    < 200 | Cache-Control: max-age=60 | ETag: "1" | Last-Modified: {-100}
    = 200
    > GET /a | Pragma: no-cache
    ? If-None-Match: "1"
    < 304 | ETag: "1"
    = 200
9111 5.4: Pragma says nothing beside Cache-Control
    > GET /a
    < 200 | Cache-Control: max-age=60 | ETag: "1" | Last-Modified: {-100}
    = 200
    > GET /a | Pragma: no-cache | Cache-Control: max-age=60
    = 200 | "answer 1"
9111 5.4: Pragma in an answer says nothing
    > GET /a
    < 200 | Cache-Control: max-age=60 | Pragma: no-cache
    = 200
    > GET /a
    = 200 | "answer 1"
9111 5.2.1.5: no-store keeps nothing
    > GET /a | Cache-Control: no-store
    < 200 | Cache-Control: max-age=60
    = 200
    > GET /a
    < 200
    = 200
9111 5.2.1.5: no-store takes what is kept
    > GET /a
    < 200 | Cache-Control: max-age=60
    = 200
    > GET /a | Cache-Control: no-store
    = 200 | "answer 1"
9111 5.2.1.7: only-if-cached takes what is kept
    > GET /a
    < 200 | Cache-Control: max-age=60
    = 200
    > GET /a | Cache-Control: only-if-cached
    = 200 | "answer 1"
9111 5.2.1.7: only-if-cached where nothing is kept
    > GET /a | Cache-Control: only-if-cached
    = 504
9111 5.2.1.7: only-if-cached where it is stale
    > GET /a
    < 200 | Cache-Control: max-age=10 | ETag: "1" | Last-Modified: {-100}
    = 200
    + 30
    > GET /a | Cache-Control: only-if-cached
    = 504
"""

CASES = [
    *cases(TEXT),
    ranged("a range of what is kept", "bytes=2-4", '206 | "234" | Content-Range: bytes 2-4/10 | ETag: "1"'),
    ranged("a range to the end", "bytes=7-", '206 | "789" | Content-Range: bytes 7-9/10'),
    ranged("the last bytes", "bytes=-3", '206 | "789" | Content-Range: bytes 7-9/10'),
    ranged("more last bytes than there are", "bytes=-30", '206 | "0123456789" | Content-Range: bytes 0-9/10'),
    ranged("an end behind the end", "bytes=8-99", '206 | "89" | Content-Range: bytes 8-9/10'),
    ranged("a start behind the end", "bytes=10-", "416 | Content-Range: bytes */10"),
    ranged("no last bytes", "bytes=-0", "416 | Content-Range: bytes */10"),
    ranged("two ranges are ignored", "bytes=0-1,3-4", '200 | "0123456789"'),
    ranged("another unit is ignored", "lines=0-1", '200 | "0123456789"'),
    ranged("what does not parse is ignored", "bytes=a-b", '200 | "0123456789"'),
    ranged("a range backwards is ignored", "bytes=4-2", '200 | "0123456789"'),
    ranged("a unit alone is ignored", "bytes", '200 | "0123456789"'),
    ranged("digits without a dash are ignored", "bytes=4", '200 | "0123456789"'),
    ranged("letters for last bytes are ignored", "bytes=-x", '200 | "0123456789"'),
    ranged("If-Range with the same strong tag", "bytes=2-4", '206 | "234"', ' | If-Range: "1"'),
    ranged("If-Range with another tag gives the whole", "bytes=2-4", '200 | "0123456789"', ' | If-Range: "2"'),
    ranged("If-Range with the same date", "bytes=2-4", '206 | "234"', " | If-Range: {-100}"),
    ranged("If-Range with another date gives the whole", "bytes=2-4", '200 | "0123456789"', " | If-Range: {-99}"),
    ranged("a condition goes before the range", "bytes=2-4", "304", ' | If-None-Match: "1"'),
    *(
        unsafe(f"{method} ends what is kept", f"{method} /a", "200 | X: y", gone=True)
        for method in ("POST", "PUT", "DELETE", "PATCH", "M-SEARCH", "FOO")
    ),
    *(
        unsafe(f"a {code} to POST ends what is kept", "POST /a", f"{code} | X: y", gone=True)
        for code in (201, 204, 301, 303)
    ),
    *(
        unsafe(f"a {code} to POST leaves what is kept", "POST /a", f"{code} | X: y", gone=False)
        for code in (400, 404, 409, 500, 503)
    ),
    *(
        unsafe(f"{method} leaves what is kept", f"{method} /a", "200 | X: y", gone=False)
        for method in ("OPTIONS", "TRACE")
    ),
    *(
        unsafe(
            f"{name} {link} ends what is kept there", "POST /b/c?x=1", f"201 | {name}: {link}", gone=True, after=after
        )
        for name in ("Location", "Content-Location")
        for link, after in (
            ("/a", "/a"),
            ("../a", "/a"),
            ("d?y=2", "/b/d?y=2"),
            ("./d", "/b/d"),
            ("?z=3", "/b/c?z=3"),
            ("http://origin.example/a", "/a"),
            ("http://ORIGIN.example:80/a", "/a"),
            ("//origin.example/a", "/a"),
            ("http://origin.example", "/"),
        )
    ),
    *(
        unsafe(f"Location {link} is another's and ends nothing", "POST /b", f"201 | Location: {link}", gone=False)
        for link in (
            "http://other.example/a",
            "https://origin.example/a",
            "http://origin.example:81/a",
            "mailto:a@b",
            "http://origin.example:x/a",
            "//other.example/a",
            "http://[/a",
            "ftp://origin.example/a",
        )
    ),
    unsafe("Location on an error ends nothing", "POST /b", "500 | Location: /a", gone=False),
    asks("max-age younger than what is kept", "max-age=10", given=False, answer='304 | ETag: "1"'),
    asks("max-age older than what is kept", "max-age=40", given=True),
    asks("max-age 0 asks again at once", "max-age=0", given=False, later=0, answer='304 | ETag: "1"'),
    asks("max-age that is no number asks again", "max-age=x", given=False, answer='304 | ETag: "1"'),
    asks("min-fresh less than what is left", "min-fresh=20", given=True),
    asks("min-fresh more than what is left", "min-fresh=40", given=False, answer='304 | ETag: "1"'),
    asks("max-stale takes what is stale", "max-stale=20", given=True, later=70),
    asks("max-stale without a number takes all that is stale", "max-stale", given=True, later=7000),
    asks("max-stale shorter than it is stale", "max-stale=5", given=False, later=70, answer='304 | ETag: "1"'),
    asks("max-stale stretches max-age", "max-age=20, max-stale=20", given=True),
    asks("no-cache asks again", "no-cache", given=False, later=0, answer='304 | ETag: "1"'),
    asks("an unknown directive says nothing", "foo=bar", given=True),
    *(
        asks(
            f"max-stale does not lift {word}",
            "max-stale",
            given=False,
            later=70,
            answer="200",
            kept=f"> GET /a\n< 200 | Cache-Control: max-age=10, {word}\n= 200\n",
        )
        for word in ("must-revalidate", "proxy-revalidate", "s-maxage=10")
    ),
]
