"""Raw exchanges every HTTP/1.1 server of ours must pass, and what uvicorn and nginx make of them."""

from dataclasses import dataclass

H = b"Host: a\r\n"


@dataclass(frozen=True)
class Case:
    """One exchange.

    Attributes:
        name: what is sent, in words.
        raw: the bytes; a plain `GET /after` with `Connection: close` follows them.
        statuses: of the answers to `raw`.
        closes: whether the connection ends before `/after` is answered.
        bodies: of the answers, where they matter.
        methods: of the requests, where HEAD matters.
    """

    name: str
    raw: bytes
    statuses: tuple[int, ...]
    closes: bool = False
    bodies: tuple[bytes, ...] | None = None
    methods: tuple[bytes, ...] = ()


def get(extra: bytes = b"", target: bytes = b"/", version: bytes = b"HTTP/1.1") -> bytes:
    """Return a GET with one Host and more header lines."""
    return b"GET " + target + b" " + version + b"\r\n" + H + extra + b"\r\n"


def post(extra: bytes, body: bytes = b"") -> bytes:
    """Return a POST with one Host, more header lines and a body."""
    return b"POST / HTTP/1.1\r\n" + H + extra + b"\r\n" + body


def chunked(body: bytes) -> bytes:
    """Return a POST with this chunked body."""
    return post(b"Transfer-Encoding: chunked\r\n", body)


ACCEPTED = (
    Case("plain GET", get(), (200,), bodies=(b"GET / 0",)),
    Case("HEAD has a length and no body", b"HEAD / HTTP/1.1\r\n" + H + b"\r\n", (200,), methods=(b"HEAD",)),
    Case("three in a row", get() + get(target=b"/b") + post(b"Content-Length: 2\r\n", b"xy"), (200, 200, 200),
         bodies=(b"GET / 0", b"GET /b 0", b"POST / 2")),
    Case("body behind a length", post(b"Content-Length: 5\r\n", b"hello"), (200,), bodies=(b"POST / 5",)),
    Case("empty body behind a length", post(b"Content-Length: 0\r\n"), (200,), bodies=(b"POST / 0",)),
    Case("length with leading zeros", post(b"Content-Length: 005\r\n", b"hello"), (200,), bodies=(b"POST / 5",)),
    Case("GET with a body", get(b"Content-Length: 3\r\n") + b"abc", (200,), bodies=(b"GET / 3",)),
    Case("chunks", chunked(b"3\r\nabc\r\n2\r\nde\r\n0\r\n\r\n"), (200,), bodies=(b"POST / 5",)),
    Case("no chunk at all", chunked(b"0\r\n\r\n"), (200,), bodies=(b"POST / 0",)),
    Case("chunk size in upper case hex", chunked(b"A\r\n0123456789\r\n0\r\n\r\n"), (200,), bodies=(b"POST / 10",)),
    Case("chunk size with zeros", chunked(b"0003\r\nabc\r\n000\r\n\r\n"), (200,), bodies=(b"POST / 3",)),
    Case("chunk extension", chunked(b"3;a=b\r\nabc\r\n0;c\r\n\r\n"), (200,), bodies=(b"POST / 3",)),
    Case("trailers", chunked(b"3\r\nabc\r\n0\r\nX-Sum: 1\r\n\r\n"), (200,), bodies=(b"POST / 3",)),
    Case("trailer that looks like framing", chunked(b"3\r\nabc\r\n0\r\nContent-Length: 9\r\n\r\n"), (200,),
         bodies=(b"POST / 3",)),
    Case("Transfer-Encoding in upper case", post(b"TRANSFER-ENCODING: CHUNKED\r\n", b"0\r\n\r\n"), (200,)),
    Case("empty lines before", b"\r\n\r\n" + get(), (200,)),
    Case("blanks around a value", get(b"X: \t b \t\r\n"), (200,)),
    Case("empty value", get(b"X:\r\n"), (200,)),
    Case("obs-text in a value", get(b"X: caf\xe9\r\n"), (200,)),
    Case("tab inside a value", get(b"X: a\tb\r\n"), (200,)),
    Case("query kept as sent", get(target=b"/a%2Fb/%2e%2E/?q=%00&q=a+b//"), (200,),
         bodies=(b"GET /a%2Fb/%2e%2E/?q=%00&q=a+b// 0",)),
    Case("query without a path", get(target=b"/?a=http://b/"), (200,)),
    Case("OPTIONS for the whole server", b"OPTIONS * HTTP/1.1\r\n" + H + b"\r\n", (200,), bodies=(b"OPTIONS * 0",)),
    Case("HTTP/1.0 kept alive", get(b"Connection: keep-alive\r\n", version=b"HTTP/1.0"), (200,)),
    Case("HTTP/1.0 closes", get(version=b"HTTP/1.0"), (200,), closes=True),
    Case("Connection: close", get(b"Connection: close\r\n"), (200,), closes=True),
    Case("close among other options", get(b"Connection: x, Close\r\n"), (200,), closes=True),
    Case("Expect is met", post(b"Content-Length: 2\r\nExpect: 100-continue\r\n", b"ab"), (200,)),
    Case("Expect from HTTP/1.0 is ignored", get(b"Expect: x\r\n", version=b"HTTP/1.0"), (200,), closes=True),
    Case("Upgrade is ignored", get(b"Connection: Upgrade\r\nUpgrade: websocket\r\n"), (200,)),
    Case("Upgrade with a body", post(b"Connection: Upgrade\r\nUpgrade: h2c\r\nContent-Length: 2\r\n", b"ab"), (200,),
         bodies=(b"POST / 2",)),
    Case("Host with a port", b"GET / HTTP/1.1\r\nHost: example.org:8080\r\n\r\n", (200,)),
    Case("Host is an IPv6 literal", b"GET / HTTP/1.1\r\nHost: [::1]:8080\r\n\r\n", (200,)),
    Case("WebDAV method", b"PROPFIND / HTTP/1.1\r\n" + H + b"\r\n", (200,)),
)  # fmt: skip

REFUSED = (
    Case("no Host", b"GET / HTTP/1.1\r\n\r\n", (400,), True),
    Case("no Host in HTTP/1.0", b"GET / HTTP/1.0\r\n\r\n", (400,), True),
    Case("two Hosts", b"GET / HTTP/1.1\r\nHost: a\r\nHost: b\r\n\r\n", (400,), True),
    Case("the same Host twice", b"GET / HTTP/1.1\r\nHost: a\r\nHost: a\r\n\r\n", (400,), True),
    Case("empty Host", b"GET / HTTP/1.1\r\nHost:\r\n\r\n", (400,), True),
    Case("Host with a path", b"GET / HTTP/1.1\r\nHost: a/b\r\n\r\n", (400,), True),
    Case("Host with a user", b"GET / HTTP/1.1\r\nHost: u@a\r\n\r\n", (400,), True),
    Case("Host with a space", b"GET / HTTP/1.1\r\nHost: a b\r\n\r\n", (400,), True),
    Case("Host with letters for a port", b"GET / HTTP/1.1\r\nHost: a:b\r\n\r\n", (400,), True),
    Case("Host is half a literal", b"GET / HTTP/1.1\r\nHost: [::1\r\n\r\n", (400,), True),
    Case("length and chunked",
         post(b"Content-Length: 5\r\nTransfer-Encoding: chunked\r\n", b"0\r\n\r\n"), (400,), True),
    Case("chunked and length",
         post(b"Transfer-Encoding: chunked\r\nContent-Length: 5\r\n", b"0\r\n\r\n"), (400,), True),
    Case("two different lengths", post(b"Content-Length: 1\r\nContent-Length: 2\r\n", b"ab"), (400,), True),
    Case("the same length twice", post(b"Content-Length: 1\r\nContent-Length: 1\r\n", b"a"), (400,), True),
    Case("a list of lengths", post(b"Content-Length: 1, 1\r\n", b"a"), (400,), True),
    Case("length with a sign", post(b"Content-Length: +1\r\n", b"a"), (400,), True),
    Case("negative length", post(b"Content-Length: -1\r\n", b"a"), (400,), True),
    Case("length with an underscore", post(b"Content-Length: 1_0\r\n", b"0123456789"), (400,), True),
    Case("length in hex", post(b"Content-Length: 0x1\r\n", b"a"), (400,), True),
    Case("empty length", post(b"Content-Length:\r\n"), (400,), True),
    Case("length of 30 digits", post(b"Content-Length: " + b"9" * 30 + b"\r\n"), (400,), True),
    Case("length beyond the bound", post(b"Content-Length: 9999999999\r\n"), (413,), True),
    Case("identity, chunked", post(b"Transfer-Encoding: identity, chunked\r\n", b"0\r\n\r\n"), (501,), True),
    Case("gzip, chunked", post(b"Transfer-Encoding: gzip, chunked\r\n", b"0\r\n\r\n"), (501,), True),
    Case("gzip", post(b"Transfer-Encoding: gzip\r\n"), (501,), True),
    Case("identity", post(b"Transfer-Encoding: identity\r\n"), (501,), True),
    Case("chunked twice", post(b"Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n", b"0\r\n\r\n"), (400,),
         True),
    Case("chunked, chunked", post(b"Transfer-Encoding: chunked, chunked\r\n", b"0\r\n\r\n"), (400,), True),
    Case("xchunked", post(b"Transfer-Encoding: xchunked\r\n", b"0\r\n\r\n"), (400,), True),
    Case("quoted chunked", post(b'Transfer-Encoding: "chunked"\r\n', b"0\r\n\r\n"), (501,), True),
    Case("chunked with a vertical tab", post(b"Transfer-Encoding: \x0bchunked\r\n", b"0\r\n\r\n"), (400,), True),
    Case("empty Transfer-Encoding", post(b"Transfer-Encoding:\r\n"), (400,), True),
    Case("HTTP/1.0 with chunks", b"POST / HTTP/1.0\r\n" + H + b"Transfer-Encoding: chunked\r\n\r\n0\r\n\r\n", (400,),
         True),
    Case("bare CR before the request line", b"\r" + get(), (400,), True),
    Case("bare LF before the request line", b"\n" + get(), (400,), True),
    Case("bare LF behind the request line", b"GET / HTTP/1.1\n" + H + b"\r\n", (400,), True),
    Case("bare LF behind a header", b"GET / HTTP/1.1\r\nHost: a\nX: b\r\n\r\n", (400,), True),
    Case("bare LF everywhere", b"GET / HTTP/1.1\nHost: a\n\n", (400,), True),
    Case("bare LF for the empty line", b"GET / HTTP/1.1\r\nHost: a\r\n\n", (400,), True),
    Case("bare CR in a value", get(b"X: a\rb\r\n"), (400,), True),
    Case("two CR", get(b"X: a\r\r\n"), (400,), True),
    Case("folded line", get(b"X: a\r\n b\r\n"), (400,), True),
    Case("line folded by a tab", get(b"X: a\r\n\tb\r\n"), (400,), True),
    Case("first header folded", b"GET / HTTP/1.1\r\n X: a\r\n" + H + b"\r\n", (400,), True),
    Case("NUL in a value", get(b"X: a\0b\r\n"), (400,), True),
    Case("NUL in a name", get(b"X\0: a\r\n"), (400,), True),
    Case("control byte in a value", get(b"X: a\x01b\r\n"), (400,), True),
    Case("DEL in a value", get(b"X: a\x7fb\r\n"), (400,), True),
    Case("space before the colon", get(b"X : a\r\n"), (400,), True),
    Case("tab before the colon", get(b"X\t: a\r\n"), (400,), True),
    Case("space inside a name", get(b"X Y: a\r\n"), (400,), True),
    Case("empty name", get(b": a\r\n"), (400,), True),
    Case("line without a colon", get(b"X\r\n"), (400,), True),
    Case("obs-text in a name", get(b"X\xe9: a\r\n"), (400,), True),
    Case("parenthesis in a name", get(b"X(: a\r\n"), (400,), True),
    Case("chunk size with a sign", chunked(b"+3\r\nabc\r\n0\r\n\r\n"), (400,), True),
    Case("chunk size with 0x", chunked(b"0x3\r\nabc\r\n0\r\n\r\n"), (400,), True),
    Case("chunk size with an underscore", chunked(b"1_0\r\n0123456789abcdef\r\n0\r\n\r\n"), (400,), True),
    Case("chunk size with a leading space", chunked(b" 3\r\nabc\r\n0\r\n\r\n"), (400,), True),
    Case("chunk size with a trailing space", chunked(b"3 \r\nabc\r\n0\r\n\r\n"), (400,), True),
    Case("chunk size that overflows", chunked(b"FFFFFFFFFFFFFFFFF\r\nabc\r\n"), (400,), True),
    Case("chunk beyond the bound", chunked(b"FFFFFFF\r\n" + b"a" * 16), (413,), True),
    Case("empty chunk size", chunked(b"\r\nabc\r\n0\r\n\r\n"), (400,), True),
    Case("chunk size behind a bare LF", chunked(b"3\nabc\r\n0\r\n\r\n"), (400,), True),
    Case("chunk data behind a bare LF", chunked(b"3\r\nabc\n0\r\n\r\n"), (400,), True),
    Case("bare CR behind a chunk", chunked(b"3\r\nabc\rX0\r\n\r\n"), (400,), True),
    Case("chunk longer than its size", chunked(b"3\r\nabcd\r\n0\r\n\r\n"), (400,), True),
    Case("last chunk behind a bare LF", chunked(b"0\r\n\n"), (400,), True),
    Case("bare CR in a chunk extension", chunked(b"3;a\rb\r\nabc\r\n0\r\n\r\n"), (400,), True),
    Case("endless chunk extension", chunked(b"3;" + b"a" * 300 + b"\r\nabc\r\n0\r\n\r\n"), (400,), True),
    Case("trailer without a colon", chunked(b"0\r\nX\r\n\r\n"), (400,), True),
    Case("too many trailers", chunked(b"0\r\n" + b"X: y\r\n" * 1000 + b"\r\n"), (400,), True),
    Case("absolute-form", get(target=b"http://evil/p"), (400,), True),
    Case("authority-form", get(target=b"evil:80"), (400,), True),
    Case("two slashes", get(target=b"//evil/p"), (400,), True),
    Case("backslash", get(target=b"/\\evil"), (400,), True),
    Case("backslash in the query", get(target=b"/?\\"), (400,), True),
    Case("fragment", get(target=b"/a#b"), (400,), True),
    Case("target without a slash", get(target=b"a"), (400,), True),
    Case("target is only a query", get(target=b"?a"), (400,), True),
    Case("control byte in the target", get(target=b"/a\x01"), (400,), True),
    Case("tab in the target", get(target=b"/a\tb"), (400,), True),
    Case("NUL in the target", get(target=b"/a\0b"), (400,), True),
    Case("DEL in the target", get(target=b"/a\x7f"), (400,), True),
    Case("raw UTF-8 in the target", get(target=b"/caf\xc3\xa9"), (400,), True),
    Case("asterisk with GET", get(target=b"*"), (400,), True),
    Case("CONNECT", b"CONNECT evil:443 HTTP/1.1\r\n" + H + b"\r\n", (405,), True),
    Case("TRACE", b"TRACE / HTTP/1.1\r\n" + H + b"\r\n", (405,), True),
    Case("method in lower case", b"get / HTTP/1.1\r\n" + H + b"\r\n", (400,), True),
    Case("unknown method", b"FOO / HTTP/1.1\r\n" + H + b"\r\n", (501,), True),
    Case("two spaces behind the method", b"GET  / HTTP/1.1\r\n" + H + b"\r\n", (400,), True),
    Case("two spaces behind the target", b"GET /  HTTP/1.1\r\n" + H + b"\r\n", (400,), True),
    Case("space behind the version", b"GET / HTTP/1.1 \r\n" + H + b"\r\n", (400,), True),
    Case("tab behind the method", b"GET\t/ HTTP/1.1\r\n" + H + b"\r\n", (400,), True),
    Case("HTTP/0.9", b"GET /\r\n\r\n", (400,), True),
    Case("HTTP/0.9 with a version", get(version=b"HTTP/0.9"), (505,), True),
    Case("HTTP/1.2", get(version=b"HTTP/1.2"), (505,), True),
    Case("HTTP/2.0", get(version=b"HTTP/2.0"), (505,), True),
    Case("HTTP/2 preface", b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", (505,), True),
    Case("version in lower case", get(version=b"http/1.1"), (400,), True),
    Case("version HTTP/1.10", get(version=b"HTTP/1.10"), (505,), True),
    Case("another protocol", get(version=b"RTSP/1.0"), (505,), True),
    Case("TLS to a plain port", b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03\r\n\r\n\n", (400,), True),
    Case("unknown expectation", post(b"Expect: x\r\nContent-Length: 1\r\n", b"a"), (417,), True),
    Case("more header lines than allowed", get(b"X: y\r\n" * 100), (431,), True),
    Case("header longer than allowed", get(b"X: " + b"y" * 20000 + b"\r\n"), (431,), True),
    Case("request line longer than allowed", get(target=b"/" + b"y" * 20000), (414,), True),
)  # fmt: skip

CASES = ACCEPTED + REFUSED
