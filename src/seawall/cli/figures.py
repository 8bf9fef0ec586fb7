"""The demo's traffic on the terminal: what callers saw beside what the upstream did."""

import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, TextIO

if TYPE_CHECKING:
    from rich.table import Table

__all__ = ["Figures", "screen"]

Show = Callable[["Figures"], None]


@dataclass(frozen=True, slots=True)
class Figures:
    """One moment of the traffic.

    Attributes:
        seconds: since it began.
        calls, failed: what callers saw.
        p50, p99: of their calls, in seconds.
        attempts, errors: what reached the upstream, and how much of it the upstream let fail.
        outcomes: what the upstream did, in words.
        breaker: its state.
    """

    seconds: float
    calls: int
    failed: int
    p50: float
    p99: float
    attempts: int
    errors: int
    outcomes: str
    breaker: str

    @property
    def retries(self) -> int:
        """Attempts beyond the first of each call; calls under way may blur it by a few."""
        return max(0, self.attempts - self.calls)

    def line(self) -> str:
        """Return it as one line."""
        return (
            f"{self.seconds:5.0f} s  callers: {self.calls} calls, {share(self.failed, self.calls)} failed, "
            f"p50 {self.p50 * 1000:.0f} ms, p99 {self.p99 * 1000:.0f} ms  |  "
            f"upstream: {self.attempts} attempts, {share(self.errors, self.attempts)} failed ({self.outcomes})  |  "
            f"retries {self.retries}, breaker {self.breaker}"
        )


def share(part: int, whole: int) -> str:
    """Return a part as a percentage; what is not zero never shows as zero."""
    percent = 100 * part / whole if whole else 0.0
    return f"{percent:.1f} %" if percent >= 0.05 or not part else "< 0.1 %"


@contextmanager
def screen(out: TextIO | None = None) -> Iterator[Show]:
    """Give a function that shows figures: a live table on a terminal, a line each elsewhere.

    Args:
        out: where to, standard output by default.
    """
    stream = out or sys.stdout
    if not stream.isatty():
        yield lambda figures: print(figures.line(), file=stream, flush=True)
        return
    # rich is only needed here, and only on a terminal
    from rich.console import Console
    from rich.live import Live

    with Live(console=Console(file=stream), auto_refresh=False) as live:
        yield lambda figures: live.update(_table(figures), refresh=True)


def _table(figures: Figures) -> "Table":
    from rich.table import Table

    table = Table(title=f"traffic, {figures.seconds:.0f} s", title_justify="left")
    table.add_column("")
    table.add_column("what callers saw", justify="right")
    table.add_column("what the upstream did", justify="right")
    bad, worse = share(figures.failed, figures.calls), share(figures.errors, figures.attempts)
    table.add_row("calls", f"{figures.calls}", f"{figures.attempts}")
    table.add_row("failed", f"[bold {'red' if figures.failed else 'green'}]{bad}[/]", f"[bold red]{worse}[/]")
    table.add_row("how", "", figures.outcomes)
    table.add_row("p50 / p99", f"{figures.p50 * 1000:.0f} / {figures.p99 * 1000:.0f} ms", "")
    table.add_row("retries", "", f"{figures.retries}")
    table.add_row("breaker", "", figures.breaker)
    return table
