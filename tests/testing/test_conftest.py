"""The suite's own safeguards: what they promise to catch, they catch."""

import asyncio
import os
import random
import subprocess
import sys
from pathlib import Path

import pytest

from seawall.contracts.clock import Clock
from seawall.contracts.form import form
from seawall.contracts.wheel import Wheel

ROOT = Path(__file__).parent.parent

BAD = '''
import asyncio, pathlib, sys
sys.path.insert(0, {folder!r})

async def test_leaves_a_task():
    """Forgets one."""
    asyncio.get_running_loop().create_task(asyncio.Event().wait(), name="forgotten")

async def test_blocks():
    """Sleeps on the loop, inside the package."""
    import seawall
    code = compile("from time import sleep; sleep(0)", seawall.__file__, "exec")
    exec(code)

async def test_good():
    """Does neither."""
    await asyncio.sleep(0)
'''


PURE = '''
import pytest

@pytest.mark.pure("replaces a function of a module")
def test_marked():
    """Holds for the source."""
'''


def run(folder: Path, text: str) -> "subprocess.CompletedProcess[str]":
    """Run a suite of one file with this suite's own conftest."""
    (folder / "conftest.py").write_text((ROOT / "conftest.py").read_text("utf-8"), "utf-8")
    (folder / "test_some.py").write_text(text, "utf-8")
    command = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", "-o", "asyncio_mode=auto", "-ra"]
    return subprocess.run(
        [*command, "--rootdir", str(folder), str(folder)],
        cwd=folder,
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
        env={key: value for key, value in os.environ.items() if not key.startswith("PYTEST")},
    )


def test_leftover_tasks_and_blocking_calls_fail_their_test(tmp_path: Path) -> None:
    """A suite of two bad tests and a good one fails in exactly the two, by name."""
    done = run(tmp_path, BAD.format(folder=str(tmp_path)))
    assert done.returncode == 1, done.stdout + done.stderr
    assert "tasks left behind: forgotten" in done.stdout
    assert "Blocking call to time.sleep" in done.stdout
    assert "2 passed, 1 error" in done.stdout.replace("1 failed, ", "")


def test_what_cannot_hold_on_compiled_modules_is_left_out_there_only(tmp_path: Path) -> None:
    """With its reason in the summary; without one it runs nowhere."""
    done = run(tmp_path, PURE)
    assert done.returncode == 0, done.stdout + done.stderr
    said = "1 passed" if form() == "pure Python" else "pure: replaces a function of a module"
    assert said in done.stdout
    assert run(tmp_path, PURE.replace('("replaces a function of a module")', "")).returncode != 0


async def test_the_wheel_runs_on_the_tests_own_loop(wheel: Wheel, clock: Clock) -> None:
    """The fixtures fit together: a moment added to the wheel comes."""
    came = asyncio.Event()
    wheel.add(clock.now(), came.set)
    await asyncio.wait_for(came.wait(), 5)


async def test_the_loop_is_the_one_asked_for() -> None:
    """It is uvloop where it exists; the standard loop when the environment says so."""
    module = type(asyncio.get_running_loop()).__module__
    if os.environ.get("SEAWALL_TEST_LOOP") == "asyncio":
        assert module.startswith("asyncio")
    else:
        assert module.startswith(("uvloop", "asyncio"))


@pytest.mark.parametrize("_", [1, 2])
def test_random_numbers_are_the_same_in_every_test(_: int) -> None:
    """The shared generator is seeded before each test."""
    assert random.random() == random.Random(20260101).random()
