"""Take each measure out in turn, run the tests named for it, and expect one to fail.

Works on copies of the tree, so the tree itself is never touched. `make mutants`, or
`python tests/mutants/run.py --only smuggling --jobs 2`. Exit 1 unless every mutant was killed.
"""

import argparse
import os
import shutil
import signal
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from queue import SimpleQueue

from catalogue import Mutant, faults, load

ROOT = Path(__file__).resolve().parents[2]
LEFT_OUT = shutil.ignore_patterns(".*", "__pycache__", "out", "dist", "build", "*.egg-info")
PATIENCE = 120.0
KILLED, SURVIVED, STALE, BROKEN = "killed", "SURVIVED", "stale", "broken"


def say(text: str) -> None:
    """Print a line at once: a run takes minutes."""
    sys.stdout.write(text + "\n")
    sys.stdout.flush()


def copy(root: Path, to: Path) -> Path:
    """Copy the tree without what is built, fetched or hidden."""
    shutil.copytree(root, to, ignore=LEFT_OUT)
    return to


def pytest(tree: Path, tests: Sequence[str], patience: float, *options: str) -> tuple[int | None, str]:
    """Run tests against the tree's own `src`; return pytest's exit code, None when it took too long, and its output."""
    argv = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", "-p", "no:cov", *options, *tests]
    env = {**os.environ, "PYTHONPATH": str(tree / "src"), "PYTHONDONTWRITEBYTECODE": "1"}
    process = subprocess.Popen(
        argv, cwd=tree, env=env, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, start_new_session=True
    )
    try:
        out, _ = process.communicate(timeout=patience)
    except subprocess.TimeoutExpired:
        os.killpg(process.pid, signal.SIGKILL)
        out, _ = process.communicate()
        return None, out
    return process.returncode, out


def try_mutant(mutant: Mutant, tree: Path, patience: float = PATIENCE) -> tuple[str, str]:
    """Apply a mutant to a copy, run its tests, put the source back; return the verdict and what to say about it."""
    if wrong := faults(mutant, tree):
        return STALE, "; ".join(wrong)
    source = tree / mutant.file
    before = source.read_text()
    source.write_text(before.replace(mutant.old, mutant.new))
    try:
        code, out = pytest(tree, mutant.tests, patience, "-x")
    finally:
        source.write_text(before)
    match code:
        case 0:
            return SURVIVED, "passes without it: " + ", ".join(mutant.tests)
        case 1:
            return KILLED, ""
        case None:
            return KILLED, f"the tests hung for {patience:g} s"
        case _:
            return STALE, f"pytest ended with {code}:\n{out[-1500:]}"


def failing(mutants: Sequence[Mutant], tree: Path) -> set[str]:
    """Return the named tests that fail with nothing taken out: they would call every mutant killed."""
    tests = sorted({test for mutant in mutants if not faults(mutant, tree) for test in mutant.tests})
    if not tests:
        return set()
    code, out = pytest(tree, tests, PATIENCE * 5, "-rfE")
    if code == 0:
        return set()
    said = [line.split(" ")[1] for line in out.splitlines() if line.startswith(("FAILED ", "ERROR "))]
    found = {test for test in tests if any(test.startswith(one) or one.startswith(test) for one in said)}
    return found or set(tests)  # it ended in another way, so nothing is known of any of them


def run(mutants: Sequence[Mutant], root: Path, jobs: int) -> int:
    """Try all of them, `jobs` at a time; print a line for each and return the exit code."""
    with tempfile.TemporaryDirectory(prefix="mutants-") as name, ThreadPoolExecutor(jobs) as pool:
        copies = [copy(root, Path(name) / str(number)) for number in range(jobs)]
        bad = failing(mutants, copies[0])
        trees: SimpleQueue[Path] = SimpleQueue()
        for tree in copies:
            trees.put(tree)

        def one(mutant: Mutant) -> tuple[str, str]:
            if wrong := bad.intersection(mutant.tests):
                return BROKEN, "fails with nothing taken out: " + ", ".join(sorted(wrong))
            tree = trees.get()
            try:
                return try_mutant(mutant, tree)
            finally:
                trees.put(tree)

        counts = dict.fromkeys((KILLED, SURVIVED, STALE, BROKEN), 0)
        for mutant, (verdict, reason) in zip(mutants, pool.map(one, mutants), strict=True):
            counts[verdict] += 1
            said = reason or "by " + ", ".join(mutant.tests)
            say(f"{verdict:9}{mutant.line:16}{mutant.name}: {said}")
    say(", ".join(f"{many} {verdict}" for verdict, many in counts.items()))
    return 0 if counts[KILLED] == len(mutants) > 0 else 1


def main(argv: Sequence[str]) -> int:
    """Read the command line; return the exit code."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--only", default="", metavar="TEXT", help="only mutants whose name, line or file contains it")
    parser.add_argument("--jobs", type=int, default=2, help="how many at a time")
    parser.add_argument("--list", action="store_true", help="print them and run nothing")
    options = parser.parse_args(argv)
    mutants = [m for m in load(Path(__file__).parent) if options.only in f"{m.name}\n{m.line}\n{m.file}"]
    if options.list:
        for mutant in mutants:
            say(f"{mutant.line:16}{mutant.name}: {mutant.file} -> {', '.join(mutant.tests)}")
        return 0
    return run(mutants, ROOT, options.jobs)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
