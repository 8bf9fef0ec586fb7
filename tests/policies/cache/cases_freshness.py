"""RFC 9111 sections 4.2 and 5, RFC 9213: how long an answer is fresh."""

from cache_exchange import cases
from cache_shapes import fresh, stale

__all__ = ["CASES"]


TEXT = r"""
9111 4.2.3: Age is the time in store
    > GET /a
    < 200 | Cache-Control: max-age=60
    = 200 | -Age
    + 30
    > GET /a
    = 200 | Age: 30
9111 4.2.3: Age goes on from what it came with
    > GET /a
    < 200 | Cache-Control: max-age=600 | Age: 100
    = 200
    + 30
    > GET /a
    = 200 | Age: 130
9111 4.2.3: the upstream's delay counts
    > GET /a
    < wait 5 | 200 | Cache-Control: max-age=60 | -Date
    = 200
    + 10
    > GET /a
    = 200 | Age: 15
9111 4.2.3: an old Date is an age
    > GET /a
    < 200 | Cache-Control: max-age=600 | Date: {-100}
    = 200
    + 30
    > GET /a
    = 200 | Age: 130
9111 4.2.3: a Date to come is no age
    > GET /a
    < 200 | Cache-Control: max-age=600 | Date: {100}
    = 200
    + 30
    > GET /a
    = 200 | Age: 30 | Date: {100}
9110 6.6.1: an answer without Date is given the moment it came
    > GET /a
    < 200 | Cache-Control: max-age=60 | -Date
    = 200
    + 30
    > GET /a
    = 200 | Date: {0} | Age: 30
9110 6.6.1: Date is never rewritten
    > GET /a
    < 200 | Cache-Control: max-age=60 | Date: {-10}
    = 200 | Date: {-10}
    + 30
    > GET /a
    = 200 | Date: {-10}
"""

CASES = [
    *cases(TEXT),
    *cases(
        r"""
9111 4.2.2: public marks any status as one to guess for
    > GET /a
    < 599 | Last-Modified: {-36000} | Cache-Control: public
    = 599
    + 5
    > GET /a
    = 599
""",
        heuristic=True,
    ),
    *cases(
        r"""
semantics 7.2: override keeps an answer to Authorization apart
    > GET /a | Authorization: A
    < 200 | Cache-Control: private
    = 200
    > GET /a | Authorization: A
    = 200 | "answer 1"
    > GET /a | Authorization: B
    < 200
    = 200 | "answer 2"
""",
        ttl=60,
        override=True,
    ),
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
    stale(
        "9111 4.2.1",
        "the shorter of two max-age counts over two lines",
        "Cache-Control: max-age=60 | Cache-Control: max-age=1",
    ),
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
        fresh(
            "9111 1.2.2",
            f"max-age {value[:11]} of {len(value)} digits saturates",
            f"Cache-Control: max-age={value}",
            3600,
        )
        for value in ("2147483647", "2147483648", "99999999999", "9" * 5000)
    ),
    *(
        stale("9111 5.3", f"Expires {value!r} has passed", f"Expires: {value}", 0)
        for value in (
            "0",
            "-1",
            "",
            "soon",
            "Thu, 01 Jan 2026 0:01:00 GMT",
            "Thu, 01 Jan 26 00:01:00 GMT",
            "Thu, 1 Jan 2026 00:01:00 GMT",
            "Thu, 01-Jan-2026 00:01:00 GMT",
            "Thu, 01 Jan 2026 00:01:00 UTC",
            "Thu, 01 Jan 2026 00:01:00 AEST",
            "Thu, 01 Jan 2026 00:01:00",
            "Thu 01 Jan 2026 00:01:00 GMT",
            "Thu,  01 Jan 2026 00:01:00 GMT",
            "Thu, 01  Jan 2026 00:01:00 GMT",
            "Thu, 31 Feb 2026 00:01:00 GMT",
            "Thu, 01 Jan 2026 00.01.00 GMT",
            "Thu, 01 Jan 2026 25:01:00 GMT",
            "Thu, 01 Jan 2026 00:01:00 GMT, x",
            "1767225660",
            "60",
            "Day, 01 Jan 2026 00:01:00 GMT",
            "Thu, 01 Foo 2026 00:01:00 GMT",
            "Wednesday, 01-Jan-1926 00:01:00 GMT",
        )
    ),
    *(
        fresh("9111 5.3", f"Expires {value!r} is to come", f"Expires: {value}")
        for value in (
            "Thu, 01 Jan 2026 00:01:00 GMT",
            "thu, 01 jan 2026 00:01:00 gmt",
            "THU, 01 JAN 2026 00:01:00 GMT",
            "Thursday, 01-Jan-26 00:01:00 GMT",
            "Thu Jan  1 00:01:00 2026",
            "Thu, 01 Jan 2026 00:00:60 GMT",
        )
    ),
    fresh("9111 5.3", "Expires far to come", "Expires: Thu, 01 Jan 2060 00:00:00 GMT", 3600),
    stale("9111 4.2.2", "nothing is guessed unless switched on", "Last-Modified: {-36000}", 0),
    fresh("9111 4.2.2", "a tenth of the time since Last-Modified", "Last-Modified: {-36000}", 3500, heuristic=True),
    stale("9111 4.2.2", "no more than a tenth", "Last-Modified: {-36000}", 3700, heuristic=True),
    stale(
        "9111 4.2.2",
        "no guess where something is said",
        "Last-Modified: {-36000} | Cache-Control: max-age=1",
        30,
        heuristic=True,
    ),
    stale(
        "9111 4.2.2",
        "no guess where an invalid Expires says something",
        "Last-Modified: {-36000} | Expires: 0",
        30,
        heuristic=True,
    ),
    stale("9111 4.2.2", "no guess without Last-Modified", "X: y", 0, heuristic=True),
    stale("9111 4.2.3", "max-age over at arrival by Age", "Cache-Control: max-age=60 | Age: 60", 0),
    stale("9111 4.2.3", "max-age over at arrival by Date", "Cache-Control: max-age=60 | Date: {-7200}", 0),
    stale("9111 4.2.3", "s-maxage over by Age", "Cache-Control: s-maxage=60 | Age: 7200", 0),
    stale("9111 4.2.3", "Expires over by Age", "Expires: {60} | Age: 7200", 0),
    *(
        stale("9111 5.1", f"Age {value!r} counts", f"Cache-Control: max-age=3600 | Age: {value}", 0)
        for value in ("7200", "7200, 0", "7200,x", "2147483648", "99999999999999", "07200")
    ),
    stale("9111 5.1", "the first of two Age lines counts", "Cache-Control: max-age=3600 | Age: 7200 | Age: 0", 0),
    *(
        fresh("9111 5.1", f"Age {value!r} is ignored", f"Cache-Control: max-age=3600 | Age: {value}", 0)
        for value in ("-7200", "7200.0", "abc", "7200;a=b", "7200 x", "", "0, 7200", "+7200")
    ),
    fresh("9110 6.6.1", "an invalid Date counts as none", "Cache-Control: max-age=60 | Date: yesterday"),
    fresh("semantics 7.2", "ttl where the response says nothing", "X: y", ttl=60),
    stale("semantics 7.2", "ttl over", "X: y", 61, ttl=60),
    stale("semantics 7.2", "the response goes before ttl", "Cache-Control: max-age=10", ttl=60),
    stale("semantics 7.2", "an invalid Expires goes before ttl", "Expires: 0", 1, ttl=60),
    stale("semantics 7.2", "ttl does not lift no-store", "Cache-Control: no-store", ttl=60),
    stale("semantics 7.2", "ttl does not lift private", "Cache-Control: private", ttl=60),
    stale("semantics 7.2", "ttl does not lift no-cache", 'Cache-Control: no-cache | ETag: "1"', ttl=60),
    fresh("semantics 7.2", "override goes before max-age", "Cache-Control: max-age=1", ttl=60, override=True),
    fresh(
        "semantics 7.2",
        "override goes before no-store",
        "Cache-Control: no-store, no-cache, private, must-revalidate",
        ttl=60,
        override=True,
    ),
    stale("semantics 7.2", "override keeps no Set-Cookie", "Set-Cookie: a=b", 0, ttl=60, override=True),
    *(
        fresh("9213 2", name, fields, targeted=["CDN-Cache-Control"])
        for name, fields in (
            ("max-age counts", "CDN-Cache-Control: max-age=60"),
            ("it goes before Cache-Control", "CDN-Cache-Control: max-age=60 | Cache-Control: no-store"),
            ("it goes before max-age 0", "CDN-Cache-Control: max-age=60 | Cache-Control: max-age=0"),
            ("it goes before Expires", "CDN-Cache-Control: max-age=60 | Expires: 0"),
            (
                "parameters of a directive say nothing",
                "CDN-Cache-Control: max-age=60;foo=bar | Cache-Control: no-store",
            ),
            ("an invalid one is as if it were not there", "CDN-Cache-Control: &max-age=1 | Cache-Control: max-age=60"),
            ("an empty one is as if it were not there", "CDN-Cache-Control:  | Cache-Control: max-age=60"),
            ("an unknown directive says nothing", "CDN-Cache-Control: foo, max-age=60, bar=(a b)"),
            ("false is as if it were not there", "CDN-Cache-Control: max-age=60, no-store=?0"),
            ("names inside no-cache are hidden only", 'CDN-Cache-Control: max-age=60, no-cache="foo"'),
            (
                "several lines are one field",
                "CDN-Cache-Control: max-age=60 | CDN-Cache-Control: public | Cache-Control: no-store",
            ),
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
    fresh(
        "9213 2",
        "the first of the list that is there counts",
        "B-Cache-Control: no-store | A-Cache-Control: max-age=60",
        targeted=["A-Cache-Control", "B-Cache-Control"],
    ),
    stale("9213 2", "it says nothing where it is not named in the settings", "CDN-Cache-Control: max-age=60"),
]
