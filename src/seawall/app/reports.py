"""What goes wrong beside the calls, told in the log: refused requests, failed observers, unexpected errors."""

from pathlib import PurePath

from seawall.contracts.events import Emit, Notice
from seawall.observers import Listener

__all__ = ["Reports"]


class Reports:
    """Turns what the parts report into notices; none of them holds a value of a request.

    Args:
        emit: takes a notice.
    """

    def __init__(self, emit: Emit) -> None:
        self._emit = emit
        self._refusals: dict[int, int] = {}  # by status, of which the server has a handful

    def refusals(self) -> list[tuple[tuple[str, ...], float]]:
        """Return how many requests the server refused, by status."""
        return [((str(status),), float(count)) for status, count in self._refusals.items()]

    def refused(self, status: int) -> None:
        """Tell of a request that the server refused before any door saw it."""
        self._refusals[status] = self._refusals.get(status, 0) + 1
        self._emit(Notice("warning", "request_refused", "The server refused a request", (("status", status),)))

    def observer_failed(self, listener: Listener, error: Exception) -> None:
        """Tell of an observer that raised and was taken out."""
        fields = (("observer", type(listener).__name__), ("error", type(error).__name__))
        self._emit(Notice("error", "observer_failed", "An observer failed and was taken out", fields))

    def gauge_failed(self, name: str, error: Exception) -> None:
        """Tell of a metric that could not be read."""
        fields = (("metric", name), ("error", type(error).__name__))
        self._emit(Notice("error", "metric_failed", "A metric could not be read", fields))

    def unexpected(self, error: BaseException) -> None:
        """Tell of an error nobody expected: its type and place, since its text may hold anything."""
        where = error.__traceback__
        while where is not None and where.tb_next is not None:
            where = where.tb_next
        place = "" if where is None else f"{PurePath(where.tb_frame.f_code.co_filename).name}:{where.tb_lineno}"
        fields = (("error", type(error).__name__), ("place", place))
        self._emit(Notice("error", "unexpected", "A call failed in a way nobody expected", fields))
