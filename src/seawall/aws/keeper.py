"""Credentials kept ready: found by one task, and anew before they expire; nobody else ever waits for disk."""

import asyncio
from collections.abc import Awaitable, Callable

from seawall.aws.credentials import Credentials, CredentialsError
from seawall.contracts.clock import Clock
from seawall.contracts.events import Emit, Notice

__all__ = ["Keeper"]

EARLY = 900.0  # seconds before they expire that new ones are looked for, as AWS's SDKs do
LEAST = 60.0  # and at least so many, for credentials that live for minutes
AGAIN = (1.0, 2.0, 5.0, 10.0, 30.0, 60.0)  # seconds from one failure to the next try
SOONEST = 5.0  # a service in trouble gives the same ones again, nearly over
PATIENCE = 1.0  # seconds a failure is told to everybody before somebody who calls makes it be tried again
REFUSED = 30.0  # seconds between two looks because AWS refused what we have


class Keeper:
    """Keeps credentials.

    Args:
        find: looks for credentials.
        clock: time.
        emit: takes notices of what goes wrong and of its end.
        uniform: random between two numbers, so that many processes do not all ask in the same second.
    """

    def __init__(
        self,
        find: Callable[[], Awaitable[Credentials]],
        clock: Clock,
        emit: Emit,
        uniform: Callable[[float, float], float],
    ) -> None:
        self._find = find
        self._clock = clock
        self._emit = emit
        self._uniform = uniform
        self._credentials: Credentials | None = None
        self._error: CredentialsError | None = None
        self._tried = float("-inf")
        self._failures = 0
        self._looking = False
        self._wake = asyncio.Event()
        self._waiters: set[asyncio.Future[None]] = set()
        self._task: asyncio.Task[None] | None = None

    def start(self) -> None:
        """Look for credentials from now on, in a task that `close` ends."""
        if self._task is None:
            self._task = asyncio.create_task(self._run(), name="aws-credentials")

    async def close(self) -> None:
        """End the task; who still waits gets an error."""
        task, self._task = self._task, None
        if task is not None:
            task.cancel()
            await asyncio.wait((task,))
        self._error = self._error or CredentialsError("the gateway is ending")
        self._tell()

    def current(self) -> Credentials | None:
        """Return what can be signed with now, or None."""
        found = self._credentials
        if found is not None and (found.expires is None or found.expires > self._clock.wall()):
            return found
        return None

    async def get(self) -> Credentials:
        """Return what can be signed with, waiting for the look that is under way where there is nothing yet.

        Raises:
            CredentialsError: there is nothing; the latest failure.
        """
        found = self.current()
        if found is not None:
            return found
        if self._error is not None and self._clock.now() - self._tried < PATIENCE:
            raise self._error
        if not self._looking:
            self._wake.set()
        waiter = asyncio.get_running_loop().create_future()
        self._waiters.add(waiter)
        try:
            await waiter
        finally:
            self._waiters.discard(waiter)
        found = self.current()
        if found is None:
            raise self._error or CredentialsError("the credentials that were found have expired already")
        return found

    def refused(self) -> None:
        """Look again: AWS refused what we have. A file may hold new keys, or a role have been taken away."""
        if self._clock.now() - self._tried >= REFUSED:
            self._wake.set()

    async def _run(self) -> None:
        while True:
            self._wake.clear()
            self._looking = True
            self._tried = self._clock.now()
            try:
                found = await self._find()
            except CredentialsError as error:
                self._failed(error)
            except Exception as error:  # noqa: BLE001 - a source's own fault must not end the looking
                self._failed(CredentialsError(f"looking for credentials failed: {type(error).__name__}"))
            else:
                self._found(found)
            self._looking = False
            self._tell()
            await self._pause()

    def _found(self, found: Credentials) -> None:
        if self._failures:
            self._emit(Notice("info", "credentials_found", "AWS credentials were found", (("source", found.source),)))
        self._credentials = found
        self._error = None
        self._failures = 0

    def _failed(self, error: CredentialsError) -> None:
        self._failures += 1
        said, self._error = self._error, error
        if said is None or str(said) != str(error):
            kept = self.current()
            fields = (("error", str(error)), ("kept", kept is not None), ("source", kept.source if kept else ""))
            self._emit(Notice("warning", "credentials_failed", "AWS credentials could not be had", fields))

    def _tell(self) -> None:
        for waiter in self._waiters:
            if not waiter.done():
                waiter.set_result(None)

    async def _pause(self) -> None:
        seconds = self._seconds()
        try:
            async with asyncio.timeout(seconds):
                await self._wake.wait()
        except TimeoutError:
            return

    def _seconds(self) -> float | None:
        """Return how long to wait until the next look, None until somebody asks for one."""
        if self._failures:
            longest = AGAIN[min(self._failures, len(AGAIN)) - 1]
            return self._uniform(longest / 2, longest)
        found = self._credentials
        if found is None or found.expires is None:
            return None
        left = found.expires - self._clock.wall()
        return max(SOONEST, left - min(EARLY, max(LEAST, left / 4)) - self._uniform(0.0, 30.0))
