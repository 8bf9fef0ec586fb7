"""Answers told in plain text, a line each, given one after the other: `200 | Cache-Control: max-age=60 | "body"`."""

import re
import time
from collections.abc import Callable, Iterable
from email.utils import formatdate

from seawall.testing.exchange import Action, Answer, End, Exchange

__all__ = ["Told"]

MOST = 64
LONGEST = 60.0
_MOMENT = re.compile(r"\{(-?[0-9]{1,9})\}")


class Told:
    """What is still to be answered.

    A line is a status and headers, parted by ` | `. An answer has a Date and the body `answer N`, unless the line says
    otherwise: `-Date`, a text in quotes, `~cut 3` for so many bytes of it before the connection ends. `wait 2` in front
    lets seconds pass; `{60}` is the HTTP-date 60 seconds after it was told; `down` ends the connection instead of an
    answer, from then on if it is the last line.

    Args:
        wall: seconds since the epoch.
    """

    def __init__(self, wall: Callable[[], float] = time.time) -> None:
        self._wall = wall
        self._left: list[list[str]] = []
        self._count = 0

    @property
    def left(self) -> int:
        """How many answers are still to be given."""
        return len(self._left)

    def tell(self, text: str) -> int:
        """Answer so from now on; what was left before is forgotten. Return how many answers there are.

        Args:
            text: a line for each answer; a `<` in front, as in docs/policies/cache-cases.md, is taken off.

        Raises:
            ValueError: what a line must be, and which one is not.
        """
        lines = [line.strip().removeprefix("< ") for line in text.splitlines() if line.strip()]
        if len(lines) > MOST:
            raise ValueError(f"at most {MOST} answers can be told, got {len(lines)}")
        for line in lines:
            _check(line)
        now = self._wall()
        self._left = [_MOMENT.sub(lambda found: _date(now + int(found[1])), line).split(" | ") for line in lines]
        self._count = 0
        return len(lines)

    def answer(self, exchange: Exchange) -> Iterable[Action] | None:
        """Return the next answer as a program, None where nothing is told."""
        if not self._left:
            return None
        parts = list(self._left[0])
        if parts[-1] != "down" or len(self._left) > 1:
            del self._left[0]
        program: list[Action] = []
        if parts[0].startswith("wait "):
            program.append(float(parts.pop(0)[5:]))
        if parts[0] == "down":
            return [*program, End.FIN]
        self._count += 1
        return [*program, *self._wire(parts, exchange)]

    def _wire(self, parts: list[str], exchange: Exchange) -> Iterable[Action]:
        body, cut, length = b"answer %d" % self._count, None, None
        headers: list[tuple[bytes, bytes]] = []
        dated = True
        for part in parts[1:]:
            name, _, value = part.partition(":")
            if part.startswith('"'):
                body = part.strip('"').encode()
            elif part.startswith("~cut "):
                cut = int(part[5:])
            elif name.lower() == "content-length":
                length = int(value)
            elif part != "-Date":
                headers.append((name.encode("latin-1"), value.strip().encode("latin-1")))
            dated = dated and part != "-Date" and name.lower() != "date"
        if dated:
            headers.insert(0, (b"date", _date(self._wall()).encode("ascii")))
        answer = Answer(int(parts[0]), body, tuple(headers))
        head = answer.head(length)
        if exchange.method == b"HEAD" or answer.status in (204, 304):
            return [head]
        return [head + body[:cut], End.KEEP if cut is None else End.FIN]


def _date(wall: float) -> str:
    return formatdate(int(wall), usegmt=True)


def _check(line: str) -> None:
    parts = line.split(" | ")
    try:
        waits = parts[0].startswith("wait ")
        fine = not waits or 0 <= float(parts.pop(0)[5:]) <= LONGEST
        fine = fine and (parts == ["down"] or (200 <= int(parts[0]) <= 599 and all(map(_sayable, parts[1:]))))
    except (ValueError, IndexError):
        fine = False
    if not fine:
        rule = 'an answer is `200 | Header: value | "body"`, `wait 2 | 200` or `down`'
        raise ValueError(f"{rule}; {line!r:.80} is not")


def _sayable(part: str) -> bool:
    """Whether part of a line is a body, a cut, a header, or that Date is left out."""
    if part.startswith("~cut "):
        return part[5:].isdigit()
    name, colon, value = part.partition(":")
    if name.lower() == "content-length":
        return value.strip().isdigit()
    return part == "-Date" or part.startswith('"') or (bool(colon) and part.isascii() and part.isprintable())
