"""RFC 9111 sections 3.4, 4.3, 4.4 and 5.2.1: validation, ranges, invalidation, what requests say."""

from cache_exchange import Case

__all__ = ["CASES"]

KEPT = '> GET /a\n< 200 | Cache-Control: max-age=60 | ETag: "1" | Last-Modified: {-100}\n= 200\n'
STALE = '> GET /a\n< 200 | Cache-Control: max-age=10 | ETag: "1" | Last-Modified: {-100}\n= 200\n+ 30\n'
PLAIN = "> GET /a\n< 200 | Cache-Control: max-age=60\n= 200\n"
BYTES = '> GET /a\n< 200 | Cache-Control: max-age=60 | ETag: "1" | Last-Modified: {-100} | "0123456789"\n= 200\n'


def conditional(name: str, request: str, *, same: bool, stored: str = 'ETag: "1" | Last-Modified: {-100}') -> Case:
    """Return the case of a client's condition judged here."""
    text = f"> GET /a\n< 200 | Cache-Control: max-age=60 | {stored}\n= 200\n> GET /a | {request}\n"
    return Case("9111 4.3.2", name, text + ("= 304" if same else '= 200 | "answer 1"'))


def updated(name: str, *, taken: bool) -> Case:
    """Return the case of a header that a 304 changes, or not."""
    text = f'> GET /a\n< 200 | Cache-Control: max-age=10 | ETag: "1" | {name}: old\n= 200\n+ 30\n'
    text += f'> GET /a\n< 304 | Cache-Control: max-age=60 | ETag: "1" | {name}: new\n= 200 | {name}: {"new" if taken else "old"}\n'
    text += f'> GET /a\n= 200 | {name}: {"new" if taken else "old"} | "answer 1"'
    return Case("9111 3.2", f"a 304 {'changes' if taken else 'does not change'} {name}", text)


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
    text = f"> GET {after}\n< 200 | Cache-Control: max-age=60\n= 200\n> {request}\n< {answer}\n= {answer.split(' ')[0]}\n> GET {after}\n"
    return Case("9111 4.4", name, text + ('< 200\n= 200 | "answer 3"' if gone else '= 200 | "answer 1"'))


CASES = [
    # 4.3.1: asking
    Case("9111 4.3.1", "a stale answer is validated by its entity tag and date", STALE + '> GET /a\n? If-None-Match: "1" | If-Modified-Since: {-100}\n< 304 | ETag: "1"\n= 200 | "answer 1" | Age: 0'),
    Case("9111 4.3.1", "a weak entity tag is asked with as it is", '> GET /a\n< 200 | Cache-Control: max-age=0 | ETag: W/"1"\n= 200\n> GET /a\n? If-None-Match: W/"1" | -If-Modified-Since\n< 304 | ETag: W/"1"\n= 200 | "answer 1"'),
    Case("9111 4.3.1", "no entity tag, only the date", "> GET /a\n< 200 | Cache-Control: max-age=0 | Last-Modified: {-100}\n= 200\n> GET /a\n? If-Modified-Since: {-100} | -If-None-Match\n< 304\n= 200 | \"answer 1\""),
    Case("9111 4.3.1", "no validator, no condition", "> GET /a\n< 200 | Cache-Control: max-age=10\n= 200\n+ 30\n> GET /a\n? -If-None-Match | -If-Modified-Since\n< 200\n= 200"),
    Case("9111 4.3.1", "an answer that says nothing but has a validator is validated each time", '> GET /a\n< 200 | ETag: "1"\n= 200\n> GET /a\n? If-None-Match: "1"\n< 304 | ETag: "1"\n= 200 | "answer 1"'),
    Case("9111 4.3.1", "a client's own tag is asked about as well", STALE + '> GET /a | If-None-Match: "2"\n? If-None-Match: "1", "2"\n< 304 | ETag: "1"\n= 200 | "answer 1"'),
    Case("9111 4.3.1", "a client's own tag that is confirmed is told to that client only", STALE + '> GET /a | If-None-Match: "2"\n< 304 | ETag: "2"\n= 304 | ETag: "2"\n> GET /a\n< 304 | ETag: "1"\n= 200 | "answer 1"'),
    Case("9111 4.3.1", "a client's tag is passed on where nothing is kept", '> GET /a | If-None-Match: "1"\n? If-None-Match: "1"\n< 304 | ETag: "1"\n= 304'),
    Case("9111 4.3.1", "after that the answer itself is asked for, once for all", '> GET /a | If-None-Match: "1"\n< 304 | ETag: "1"\n= 304\n> GET /a | If-None-Match: "1"\n? -If-None-Match\n< 200 | ETag: "1" | Cache-Control: max-age=60\n= 304\n> GET /a\n= 200 | "answer 2"'),
    Case("9111 5.2.2.4", "no-cache is validated every time", '> GET /a\n< 200 | Cache-Control: no-cache, max-age=60 | ETag: "1"\n= 200\n> GET /a\n? If-None-Match: "1"\n< 304 | ETag: "1" | Cache-Control: no-cache\n= 200 | "answer 1"\n> GET /a\n< 304 | ETag: "1"\n= 200'),
    # 4.3.3, 4.3.4: what the answer means
    Case("9111 4.3.3", "a full answer takes the place of what was kept", STALE + '> GET /a\n< 200 | Cache-Control: max-age=60 | ETag: "2"\n= 200 | "answer 2"\n> GET /a\n= 200 | "answer 2" | ETag: "2"'),
    Case("9111 4.3.3", "a full answer that may not be kept takes it away", STALE + '> GET /a\n< 200 | Cache-Control: no-store\n= 200 | "answer 2"\n> GET /a\n? -If-None-Match\n< 200\n= 200 | "answer 3"'),
    Case("9111 4.3.3", "an answer that it is gone takes it away", STALE + "> GET /a\n< 404 | X: y\n= 404\n> GET /a\n? -If-None-Match\n< 200\n= 200"),
    Case("9111 4.3.3", "a server error leaves it", STALE + '> GET /a\n< 500 | X: y\n= 500\n> GET /a\n? If-None-Match: "1"\n< 304 | ETag: "1"\n= 200 | "answer 1"'),
    Case("9111 4.3.4", "a 304 with another entity tag is no answer and is asked again", STALE + '> GET /a\n< 304 | ETag: "9"\n< 200 | ETag: "9" | Cache-Control: max-age=60\n= 200 | "answer 3" | ETag: "9"'),
    Case("9111 4.3.4", "a 304 without a validator is about what was asked", STALE + '> GET /a\n< 304 | Cache-Control: max-age=60\n= 200 | "answer 1"\n+ 30\n> GET /a\n= 200 | Age: 30'),
    Case("9111 4.3.4", "a 304 makes it fresh again", STALE + '> GET /a\n< 304 | ETag: "1" | Cache-Control: max-age=60\n= 200\n+ 50\n> GET /a\n= 200 | "answer 1" | Age: 50'),
    Case("9111 4.3.4", "a 304 that says no-store takes it away", STALE + '> GET /a\n< 304 | ETag: "1" | Cache-Control: no-store\n= 200 | "answer 1"\n> GET /a\n? -If-None-Match\n< 200\n= 200'),
    Case("semantics 7.1", "a 304 with Set-Cookie gives it to the one who asked and keeps nothing", STALE + '> GET /a\n< 304 | ETag: "1" | Set-Cookie: a=b | Cache-Control: max-age=60\n= 200 | "answer 1" | Set-Cookie: a=b\n> GET /a\n< 200\n= 200 | -Set-Cookie'),
    Case("9111 4.3.4", "a new header of a 304 is added", STALE + '> GET /a\n< 304 | ETag: "1" | New: 1 | Cache-Control: max-age=60\n= 200 | New: 1\n> GET /a\n= 200 | New: 1'),
    Case("9111 4.3.4", "the Date of a 304 is taken, and without one the moment it came", STALE + '> GET /a\n< 304 | ETag: "1" | -Date | Cache-Control: max-age=60\n= 200 | Date: {30} | Age: 0'),
    *(updated(name, taken=True) for name in ("Test-Header", "Content-Type", "Content-Language", "Expires", "X-Frame-Options", "Content-Security-Policy")),
    *(updated(name, taken=False) for name in ("Content-Encoding",)),
    # 4.3.2: clients' conditions
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
    conditional("the same date in the obsolete form", "If-Modified-Since: Wednesday, 31-Dec-25 23:58:20 GMT", same=True),
    conditional("the same date in the form of asctime", "If-Modified-Since: Wed Dec 31 23:58:20 2025", same=True),
    conditional("what is no date", "If-Modified-Since: yesterday", same=False),
    conditional("without Last-Modified the Date counts", "If-Modified-Since: {0}", same=True, stored="X: y"),
    conditional("without Last-Modified an earlier date than Date", "If-Modified-Since: {-1}", same=False, stored="X: y"),
    conditional("the tag goes before the date when it differs", 'If-None-Match: "2" | If-Modified-Since: {0}', same=False),
    conditional("the tag goes before the date when it is the same", 'If-None-Match: "1" | If-Modified-Since: {-150}', same=True),
    Case("9110 15.4.5", "a 304 has what tells caches and not what describes the body", '> GET /a\n< 200 | Cache-Control: max-age=60 | ETag: "1" | Expires: {60} | Vary: Foo | Content-Location: /b | Content-Type: text/plain | Content-Language: en\n= 200\n+ 5\n> GET /a | If-None-Match: "1"\n= 304 | Cache-Control: max-age=60 | ETag: "1" | Expires: {60} | Vary: Foo | Content-Location: /b | Date: {0} | Age: 5 | -Content-Type | -Content-Language | ""'),
    Case("9110 13.2.1", "an error is not compared", "> GET /a\n< 404 | Cache-Control: max-age=60 | ETag: \"1\"\n= 404\n> GET /a | If-None-Match: \"1\"\n= 404"),
    Case("9111 4.3.2", "If-Match is the origin's to judge", KEPT + '> GET /a | If-Match: "2"\n? If-Match: "2"\n< 412\n= 412 | Cache-Status: seawall; fwd=bypass'),
    Case("9111 4.3.2", "If-Unmodified-Since is the origin's to judge", KEPT + "> GET /a | If-Unmodified-Since: {-200}\n< 412\n= 412"),
    Case("9111 4.3.2", "a condition is judged after a validation too", STALE + '> GET /a | If-None-Match: "1"\n< 304 | ETag: "1" | Cache-Control: max-age=60\n= 304'),
    # HEAD
    Case("9111 4", "HEAD is answered from GET", KEPT + '> HEAD /a\n= 200 | ETag: "1" | ""'),
    Case("9111 4.3.2", "HEAD with a condition is answered from GET", KEPT + '> HEAD /a | If-None-Match: "1"\n= 304'),
    Case("9111 3", "an answer to HEAD is no answer to GET", "> HEAD /a\n< 200 | Cache-Control: max-age=60\n= 200\n> GET /a\n< 200\n= 200\n> HEAD /a\n< 200\n= 200"),
    Case("9111 4.3.5", "an answer to HEAD freshens what is kept for GET", STALE + '> HEAD /a\n< 200 | ETag: "1" | Cache-Control: max-age=60 | New: 1\n= 200\n> GET /a\n= 200 | "answer 1" | New: 1 | Age: 0'),
    Case("9111 4.3.5", "an answer to HEAD with another tag ends what is kept", STALE + '> HEAD /a\n< 200 | ETag: "2" | Cache-Control: max-age=60\n= 200\n> GET /a\n? -If-None-Match\n< 200\n= 200'),
    Case("9111 4.3.5", "an answer to HEAD with another length ends what is kept", STALE + '> HEAD /a\n< 200 | ETag: "1" | Content-Length: 99\n= 200\n> GET /a\n? -If-None-Match\n< 200\n= 200'),
    Case("9111 4.3.5", "an answer to HEAD with another date ends what is kept", STALE + "> HEAD /a\n< 200 | Last-Modified: {-50}\n= 200\n> GET /a\n? -If-None-Match\n< 200\n= 200"),
    Case("9111 4.3.5", "an answer to HEAD that may not be kept ends what is kept", STALE + '> HEAD /a\n< 200 | ETag: "1" | Cache-Control: no-store\n= 200\n> GET /a\n? -If-None-Match\n< 200\n= 200'),
    Case("9111 4.3.5", "an error to HEAD leaves what is kept", STALE + '> HEAD /a\n< 404\n= 404\n> GET /a\n? If-None-Match: "1"\n< 304 | ETag: "1"\n= 200 | "answer 1"'),
    # 3.4: ranges
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
    Case("9111 3.4", "a range of what is not kept passes through and is not kept as the whole", "> GET /a | Range: bytes=0-2\n? Range: bytes=0-2\n< 206 | Cache-Control: max-age=60 | Content-Range: bytes 0-2/10\n= 206\n> GET /a\n< 200 | Cache-Control: max-age=60\n= 200 | \"answer 2\"\n> GET /a\n= 200 | \"answer 2\""),
    Case("9111 3.4", "a range of what is stale passes through", STALE + "> GET /a | Range: bytes=0-2\n? Range: bytes=0-2 | -If-None-Match\n< 206 | Content-Range: bytes 0-2/10\n= 206"),
    Case("9111 3.4", "a 206 nobody asked for is not kept", "> GET /a\n< 206 | Cache-Control: max-age=60 | Content-Range: bytes 0-2/10\n= 206\n> GET /a\n< 200\n= 200"),
    # 4.4: invalidation
    *(unsafe(f"{method} ends what is kept", f"{method} /a", "200 | X: y", gone=True) for method in ("POST", "PUT", "DELETE", "PATCH", "M-SEARCH", "FOO")),
    *(unsafe(f"a {code} to POST ends what is kept", "POST /a", f"{code} | X: y", gone=True) for code in (201, 204, 301, 303)),
    *(unsafe(f"a {code} to POST leaves what is kept", "POST /a", f"{code} | X: y", gone=False) for code in (400, 404, 409, 500, 503)),
    *(unsafe(f"{method} leaves what is kept", f"{method} /a", "200 | X: y", gone=False) for method in ("OPTIONS", "TRACE")),
    *(
        unsafe(f"{name} {link} ends what is kept there", "POST /b/c?x=1", f"201 | {name}: {link}", gone=True, after=after)
        for name in ("Location", "Content-Location")
        for link, after in (
            ("/a", "/a"), ("../a", "/a"), ("d?y=2", "/b/d?y=2"), ("./d", "/b/d"), ("?z=3", "/b/c?z=3"),
            ("http://origin.example/a", "/a"), ("http://ORIGIN.example:80/a", "/a"), ("//origin.example/a", "/a"),
            ("http://origin.example", "/"),
        )
    ),
    *(
        unsafe(f"Location {link} is another's and ends nothing", "POST /b", f"201 | Location: {link}", gone=False)
        for link in (
            "http://other.example/a", "https://origin.example/a", "http://origin.example:81/a", "mailto:a@b",
            "http://origin.example:x/a", "//other.example/a", "http://[/a", "ftp://origin.example/a",
        )
    ),
    unsafe("Location on an error ends nothing", "POST /b", "500 | Location: /a", gone=False),
    Case("semantics 7.7", "a name the client asked for is of the same origin", "> GET /a | X-Forwarded-Host: gate.example:8080\n< 200 | Cache-Control: max-age=60\n= 200\n> POST /b | X-Forwarded-Host: gate.example:8080\n< 201 | Location: http://gate.example:8080/a\n= 201\n> GET /a | X-Forwarded-Host: gate.example:8080\n< 200\n= 200"),
    Case("semantics 7.7", "every variant and every credential's answer goes", "> GET /a | Foo: 1 | Cookie: a\n< 200 | Cache-Control: max-age=60 | Vary: Foo\n= 200\n> GET /a | Foo: 2\n< 200 | Cache-Control: max-age=60 | Vary: Foo\n= 200\n> POST /a\n< 204\n= 204\n> GET /a | Foo: 1 | Cookie: a\n< 200\n= 200\n> GET /a | Foo: 2\n< 200\n= 200"),
    # 5.2.1: what requests say
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
        asks(f"max-stale does not lift {word}", "max-stale", given=False, later=70, answer="200", kept=f"> GET /a\n< 200 | Cache-Control: max-age=10, {word}\n= 200\n")
        for word in ("must-revalidate", "proxy-revalidate", "s-maxage=10")
    ),
    Case("9111 5.4", "Pragma no-cache asks again", KEPT + '> GET /a | Pragma: no-cache\n? If-None-Match: "1"\n< 304 | ETag: "1"\n= 200'),
    Case("9111 5.4", "Pragma says nothing beside Cache-Control", KEPT + '> GET /a | Pragma: no-cache | Cache-Control: max-age=60\n= 200 | "answer 1"'),
    Case("9111 5.4", "Pragma in an answer says nothing", "> GET /a\n< 200 | Cache-Control: max-age=60 | Pragma: no-cache\n= 200\n> GET /a\n= 200 | \"answer 1\""),
    Case("9111 5.2.1.5", "no-store keeps nothing", "> GET /a | Cache-Control: no-store\n< 200 | Cache-Control: max-age=60\n= 200\n> GET /a\n< 200\n= 200"),
    Case("9111 5.2.1.5", "no-store takes what is kept", PLAIN + "> GET /a | Cache-Control: no-store\n= 200 | \"answer 1\""),
    Case("9111 5.2.1.7", "only-if-cached takes what is kept", PLAIN + "> GET /a | Cache-Control: only-if-cached\n= 200 | \"answer 1\""),
    Case("9111 5.2.1.7", "only-if-cached where nothing is kept", "> GET /a | Cache-Control: only-if-cached\n= 504"),
    Case("9111 5.2.1.7", "only-if-cached where it is stale", STALE + "> GET /a | Cache-Control: only-if-cached\n= 504"),
    # bodies on GET and other unkeyed input
    Case("semantics 7.1", "another Host the upstream is told of is given nothing of the first", "> GET /a | X-Forwarded-Host: a.example\n< 200 | Cache-Control: max-age=60\n= 200\n> GET /a | X-Forwarded-Host: b.example\n< 200\n= 200 | \"answer 2\""),
]
