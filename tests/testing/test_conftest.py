"""The suite's own safeguards: what they promise to catch, they catch."""

import asyncio
import os
import random
import subprocess
import sys
from pathlib import Path

import pytest

from seawall.contracts.clock import Clock
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


def test_leftover_tasks_and_blocking_calls_fail_their_test(tmp_path: Path) -> None:
    """A suite of two bad tests and a good one fails in exactly the two, by name."""
    (tmp_path / "conftest.py").write_text((ROOT / "conftest.py").read_text("utf-8"), "utf-8")
    (tmp_path / "test_bad.py").write_text(BAD.format(folder=str(tmp_path)), "utf-8")
    command = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", "-o", "asyncio_mode=auto", "-ra"]
    done = subprocess.run(
        [*command, "--rootdir", str(tmp_path), str(tmp_path)],
        cwd=tmp_path,
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
        env={key: value for key, value in os.environ.items() if not key.startswith("PYTEST")},
    )
    assert done.returncode == 1, done.stdout + done.stderr
    assert "tasks left behind: forgotten" in done.stdout
    assert "Blocking call to time.sleep" in done.stdout
    assert "2 passed, 1 error" in done.stdout.replace("1 failed, ", "")


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
