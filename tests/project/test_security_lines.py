"""Every security requirement has its test and its mutant; tests/security/README.md says which.

A row of the table is `| N | the attack | tests/a/test_a.py, tests/b/test_b.py |`. A mutant belongs to line N when
its `line` is `security N`, or `security N, M`.
"""

import re
import tomllib

import pytest
from tree import ROOT, functions

LINES = [*range(1, 12), 14, 15, 16]
README = ROOT / "tests" / "security" / "README.md"


def rows() -> dict[int, list[str]]:
    """Return the test files of each line, as the table names them."""
    found = re.findall(r"^\| (\d+) \|.*\|([^|]*)\|$", README.read_text(), re.MULTILINE)
    return {int(number): re.findall(r"tests/[\w/]+\.py", files) for number, files in found}


def mutated() -> set[int]:
    """Return the lines that have a mutant."""
    lines: set[int] = set()
    for path in (ROOT / "tests" / "mutants").glob("*.toml"):
        for entry in tomllib.loads(path.read_text()).get("mutant", []):
            if str(entry["line"]).startswith("security"):
                lines |= {int(number) for number in re.findall(r"\d+", str(entry["line"]))}
    return lines


@pytest.mark.parametrize("line", LINES)
def test_every_security_requirement_has_its_tests(line: int):
    """The files the table names stand, and have tests in them."""
    files = rows().get(line, [])
    assert files
    for name in files:
        assert [one for one in functions(ROOT / name) if one.name.startswith("test_")], f"{name} has no test"


@pytest.mark.parametrize("line", LINES)
def test_every_security_requirement_has_a_mutant(line: int):
    """A measure whose absence no test notices may as well be absent."""
    assert line in mutated()
