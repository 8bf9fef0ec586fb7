"""An event loop whose clock jumps: an hour of waiting costs nothing, and a deadlock says who waits."""

import asyncio
import functools
from collections.abc import Awaitable, Callable, Coroutine
from typing import Any, NoReturn, ParamSpec, TypeVar, overload

from seawall.contracts.clock import Clock

__all__ = ["EPOCH", "START", "VirtualError", "VirtualLoop", "run_virtual", "virtual"]

EPOCH = 1_767_225_600.0  # 2026-01-01T00:00:00Z: what the wall clock shows when a virtual loop starts
START = 1000.0  # not 0, so that code which takes 0 for "never" or "long ago" shows itself
LIMIT = 400 * 86400.0
GRACE = 600.0  # virtual seconds left-over tasks have to end

T = TypeVar("T")
P = ParamSpec("P")


class VirtualError(AssertionError):
    """The test cannot go on, or left something behind: a deadlock, an endless run, leftover tasks, lost errors."""


class _Jump:
    """Stands where a loop has its selector; instead of waiting, the clock jumps."""

    def __init__(self, loop: "VirtualLoop") -> None:
        self._loop = loop
        self._spins = 0

    def renew(self) -> None:
        self._spins = 0

    def select(self, timeout: float | None) -> list[Any]:
        if timeout is None:
            raise VirtualError(f"deadlock: nothing is ready and no timer is set; waiting:\n{_waiting(self._loop)}")
        if timeout > 0:
            self._spins = 0
            self._loop.advance(timeout)
            return []
        self._spins += 1
        if self._spins > self._loop.spins:
            raise VirtualError(f"{self._spins - 1} turns without time passing: something spins\n{_waiting(self._loop)}")
        return []


class VirtualLoop(asyncio.BaseEventLoop):
    """An asyncio loop without sockets, threads or waiting.

    When nothing is ready its time jumps to the next timer. It cannot see threads: `run_in_executor` and everything
    that needs a socket raises.

    Args:
        start: what `time()` shows first, in seconds.
        limit: seconds after which a run is given up as endless.

    Attributes:
        spins: turns in a row without time passing after which a run is given up.
    """

    spins = 1_000_000

    def __init__(self, start: float = START, limit: float = LIMIT) -> None:
        super().__init__()
        self._start = self._time = start
        self._end = start + limit
        self._selector = _Jump(self)

    def time(self) -> float:
        """Return the virtual time in seconds."""
        return self._time

    def wall(self) -> float:
        """Return virtual seconds since the Unix epoch; `EPOCH` when the loop starts."""
        return EPOCH + (self._time - self._start)

    def clock(self) -> Clock:
        """Return this loop's time as the clock that is handed down."""
        return Clock(now=self.time, wall=self.wall)

    def advance(self, seconds: float) -> None:
        """Let time pass at once, without running anything, as a call that blocks the loop would.

        Raises:
            VirtualError: the run has gone on for longer than `limit`.
        """
        self._time += seconds
        if self._time > self._end:
            raise VirtualError(f"still running after {self._end - self._start:g} virtual seconds:\n{_waiting(self)}")

    def renew(self) -> None:
        """Forget what was used of `limit` and `spins`, so that what is left can be cancelled."""
        self._end = self._time + GRACE * 2
        self._selector.renew()

    def _process_events(self, event_list: list[Any]) -> None:
        """There are never any."""

    def _write_to_self(self) -> None:
        """Nothing sleeps, so nothing needs waking."""

    def run_in_executor(self, *_: Any) -> NoReturn:  # type: ignore[override]  # refuses whatever it is given
        """Raise: a jumping clock would run away from a thread."""
        raise VirtualError("virtual time cannot see threads; use a plain async test for run_in_executor")

    async def create_connection(self, *_: Any, **__: Any) -> NoReturn:
        """Raise: there are no sockets here."""
        raise VirtualError("a virtual loop has no sockets; use a plain async test for create_connection")

    async def create_server(self, *_: Any, **__: Any) -> NoReturn:
        """Raise: there are no sockets here."""
        raise VirtualError("a virtual loop has no sockets; use a plain async test for create_server")


def _waiting(loop: asyncio.AbstractEventLoop) -> str:
    return "\n".join(map(_show, sorted(asyncio.all_tasks(loop), key=lambda task: task.get_name()))) or "  (no task)"


def _show(task: "asyncio.Task[Any]") -> str:
    coroutine = task.get_coro()
    name = getattr(coroutine, "__qualname__", repr(coroutine))
    place: str = ""
    inner: Any = coroutine
    while inner is not None:  # the innermost frame says what it waits for
        frame = getattr(inner, "cr_frame", None)
        if frame is not None:
            place = f" at {frame.f_code.co_filename}:{frame.f_lineno}"
        inner = getattr(inner, "cr_await", None)
    return f"  {task.get_name()}: {name}{place}"


def run_virtual(main: Coroutine[Any, Any, T], *, start: float = START, limit: float = LIMIT) -> T:
    """Run a coroutine to its end on a loop of its own whose clock jumps, and return its result.

    Args:
        main: what to run.
        start: what `loop.time()` shows first, in seconds.
        limit: virtual seconds after which the run is given up as endless.

    Raises:
        VirtualError: every task waits for ever; the run is endless; tasks were left behind (they are cancelled); or
            a callback or a forgotten task failed without anybody seeing it.
        BaseException: what `main` raised.
    """
    loop = VirtualLoop(start, limit)
    lost: list[dict[str, Any]] = []
    loop.set_exception_handler(lambda _, context: lost.append(context))
    try:
        asyncio.set_event_loop(loop)
        result = loop.run_until_complete(main)
        left = _waiting(loop) if asyncio.all_tasks(loop) else ""
    finally:
        _wind_up(loop)
    if left:
        raise VirtualError(f"tasks left behind:\n{left}")
    if lost:
        cause = next((context["exception"] for context in lost if "exception" in context), None)
        raise VirtualError("; ".join(str(context["message"]) for context in lost)) from cause
    return result


def _wind_up(loop: VirtualLoop) -> None:
    """Cancel what is left, so that `finally` blocks run, and close the loop."""
    loop.renew()
    tasks = asyncio.all_tasks(loop)
    for task in tasks:
        task.cancel()
    try:
        if tasks:
            # a task that refuses to be cancelled is given up, so that the first error is the one seen
            loop.run_until_complete(asyncio.wait(tasks, timeout=GRACE))
        loop.run_until_complete(loop.shutdown_asyncgens())
    finally:
        asyncio.set_event_loop(None)
        loop.close()


@overload
def virtual(test: Callable[P, Coroutine[Any, Any, None]]) -> Callable[P, None]: ...
@overload
def virtual(*, start: float = ..., limit: float = ...) -> "Callable[[_AsyncTest[P]], Callable[P, None]]": ...
def virtual(test: Any = None, *, start: float = START, limit: float = LIMIT) -> Any:
    """Make a plain test of an `async def` one: it runs on a loop whose clock jumps.

    Fixtures, `parametrize` and Hypothesis work as usual; async fixtures do not, since they live on another loop.
    Inside, `asyncio.get_running_loop()` is the `VirtualLoop`.

    Args:
        test: the test, when used without parentheses.
        start: what `loop.time()` shows first, in seconds.
        limit: virtual seconds after which the run is given up as endless.
    """
    if test is None:
        return functools.partial(virtual, start=start, limit=limit)

    @functools.wraps(test)
    def run(*args: Any, **kwargs: Any) -> None:
        run_virtual(test(*args, **kwargs), start=start, limit=limit)

    return run


_AsyncTest = Callable[P, Awaitable[None]]
