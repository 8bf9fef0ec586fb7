"""A body on its way: bytes when it is all there, a `Source` when it still comes."""

from typing import Protocol

__all__ = ["Body", "Headers", "Source"]

# Names are lower case, values as received without surrounding blanks; order and repetition are kept.
Headers = list[tuple[bytes, bytes]]


class Source(Protocol):
    """A body read chunk by chunk, by one reader.

    The reader's pace is the writer's pace: an implementation stops reading its socket while nobody reads here.
    """

    async def read(self) -> bytes:
        """Return the next chunk, never empty before the end; `b""` at the end, and again on every later read.

        A read that is cancelled loses nothing: the next one returns what it would have.

        Raises:
            UpstreamError: the body broke (a reply's source).
            DeadlineExceeded: the moment given to `limit` has passed.
            RequestBodyError: the client's body broke, was too large or too slow (a request's source).
        """
        ...

    def close(self) -> None:
        """Give up what is left; releases the connection or aborts it. Idempotent, never blocks, never raises."""
        ...

    def limit(self, at: float) -> None:
        """Let no `read` succeed after `at` (seconds on the monotonic clock); a pending one then fails."""
        ...


Body = bytes | Source
