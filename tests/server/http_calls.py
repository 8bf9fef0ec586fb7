"""Requests and handlers the server tests share."""

import asyncio

from seawall.contracts.reply import Reply

GET = b"GET / HTTP/1.1\r\nHost: a\r\n\r\n"
HEAD = b"HEAD / HTTP/1.1\r\nHost: a\r\n\r\n"
OLD = b"GET / HTTP/1.0\r\nHost: a\r\n\r\n"
OLD_KEPT = b"GET / HTTP/1.0\r\nHost: a\r\nConnection: keep-alive\r\n\r\n"
CLOSE = b"GET / HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n"
POST = b"POST / HTTP/1.1\r\nHost: a\r\nContent-Length: %d\r\n\r\n"
CHUNKED = b"POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n"
EXPECT = b"POST / HTTP/1.1\r\nHost: a\r\nExpect: 100-continue\r\nContent-Length: %d\r\n\r\n"


class Answers:
    """A handler that gives prepared replies and keeps what it was asked."""

    def __init__(self, *replies: Reply):
        self.replies = list(replies)
        self.given: list[Reply] = []
        self.closed: list[Reply] = []
        self.requests = []

    async def __call__(self, request):
        self.requests.append(request)
        reply = self.replies.pop(0)
        self.given.append(reply)
        reply.on_close(lambda: self.closed.append(reply))
        return reply


class Held:
    """A handler that waits until told, and notes its cancellation."""

    def __init__(self):
        self.started = self.cancelled = 0
        self.release = asyncio.get_running_loop().create_future()

    async def __call__(self, _):
        self.started += 1
        try:
            await asyncio.shield(self.release)
        except asyncio.CancelledError:
            self.cancelled += 1
            raise
        return Reply(200, [], b"held")
