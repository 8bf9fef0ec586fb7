"""Cases that only the whole way over sockets can show: interim answers, framing, methods, names as clients see them."""

from cache_exchange import cases

__all__ = ["CASES"]

CASES = cases(
    """\
9111 4.4: a Location under the name the client asked for
    > GET /a
    < 200 | Cache-Control: max-age=60
    = 200 | "answer 1"
    > POST /b
    < 201 | Location: http://gateway.example/a
    = 201
    > GET /a
    < 200 | Cache-Control: max-age=60
    = 200 | "answer 3"
9111 4.4: a Content-Location under the name the client asked for
    > GET /a
    < 200 | Cache-Control: max-age=60
    = 200 | "answer 1"
    > PUT /b
    < 200 | Content-Location: http://gateway.example/a
    = 200
    > GET /a
    < 200 | Cache-Control: max-age=60
    = 200 | "answer 3"
9111 4.4: a Location at another port is another origin
    > GET /a
    < 200 | Cache-Control: max-age=60
    = 200 | "answer 1"
    > POST /b
    < 201 | Location: http://127.0.0.1:1/a
    = 201
    > GET /a
    = 200 | "answer 1"
9111 4.4: a method this gateway does not know ends what is kept
    > GET /a
    < 200 | Cache-Control: max-age=60
    = 200 | "answer 1"
    > M-SEARCH /a
    < 200
    = 200
    > GET /a
    < 200 | Cache-Control: max-age=60
    = 200 | "answer 3"
9111 4.4: PROPPATCH that fails leaves what is kept
    > GET /a
    < 200 | Cache-Control: max-age=60
    = 200 | "answer 1"
    > PROPPATCH /a
    < 403
    = 403
    > GET /a
    = 200 | "answer 1"
9110 15.2: an interim 103 before an answer that is kept
    > GET /a
    < 200 | Cache-Control: max-age=60 | ~first 103 Link: </a.css>
    = 200 | "answer 1" | -Link
    > GET /a
    = 200 | "answer 1" | -Link
9110 15.2: an interim 102 and its fields are not kept
    > GET /a
    < 200 | Cache-Control: max-age=60 | ~first 102 Cache-Control: no-store
    = 200 | "answer 1"
    > GET /a
    = 200 | "answer 1"
9111 3: 299 with max-age
    > GET /a
    < 299 | Cache-Control: max-age=60
    = 299 | "answer 1"
    > GET /a
    = 299 | "answer 1"
9111 3: 499 with max-age
    > GET /a
    < 499 | Cache-Control: max-age=60
    = 499 | "answer 1"
    > GET /a
    = 499 | "answer 1"
9111 3: 599 with max-age
    > GET /a
    < 599 | Cache-Control: max-age=60
    = 599 | "answer 1"
    > GET /a
    = 599 | "answer 1"
9111 3: 504 with Expires
    > GET /a
    < 504 | Expires: {60}
    = 504 | "answer 1"
    > GET /a
    = 504 | "answer 1"
semantics 7.1: an answer with Set-Cookie is nobody else's, whatever it says
    > GET /a
    < 200 | Cache-Control: max-age=60, public | Set-Cookie: a=b
    = 200 | "answer 1" | Set-Cookie: a=b
    > GET /a
    < 200
    = 200 | "answer 2" | -Set-Cookie
9111 5.2.2.4: no-cache naming a field
    > GET /a
    < 200 | Cache-Control: max-age=60, no-cache="x-one" | X-One: 1 | X-Two: 2
    = 200 | "answer 1" | X-One: 1
    > GET /a
    = 200 | "answer 1" | X-Two: 2 | -X-One
9110 7.6.1: a header named in Connection does not go on
    > GET /a
    < 200 | Cache-Control: max-age=60 | Connection: X-One, keep-alive | X-One: 1
    = 200 | "answer 1" | -X-One
    > GET /a
    = 200 | "answer 1" | -X-One
9111 3.2: a 304 gives a new value to what is kept, and more fields
    > GET /a
    < 200 | Cache-Control: max-age=2 | ETag: "1" | X-One: 1 | Content-Type: text/plain
    = 200 | "answer 1"
    + 3
    > GET /a
    ? If-None-Match: "1"
    < 304 | Cache-Control: max-age=60 | ETag: "1" | X-One: 2 | X-Two: 3 | Content-Type: text/html | Content-Length: 99
    = 200 | "answer 1" | X-One: 2 | X-Two: 3 | Content-Length: 8
    > GET /a
    = 200 | "answer 1" | X-One: 2 | X-Two: 3 | Content-Length: 8
9111 4.3.5: HEAD gives new values
    > GET /a
    < 200 | Cache-Control: max-age=2 | ETag: "1" | X-One: 1
    = 200 | "answer 1"
    + 3
    > HEAD /a
    < 200 | Cache-Control: max-age=60 | ETag: "1" | X-One: 2 | Content-Length: 8
    = 200 | X-One: 2
    > GET /a
    = 200 | "answer 1" | X-One: 2
9111 4.3.5: HEAD with another length ends what is kept
    > GET /a
    < 200 | Cache-Control: max-age=2 | X-One: 1
    = 200 | "answer 1"
    + 3
    > HEAD /a
    < 200 | Cache-Control: max-age=60 | X-One: 2 | Content-Length: 9
    = 200 | X-One: 2
    > GET /a
    < 200 | Cache-Control: max-age=60
    = 200 | "answer 3"
9111 4.3.2: a hit keeps its length on HEAD
    > GET /a
    < 200 | Cache-Control: max-age=60
    = 200 | "answer 1"
    > HEAD /a
    = 200 | Content-Length: 8
9111 5.1: Age on several lines
    > GET /a
    < 200 | Cache-Control: max-age=60 | Age: 50 | Age: 0
    = 200
    > GET /a
    = 200 | "answer 1" | Age: 50
9111 5.1: Age with a decimal
    > GET /a
    < 200 | Cache-Control: max-age=60 | Age: 7200.0
    = 200
    > GET /a
    = 200 | "answer 1"
9111 5.1: Age with a parameter
    > GET /a
    < 200 | Cache-Control: max-age=60 | Age: 7200;foo=bar
    = 200
    > GET /a
    = 200 | "answer 1"
9111 5.1: a negative Age
    > GET /a
    < 200 | Cache-Control: max-age=60 | Age: -7200
    = 200
    > GET /a
    = 200 | "answer 1"
9111 5.1: an Age of the upstream is shown on the first answer
    > GET /a
    < 200 | Cache-Control: max-age=60 | Age: 12
    = 200 | Age: 12
9111 3.3: a part is not kept as the whole
    > GET /a | Range: bytes=0-3
    < 206 | "answ" | Cache-Control: max-age=60 | Content-Range: bytes 0-3/8
    = 206 | "answ" | Content-Range: bytes 0-3/8
    > GET /a
    < 200 | Cache-Control: max-age=60 | "answer 2"
    = 200 | "answer 2"
    > GET /a | Range: bytes=2-3
    = 206 | "sw" | Content-Range: bytes 2-3/8
    > GET /a | Range: bytes=-2
    = 206 | " 2"
    > GET /a | Range: bytes=9-
    = 416 | Content-Range: bytes */8
5861 4: a part of a stale copy stands in too
    > GET /a
    < 200 | Cache-Control: max-age=2, stale-if-error=60
    = 200
    + 3
    > GET /a | Range: bytes=-1
    < down
    = 206 | "1" | Content-Range: bytes 7-7/8
    > GET /a | Range: bytes=-1
    < 503
    = 206 | "1" | Cache-Status: ~fwd-status=503
    > HEAD /a
    < 503
    = 200 | Content-Length: 8
    > GET /a | Range: bytes=-1
    < 404
    = 404
9110 5.5: blanks and case around directives
    > GET /a
    < 200 | CACHE-CONTROL:   MaX-aGe=60   ,  , foo="a,b=no-store"
    = 200 | "answer 1"
    > GET /a
    = 200 | "answer 1"
9111 5.2.2.1: max-age in quotes
    > GET /a
    < 200 | Cache-Control: max-age="60"
    = 200
    > GET /a
    = 200 | "answer 1"
9111 5.2.2.1: a blank before the number
    > GET /a
    < 200 | Cache-Control: max-age= 60
    = 200
    > GET /a
    < 200
    = 200 | "answer 2"
9111 5.2.2.5: no-store on a second line
    > GET /a
    < 200 | Cache-Control: max-age=60 | Cache-Control: no-store
    = 200
    > GET /a
    < 200
    = 200 | "answer 2"
9111 5.3: Expires on two lines
    > GET /a
    < 200 | Expires: {60} | Expires: {-60}
    = 200
    > GET /a
    < 200
    = 200 | "answer 2"
9111 4.1: Vary on two lines and in another case
    > GET /a | Foo: 1 | Baz: 2
    < 200 | Cache-Control: max-age=60 | Vary: FOO | Vary: baz
    = 200 | "answer 1"
    > GET /a | foo: 1 | BAZ: 2
    = 200 | "answer 1"
    > GET /a | Foo: 1 | Baz: 3
    < 200 | Cache-Control: max-age=60 | Vary: FOO | Vary: baz
    = 200 | "answer 2"
    > GET /a | Foo: 1 | Baz: 2
    = 200 | "answer 1"
9111 4.1: request fields on several lines are one
    > GET /a | Foo: 1 | Foo: 2
    < 200 | Cache-Control: max-age=60 | Vary: Foo
    = 200 | "answer 1"
    > GET /a | Foo: 1,2
    = 200 | "answer 1"
9111 4.3.2: a weak tag of the client matches a strong one
    > GET /a
    < 200 | Cache-Control: max-age=60 | ETag: "a,b\\"
    = 200
    > GET /a | If-None-Match: W/"a,b\\"
    = 304 | ETag: "a,b\\"
9110 8.8.3: a tag without quotes is given back as it came
    > GET /a
    < 200 | Cache-Control: max-age=2 | ETag: abc
    = 200
    + 3
    > GET /a
    ? If-None-Match: abc
    < 304 | ETag: abc
    = 200 | "answer 1"
9111 5.2.1.7: only-if-cached where nothing is kept, on the whole way
    > GET /a | Cache-Control: only-if-cached
    = 504
9111 4.2.4: the origin is gone and nobody said stale would do
    > GET /a
    < 200 | Cache-Control: max-age=2
    = 200
    + 3
    > GET /a
    < down
    = 502
5861 4: the origin is gone
    > GET /a
    < 200 | Cache-Control: max-age=2, stale-if-error=60
    = 200
    + 3
    > GET /a
    < down
    = 200 | "answer 1" | Age: 3
5861 4: with a copy at hand nothing is sent a second time, though the connection was an old one
    > GET /a
    < 200 | Cache-Control: max-age=2, stale-if-error=60
    = 200
    + 3
    > GET /a
    < drop
    = 200 | "answer 1" | Age: 3
5861 4: the origin breaks off in the body
    > GET /a
    < 200 | Cache-Control: max-age=2, stale-if-error=60
    = 200
    + 3
    > GET /a
    < 200 | Cache-Control: max-age=2, stale-if-error=60 | ~cut 3
    = 200 | "answer 1"
5861 3: a refresh that brings an error leaves what is kept
    > GET /a
    < 200 | Cache-Control: max-age=2, stale-while-revalidate=60
    = 200
    + 3
    > GET /a
    < 500
    = 200 | "answer 1"
    > GET /a
    < 200 | Cache-Control: max-age=2
    = 200 | "answer 1"
    > GET /a
    = 200 | "answer 3"
9110 8.8.2: a redirect is kept with its Location
    > GET /a
    < 302 | Cache-Control: max-age=60 | Location: /b
    = 302 | Location: /b
    > GET /a
    = 302 | "answer 1" | Location: /b
9110 9.3.3: an answer to POST is not kept
    > POST /a
    < 200 | Cache-Control: max-age=60
    = 200
    > POST /a
    < 200 | Cache-Control: max-age=60
    = 200 | "answer 2"
9110 9.3.3: an answer to POST with Content-Location of its own
    > POST /a
    < 200 | Cache-Control: max-age=60 | Content-Location: /a
    = 200 | "answer 1"
    > GET /a
    < 200
    = 200 | "answer 2"
9110 6.5: trailers
    > GET /a
    < 200 | Cache-Control: max-age=60 | Trailer: X-Sum
    = 200 | "answer 1"
    > GET /a
    = 200 | "answer 1" | -Trailer
9110 8.4: another coding
    > GET /a | Accept-Encoding: gzip
    < 200 | Cache-Control: max-age=60 | Content-Encoding: gzip | Vary: Accept-Encoding | "zipped"
    = 200 | "zipped" | Content-Encoding: gzip
    > GET /a | Accept-Encoding: gzip;q=1.0
    = 200 | "zipped"
    > GET /a | Accept-Encoding: br
    < 200 | Cache-Control: max-age=60 | Vary: Accept-Encoding | "plain"
    = 200 | "plain" | -Content-Encoding
9111 4.3.1: a date is given back to the letter
    > GET /a
    < 200 | Cache-Control: max-age=2 | Last-Modified: {-3600}
    = 200
    + 3
    > GET /a
    ? If-Modified-Since: {-3600}
    < 304 | Cache-Control: max-age=60
    = 200 | "answer 1"
9111 4.3.2: If-Match is the origin's to judge, on the whole way
    > GET /a
    < 200 | Cache-Control: max-age=60 | ETag: "1"
    = 200
    > GET /a | If-Match: "2"
    ? If-Match: "2"
    < 412
    = 412
"""
)
