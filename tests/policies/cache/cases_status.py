"""RFC 9211: what Cache-Status says."""

from cache_exchange import cases

__all__ = ["CASES"]

TEXT = r"""
9211 2.1: a hit
    > GET /a
    < 200 | Cache-Control: max-age=60
    = 200
    + 20
    > GET /a
    = 200 | Cache-Status: seawall; hit; ttl=40
9211 2.2: a miss that is kept
    > GET /a
    < 200 | Cache-Control: max-age=60
    = 200 | Cache-Status: seawall; fwd=uri-miss; ttl=60; stored
9211 2.2: a miss that is not kept
    > GET /a
    < 200
    = 200 | Cache-Status: seawall; fwd=uri-miss
9211 2.3: a validation
    > GET /a
    < 200 | Cache-Control: max-age=10 | ETag: "1"
    = 200
    + 20
    > GET /a
    < 304 | ETag: "1" | Cache-Control: max-age=60
    = 200 | Cache-Status: seawall; fwd=stale; fwd-status=304; ttl=60; stored
9211 2.2: a request that wants it so
    > GET /a
    < 200 | Cache-Control: max-age=60
    = 200
    > GET /a | Cache-Control: no-cache
    < 200
    = 200 | Cache-Status: seawall; fwd=request
9211 2.2: a method that is not cached
    > POST /a
    < 200
    = 200 | Cache-Status: seawall; fwd=method
9211 2.4: a stale hit has a negative ttl
    > GET /a
    < 200 | Cache-Control: max-age=10, stale-if-error=60
    = 200
    + 30
    > GET /a
    < down
    = 200 | Cache-Status: seawall; hit; ttl=-20; detail="the upstream failed"
9211 2.3: a stale answer for a 503 says what the upstream said
    > GET /a
    < 200 | Cache-Control: max-age=10, stale-if-error=60
    = 200
    + 30
    > GET /a
    < 503
    = 200 | Cache-Status: ~fwd=stale; fwd-status=503; ttl=-20
9211 2: our member comes after the upstream's
    > GET /a
    < 200 | Cache-Control: max-age=60 | Cache-Status: origin; hit
    = 200 | Cache-Status: origin; hit, seawall; fwd=uri-miss; ttl=60; stored
    > GET /a
    = 200 | Cache-Status: origin; hit, seawall; hit; ttl=60
"""

CASES = cases(TEXT)
