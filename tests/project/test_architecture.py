"""The folder tree is the architecture: what docs/architecture.md shows is what stands in src/seawall.

The page has one fenced block whose first line is `src/seawall/`. Below it stands one entry a line, two blanks deeper
for each level: a folder ends in `/`, a module in `.py`; after two blanks or more comes what it is for. Every folder of
the package stands there, and every module that is in none.
"""

import re

from tree import DOCS, SOURCE

LEFT_OUT = {"__init__.py", "__main__.py"}


def shown() -> set[str]:
    """Return the paths the page shows."""
    block = re.search(
        r"^```\w*\nsrc/seawall/\n(.*?)^```", (DOCS / "architecture.md").read_text(), re.MULTILINE | re.DOTALL
    )
    assert block, "docs/architecture.md has no fenced block that starts with src/seawall/"
    found: set[str] = set()
    parents: list[str] = []
    for line in block[1].splitlines():
        entry = re.match(r"^((?:  )+)([\w.]+/?)(?:  +\S|$)", line)
        if entry is None:  # a description that goes on
            continue
        depth = len(entry[1]) // 2
        parents = [*parents[: depth - 1], entry[2]]
        found.add("".join(parents))
    return found


def standing() -> set[str]:
    """Return the paths that exist."""
    folders = {path.parent.relative_to(SOURCE).as_posix() + "/" for path in SOURCE.rglob("*.py")} - {"./"}
    return folders | {path.name for path in SOURCE.glob("*.py") if path.name not in LEFT_OUT}


def test_the_tree_on_the_page_is_the_tree_of_the_package():
    """A new folder has a line that says what it is for; a line has its folder."""
    assert shown() == standing()


def test_every_folder_says_what_it_is_in_its_first_line():
    """One folder, one idea."""
    silent = [path for path in SOURCE.rglob("__init__.py") if not path.read_text().startswith('"""')]
    assert silent == []
