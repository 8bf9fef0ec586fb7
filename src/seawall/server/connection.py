"""One client connection: one call at a time, answers in order, gone as soon as its client is."""

import asyncio
from math import inf
from typing import cast

from seawall.contracts.body import Body, Headers
from seawall.contracts.errors import RequestBodyError, SeawallError
from seawall.contracts.request import Request
from seawall.server.intake import BODY, CALL, CLOSED, COLLECT, HEAD, LINGER, Intake
from seawall.server.output import Output
from seawall.server.presence import Presence
from seawall.server.refusal import Refused, closed, instead, refusal
from seawall.server.render import InvalidReply, early
from seawall.server.state import State

__all__ = ["Connection"]

_BACKLOG = 64 << 10  # pipelined bytes held while a call is under way
_LINGER_TIME = 2.0


class Connection(Intake, asyncio.Protocol):
    """The protocol of one accepted connection."""

    __slots__ = (
        "_late", "_loose", "_output", "_peer", "_presence", "_secure", "_shut", "_task", "_told", "_transport", "_turn",
        "_under_way",
    )  # fmt: skip

    _transport: asyncio.Transport
    _output: Output
    _presence: Presence

    def __init__(self, state: State) -> None:
        super().__init__(state)
        self._task: asyncio.Task[None] | None = None
        self._turn: asyncio.Future[Request] | None = None  # where the task waits for the next request
        self._under_way = False  # a call is
        self._loose = False  # where the request ends is unknown: close behind the answer
        self._shut = False  # reading is paused
        self._late = False  # the answer is written but the client has not taken it
        self._peer, self._secure = "", False
        self._told = self._early  # bound once, not for every request

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Admit the connection, or answer 503 and close it."""
        state = self._state
        stream = self._transport = cast("asyncio.Transport", transport)  # uvloop's are no subclasses of it
        self._output = Output(state, stream)
        self._presence = Presence(state.wheel, stream)
        name = transport.get_extra_info("peername")
        self._peer = name[0] if isinstance(name, tuple) else ""
        self._secure = transport.get_extra_info("ssl_object") is not None
        if state.admit(self, self._peer):
            self._deadline.set(state.now() + state.limits.header_timeout)
            return
        state.refused(503)
        self._output.send(refusal(503, "there are too many connections"), False, False, True)
        self._close()

    def connection_lost(self, exc: Exception | None) -> None:
        """Cancel the call: its client has left (semantics 1.4)."""
        self._phase = CLOSED
        self._forget()
        self._told = None  # type: ignore[assignment]  # gone; nothing asks any more
        self._presence.stop()
        self._output.lost()
        self._state.leave(self, self._peer)
        self._transport.close()  # asyncio's TLS transport warns of a leak when only the peer has closed it
        if self._body is not None:
            self._body.fail(RequestBodyError(499, "the client left"))
        task = self._task
        if task is not None and not task.done():
            task.cancel()

    def eof_received(self) -> bool:
        """Take a half-closed connection for a client that left, as nginx does; the transport then closes."""
        return False

    def pause_writing(self) -> None:
        """Let the answer wait for the client."""
        self._output.pause()

    def resume_writing(self) -> None:
        """Let the answer go on, or the next request start."""
        self._output.resume()
        if self._late:
            self._late = False
            self._phase = HEAD
            self._proceed()

    @property
    def idle(self) -> bool:
        """Nothing of a request has arrived since the last answer."""
        return self._phase is HEAD and not self._buffer

    @property
    def waiting(self) -> bool:
        """No call is under way."""
        return self._late or self._phase in (HEAD, COLLECT, LINGER)

    def retire(self, *, final: bool = False) -> None:
        """Close now if idle; `State.draining` lets the answer in flight be the last."""
        if self.idle or self._late or (final and self._phase in (HEAD, COLLECT)):
            self._close()

    def abort(self) -> None:
        """Close at once."""
        self._state.leave(self, self._peer)
        self._transport.abort()

    def _call(self, body: Body, length: int | None) -> None:
        state, head = self._state, self._head
        if state.inflight >= state.limits.max_inflight:
            state.refused(503)
            close = not head.keep_alive or self._phase is BODY
            self._output.send(refusal(503), head.method == b"HEAD", head.http10, close)
            self._finish(close)
            return
        state.inflight += 1
        self._under_way = True
        request = Request(
            head.method, head.target, head.headers, head.host, body, length, self._peer, self._secure, self._received,
            head.memory, None if head.http10 else self._told,
        )  # fmt: skip
        turn, self._turn = self._turn, None
        if turn is None:
            turn = state.loop.create_future()
            task = self._task = asyncio.Task(self._serve(turn), loop=state.loop, name="call")  # named: no name is made
            state.tasks.add(task)
            task.add_done_callback(self._over)
        turn.set_result(request)

    async def _serve(self, turn: "asyncio.Future[Request]") -> None:
        """The connection's task: ask the handler, write its reply, make way for the next request and wait for it.

        One for all calls of a connection; a task for each would cost every call its making and its end.
        """
        state, head = self._state, self._head
        while True:
            request = await turn
            try:
                try:
                    reply = await state.handler(request)
                except Exception as error:  # noqa: BLE001 - a broken handler must not take the server with it
                    reply = instead(error, state.report)
                request.interim, self._expecting = None, False  # nothing comes before an answer any more
                close = not head.keep_alive or self._loose or self._phase is BODY or state.draining
                body, bare = reply.body, head.method == b"HEAD"
                try:
                    if self._phase is CLOSED:  # answered in spite of its cancellation
                        return
                    if type(body) is bytes or bare or reply.status in (204, 304):
                        self._output.send(reply, bare, head.http10, close)
                    # not bytes, so it is a Source; isinstance on a protocol would cost microseconds
                    elif await self._output.stream(reply, body, head.http10, close):  # type: ignore[arg-type]
                        close = True
                except InvalidReply as error:
                    state.report(error)
                    self._output.send(refusal(500), bare, head.http10, close)
                finally:
                    closed(reply, state.report)
            except asyncio.CancelledError:
                self.abort()
                raise
            except Exception as error:  # noqa: BLE001 - the answer broke after its head: only an abort tells the client
                self._broken(error)
                return
            self._under_way = False
            state.ended()
            self._finish(close)
            if self._phase is CLOSED or self._phase is LINGER:
                return
            del request, reply, body  # a connection that is kept holds on to nothing of its last call
            turn = self._turn = state.loop.create_future()

    def _broken(self, error: Exception) -> None:
        if not isinstance(error, SeawallError):
            self._state.report(error)
        self.abort()

    def _over(self, task: asyncio.Task[None]) -> None:
        """The connection's task has ended; cancelled before its first step, it never began with its call."""
        self._state.tasks.discard(task)
        self._task = None  # it refers back to here by how it ended
        if self._under_way:
            self._under_way = False
            self._state.ended()

    def _early(self, status: int, headers: Headers) -> None:
        """Write an interim answer; a client that lags behind or has left does without."""
        if not self._output.paused and not self._transport.is_closing():
            try:
                self._transport.write(early(status, headers))
            except InvalidReply as error:
                self._state.report(error)

    def _finish(self, close: bool) -> None:
        """The answer is written: close, or take the next request once the client has taken the answer."""
        phase = self._phase
        if phase is CLOSED:
            return
        if self._body is not None:
            self._body.close()
            self._body = None
        if close:
            self._end(dirty=phase is BODY or self._loose or bool(self._buffer))
            return
        if self._output.paused:
            self._late = True  # the phase stays: pipelined requests wait until this answer is taken
        else:
            self._phase = HEAD
            self._proceed()

    def _proceed(self) -> None:
        if self._shut:
            self.open()
        self._deadline.set(self._state.now() + self._state.limits.idle_timeout)
        if self._buffer:
            self._state.loop.call_soon(self._next)  # not called here: a long pipeline would nest as deep

    def _refuse(self, reason: Refused, head_only: bool) -> None:
        self._state.refused(reason.status)
        self._output.send(refusal(reason.status, reason.detail), head_only, False, True)
        self._end(dirty=True)

    def _spoil(self, reason: Refused) -> None:
        if not self._under_way or self._body is None:
            self._refuse(reason, self._head.method == b"HEAD")
            return
        self._state.refused(reason.status)
        self._loose = True
        self._phase = CALL
        self._deadline.due = inf
        self.shut()
        self._body.fail(RequestBodyError(reason.status, reason.detail))

    def _end(self, dirty: bool) -> None:
        """Close behind the last answer; `dirty` when the client may still be sending.

        Closing with unread bytes makes TCP reset the connection, and the client may lose the answer (RFC 9112
        section 9.6): say that no more comes, read on for a while, then close.
        """
        if not dirty:
            self._close()
            return
        self._phase = LINGER
        self._size = 0
        self._buffer = b""
        if self._transport.is_closing():
            return
        if self._transport.can_write_eof():
            self._transport.write_eof()
        self._deadline.set(self._state.now() + _LINGER_TIME)
        if self._shut:
            self.open()

    def _close(self) -> None:
        self._phase = CLOSED
        self._late = False  # what is still flushed must not bring the connection back
        self._deadline.stop()
        self._output.close()

    def _crowded(self, held: int) -> None:
        if held > _BACKLOG:
            self.shut()

    def _expired(self) -> None:
        if self._phase is LINGER or self.idle:
            self._close()
        elif self._phase is HEAD:
            reason = Refused(408, "the request head did not arrive in time")
            self._refuse(reason, self._buffer.lstrip().startswith(b"HEAD "))
        elif self._phase in (BODY, COLLECT):
            self._spoil(Refused(408, "no byte of the request body arrived in time"))

    def shut(self) -> None:
        """Stop reading from the client for now."""
        if not self._shut and not self._transport.is_closing():
            self._shut = True
            self._transport.pause_reading()
            self._presence.start()
            if self._phase is BODY:
                self._deadline.due = inf

    def open(self) -> None:
        """Read on; send `100 Continue` to a client that waits for it (RFC 9110 section 10.1.1)."""
        if self._transport.is_closing():
            return
        if self._expecting:
            self._expecting = False
            self._transport.write(b"HTTP/1.1 100 Continue\r\n\r\n")
            self._deadline.set(self._state.now() + self._state.limits.body_timeout)
        if self._shut:
            self._shut = False
            self._presence.stop()
            self._transport.resume_reading()
            if self._phase is BODY:
                self._deadline.set(self._state.now() + self._state.limits.body_timeout)
