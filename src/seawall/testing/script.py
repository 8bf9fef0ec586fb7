"""An upstream that follows a script: the end of a pipeline in tests that need no socket."""

import asyncio
import inspect
import math
from collections.abc import Awaitable, Callable, Iterable
from dataclasses import dataclass, field

from seawall.contracts.body import Body, Headers
from seawall.contracts.call import Attempt
from seawall.contracts.errors import CallError, SeawallError, UpstreamBroken, UpstreamTimeout
from seawall.contracts.reply import Reply
from seawall.testing.source import ScriptedSource

__all__ = ["ScriptedTransport", "Seen", "Step", "answer", "fail", "hang", "stream"]

Make = Callable[[Attempt], Reply | Awaitable[Reply]]


@dataclass(frozen=True, slots=True)
class Step:
    """What one attempt meets: after `after` seconds, what `make` returns or raises; `sent` marks the attempt."""

    after: float
    make: Make
    sent: bool = True


@dataclass(slots=True)
class Seen:
    """One attempt as the script saw it; moments are loop time.

    Attributes:
        attempt: what came, its call included.
        at: when it came.
        handed: when the reply was handed over or the error raised, None while waiting.
        result: a status as text, the class name of what was raised, `CancelledError` when cancelled; `""` before.
        closed: when its reply was closed, None while open.
        reply: what was handed over.
    """

    attempt: Attempt
    at: float
    handed: float | None = None
    result: str = ""
    closed: float | None = None
    reply: Reply | None = field(default=None, repr=False)


def answer(
    status: int = 200, body: Body = b"", headers: Iterable[tuple[bytes, bytes]] = (), *, after: float = 0.0
) -> Step:
    """Return a step that answers `after` seconds; a Source as body serves one attempt only."""
    kept: Headers = list(headers)
    return Step(after, lambda _: Reply(status, list(kept), body))


def fail(error: CallError | Callable[[], CallError], *, after: float = 0.0, sent: bool | None = None) -> Step:
    """Return a step that raises after `after` seconds.

    Args:
        error: raised as it is, or made anew for each attempt.
        after: seconds.
        sent: what the attempt is marked with; by default what the error says.
    """

    def make(attempt: Attempt) -> Reply:
        raised = error if isinstance(error, CallError) else error()
        attempt.sent = raised.sent if sent is None else sent
        raise raised

    return Step(after, make, bool(sent))


def hang(*, sent: bool = True) -> Step:
    """Return a step that never answers: it ends with the attempt's deadline or with cancellation."""
    return Step(math.inf, lambda _: Reply(599, []), sent)


def stream(
    *chunks: bytes,
    status: int = 200,
    headers: Iterable[tuple[bytes, bytes]] = (),
    after: float = 0.0,
    gap: float = 0.0,
    length: int | None = None,
    streamed: bool = True,
    cut: int | None = None,
    error: SeawallError | None = None,
    hanging: bool = False,
) -> Step:
    """Return a step whose body comes chunk by chunk.

    Args:
        chunks: the body.
        status: of the reply.
        headers: of the reply.
        after: seconds until the head.
        gap: seconds before each chunk.
        length: declared length, None for chunked.
        streamed: what the reply says of itself.
        cut: bytes after which it breaks off, with `error` or else `UpstreamBroken`.
        error: raised after the last chunk.
        hanging: neither end nor error comes after the last chunk.
    """
    kept: Headers = list(headers)
    if cut is not None and error is None:
        error = UpstreamBroken("cut by the script", answered=True)

    def make(_: Attempt) -> Reply:
        source = ScriptedSource(chunks, gap=gap, cut=cut, error=error, hang=hanging)
        return Reply(status, list(kept), source, length, streamed)

    return Step(after, make)


class ScriptedTransport:
    """A `Transport` whose attempts meet the steps of a script, one each, in the order they come.

    Args:
        steps: `Step`s; a number is an answer with that status, a CallError is raised, a callable makes the reply (or
            raises, or awaits) from the attempt. Any iterable, also an endless one.
        then: met by every attempt after the last step; without it such an attempt is an AssertionError.
        obey: raise `UpstreamTimeout` at the attempt's deadline, as the wire does; False to wait on regardless, so that
            somebody else must end it.

    Attributes:
        seen: every attempt, in order.
        open: replies handed over and not closed yet.
        waiting: attempts inside `send`.
        peak: most attempts that were waiting or open at a time.
    """

    def __init__(
        self,
        steps: "Iterable[Step | Make | CallError | int]" = (),
        *,
        then: "Step | Make | CallError | int | None" = None,
        obey: bool = True,
    ) -> None:
        self._steps = iter(steps)
        self._then = then
        self._obey = obey
        self.seen: list[Seen] = []
        self.open = 0
        self.waiting = 0
        self.peak = 0

    @property
    def times(self) -> list[float]:
        """When each attempt came, in loop time."""
        return [seen.at for seen in self.seen]

    @property
    def results(self) -> list[str]:
        """What each attempt met."""
        return [seen.result for seen in self.seen]

    async def send(self, attempt: Attempt) -> Reply:
        """Let the attempt meet the next step."""
        step = self._next()
        loop = asyncio.get_running_loop()
        seen = Seen(attempt, loop.time())
        self.seen.append(seen)
        self.waiting += 1
        self.peak = max(self.peak, self.waiting + self.open)
        try:
            attempt.sent = step.sent
            await self._pass(step.after, attempt)
            made = step.make(attempt)
            reply = await made if inspect.isawaitable(made) else made
        except BaseException as error:
            seen.result = type(error).__name__
            raise
        finally:
            self.waiting -= 1
            seen.handed = loop.time()
        self._hand_over(seen, reply, loop)
        return reply

    def _hand_over(self, seen: Seen, reply: Reply, loop: asyncio.AbstractEventLoop) -> None:
        def closed() -> None:
            self.open -= 1
            seen.closed = loop.time()

        seen.result, seen.reply = str(reply.status), reply
        self.open += 1
        reply.on_close(closed)

    def _next(self) -> Step:
        step = next(self._steps, self._then)
        if step is None:
            raise AssertionError(f"attempt {len(self.seen) + 1} came, but the script has ended")
        if isinstance(step, Step):
            return step
        if isinstance(step, int):
            return answer(step)
        return fail(step) if isinstance(step, CallError) else Step(0.0, step)

    async def _pass(self, seconds: float, attempt: Attempt) -> None:
        loop = asyncio.get_running_loop()
        left = attempt.deadline - loop.time() if self._obey else math.inf
        if seconds < left:
            if seconds:
                await asyncio.sleep(seconds)
        elif left == math.inf:
            await loop.create_future()
        else:
            await asyncio.sleep(max(0.0, left))
            raise UpstreamTimeout("attempt", sent=attempt.sent)
