"""The assistant at work, on this machine alone: `python examples/assistant/run.py`.

Starts two providers on free ports of loopback and the gateway of seawall.toml in front of them; chats as one user,
takes the first provider away, goes on until that user's money of the day is spent, and asks as another user.
"""

import argparse
import asyncio
import hashlib
import os
import secrets
import sys
import tempfile
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import openai
from chat import Conversation, connect
from providers import claude, gpt

from seawall.testing.faultserver import FaultServer

HERE = Path(__file__).resolve().parent
KEY = f"sw-{secrets.token_urlsafe(32)}"
PATIENCE = 20.0


def settings(first: str, second: str, folder: str) -> dict[str, str]:
    """Return the environment in which seawall.toml leads to these, and a user's day is a few answers long."""
    return {
        **os.environ,
        "SEAWALL_SERVER__LISTEN": "127.0.0.1:0",
        "SEAWALL_SERVER__DRAIN": "200ms",
        "SEAWALL_UPSTREAMS__OPENAI__URL": f"{first}/v1",
        "SEAWALL_UPSTREAMS__OPENAI__ALLOW_PRIVATE": "true",
        "SEAWALL_UPSTREAMS__CLAUDE__URL": second,
        "SEAWALL_UPSTREAMS__CLAUDE__ALLOW_PRIVATE": "true",
        "SEAWALL_CALLERS__CHAT__PER_USER__SPEND__DAY": "0.0066 USD",
        "OPENAI_API_KEY": "example",
        "ANTHROPIC_API_KEY": "example",
        "CHAT_KEY_HASH": f"sha256:{hashlib.sha256(KEY.encode()).hexdigest()}",
        "LEDGER_URL": f"sqlite://{folder}/chat.db",
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


def answer(conversation: Conversation, user: str, text: str) -> bool:
    """Print a question and its answer, the pieces apart; return whether there was one."""
    print(f"{user}: {text}\n  ", end="")
    try:
        print("|".join(conversation.ask(text)), flush=True)
    except openai.APIStatusError as error:
        print(f"{error.status_code} {error.code}: {error.message}", flush=True)
        return False
    return True


async def tour(url: str, first: FaultServer) -> None:
    """Chat while the first provider goes away and one user's money ends."""
    client = connect(url, KEY)
    ada, bob = Conversation(client, "ada"), Conversation(client, "bob")
    print("\n--- the first provider answers, word by word", flush=True)
    await asyncio.to_thread(answer, ada, "ada", "What is a seawall?")
    print("\n--- the first provider is down: the second answers", flush=True)
    await first.refuse()
    await asyncio.to_thread(answer, ada, "ada", "And who answers now?")
    print("\n--- one user's money of the day is spent", flush=True)
    for _ in range(20):
        if not await asyncio.to_thread(answer, ada, "ada", "Go on."):
            break
    print("\n--- another user's is not", flush=True)
    await asyncio.to_thread(answer, bob, "bob", "What is a seawall?")


async def main(seconds: float | None) -> None:
    """Run everything, then go on for so long, or until Ctrl-C."""
    with tempfile.TemporaryDirectory() as folder:
        async with (
            FaultServer(gpt) as first,
            FaultServer(claude) as second,
            gateway(settings(first.url, second.url, folder), Path(folder) / "log") as url,
        ):
            print(f"Seawall on {url}; its log is {folder}/log", flush=True)
            await tour(url, first)
            chat = f"GATEWAY_URL={url} CHAT_KEY={KEY} .venv/bin/python examples/assistant/chat.py --user eve"
            print(f"\nRunning on, until Ctrl-C: {chat}", flush=True)
            await asyncio.sleep(seconds if seconds is not None else 365 * 86400)


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description="A chat assistant with two providers, on this machine alone.")
    parser.add_argument("--seconds", type=float, help="end so long after the tour")
    try:
        asyncio.run(main(parser.parse_args().seconds))
    except KeyboardInterrupt:
        sys.exit(0)
