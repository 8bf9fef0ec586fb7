"""The locks: every file has a hash, no file has an index address, and what the server needs stays small."""

import re
from importlib import metadata
from pathlib import Path

import pytest
from packaging.markers import Marker
from tree import ROOT

LOCKS = [*sorted((ROOT / "requirements").glob("*.txt")), *sorted((ROOT / "examples").glob("*/requirements.txt"))]
MOST_DISTRIBUTIONS = 40
MOST_MEGABYTES = 60


def pinned(lock: Path) -> dict[str, str]:
    """Return name and version of every distribution of a lock that this platform installs."""
    found = {}
    for line in re.findall(r"^[a-z0-9].*$", lock.read_text(), re.MULTILINE):
        name, _, rest = line.rstrip(" \\").partition("==")
        version, _, marker = rest.partition(";")
        if not marker or Marker(marker.strip()).evaluate():
            found[name] = version.strip()
    return found


@pytest.mark.parametrize("lock", LOCKS, ids=lambda path: path.name)
def test_every_pin_is_exact_and_has_hashes(lock: Path):
    """`pip install --require-hashes` refuses anything else."""
    entries = re.findall(r"^[a-z0-9].*(?:\n    .*)*", lock.read_text(), re.MULTILINE)
    assert entries
    assert [entry for entry in entries if "==" not in entry or "--hash=sha256:" not in entry] == []


@pytest.mark.parametrize("lock", LOCKS, ids=lambda path: path.name)
def test_no_lock_names_an_index(lock: Path):
    """Where packages come from is the machine's business."""
    assert re.findall(r"--(?:extra-)?index-url|--find-links|https?://", lock.read_text()) == []


def test_what_the_server_needs_is_few_distributions():
    """Each one is somebody who could publish a stolen release (security.md 17)."""
    assert len(pinned(ROOT / "requirements" / "serve.txt")) <= MOST_DISTRIBUTIONS


def test_what_the_server_needs_is_small():
    """Installed bytes of every distribution of serve.txt, as their records list them."""
    total = 0
    for name in pinned(ROOT / "requirements" / "serve.txt"):
        for file in metadata.distribution(name).files or ():
            path = Path(str(file.locate()))
            total += path.stat().st_size if path.is_file() else 0
    assert 1e6 < total <= MOST_MEGABYTES * 1e6


def test_the_library_alone_needs_less_than_the_server():
    """`pip install seawall` pulls neither a web framework nor a command line."""
    core, serve = pinned(ROOT / "requirements" / "core.txt"), pinned(ROOT / "requirements" / "serve.txt")
    assert set(core) < set(serve)
    assert not {"fastapi", "typer", "rich", "uvloop"} & set(core)
