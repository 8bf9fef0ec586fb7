"""RFC 9111 sections 3 to 4.2: what is kept, and how long it is fresh."""

from cache_exchange import Case

__all__ = ["CASES"]


def fresh(section: str, name: str, fields: str, later: float = 30, **settings: object) -> Case:
    """Return the case of an answer with these fields that is given again `later`."""
    return Case(section, name, f"> GET /a\n< 200 | {fields}\n= 200\n+ {later}\n> GET /a\n= 200 | \"answer 1\"", settings)


def stale(section: str, name: str, fields: str, later: float = 30, **settings: object) -> Case:
    """Return the case of an answer with these fields that is asked for again `later`."""
    text = f"> GET /a\n< 200 | {fields}\n= 200\n+ {later}\n> GET /a\n< 200\n= 200 | \"answer 2\""
    return Case(section, name, text, settings)


def status(code: int, kept: bool, fields: str = "Cache-Control: max-age=60", **settings: object) -> Case:
    """Return the case of a status that is given again, or not."""
    section = "9111 3"
    said = "nothing said" if fields == "X: y" else fields.partition(":")[0].lower()
    given = "".join(f" and {key} {value}" for key, value in settings.items())
    name = f"{code} {'is' if kept else 'is not'} kept with {said}{given}"
    text = f"> GET /a\n< {code} | {fields}\n= {code}\n+ 5\n> GET /a\n"
    text += f'= {code} | "answer 1"' if kept else f'< 200\n= 200 | "answer 2"'
    return Case(section, name, text.replace(' | "answer 1"', "") if code == 204 else text, settings)


def header(name: str, kept: bool) -> Case:
    """Return the case of a response header that is kept, or not."""
    text = f"> GET /a\n< 200 | Cache-Control: max-age=60 | {name}: x\n= 200\n> GET /a\n= 200 | "
    text += f"{name}: x" if kept else f"-{name}"
    return Case("9111 3.1", f"{name} {'is' if kept else 'is not'} kept", text)


CASES = [
    # 3: what is kept
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
    stale("semantics 7.1", "an answer with Set-Cookie is not kept", "Cache-Control: max-age=60, public | Set-Cookie: a=b"),
    stale("9111 3", "an answer that says nothing is not kept", "X: y"),
    stale("9111 3", "public alone gives no freshness", "Cache-Control: public"),
    fresh("9111 3", "an unknown directive changes nothing", "Cache-Control: foo, max-age=60, bar=baz"),
    stale("9111 3", "an unknown directive's quoted argument hides no directive", 'Cache-Control: foo="a, b", no-store, max-age=60'),
    fresh("9111 3", "a directive inside a quoted argument is none", 'Cache-Control: max-age=60, foo="no-store"'),
    fresh("9111 3", "a directive inside a quoted argument with an escape is none", r'Cache-Control: max-age=60, foo="a\", no-store, \""'),
    fresh("9111 5.2.2.3", "must-understand lifts no-store for a known status", "Cache-Control: must-understand, no-store, max-age=60"),
    Case("9111 5.2.2.3", "must-understand keeps no unknown status", "> GET /a\n< 299 | Cache-Control: must-understand, max-age=60\n= 299\n> GET /a\n< 200\n= 200"),
    Case("9111 3", "only answers to GET are kept", "> POST /a\n< 200 | Cache-Control: max-age=60\n= 200\n> GET /a\n< 200\n= 200 | \"answer 2\"\n> POST /a\n< 200\n= 200"),
    Case("9111 3", "an unknown method is passed on", "> REPORT /a\n< 200 | Cache-Control: max-age=60\n= 200 | Cache-Status: seawall; fwd=method\n> REPORT /a\n< 200\n= 200"),
    Case("9111 2", "the order of the query is part of the key", "> GET /a?x=1&y=2\n< 200 | Cache-Control: max-age=60\n= 200\n> GET /a?y=2&x=1\n< 200 | Cache-Control: max-age=60\n= 200 | \"answer 2\"\n> GET /a?x=1&y=2\n= 200 | \"answer 1\""),
    Case("9111 2", "an empty query is another resource", "> GET /a\n< 200 | Cache-Control: max-age=60\n= 200\n> GET /a?\n< 200\n= 200 | \"answer 2\""),
    # 3.1: which headers
    header("Test-Header", True),
    header("Content-Type", True),
    header("Content-Encoding", True),
    header("Content-Security-Policy", True),
    header("Content-Location", True),
    header("Clear-Site-Data", True),
    header("X-Frame-Options", True),
    header("ETag", True),
    *(header(name, False) for name in ("Connection", "Keep-Alive", "Proxy-Authenticate", "Proxy-Authentication-Info", "Proxy-Authorization", "Proxy-Connection", "TE", "Trailer", "Transfer-Encoding", "Upgrade")),
    Case("9111 3.1", "a header named in Connection is not kept", "> GET /a\n< 200 | Cache-Control: max-age=60 | Connection: a, B | A: 1 | B: 2 | C: 3\n= 200\n> GET /a\n= 200 | -A | -B | C: 3"),
    Case("9111 5.2.2.4", "a header named in no-cache is not given again", '> GET /a\n< 200 | Cache-Control: max-age=60, no-cache="A, b" | A: 1 | B: 2 | C: 3\n= 200 | A: 1\n> GET /a\n= 200 | -A | -B | C: 3'),
    Case("9111 5.2.2.4", "a bare name in no-cache is one too", "> GET /a\n< 200 | Cache-Control: max-age=60, no-cache=a | A: 1\n= 200 | A: 1\n> GET /a\n= 200 | -A"),
    Case("9111 5.2.2.7", "a header named in private is not kept", '> GET /a\n< 200 | Cache-Control: max-age=60, private="A" | A: 1 | C: 3\n= 200 | A: 1\n> GET /a\n= 200 | -A | C: 3'),
    # 3.3: incomplete answers
    Case("9111 3.3", "an answer cut short is not kept", "> GET /a\n< 200 | Cache-Control: max-age=60 | ~cut 3\n= 200 | \"ans\"\n> GET /a\n< 200\n= 200 | \"answer 2\""),
    # 3.5: Authorization
    Case("9111 3.5", "an answer to Authorization is not kept", "> GET /a | Authorization: A\n< 200 | Cache-Control: max-age=60\n= 200\n> GET /a | Authorization: A\n< 200\n= 200"),
    *(
        Case("9111 3.5", f"{word} lets an answer to Authorization be kept for the same one", f"> GET /a | Authorization: A\n< 200 | Cache-Control: max-age=60, {word}\n= 200\n> GET /a | Authorization: A\n= 200 | \"answer 1\"\n> GET /a | Authorization: B\n< 200\n= 200 | \"answer 2\"\n> GET /a\n< 200\n= 200 | \"answer 3\"")
        for word in ("public", "must-revalidate", "s-maxage=60")
    ),
    *(
        Case("semantics 7.1", f"another {name} is given nothing of the first", f"> GET /a | {name}: 1\n< 200 | Cache-Control: max-age=60, public\n= 200\n> GET /a | {name}: 2\n< 200\n= 200 | \"answer 2\"\n> GET /a | {name}: 1\n= 200 | \"answer 1\"")
        for name in ("Cookie", "X-Api-Key", "X-Auth-Token", "Private-Token", "X-User-Id")
    ),
    # 4.1: Vary
    Case("9111 4.1", "the same selecting header is a hit", "> GET /a | Foo: 1\n< 200 | Cache-Control: max-age=60 | Vary: Foo\n= 200\n> GET /a | Foo: 1\n= 200 | \"answer 1\""),
    Case("9111 4.1", "another selecting header is a miss", "> GET /a | Foo: 1\n< 200 | Cache-Control: max-age=60 | Vary: Foo\n= 200\n> GET /a | Foo: 2\n< 200\n= 200 | \"answer 2\" | Cache-Status: seawall; fwd=vary-miss"),
    Case("9111 4.1", "a selecting header left out is a miss", "> GET /a | Foo: 1\n< 200 | Cache-Control: max-age=60 | Vary: Foo\n= 200\n> GET /a\n< 200\n= 200 | \"answer 2\""),
    Case("9111 4.1", "a selecting header absent both times is a hit", "> GET /a\n< 200 | Cache-Control: max-age=60 | Vary: Foo\n= 200\n> GET /a\n= 200 | \"answer 1\""),
    Case("9111 4.1", "an absent selecting header is not an empty one", "> GET /a\n< 200 | Cache-Control: max-age=60 | Vary: Foo\n= 200\n> GET /a | Foo: \n< 200\n= 200 | \"answer 2\""),
    Case("9111 4.1", "variants do not overwrite each other", "> GET /a | Foo: 1\n< 200 | Cache-Control: max-age=60 | Vary: Foo\n= 200\n> GET /a | Foo: 2\n< 200 | Cache-Control: max-age=60 | Vary: Foo\n= 200\n> GET /a | Foo: 1\n= 200 | \"answer 1\"\n> GET /a | Foo: 2\n= 200 | \"answer 2\""),
    Case("9111 4.1", "every header of several lines of Vary counts", "> GET /a | Foo: 1 | Bar: 1\n< 200 | Cache-Control: max-age=60 | Vary: Foo | Vary: bar\n= 200\n> GET /a | Foo: 1 | Bar: 1\n= 200 | \"answer 1\"\n> GET /a | Foo: 1 | Bar: 2\n< 200\n= 200"),
    Case("9111 4.1", "of two that fit the newest is given", "> GET /a | Foo: 1\n< 200 | Cache-Control: max-age=60 | Vary: Foo\n= 200\n+ 5\n> GET /a | Foo: 2\n< 200 | Cache-Control: max-age=60\n= 200\n> GET /a | Foo: 1\n= 200 | \"answer 2\""),
    *(
        stale("9111 4.1", f"Vary {value} is never given again", f"Cache-Control: max-age=60 | Vary: {value}")
        for value in ("*", "*, Foo", "Foo, *", "Foo,*,Bar", ", *")
    ),
    stale("9111 4.1", "a star in a second line of Vary is never given again", "Cache-Control: max-age=60 | Vary: Foo | Vary: *"),
    *(
        Case("9111 4.1", f"values that mean the same are the same: {name} {one!r} and {other!r}", f"> GET /a | {name}: {one}\n< 200 | Cache-Control: max-age=60 | Vary: {name}\n= 200\n> GET /a | {name}: {other}\n= 200 | \"answer 1\"")
        for name, one, other in (
            ("Foo", "1, 2", "1,2"),
            ("Accept-Language", "en, de", "en,de"),
            ("Accept-Language", "en, de", "eN, De"),
            ("Accept-Language", "en, de", "de, en"),
            ("Accept-Language", "en;q=0.5, de", "de;q=1.0 , en; q=0.50"),
            ("Accept-Encoding", "gzip, br", "br,GZIP"),
        )
    ),
    *(
        Case("9111 4.1", f"values that mean something else are not the same: {name} {one!r} and {other!r}", f"> GET /a | {name}: {one}\n< 200 | Cache-Control: max-age=60 | Vary: {name}\n= 200\n> GET /a | {name}: {other}\n< 200\n= 200 | \"answer 2\"")
        for name, one, other in (
            ("Foo", "1, 2", "2, 1"),
            ("Foo", "a", "A"),
            ("User-Agent", "x (a, b)", "x (a,b)"),
            ("Accept-Language", "en;q=0.5, de", "en, de"),
            ("Foo", '"1, 2"', '"1,2"'),
        )
    ),
    Case("9111 4.1", "two lines are the same as one", "> GET /a | Foo: 1 | Foo: 2\n< 200 | Cache-Control: max-age=60 | Vary: Foo\n= 200\n> GET /a | Foo: 1, 2\n= 200 | \"answer 1\""),
    # 4.2.1: the lifetime
    fresh("9111 4.2.1", "max-age not yet over", "Cache-Control: max-age=60"),
    stale("9111 4.2.1", "max-age over", "Cache-Control: max-age=30"),
    stale("9111 4.2.1", "max-age 0", "Cache-Control: max-age=0", 0),
    fresh("9111 4.2.1", "max-age in mixed case", "Cache-Control: MaX-aGe=60"),
    fresh("9111 4.2.1", "max-age quoted", 'Cache-Control: max-age="60"'),
    fresh("9111 4.2.1", "max-age with leading zeros", "Cache-Control: max-age=00060"),
    fresh("9111 4.2.1", "max-age goes before an Expires that has passed", "Cache-Control: max-age=60 | Expires: {-60}"),
    fresh("9111 4.2.1", "max-age goes before an invalid Expires", "Cache-Control: max-age=60 | Expires: 0"),
    stale("9111 4.2.1", "max-age 0 goes before an Expires to come", "Cache-Control: max-age=0 | Expires: {600}", 1),
    fresh("9111 4.2.1", "s-maxage goes before a shorter max-age", "Cache-Control: s-maxage=60, max-age=1"),
    stale("9111 4.2.1", "s-maxage goes before a longer max-age", "Cache-Control: max-age=60, s-maxage=1"),
    stale("9111 4.2.1", "s-maxage goes before an Expires to come", "Cache-Control: s-maxage=1 | Expires: {600}"),
    fresh("9111 4.2.1", "Expires to come", "Expires: {60}"),
    stale("9111 4.2.1", "Expires passed", "Expires: {30}"),
    stale("9111 4.2.1", "Expires counts from Date", "Expires: {60} | Date: {50}"),
    fresh("9111 4.2.1", "a clock ahead of ours does not matter", "Expires: {3660} | Date: {3600}"),
    stale("9111 4.2.1", "the shorter of two max-age counts", "Cache-Control: max-age=60, max-age=1"),
    stale("9111 4.2.1", "the shorter of two max-age counts in any order", "Cache-Control: max-age=1, max-age=60"),
    stale("9111 4.2.1", "the shorter of two max-age counts over two lines", "Cache-Control: max-age=60 | Cache-Control: max-age=1"),
    stale("9111 4.2.1", "the earlier of two Expires counts", "Expires: {60} | Expires: {10}"),
    stale("9111 4.2.1", "the earlier of two Expires counts when invalid", "Expires: {60} | Expires: soon"),
    stale("9111 4.2.1", "a blank behind the equals sign makes no number", "Cache-Control: max-age= 60", 0),
    *(
        stale("9111 4.2.1", f"max-age {value!r} is no number and so stale", f"Cache-Control: max-age={value}", 0)
        for value in ("-60", "60.0", "60s", "'60'", "", "1e3", "0x10", "60;x", "+60", "6_0", '"60', '60"')
    ),
    stale("9111 4.2.1", "a blank before the equals sign makes no number", "Cache-Control: max-age =60", 0),
    stale("9111 4.2.1", "max-age without a value is stale", "Cache-Control: max-age", 0),
    stale("9111 4.2.1", "an invalid max-age beside a valid one is stale", "Cache-Control: max-age=60, max-age=x", 0),
    *(
        fresh("9111 1.2.2", f"max-age {value} saturates", f"Cache-Control: max-age={value}", 3600)
        for value in ("2147483647", "2147483648", "99999999999", "9" * 5000)
    ),
    # 5.3: Expires
    *(
        stale("9111 5.3", f"Expires {value!r} has passed", f"Expires: {value}", 0)
        for value in (
            "0", "-1", "", "soon", "Thu, 01 Jan 2026 0:01:00 GMT", "Thu, 01 Jan 26 00:01:00 GMT",
            "Thu, 1 Jan 2026 00:01:00 GMT", "Thu, 01-Jan-2026 00:01:00 GMT", "Thu, 01 Jan 2026 00:01:00 UTC",
            "Thu, 01 Jan 2026 00:01:00 AEST", "Thu, 01 Jan 2026 00:01:00", "Thu 01 Jan 2026 00:01:00 GMT",
            "Thu,  01 Jan 2026 00:01:00 GMT", "Thu, 01  Jan 2026 00:01:00 GMT", "Thu, 31 Feb 2026 00:01:00 GMT",
            "Thu, 01 Jan 2026 00.01.00 GMT", "Thu, 01 Jan 2026 25:01:00 GMT", "Thu, 01 Jan 2026 00:01:00 GMT, x",
            "1767225660", "60", "Day, 01 Jan 2026 00:01:00 GMT", "Thu, 01 Foo 2026 00:01:00 GMT",
            "Wednesday, 01-Jan-1926 00:01:00 GMT",
        )
    ),
    *(
        fresh("9111 5.3", f"Expires {value!r} is to come", f"Expires: {value}")
        for value in (
            "Thu, 01 Jan 2026 00:01:00 GMT", "thu, 01 jan 2026 00:01:00 gmt", "THU, 01 JAN 2026 00:01:00 GMT",
            "Thursday, 01-Jan-26 00:01:00 GMT", "Thu Jan  1 00:01:00 2026", "Thu, 01 Jan 2026 00:00:60 GMT",
        )
    ),
    fresh("9111 5.3", "Expires far to come", "Expires: Thu, 01 Jan 2060 00:00:00 GMT", 3600),
    # 4.2.2: heuristics
    stale("9111 4.2.2", "nothing is guessed unless switched on", "Last-Modified: {-36000}", 0),
    fresh("9111 4.2.2", "a tenth of the time since Last-Modified", "Last-Modified: {-36000}", 3500, heuristic=True),
    stale("9111 4.2.2", "no more than a tenth", "Last-Modified: {-36000}", 3700, heuristic=True),
    stale("9111 4.2.2", "no guess where something is said", "Last-Modified: {-36000} | Cache-Control: max-age=1", 30, heuristic=True),
    stale("9111 4.2.2", "no guess where an invalid Expires says something", "Last-Modified: {-36000} | Expires: 0", 30, heuristic=True),
    stale("9111 4.2.2", "no guess without Last-Modified", "X: y", 0, heuristic=True),
    *(status(code, True, "Last-Modified: {-36000}", heuristic=True) for code in (200, 203, 204, 300, 301, 308, 404, 405, 410, 414, 501)),
    *(status(code, False, "Last-Modified: {-36000}", heuristic=True) for code in (201, 202, 302, 307, 400, 403, 500, 502, 503, 504, 599)),
    Case("9111 4.2.2", "public marks any status as one to guess for", "> GET /a\n< 599 | Last-Modified: {-36000} | Cache-Control: public\n= 599\n+ 5\n> GET /a\n= 599", {"heuristic": True}),
    # 4.2.3: age
    Case("9111 4.2.3", "Age is the time in store", "> GET /a\n< 200 | Cache-Control: max-age=60\n= 200 | -Age\n+ 30\n> GET /a\n= 200 | Age: 30"),
    Case("9111 4.2.3", "Age goes on from what it came with", "> GET /a\n< 200 | Cache-Control: max-age=600 | Age: 100\n= 200\n+ 30\n> GET /a\n= 200 | Age: 130"),
    Case("9111 4.2.3", "the upstream's delay counts", "> GET /a\n< wait 5 | 200 | Cache-Control: max-age=60 | -Date\n= 200\n+ 10\n> GET /a\n= 200 | Age: 15"),
    Case("9111 4.2.3", "an old Date is an age", "> GET /a\n< 200 | Cache-Control: max-age=600 | Date: {-100}\n= 200\n+ 30\n> GET /a\n= 200 | Age: 130"),
    Case("9111 4.2.3", "a Date to come is no age", "> GET /a\n< 200 | Cache-Control: max-age=600 | Date: {100}\n= 200\n+ 30\n> GET /a\n= 200 | Age: 30 | Date: {100}"),
    stale("9111 4.2.3", "max-age over at arrival by Age", "Cache-Control: max-age=60 | Age: 60", 0),
    stale("9111 4.2.3", "max-age over at arrival by Date", "Cache-Control: max-age=60 | Date: {-7200}", 0),
    stale("9111 4.2.3", "s-maxage over by Age", "Cache-Control: s-maxage=60 | Age: 7200", 0),
    stale("9111 4.2.3", "Expires over by Age", "Expires: {60} | Age: 7200", 0),
    # 5.1: Age
    *(
        stale("9111 5.1", f"Age {value!r} counts", f"Cache-Control: max-age=3600 | Age: {value}", 0)
        for value in ("7200", "7200, 0", "7200,x", "2147483648", "99999999999999", "07200")
    ),
    stale("9111 5.1", "the first of two Age lines counts", "Cache-Control: max-age=3600 | Age: 7200 | Age: 0", 0),
    *(
        fresh("9111 5.1", f"Age {value!r} is ignored", f"Cache-Control: max-age=3600 | Age: {value}", 0)
        for value in ("-7200", "7200.0", "abc", "7200;a=b", "7200 x", "", "0, 7200", "+7200")
    ),
    # 9110 6.6.1: Date
    Case("9110 6.6.1", "an answer without Date is given the moment it came", "> GET /a\n< 200 | Cache-Control: max-age=60 | -Date\n= 200\n+ 30\n> GET /a\n= 200 | Date: {0} | Age: 30"),
    Case("9110 6.6.1", "Date is never rewritten", "> GET /a\n< 200 | Cache-Control: max-age=60 | Date: {-10}\n= 200 | Date: {-10}\n+ 30\n> GET /a\n= 200 | Date: {-10}"),
    fresh("9110 6.6.1", "an invalid Date counts as none", "Cache-Control: max-age=60 | Date: yesterday"),
    # 7.2: the route's ttl
    fresh("semantics 7.2", "ttl where the response says nothing", "X: y", ttl=60),
    stale("semantics 7.2", "ttl over", "X: y", 61, ttl=60),
    stale("semantics 7.2", "the response goes before ttl", "Cache-Control: max-age=10", ttl=60),
    stale("semantics 7.2", "an invalid Expires goes before ttl", "Expires: 0", 1, ttl=60),
    stale("semantics 7.2", "ttl does not lift no-store", "Cache-Control: no-store", ttl=60),
    stale("semantics 7.2", "ttl does not lift private", "Cache-Control: private", ttl=60),
    stale("semantics 7.2", "ttl does not lift no-cache", "Cache-Control: no-cache | ETag: \"1\"", ttl=60),
    fresh("semantics 7.2", "override goes before max-age", "Cache-Control: max-age=1", ttl=60, override=True),
    fresh("semantics 7.2", "override goes before no-store", "Cache-Control: no-store, no-cache, private, must-revalidate", ttl=60, override=True),
    stale("semantics 7.2", "override keeps no Set-Cookie", "Set-Cookie: a=b", 0, ttl=60, override=True),
    Case("semantics 7.2", "override keeps an answer to Authorization apart", "> GET /a | Authorization: A\n< 200 | Cache-Control: private\n= 200\n> GET /a | Authorization: A\n= 200 | \"answer 1\"\n> GET /a | Authorization: B\n< 200\n= 200 | \"answer 2\"", {"ttl": 60, "override": True}),
    # RFC 9213
    *(
        fresh("9213 2", name, fields, targeted=["CDN-Cache-Control"])
        for name, fields in (
            ("max-age counts", "CDN-Cache-Control: max-age=60"),
            ("it goes before Cache-Control", "CDN-Cache-Control: max-age=60 | Cache-Control: no-store"),
            ("it goes before max-age 0", "CDN-Cache-Control: max-age=60 | Cache-Control: max-age=0"),
            ("it goes before Expires", "CDN-Cache-Control: max-age=60 | Expires: 0"),
            ("parameters of a directive say nothing", "CDN-Cache-Control: max-age=60;foo=bar | Cache-Control: no-store"),
            ("an invalid one is as if it were not there", "CDN-Cache-Control: &max-age=1 | Cache-Control: max-age=60"),
            ("an empty one is as if it were not there", "CDN-Cache-Control:  | Cache-Control: max-age=60"),
            ("an unknown directive says nothing", "CDN-Cache-Control: foo, max-age=60, bar=(a b)"),
            ("false is as if it were not there", "CDN-Cache-Control: max-age=60, no-store=?0"),
            ("names inside no-cache are hidden only", 'CDN-Cache-Control: max-age=60, no-cache="foo"'),
            ("several lines are one field", "CDN-Cache-Control: max-age=60 | CDN-Cache-Control: public | Cache-Control: no-store"),
        )
    ),
    *(
        stale("9213 2", name, fields, targeted=["CDN-Cache-Control"])
        for name, fields in (
            ("max-age 0 counts", "CDN-Cache-Control: max-age=0 | Cache-Control: max-age=60"),
            ("its max-age over", "CDN-Cache-Control: max-age=10 | Cache-Control: max-age=60"),
            ("its no-store counts", "CDN-Cache-Control: no-store | Cache-Control: max-age=60"),
            ("its private counts", "CDN-Cache-Control: private, max-age=60"),
            ("its no-cache counts", "CDN-Cache-Control: no-cache, max-age=60"),
            ("its no-cache with a list of another type counts whole", 'CDN-Cache-Control: no-cache=("a"), max-age=60'),
            ("Expires does not count beside it", "CDN-Cache-Control: public | Expires: {600}"),
            ("Cache-Control does not count beside it", "CDN-Cache-Control: public | Cache-Control: max-age=60"),
            ("a max-age of another type is no number", 'CDN-Cache-Control: max-age="60" | Cache-Control: max-age=60'),
            ("a max-age with a fraction is no number", "CDN-Cache-Control: max-age=60.5 | Cache-Control: max-age=60"),
            ("a negative max-age is stale", "CDN-Cache-Control: max-age=-60 | Cache-Control: max-age=60"),
            ("Age counts", "CDN-Cache-Control: max-age=60 | Age: 60"),
        )
    ),
    fresh("9213 2", "the first of the list that is there counts", "B-Cache-Control: no-store | A-Cache-Control: max-age=60", targeted=["A-Cache-Control", "B-Cache-Control"]),
    stale("9213 2", "it says nothing where it is not named in the settings", "CDN-Cache-Control: max-age=60"),
]
