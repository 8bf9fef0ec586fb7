"""What every test stands on: the loop, the clock, no blocking call, no task left behind, fixed seeds."""

import asyncio
import os
import random
from collections.abc import AsyncIterator, Callable, Iterator, Mapping
from pathlib import Path
from typing import TYPE_CHECKING

import hypothesis
import pytest
import pytest_asyncio
from blockbuster import BlockBuster

from seawall.contracts.clock import Clock
from seawall.contracts.form import form
from seawall.contracts.wheel import Wheel

if TYPE_CHECKING:
    from providing import ProviderProcess

# Folders whose plain async tests meet the event loop itself; test_standard_loop.py runs them on asyncio's own as well.
CORE = ("server", "wire", "pipeline", "testing")
SETTLING_TURNS = 20

# The same examples in every run: a failure seen by one is seen by all. HYPOTHESIS_PROFILE=explore looks further.
hypothesis.settings.register_profile("fixed", derandomize=True, deadline=None, database=None)
hypothesis.settings.register_profile("explore", deadline=None, max_examples=2000)
hypothesis.settings.load_profile(os.environ.get("HYPOTHESIS_PROFILE", "fixed"))


def pytest_configure(config: pytest.Config) -> None:
    """Register the markers of this suite."""
    # a gateway with a Bedrock upstream looks for credentials; no test asks the metadata service of its own machine
    os.environ["AWS_EC2_METADATA_DISABLED"] = "true"
    config.addinivalue_line("markers", "core: also run on the standard event loop; set by folder, see conftest.py")


def pytest_asyncio_loop_factories(
    config: pytest.Config, item: pytest.Item
) -> Mapping[str, Callable[[], asyncio.AbstractEventLoop]]:
    """Run on uvloop where it exists, unless `SEAWALL_TEST_LOOP=asyncio`."""
    if os.environ.get("SEAWALL_TEST_LOOP") == "asyncio":
        return {"asyncio": asyncio.new_event_loop}
    try:
        import uvloop
    except ImportError:  # no uvloop on this platform
        return {"asyncio": asyncio.new_event_loop}
    return {"uvloop": uvloop.new_event_loop}


def pytest_itemcollected(item: pytest.Item) -> None:
    """Mark what also runs on the standard loop; leave out what cannot hold where the modules are compiled."""
    folder = item.path.relative_to(Path(__file__).parent).parts[0]
    if folder in CORE and pytest_asyncio.is_async_test(item) and item.get_closest_marker("verify") is None:
        item.add_marker("core")
    for pure in item.iter_markers("pure"):
        (reason,) = pure.args
        if form() == "compiled":
            item.add_marker(pytest.mark.skip(reason=f"pure: {reason}"))


@pytest.fixture(scope="session", autouse=True)
def no_blocking_call() -> Iterator[BlockBuster]:
    """Fail every blocking call that the package makes while a loop runs; what tests themselves block is theirs."""
    buster = BlockBuster("seawall", excluded_modules=["seawall.testing"])
    # semantics 8.7: a settled row is one write(), which the kernel's memory takes; nothing waits for a disk
    buster.functions["os.write"].can_block_in("seawall/spend/spool.py", {"_append", "_compact"})
    # coverage takes its own lock when a file is first traced, in whatever is running then
    buster.functions["threading.Lock.acquire"].can_block_in("coverage/collector.py", {"lock_data"})
    if form() == "compiled":  # a compiled caller has no frame, and so no name to be let through by
        del buster.functions["os.write"]
    buster.activate()
    yield buster
    buster.deactivate()


@pytest.fixture(autouse=True)
def fixed_seeds() -> None:
    """Seed the shared random number generator, so that jitter is the same in every run."""
    random.seed(20260101)


@pytest.fixture(autouse=True)
def no_task_left(request: pytest.FixtureRequest) -> None:
    """Fail an async test that leaves tasks behind, after all its other fixtures have ended."""
    if pytest_asyncio.is_async_test(request.node):
        request.getfixturevalue("tasks_watched")


@pytest.fixture
async def tasks_watched() -> AsyncIterator[None]:
    """Name the tasks still running when everything else is over; closing transports have a few turns to settle."""
    before = asyncio.all_tasks()
    yield
    for _ in range(SETTLING_TURNS):
        left = asyncio.all_tasks() - before - {asyncio.current_task()}
        if not left:
            return
        await asyncio.sleep(0)
    raise AssertionError(f"tasks left behind: {', '.join(map(_show, left))}")


def _show(task: "asyncio.Task[object]") -> str:
    return f"{task.get_name()} ({getattr(task.get_coro(), '__qualname__', task.get_coro())})"


@pytest.fixture
def clock() -> Clock:
    """Return the real clock; virtual tests take theirs from `loop.clock()`."""
    return Clock()


@pytest.fixture
async def wheel(clock: Clock) -> Wheel:
    """Return a wheel on the test's own loop."""
    return Wheel(clock, asyncio.get_running_loop())


@pytest.fixture(scope="module")
def running() -> Iterator["ProviderProcess"]:
    """Run one scripted provider for all tests of a file."""
    from providing import ProviderProcess  # not above: a test runs this file alone, without its neighbours

    with ProviderProcess() as provider:
        yield provider


@pytest.fixture
def provider(running: "ProviderProcess") -> "ProviderProcess":
    """Return the provider with an empty bill."""
    running.clear()
    return running
