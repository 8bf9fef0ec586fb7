"""An upstream that fails one call in five at random: what its callers see of it, over real sockets."""

import asyncio
import os
import random
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pytest

from seawall.app import App
from seawall.cli.demo import settings
from seawall.cli.traffic import Kind, Load
from seawall.config import Tree
from seawall.config.load import parse
from seawall.contracts.clock import Clock
from seawall.contracts.wheel import Wheel
from seawall.testing.sandbox import Sandbox
from seawall.wire import Wire

CALLERS = 32
FLAKY = Kind(1.0, b"GET", b"/sandbox/flaky?rate=0.2")

# All defaults but for the attempt timeout: its default is the whole deadline, after which nothing can be tried again.
DEFAULTS = """
[server]
listen = "127.0.0.1:0"
[upstreams.sandbox]
url = "http://127.0.0.1:{port}"
allow_private = true
attempt_timeout = "500ms"
"""


@asynccontextmanager
async def load_on(tree: Tree) -> AsyncIterator[Load]:
    """Run a gateway and give callers that call it."""
    clock, loop = Clock(), asyncio.get_running_loop()
    wire = Wire(clock, Wheel(clock, loop), loop, max_connections=2 * CALLERS)
    log = os.open(os.devnull, os.O_WRONLY)
    try:
        async with App(tree, log_fd=log) as app:
            host, _, port = app.addresses[0].rpartition(":")
            yield Load(wire, host, int(port), clock, random.uniform)
            await wire.close()
    finally:
        os.close(log)


async def failed(tree: Tree, calls: int) -> int:
    """Make so many calls and return how many failed."""
    left = iter(range(calls))
    async with load_on(tree) as load:

        async def caller() -> None:
            for _ in left:
                await load.call(FLAKY)

        await asyncio.gather(*(caller() for _ in range(CALLERS)))
    assert load.tally.calls == calls
    return load.tally.failed


def upstream_failures(sandbox: Sandbox) -> float:
    """Return the share of requests that the sandbox let fail."""
    bad = sum(sandbox.outcomes[word] for word in ("503", "reset", "hang"))
    return bad / sandbox.outcomes.total()


@pytest.mark.parametrize("calls", [2000, pytest.param(20_000, marks=pytest.mark.verify)])
async def test_with_the_demos_settings_999_of_1000_calls_succeed(calls: int) -> None:
    """Six attempts within a wide budget hide an upstream that fails one request in five."""
    async with Sandbox() as sandbox:
        tree = await asyncio.to_thread(settings, 0, sandbox.port)
        assert await failed(tree, calls) <= calls // 1000
        assert 0.17 < upstream_failures(sandbox) < 0.23


@pytest.mark.parametrize("calls", [2000, pytest.param(20_000, marks=pytest.mark.verify)])
async def test_with_the_defaults_99_of_100_calls_succeed(calls: int) -> None:
    """Three attempts, retries for one call in five, and the breaker as it is by default."""
    async with Sandbox() as sandbox:
        tree = parse(DEFAULTS.format(port=sandbox.port), {}).tree
        assert await failed(tree, calls) <= calls // 100
        assert 0.17 < upstream_failures(sandbox) < 0.23
