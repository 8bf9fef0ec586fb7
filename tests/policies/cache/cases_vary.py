"""RFC 9111 section 4.1: which variant a request may be given."""

from cache_exchange import Case, cases
from cache_shapes import stale

__all__ = ["CASES"]


def selected(name: str, one: str, other: str, *, same: bool) -> Case:
    """Return the case of two values of a selecting header that are the same, or not."""
    text = f"> GET /a | {name}: {one}\n< 200 | Cache-Control: max-age=60 | Vary: {name}\n= 200\n"
    text += f"> GET /a | {name}: {other}\n"
    title = "mean the same are the same" if same else "mean something else are not the same"
    text += '= 200 | "answer 1"' if same else '< 200\n= 200 | "answer 2"'
    return Case("9111 4.1", f"values that {title}: {name} {one!r} and {other!r}", text)


TEXT = r"""
9111 4.1: the same selecting header is a hit
    > GET /a | Foo: 1
    < 200 | Cache-Control: max-age=60 | Vary: Foo
    = 200
    > GET /a | Foo: 1
    = 200 | "answer 1"
9111 4.1: another selecting header is a miss
    > GET /a | Foo: 1
    < 200 | Cache-Control: max-age=60 | Vary: Foo
    = 200
    > GET /a | Foo: 2
    < 200
    = 200 | "answer 2" | Cache-Status: seawall; fwd=vary-miss
9111 4.1: a selecting header left out is a miss
    > GET /a | Foo: 1
    < 200 | Cache-Control: max-age=60 | Vary: Foo
    = 200
    > GET /a
    < 200
    = 200 | "answer 2"
9111 4.1: a selecting header absent both times is a hit
    > GET /a
    < 200 | Cache-Control: max-age=60 | Vary: Foo
    = 200
    > GET /a
    = 200 | "answer 1"
9111 4.1: an absent selecting header is not an empty one
    > GET /a
    < 200 | Cache-Control: max-age=60 | Vary: Foo
    = 200
    > GET /a | Foo:
    < 200
    = 200 | "answer 2"
9111 4.1: variants do not overwrite each other
    > GET /a | Foo: 1
    < 200 | Cache-Control: max-age=60 | Vary: Foo
    = 200
    > GET /a | Foo: 2
    < 200 | Cache-Control: max-age=60 | Vary: Foo
    = 200
    > GET /a | Foo: 1
    = 200 | "answer 1"
    > GET /a | Foo: 2
    = 200 | "answer 2"
9111 4.1: every header of several lines of Vary counts
    > GET /a | Foo: 1 | Bar: 1
    < 200 | Cache-Control: max-age=60 | Vary: Foo | Vary: bar
    = 200
    > GET /a | Foo: 1 | Bar: 1
    = 200 | "answer 1"
    > GET /a | Foo: 1 | Bar: 2
    < 200
    = 200
9111 4.1: of two that fit the newest is given
    > GET /a | Foo: 1
    < 200 | Cache-Control: max-age=60 | Vary: Foo
    = 200
    + 5
    > GET /a | Foo: 2
    < 200 | Cache-Control: max-age=60
    = 200
    > GET /a | Foo: 1
    = 200 | "answer 2"
9111 4.1: two lines are the same as one
    > GET /a | Foo: 1 | Foo: 2
    < 200 | Cache-Control: max-age=60 | Vary: Foo
    = 200
    > GET /a | Foo: 1, 2
    = 200 | "answer 1"
"""

CASES = [
    *cases(TEXT),
    *(
        stale("9111 4.1", f"Vary {value} is never given again", f"Cache-Control: max-age=60 | Vary: {value}")
        for value in ("*", "*, Foo", "Foo, *", "Foo,*,Bar", ", *")
    ),
    stale(
        "9111 4.1",
        "a star in a second line of Vary is never given again",
        "Cache-Control: max-age=60 | Vary: Foo | Vary: *",
    ),
    *(
        selected(name, one, other, same=True)
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
        selected(name, one, other, same=False)
        for name, one, other in (
            ("Foo", "1, 2", "2, 1"),
            ("Foo", "a", "A"),
            ("User-Agent", "x (a, b)", "x (a,b)"),
            ("Accept-Language", "en;q=0.5, de", "en, de"),
            ("Foo", '"1, 2"', '"1,2"'),
        )
    ),
]
