"""The core of the suite holds on asyncio's own loop too, since uvloop does not exist everywhere."""

import os
import subprocess
import sys
from pathlib import Path


def test_the_core_of_the_suite_passes_on_the_standard_loop() -> None:
    """Every test marked `core` is run again, in a process whose loop is asyncio's."""
    here = Path(__file__).parent
    folders = [str(here / folder) for folder in ("server", "wire", "pipeline", "testing")]
    done = subprocess.run(
        [sys.executable, "-m", "pytest", "-q", "-m", "core", "-p", "no:cacheprovider", "--no-cov", *folders],
        cwd=here.parent,
        env={**os.environ, "SEAWALL_TEST_LOOP": "asyncio"},
        capture_output=True,
        text=True,
        timeout=240,
        check=False,
    )
    assert done.returncode == 0, done.stdout[-4000:] + done.stderr[-2000:]
