"""Embeddings at work, on this machine alone: `python examples/embeddings/run.py`.

Starts a provider on a free port of loopback and the gateway of seawall.toml in front of it; embeds the same texts twice
with embed.py and shows what `seawall spend` knows of it after each.
"""

import argparse
import asyncio
import base64
import hashlib
import json
import os
import secrets
import struct
import sys
import tempfile
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

from embed import report

from seawall.testing.exchange import Answer, Exchange
from seawall.testing.faultserver import FaultServer

HERE = Path(__file__).resolve().parent
KEY = f"sw-{secrets.token_urlsafe(32)}"
JSON = ((b"content-type", b"application/json"),)
TEXTS = [f"Stone {number} of the seawall keeps the sea from the land behind it." for number in range(80)]
PATIENCE = 20.0


def vector(text: str, form: str) -> str | list[float]:
    """Return eight numbers made of a text, in the form that was asked for."""
    numbers = [byte / 255 for byte in hashlib.sha256(text.encode()).digest()[:8]]
    return base64.b64encode(struct.pack("<8f", *numbers)).decode() if form == "base64" else numbers


def embeddings(exchange: Exchange) -> Answer:
    """Answer as OpenAI does, a token for each word."""
    asked = json.loads(exchange.body)
    form = asked.get("encoding_format", "float")
    data = [
        {"object": "embedding", "index": index, "embedding": vector(text, form)}
        for index, text in enumerate(asked["input"])
    ]
    tokens = sum(len(text.split()) for text in asked["input"])
    used = {"prompt_tokens": tokens, "total_tokens": tokens}
    return Answer(
        200, json.dumps({"object": "list", "data": data, "model": asked["model"], "usage": used}).encode(), JSON
    )


def settings(provider: str) -> dict[str, str]:
    """Return the environment in which seawall.toml leads to this provider."""
    return {
        **os.environ,
        "SEAWALL_SERVER__LISTEN": "127.0.0.1:0",
        "SEAWALL_SERVER__DRAIN": "200ms",
        "SEAWALL_UPSTREAMS__OPENAI__URL": f"{provider}/v1",
        "SEAWALL_UPSTREAMS__OPENAI__ALLOW_PRIVATE": "true",
        "OPENAI_API_KEY": "example",
        "INDEX_KEY_HASH": f"sha256:{hashlib.sha256(KEY.encode()).hexdigest()}",
    }


@asynccontextmanager
async def gateway(env: dict[str, str], log: Path) -> AsyncIterator[str]:
    """Run `seawall serve`, its log in a file; yield its address."""
    command = [sys.executable, "-m", "seawall", "serve", "--config", str(HERE / "seawall.toml")]
    with log.open("wb") as out:
        child = await asyncio.create_subprocess_exec(*command, env=env, stdout=out, stderr=asyncio.subprocess.PIPE)
    try:
        assert child.stderr is not None
        line = (await asyncio.wait_for(child.stderr.readline(), PATIENCE)).decode()
        if "listening on" not in line:
            sys.exit(line + (await child.stderr.read()).decode())
        yield "http://" + line.split()[-1]
    finally:
        if child.returncode is None:
            child.terminate()
        await child.communicate()


async def spend(url: str) -> None:
    """Run `seawall spend`, whose lines appear among ours."""
    command = [sys.executable, "-m", "seawall", "spend", "--by", "alias,model", "--url", url]
    child = await asyncio.create_subprocess_exec(*command)
    if await asyncio.wait_for(child.wait(), PATIENCE):
        sys.exit(child.returncode)


async def main(seconds: float | None) -> None:
    """Run everything, then go on for so long, or until Ctrl-C."""
    with tempfile.TemporaryDirectory() as folder:
        async with FaultServer(embeddings) as provider, gateway(settings(provider.url), Path(folder) / "log") as url:
            print(f"Seawall on {url}; its log is {folder}/log", flush=True)
            for time in ("first", "second"):
                print(f"\n--- the {time} time", flush=True)
                print(await asyncio.to_thread(report, url, KEY, TEXTS), flush=True)
                await spend(url)
                print(f"the provider was asked {provider.counts.requests} times", flush=True)
            print(f"\nRunning on, until Ctrl-C: .venv/bin/seawall spend --url {url}", flush=True)
            await asyncio.sleep(seconds if seconds is not None else 365 * 86400)


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description="Embeddings that are paid for once, on this machine alone.")
    parser.add_argument("--seconds", type=float, help="end so long after the tour")
    try:
        asyncio.run(main(parser.parse_args().seconds))
    except KeyboardInterrupt:
        sys.exit(0)
