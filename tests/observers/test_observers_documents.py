"""The pages about metrics, log and events say what the code does, and all of it."""

import re
from pathlib import Path
from typing import get_args

import orjson
import pytest
from test_log import FIELDS

from seawall.contracts import events
from seawall.observers.document import files, main
from seawall.observers.families import FAMILIES

ROOT = Path(__file__).parents[2]
PAGES = ROOT / "docs" / "operations"
SOURCE = Path(__file__).parents[2] / "src" / "seawall"


@pytest.mark.parametrize("path", sorted(files()))
def test_a_generated_page_is_as_the_code_would_write_it(path: str) -> None:
    """Run `make docs` after a change."""
    assert (ROOT / path).read_text("utf-8") == files()[path]


def test_the_page_is_written_below_the_root(tmp_path: Path) -> None:
    """With a heading for every metric, under the name a query uses."""
    (tmp_path / "docs" / "operations").mkdir(parents=True)
    main(tmp_path)
    text = (tmp_path / "docs" / "operations" / "metrics.md").read_text("utf-8")
    assert re.findall(r"^## ((?:seawall|process)_\w+)$", text, re.MULTILINE) == [one.exposed for one in FAMILIES]


def test_every_field_of_a_line_is_documented() -> None:
    """In the order in which they stand in a line, and the page's own example has them all."""
    text = (PAGES / "log.md").read_text("utf-8")
    table = text.partition("## Fields of a call")[2].partition("## ")[0]
    assert re.findall(r"^\| `(\w+)` \|", table, re.MULTILINE) == FIELDS
    example = orjson.loads(text.partition("```json\n")[2].partition("```")[0])
    assert list(example) == FIELDS


def test_every_event_and_every_field_of_it_is_documented() -> None:
    """One heading for each."""
    text = (PAGES / "events.md").read_text("utf-8")
    sections = dict(re.findall(r"^## (\w+)\n(.*?)(?=^## |\Z)", text, re.MULTILINE | re.DOTALL))
    assert set(sections) == {kind.__name__ for kind in get_args(events.Event)}
    for kind in get_args(events.Event):
        named = set(re.findall(r"`(\w+)`", "".join(re.findall(r"^\|([^|]*)\|", sections[kind.__name__], re.MULTILINE))))
        assert named == set(kind._fields), kind.__name__


def test_links_between_the_pages_lead_somewhere() -> None:
    """Files stand, and headings of metrics that are pointed at exist."""
    for page in PAGES.glob("*.md"):
        for link in re.findall(r"\]\(([^)#:]*)(?:#[\w]*)?\)", page.read_text("utf-8")):
            assert not link or (page.parent / link).exists(), f"{page.name}: {link}"
        for anchor in re.findall(r"metrics\.md#(\w+)", page.read_text("utf-8")):
            assert f"## {anchor}\n" in files()["docs/operations/metrics.md"]


def test_every_notice_is_documented() -> None:
    """Whatever the log can say stands on its page under the name it has there."""
    text = (PAGES / "log.md").read_text("utf-8")
    made = re.compile(r'Notice\(\s*(?:"\w+"|[^,()]*(?:\([^)]*\))?[^,()]*),\s*"(\w+)"')
    names = {name for file in SOURCE.rglob("*.py") for name in made.findall(file.read_text("utf-8"))}
    assert len(names) > 20
    assert sorted(name for name in names if f"`{name}`" not in text) == []
