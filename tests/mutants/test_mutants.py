"""The catalogue fits the tree, and the runner tells a test that notices from one that does not."""

from pathlib import Path

import pytest
from catalogue import Mutant, faults, load
from run import KILLED, STALE, SURVIVED, copy, failing, run, try_mutant

HERE = Path(__file__).parent
ROOT = HERE.parents[1]

SOURCE = "def double(number):\n    return number * 2\n"
TESTS = """
from doubling import double

def test_doubles():
    assert double(3) == 6

def test_says_nothing():
    double(3)
"""


@pytest.fixture
def tree(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A project of one function and two tests, that need no plugin."""
    monkeypatch.setenv("PYTEST_DISABLE_PLUGIN_AUTOLOAD", "1")
    (tmp_path / "src").mkdir()
    (tmp_path / "tests").mkdir()
    (tmp_path / "src" / "doubling.py").write_text(SOURCE)
    (tmp_path / "tests" / "test_doubling.py").write_text(TESTS)
    return tmp_path


def mutant(test: str = "test_doubles", old: str = "* 2", new: str = "* 3") -> Mutant:
    """One way to break it."""
    return Mutant("no doubling", "semantics 0.1", "src/doubling.py", old, new, (f"tests/test_doubling.py::{test}",))


def test_every_mutant_of_the_catalogue_still_fits_the_tree():
    """A source line that moved on takes its mutant along, or `make test` fails."""
    assert {m.name: wrong for m in load(HERE) if (wrong := faults(m, ROOT))} == {}


def test_a_mutant_that_a_test_notices_is_killed_and_the_source_is_put_back(tree: Path):
    """The copy is as before afterwards, ready for the next mutant."""
    assert try_mutant(mutant(), tree)[0] == KILLED
    assert (tree / "src" / "doubling.py").read_text() == SOURCE


def test_a_mutant_that_no_test_notices_survives(tree: Path):
    """The test named for it would still pass if the code did nothing."""
    assert try_mutant(mutant("test_says_nothing"), tree)[0] == SURVIVED


@pytest.mark.parametrize(
    ("changed", "reason"),
    [
        (mutant(old="* 4"), "stands 0 times"),
        (mutant(old="number"), "stands 2 times"),
        (mutant(test="test_gone"), "no test"),
        (mutant(new="* 2"), "is `old`"),
        (mutant(new="* 2 ("), "pytest ended with 4"),
    ],
)
def test_a_mutant_that_fits_no_more_is_stale(tree: Path, changed: Mutant, reason: str):
    """Also one that does not even compile: every test would notice that."""
    verdict, said = try_mutant(changed, tree)
    assert verdict == STALE
    assert reason in said


def test_a_test_that_hangs_counts_as_noticing(tree: Path):
    """Taking a bound out often makes the test wait for ever."""
    assert try_mutant(mutant(new="* __import__('threading').Event().wait()"), tree, patience=1)[0] == KILLED


def test_tests_that_fail_with_nothing_taken_out_are_found(tree: Path):
    """A test that fails anyway would call every mutant killed."""
    both = [mutant(), mutant("test_says_nothing")]
    assert failing(both, tree) == set()
    (tree / "tests" / "test_doubling.py").write_text(TESTS.replace("== 6", "== 7"))
    assert failing(both, tree) == {"tests/test_doubling.py::test_doubles"}
    (tree / "tests" / "test_doubling.py").write_text("def broken(")
    assert failing([], tree) == set()


def test_the_whole_run_leaves_the_tree_alone_and_fails_for_a_survivor(tree: Path, capsys: pytest.CaptureFixture[str]):
    """One line for each, then the count; the exit code is the verdict."""
    assert run([mutant(), mutant("test_says_nothing")], tree, jobs=1) == 1
    assert "1 killed, 1 SURVIVED, 0 stale, 0 broken" in capsys.readouterr().out
    assert (tree / "src" / "doubling.py").read_text() == SOURCE


def test_a_copy_leaves_out_what_is_hidden_or_built(tree: Path, tmp_path: Path):
    """Neither `.git` nor `.venv` nor byte code comes along."""
    (tree / ".git").mkdir()
    (tree / "src" / "__pycache__").mkdir()
    copied = copy(tree, tmp_path / "copies" / "0")
    assert sorted(p.name for p in copied.rglob("*")) == ["doubling.py", "src", "test_doubling.py", "tests"]


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("[[mutant]]\nname='a'", "missing or unknown: file, line, new, old, test"),
        ("[[mutant]]\nname='a'\nline='1'\nfile='f'\nold='o'\nnew='n'\ntest='t'\n" * 2, "stands twice"),
    ],
)
def test_a_catalogue_with_a_fault_says_where(tmp_path: Path, text: str, reason: str):
    """The file and the mutant are named."""
    (tmp_path / "some.toml").write_text(text)
    with pytest.raises(ValueError, match=reason):
        load(tmp_path)
