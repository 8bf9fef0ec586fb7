"""The page of lines is the one the tests make, and no line stands without a test and a mutant."""

import pytest
from page import LATER, LINES, PAGE, mutants, render, shown

SHOWN, BROKEN = shown(), mutants()


def test_the_page_is_current():
    """`make docs` writes it."""
    assert PAGE.read_text() == render(SHOWN, BROKEN)


@pytest.mark.parametrize("number", [number for number in LINES if number not in LATER])
def test_every_line_has_a_test_and_a_mutant(number: str):
    """The test is named after the line, and says in a sentence what it shows."""
    assert SHOWN[number]
    assert BROKEN[number]
    assert all(test.says.endswith((".", ":")) for test in SHOWN[number])


def test_what_is_not_there_yet_claims_no_test():
    """A line that is built loses its excuse."""
    assert LATER.keys() <= LINES.keys()
    assert not LATER.keys() & (SHOWN.keys() | BROKEN.keys())


def test_every_test_and_every_mutant_stands_for_a_line():
    """A number that is no line is a slip."""
    assert SHOWN.keys() | BROKEN.keys() <= LINES.keys()


@pytest.mark.parametrize("number", [number for number in LINES if number not in LATER])
def test_a_mutant_of_a_line_is_noticed_by_a_test_of_that_line(number: str):
    """At least one of its mutants names a test with the line's number."""
    own = f"test_{number.replace('.', '_')}_"
    assert any(own in test for mutant in BROKEN[number] for test in mutant.tests)
