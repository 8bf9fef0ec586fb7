"""Every two policies that can meet have a test named after them, and the page tells of each pair."""

import re
from itertools import combinations
from pathlib import Path

import pytest

HERE = Path(__file__).parent
PAGE = HERE.parents[1] / "docs" / "policies" / "composition.md"
POLICIES = ("deadline", "fallback", "hedge", "retry", "balance", "breaker", "rate", "concurrency", "adaptive", "spend")
NAMES = re.findall(r"def test_(\w+)\(", "\n".join(path.read_text() for path in sorted(HERE.glob("test_*.py"))))


def named(one: str, other: str) -> list[str]:
    """Return the tests of a pair, whichever of the two is named first."""
    return [
        name
        for name in NAMES
        for first, second in ((one, other), (other, one))
        if re.match(rf"{first}(_pause)?_and_{second}_", name)
    ]


@pytest.mark.parametrize(("one", "other"), list(combinations(POLICIES, 2)))
def test_every_pair_has_a_test_and_a_line(one: str, other: str):
    """Named after the pair; a row of the table on the page, in either order."""
    assert named(one, other)
    rows = [line for line in PAGE.read_text().splitlines() if line.startswith("| ")]
    assert any({one, other} == {cell.strip() for cell in row.split("|")[1:3]} for row in rows)
