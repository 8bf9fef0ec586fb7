"""Every page of the documentation can be found from another one, and no link leads nowhere."""

import re
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
PAGES = sorted(
    [ROOT / "README.md", ROOT / "bench/README.md", *ROOT.glob("docs/**/*.md"), *ROOT.glob("examples/**/*.md")]
)
WHOLE = {ROOT / "docs/decisions", ROOT / "examples/home"}  # folders that are linked as such, and read so
LINK = re.compile(r"\]\(([^)#\s]+)")


def targets(page: Path) -> dict[str, Path]:
    """Return the local targets of a page's links, by what is written."""
    written = LINK.findall(page.read_text())
    return {link: (page.parent / link).resolve() for link in written if not re.match(r"[a-z]+:", link)}


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_every_link_of_a_page_leads_somewhere(page: Path):
    """Files and folders of this repository; what it says of other sites is theirs."""
    assert {link for link, target in targets(page).items() if not target.exists()} == set()


def test_every_page_is_linked_from_another():
    """By itself, or by its folder where that is read whole."""
    linked = {target for page in PAGES for target in targets(page).values() if target != page}
    lost = [page for page in PAGES if page not in linked and page.parent not in linked & WHOLE]
    assert [str(page.relative_to(ROOT)) for page in lost if page != ROOT / "README.md"] == []
