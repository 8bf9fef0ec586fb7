"""Writes docs/semantics.md: what each part does, line by line, with the tests that show it and what they notice."""

import ast
import re
import sys
import tomllib
from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import NamedTuple

ROOT = Path(__file__).parents[2]
HERE = Path(__file__).parent
PAGE = ROOT / "docs" / "semantics.md"
sys.path.insert(0, str(ROOT / "tests" / "mutants"))

from catalogue import Mutant, load  # noqa: E402 - stands in a folder of scripts

__all__ = ["LATER", "LINES", "PAGE", "Shown", "mutants", "render", "shown"]

PARTS = {
    "1": "Deadline and attempts",
    "2": "Retry",
    "3": "Circuit breaker",
    "4": "Concurrency",
    "5": "Rate limits",
    "6": "Hedge",
    "7": "Cache",
    "8": "Money and tokens",
}

_READ = tomllib.loads((HERE / "lines.toml").read_text())["line"]
LINES = {line["number"]: line["text"] for line in _READ}
LATER = {line["number"]: line["later"] for line in _READ if "later" in line}

_HEAD = """# What each part does, line by line

Each line is held by the tests under it, and the tests by mutants: changes of the code that break exactly this line,
which `make mutants` applies one by one to see a test fail. Written by `make docs` from the tests' names and docstrings.
"""


class Shown(NamedTuple):
    """One test: its file from the root, its name and the first line of its docstring."""

    file: str
    name: str
    says: str


def shown(folder: Path = HERE) -> dict[str, list[Shown]]:
    """Return the tests of each line, by the number in their names."""
    found: dict[str, list[Shown]] = defaultdict(list)
    for path in sorted(folder.glob("test_semantics_[0-9].py")):
        for node in ast.parse(path.read_text()).body:
            if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
                number = re.match(r"test_(6|\d_\d+)_", node.name)
                if number is not None:
                    says = (ast.get_docstring(node) or "").split("\n", 1)[0]
                    found[number[1].replace("_", ".")].append(Shown(path.name, node.name, says))
    return found


def mutants() -> dict[str, list[Mutant]]:
    """Return the mutants of each line of these parts."""
    found: dict[str, list[Mutant]] = defaultdict(list)
    for mutant in load(ROOT / "tests" / "mutants"):
        kind, _, number = mutant.line.partition(" ")
        if kind == "semantics" and number.split(".")[0] in PARTS:
            found[number].append(mutant)
    return found


def render(found: Mapping[str, Sequence[Shown]], broken: Mapping[str, Sequence[Mutant]]) -> str:
    """Return the page."""
    return "\n".join((_HEAD, *_parts(found, broken)))


def _parts(found: Mapping[str, Sequence[Shown]], broken: Mapping[str, Sequence[Mutant]]) -> Iterator[str]:
    for part, title in PARTS.items():
        yield f"## {part}. {title}\n"
        for number, line in LINES.items():
            if number.split(".")[0] != part:
                continue
            yield f"### {number}\n\n{line}\n"
            if number in LATER:
                yield f"*{LATER[number]}*\n"
            for test in found.get(number, ()):
                yield f"- `{test.name}`: {test.says}"
            count = len(broken.get(number, ()))
            if count:
                names = "; ".join(one.name for one in broken[number])
                yield f"\nBroken by {count} mutant{'s' * (count > 1)}: {names}.\n"


def main() -> None:
    """Write the page."""
    PAGE.write_text(render(shown(), mutants()))


if __name__ == "__main__":
    main()
