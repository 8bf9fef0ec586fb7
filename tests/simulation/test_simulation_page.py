"""docs/simulation.md is what the simulation wrote: its plots are there, its numbers hold."""

import re
from pathlib import Path

import pytest
from bench.simulate import ledger
from bench.simulate.number import Number, at_most
from bench.simulate.page import page
from bench.simulate.scenarios import SCENARIOS, VARIANTS, Outcome

DOCS = Path(__file__).resolve().parents[2] / "docs"
PAGE = (DOCS / "simulation.md").read_text()
PLOTS = re.findall(r"\(plots/([\w-]+\.\w+)\)", PAGE)
LARGEST = 60_000  # bytes


def test_every_number_on_the_page_holds():
    """One row at least for each measurement of the long run, and none missed."""
    rows = re.findall(r"^\| (.+) \| (.+) \| (.+) \| (.+) \|$", PAGE.partition("\n## Outage")[0], re.MULTILINE)
    held = [row[3] for row in rows[2:]]
    assert len(held) >= len(ledger.large())
    assert set(held) == {"yes"}


@pytest.mark.parametrize("plot", PLOTS)
def test_every_plot_is_there_and_small(plot: str):
    """PNG and SVG of each, and none that the page has forgotten."""
    assert (DOCS / "plots" / plot).stat().st_size < (LARGEST if plot.endswith(".png") else 2 * LARGEST)
    assert {path.name for path in (DOCS / "plots").iterdir()} == set(PLOTS)


def test_the_prose_is_what_the_simulation_writes():
    """Tables apart, the page and its generator say the same."""
    outcomes = {one.name: {} for one in SCENARIOS}
    written = page([], outcomes, SCENARIOS)
    assert _prose(written) == _prose(PAGE)


def _prose(text: str) -> list[str]:
    return [line for line in text.splitlines() if line and not line.startswith("|")]


def test_a_missed_number_stands_out():
    """The page says so, and a scenario without recovery too."""
    outcomes = {one.name: {"none": Outcome(1.0, 0.5, 0.2, float("inf"))} for one in SCENARIOS}
    text = page([at_most("x", 2.0, 1.0), Number("y", "1", "1", True)], outcomes, SCENARIOS)
    assert "| x | at most 1 | 2 | **no** |" in text
    assert "| none | 1.00 | 50 % | 200 ms | never in this run |" in text


def test_the_page_shows_every_scenario_and_every_policy():
    """Nothing is left out since it was written."""
    for scenario in SCENARIOS:
        assert f"## {scenario.name.capitalize()}" in PAGE
    for variant in VARIANTS:
        assert PAGE.count(f"\n| {variant.name} |") == len(SCENARIOS)
