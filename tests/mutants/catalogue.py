"""The mutants: one measure taken out of the code each, and the test that must then fail."""

import re
import tomllib
from dataclasses import dataclass
from pathlib import Path

__all__ = ["Mutant", "faults", "load"]


@dataclass(frozen=True, slots=True)
class Mutant:
    """One change that a test must notice.

    Attributes:
        name: unique; says what is taken out.
        line: the requirement it stands for, such as `security 6` or `semantics 3.3`.
        file: path of the source from the root.
        old: text that stands exactly once in it.
        new: what replaces it.
        tests: node ids of pytest; at least one of them must fail.
    """

    name: str
    line: str
    file: str
    old: str
    new: str
    tests: tuple[str, ...]


def load(folder: Path) -> list[Mutant]:
    """Read every `*.toml` of a folder, in order of names.

    Raises:
        ValueError: a mutant lacks a key, has an unknown one, or two have the same name; says which.
    """
    found: dict[str, Mutant] = {}
    for path in sorted(folder.glob("*.toml")):
        for entry in tomllib.loads(path.read_text()).get("mutant", []):
            name = entry.get("name", "?")
            if wrong := {"name", "line", "file", "old", "new", "test"} ^ set(entry):
                raise ValueError(f"{path.name}: {name}: missing or unknown: {', '.join(sorted(wrong))}")
            if name in found:
                raise ValueError(f"{path.name}: {name}: stands twice")
            test = entry["test"]
            found[name] = Mutant(
                name,
                str(entry["line"]),
                entry["file"],
                entry["old"],
                entry["new"],
                tuple([test] if isinstance(test, str) else test),
            )
    return list(found.values())


def faults(mutant: Mutant, root: Path) -> list[str]:
    """Return why a mutant cannot be applied to the tree at `root` any more; empty when it can."""
    found = []
    source = root / mutant.file
    times = source.read_text().count(mutant.old) if source.is_file() else 0
    if times != 1:
        found.append(f"`old` stands {times} times in {mutant.file}")
    if mutant.old == mutant.new:
        found.append("`new` is `old`")
    found += [f"no test {test}" for test in mutant.tests if not _stands(test, root)]
    if not mutant.tests:
        found.append("names no test")
    return found


def _stands(test: str, root: Path) -> bool:
    path, *names = test.partition("[")[0].split("::")
    if not (root / path).is_file():
        return False
    text = (root / path).read_text()
    # A class that stands for a state machine of Hypothesis is assigned, not defined.
    return all(re.search(rf"^\s*(?:(?:async )?def|class) {name}\b|^{name} = ", text, re.MULTILINE) for name in names)
