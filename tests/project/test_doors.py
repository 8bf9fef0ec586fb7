"""One door for every task: the Makefile, and what calls it."""

import re
import subprocess

from tree import ROOT

TARGETS = {
    "setup", "run", "test", "check", "verify", "mutants", "bench", "lock", "format", "docs", "clean", "help",
}  # fmt: skip


def test_help_lists_every_target():
    """A target without a `##` text is one nobody finds."""
    done = subprocess.run(["make", "help"], cwd=ROOT, capture_output=True, text=True, check=True)
    listed = set(re.findall(r"make ([a-z-]+)", done.stdout))
    phony = re.search(r"^\.PHONY: (.*)$", (ROOT / "Makefile").read_text(), re.MULTILINE)
    assert phony
    assert listed >= TARGETS
    assert listed == set(phony[1].split())


def test_continuous_integration_and_commits_run_the_same_checks():
    """Both call make, and `check` is `lint` and the tests."""
    make = (ROOT / "Makefile").read_text()
    assert "make check" in (ROOT / ".ci" / "run").read_text()
    assert "make --no-print-directory lint" in (ROOT / ".pre-commit-config.yaml").read_text()
    assert re.search(r"^check: lint test ##", make, re.MULTILINE)


def test_commit_hooks_fetch_nothing():
    """Only local hooks, in the language of the machine."""
    text = (ROOT / ".pre-commit-config.yaml").read_text()
    assert re.findall(r"repo: (\S+)", text) == ["local"]
    assert set(re.findall(r"language: (\S+)", text)) == {"system"}
