"""RFC 9111, 5861, 9211 and 9213 section by section, through the whole stage; the ids are the table of the docs."""

import cases_conditions
import cases_freshness
import cases_head
import cases_keeping
import cases_requests
import cases_stale
import cases_status
import cases_validation
import cases_vary
import pytest
from cache_exchange import Case, play

from seawall.testing import run_virtual

CASES = [
    *cases_keeping.CASES,
    *cases_vary.CASES,
    *cases_freshness.CASES,
    *cases_validation.CASES,
    *cases_conditions.CASES,
    *cases_head.CASES,
    *cases_requests.CASES,
    *cases_stale.CASES,
    *cases_status.CASES,
]


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.id)
def test_cache(case: Case):
    """Play the exchange."""
    run_virtual(play(case))


def test_every_case_has_an_id_of_its_own():
    """The docs point at ids."""
    ids = [case.id for case in CASES]
    assert sorted(set(ids)) == sorted(ids)
