"""Embeddings at work, on this machine alone: `python examples/embeddings/run.py`.

Makes the model's environment where there is none, starts the model and the gateway of seawall.toml in front of it, asks
the same questions twice with search.py, and shows what `seawall spend` knows of it after each.
"""

import argparse
import asyncio
import hashlib
import json
import os
import secrets
import signal
import sys
import tempfile
import urllib.request
from asyncio.subprocess import PIPE
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

from environment import FOLDER, prepared
from search import SENTENCES, Index, connect, show

HERE = Path(__file__).resolve().parent
KEY = f"sw-{secrets.token_urlsafe(32)}"
QUESTIONS = (
    "When does the boat go?",
    "What protects the street from the ocean?",
    "Where does the kitten nap?",
    "How do I pick up my package?",
    "Jogging gives me joint pain.",
)
PATIENCE = 60.0


def settings(model: str) -> dict[str, str]:
    """Return the environment in which seawall.toml leads to this model."""
    return {
        **os.environ,
        "SEAWALL_SERVER__LISTEN": "127.0.0.1:0",
        "SEAWALL_SERVER__DRAIN": "200ms",
        "SEAWALL_UPSTREAMS__MINILM__URL": f"{model}/v1",
        "INDEX_KEY_HASH": f"sha256:{hashlib.sha256(KEY.encode()).hexdigest()}",
    }


@asynccontextmanager
async def program(command: list[str], env: dict[str, str], log: Path) -> AsyncIterator[str]:
    """Run a program that says on its stderr where it is listening; yield that address."""
    with log.open("wb") as out:
        child = await asyncio.create_subprocess_exec(*command, env=env, stdout=out, stderr=PIPE, start_new_session=True)
    assert child.stderr is not None
    try:
        line = (await asyncio.wait_for(child.stderr.readline(), PATIENCE)).decode()
        if "listening on" not in line:
            sys.exit(line + (await child.stderr.read()).decode())
        address = line.split()[-1]
        yield address if address.startswith("http://") else f"http://{address}"
    finally:
        if child.returncode is None:
            child.terminate()
        await child.communicate()


def search(url: str) -> None:
    """Make the index and ask it; print what each call took and found."""
    with connect(url, KEY) as client:
        index = Index(client, SENTENCES)
        print(f"{index.made}  ({len(SENTENCES)} sentences)")
        for question in QUESTIONS:
            show(index, question)


def answered(model: str) -> int:
    """Return how many calls the model has answered."""
    direct = urllib.request.build_opener(urllib.request.ProxyHandler({}))
    with direct.open(f"{model}/health", timeout=PATIENCE) as answer:
        return int(json.load(answer)["answered"])


async def spend(url: str) -> None:
    """Run `seawall spend`, whose lines appear among ours."""
    command = [sys.executable, "-m", "seawall", "spend", "--by", "alias,model", "--url", url]
    child = await asyncio.create_subprocess_exec(*command)
    if await asyncio.wait_for(child.wait(), PATIENCE):
        sys.exit(child.returncode)


def end_when_told() -> None:
    """End this task by Ctrl-C and by SIGTERM alike, so that nothing it started is left behind."""
    task = asyncio.current_task()
    assert task is not None, "called by one"
    for number in (signal.SIGINT, signal.SIGTERM):
        asyncio.get_running_loop().add_signal_handler(number, task.cancel)


def until(seconds: float | None) -> str:
    """Return how long it runs on."""
    return "until Ctrl-C" if seconds is None else f"for {seconds:g} s"


async def main(seconds: float | None, folder: Path) -> None:
    """Run everything, then go on for so long, or until Ctrl-C."""
    end_when_told()
    python = await asyncio.to_thread(prepared, folder)
    with tempfile.TemporaryDirectory() as place:
        logs = Path(place)
        serve = [sys.executable, "-m", "seawall", "serve", "--config", str(HERE / "seawall.toml")]
        serving = [str(python), str(HERE / "model_server.py"), "--port", "0"]
        async with (
            program(serving, dict(os.environ), logs / "model") as model,
            program(serve, settings(model), logs / "log") as url,
        ):
            print(f"The model on {model}, Seawall on {url}; its log is {logs}/log", flush=True)
            for time, what in (("first", "the model computes"), ("second", "everything is remembered")):
                print(f"\n--- the {time} time: {what}", flush=True)
                await asyncio.to_thread(search, url)
                print(f"the model has answered {answered(model)} calls so far; what was spent:", flush=True)
                await spend(url)
            ask = f'GATEWAY_URL={url} INDEX_KEY={KEY} .venv/bin/python examples/embeddings/search.py "Who gets lost?"'
            print(f"\nRunning on {until(seconds)}: {ask}", flush=True)
            await asyncio.sleep(seconds if seconds is not None else 365 * 86400)


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description="Embeddings that are paid for once, on this machine alone.")
    parser.add_argument("--seconds", type=float, help="end so long after the tour")
    parser.add_argument("--venv", type=Path, default=FOLDER, help="where the model's environment is")
    given = parser.parse_args()
    try:
        asyncio.run(main(given.seconds, given.venv))
    except (KeyboardInterrupt, asyncio.CancelledError):
        sys.exit(0)
