"""The numbers that are asked of the policies, each measured by a simulation of the real ones in virtual time."""

import pytest
from bench.simulate import ledger

pytestmark = pytest.mark.pure("its clients share a wheel derived from ours")

SMALL, LARGE = ledger.small(), ledger.large()


@pytest.mark.parametrize("name", SMALL)
def test_number_holds_on_a_small_run(name: str):
    """Measured and at its limit or better; what is measured stands in the failure."""
    numbers = list(ledger.measure({name: SMALL[name]}))
    assert numbers
    assert [one for one in numbers if not one.held] == []


@pytest.mark.verify
@pytest.mark.parametrize("name", LARGE)
def test_number_holds_on_a_large_run(name: str):
    """The runs that docs/simulation.md shows, 10,000 cancellations among them."""
    numbers = list(ledger.measure({name: LARGE[name]}))
    assert numbers
    assert [one for one in numbers if not one.held] == []
