"""The settings of examples/bedrock_service hold: timeouts, two keys for one caller, a wrong region ends the start."""

import asyncio
import hashlib
import os
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import httpx

from seawall.config import load, serve_faults

SETTINGS = Path(__file__).parents[2] / "examples" / "bedrock_service" / "seawall.toml"
OLD, NEW = "old-key-000000000000000000000000", "new-key-000000000000000000000000"
CALL = {"model": "writer", "messages": [{"role": "user", "content": "hi"}]}


def hashed(key: str) -> str:
    """Return a key's hash as the settings hold it."""
    return "sha256:" + hashlib.sha256(key.encode()).hexdigest()


def environment(**upstream: str) -> dict[str, str]:
    """Return the environment the settings are served in, with these changed for Bedrock."""
    changed = {f"SEAWALL_UPSTREAMS__BEDROCK__{name.upper()}": value for name, value in upstream.items()}
    keys = {
        "SERVICE_KEY_HASH": hashed(OLD),
        "SERVICE_NEXT_KEY_HASH": hashed(NEW),
        "AWS_BEARER_TOKEN_BEDROCK": "example",
    }
    return {**os.environ, "SEAWALL_SERVER__LISTEN": "127.0.0.1:0", "SEAWALL_SERVER__DRAIN": "100ms", **keys, **changed}


@asynccontextmanager
async def serving(env: dict[str, str]) -> AsyncIterator[tuple[asyncio.subprocess.Process, str]]:
    """Run `seawall serve`; yield the process and its first line."""
    command = [sys.executable, "-m", "seawall", "serve", "--config", str(SETTINGS)]
    child = await asyncio.create_subprocess_exec(
        *command, env=env, stdout=asyncio.subprocess.DEVNULL, stderr=asyncio.subprocess.PIPE
    )
    try:
        assert child.stderr is not None
        yield child, (await asyncio.wait_for(child.stderr.readline(), 20)).decode()
    finally:
        if child.returncode is None:
            child.terminate()
        await asyncio.wait_for(child.communicate(), 20)


def test_its_timeouts_are_ten_and_a_hundred_and_twenty_seconds() -> None:
    """As they stand, and nothing in the settings waits for a later version."""
    tree = load(SETTINGS, environment())
    assert serve_faults(tree) == []
    bedrock = tree.upstreams["bedrock"]
    assert (bedrock.connect_timeout, bedrock.timeout) == (10.0, 120.0)


async def test_a_bedrock_that_hangs_is_left_at_the_timeout_by_both_keys() -> None:
    """504 after the (scaled) timeout for the old key and the new one; 401 at once for any other."""

    async def hang(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.read()
        writer.close()

    server = await asyncio.start_server(hang, "127.0.0.1", 0)
    url = f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}"
    env = environment(url=url, allow_private="true", timeout="500ms")
    async with server, serving(env) as (_, line), httpx.AsyncClient(trust_env=False, timeout=10) as client:
        assert "listening on" in line
        got = []
        for key in (OLD, NEW, "another-key-00000000000000000000"):
            headers = {"authorization": f"Bearer {key}"}
            answer = await client.post(f"http://{line.split()[-1]}/v1/chat/completions", json=CALL, headers=headers)
            got.append((answer.status_code, 0.4 < answer.elapsed.total_seconds() < 5))
    assert got == [(504, True), (504, True), (401, False)]


async def test_a_region_without_bedrock_ends_the_start() -> None:
    """Exit status 2, and the words name the setting."""
    async with serving(environment(region="eu-wrong-9")) as (child, _):
        assert child.stderr is not None
        said = (await asyncio.wait_for(child.stderr.read(), 20)).decode()
        assert await asyncio.wait_for(child.wait(), 20) == 2
    assert "upstreams.bedrock.region: must be a region that has Bedrock" in said
