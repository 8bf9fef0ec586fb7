"""RFC 9111, 5861, 9211 and 9213 section by section, through the whole stage; the page shows the same exchanges."""

import pytest
from cache_cases import CASES
from cache_common import Common, CommonOf
from cache_document import CASES as SHOWN
from cache_document import PAGE, text
from cache_exchange import Case, play

from seawall.testing import run_virtual


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.id)
def test_cache(case: Case):
    """Play the exchange."""
    run_virtual(play(case))


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.id)
def test_cache_with_a_second_tier(case: Case):
    """Play the exchange where replicas share what they keep: nothing is any different."""
    run_virtual(play(case, lambda: {"shared_entries": CommonOf(Common(), "a")}))


def test_every_case_has_an_id_of_its_own():
    """The page points at ids."""
    ids = [case.id for case in SHOWN]
    assert sorted(set(ids)) == sorted(ids)


def test_the_page_shows_every_case():
    """`python tests/policies/cache/cache_document.py` writes it."""
    assert PAGE.read_text() == text()
