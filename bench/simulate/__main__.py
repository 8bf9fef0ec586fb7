"""`python -m bench.simulate`: print every number beside what is asked for; `--docs` writes the page and its plots."""

import argparse
import sys
from collections.abc import Sequence
from pathlib import Path

from bench.simulate import ledger
from bench.simulate.number import Number
from bench.simulate.page import page
from bench.simulate.scenarios import SCENARIOS, VARIANTS, Outcome, measured, run

DOCS = Path(__file__).resolve().parents[2] / "docs"


def arguments(argv: Sequence[str]) -> argparse.Namespace:
    """Read the command line."""
    parser = argparse.ArgumentParser(prog="python -m bench.simulate", description=__doc__)
    parser.add_argument("--quick", action="store_true", help="the small runs the tests make")
    parser.add_argument("--docs", action="store_true", help="write docs/simulation.md and docs/plots (matplotlib)")
    return parser.parse_args(argv)


def line(number: Number) -> str:
    """Return a number as a line."""
    return f"{'held  ' if number.held else 'MISSED'} {number.name}: {number.measured} ({number.required})"


def write(numbers: Sequence[Number]) -> None:
    """Run the scenarios, write the page and draw its plots."""
    from bench.simulate.plots import draw_all  # matplotlib, needed only here

    runs = {one.name: {variant.name: run(one, variant) for variant in VARIANTS} for one in SCENARIOS}
    outcomes: dict[str, dict[str, Outcome]] = {
        one.name: {name: measured(one, *made) for name, made in runs[one.name].items()} for one in SCENARIOS
    }
    (DOCS / "simulation.md").write_text(page(numbers, outcomes, SCENARIOS))
    draw_all(DOCS / "plots", runs, outcomes, SCENARIOS)


def main(argv: Sequence[str]) -> int:
    """Return 0, or 1 when a number is missed."""
    options = arguments(argv)
    numbers = []
    for number in ledger.measure(ledger.small() if options.quick else ledger.large()):
        numbers.append(number)
        print(line(number), flush=True)
    if options.docs:
        write(numbers)
    return 0 if all(number.held for number in numbers) else 1


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
