"""The health coach at work, on this machine alone: `python examples/assistant/run.py`.

Starts a PostgreSQL, an OpenAI and a Bedrock that follow a script, the gateway of seawall.toml in front of these and the
backend in front of that, all on free ports of loopback; goes through tour.py, then runs on until Ctrl-C.
"""

import argparse
import asyncio
import os
import secrets
import signal
import sys
import tempfile
from asyncio.subprocess import PIPE
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

from postgres import postgres
from providers import OpenAI, bedrock
from tour import Place, tour

from seawall.testing.faultserver import FaultServer

HERE = Path(__file__).resolve().parent
ADMIN = secrets.token_urlsafe(32)
PATIENCE = 30.0
# What each user may: a burst of a tenth of the rate, and as much money as a few long answers cost
USERS = ("header=X-User", "rate=120/min", "day=0.01 USD")


def settings(first: str, second: str, ledger: str, folder: Path) -> dict[str, str]:
    """Return the environment in which seawall.toml leads to these."""
    return {
        "SEAWALL_SERVER__LISTEN": "127.0.0.1:0",
        "SEAWALL_SERVER__DRAIN": "200ms",
        "SEAWALL_ADMIN_TOKEN": ADMIN,
        "SEAWALL_UPSTREAMS__OPENAI__URL": f"{first}/v1",
        "SEAWALL_UPSTREAMS__OPENAI__ALLOW_PRIVATE": "true",
        "SEAWALL_UPSTREAMS__BEDROCK__URL": second,
        "SEAWALL_UPSTREAMS__BEDROCK__ALLOW_PRIVATE": "true",
        "OPENAI_API_KEY": "example",
        "AWS_BEARER_TOKEN_BEDROCK": "example",
        "LEDGER_URL": ledger,
        "LEDGER_SPOOL": str(folder / "ledger.spool"),
    }


@asynccontextmanager
async def program(arguments: list[str], env: dict[str, str], sign: str, log: Path) -> AsyncIterator[str]:
    """Run a Python module; yield the address in the line of its stderr that has the sign, once it is there."""
    with log.open("wb") as out:
        child = await asyncio.create_subprocess_exec(
            sys.executable, "-m", *arguments, env={**os.environ, **env}, stdout=out, stderr=PIPE, start_new_session=True
        )
    assert child.stderr is not None
    try:
        said = ""
        async with asyncio.timeout(PATIENCE):
            while sign not in said:
                line = (await child.stderr.readline()).decode()
                if not line:
                    sys.exit(said)
                said += line
        word = next(word for word in reversed(said.split()) if ":" in word and word[-1].isdigit())
        yield word if word.startswith("http://") else f"http://{word}"
    finally:
        if child.returncode is None:
            child.terminate()
        await child.communicate()


async def seawall(gateway: str, *arguments: str) -> str:
    """Run a command of `seawall` at the gateway and return what it prints."""
    child = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "seawall", *arguments, "--url", gateway,
        env={**os.environ, "SEAWALL_ADMIN_TOKEN": ADMIN}, stdout=PIPE, stderr=PIPE,
    )  # fmt: skip
    out, err = await asyncio.wait_for(child.communicate(), PATIENCE)
    if child.returncode:
        sys.exit(err.decode())
    return out.decode().rstrip()


@asynccontextmanager
async def backend(gateway: str, key: str, database: str, folder: Path) -> AsyncIterator[str]:
    """Run the backend; yield its address."""
    env = {"GATEWAY_URL": gateway, "GATEWAY_KEY": key, "DATABASE_URL": database}
    uvicorn = ["uvicorn", "--factory", "coach.app:create", "--app-dir", str(HERE), "--port", "0", "--no-access-log"]
    async with program(uvicorn, env, "running on", folder / "coach.log") as url:
        yield url


def end_when_told() -> None:
    """End this task by Ctrl-C and by SIGTERM alike, so that nothing it started is left behind."""
    task = asyncio.current_task()
    assert task is not None, "called by one"
    for number in (signal.SIGINT, signal.SIGTERM):
        asyncio.get_running_loop().add_signal_handler(number, task.cancel)


def until(seconds: float | None) -> str:
    """Return how long it runs on."""
    return "until Ctrl-C" if seconds is None else f"for {seconds:g} s"


async def main(seconds: float | None) -> None:
    """Run everything, then go on for so long, or until Ctrl-C."""
    end_when_told()
    print("Starting PostgreSQL, two providers, the gateway and the coach …", flush=True)
    with tempfile.TemporaryDirectory() as place:
        folder, openai = Path(place), OpenAI()
        serve = ["seawall", "serve", "--config", str(HERE / "seawall.toml")]
        async with (
            postgres("coach", "seawall") as (database, ledger),
            FaultServer(openai) as first,
            FaultServer(bedrock) as second,
            program(serve, settings(first.url, second.url, ledger, folder), "listening on", folder / "log") as gateway,
        ):
            limits = [text for one in USERS for text in ("--user", one)]
            key = await seawall(gateway, "keys", "new", "backend", "--spend", "day=5 USD", *limits)
            async with backend(gateway, key, database, folder) as coach:
                print(f"The coach on {coach} (its page: {coach}/docs), Seawall on {gateway}", flush=True)
                await tour(Place(coach, openai, first, lambda *command: seawall(gateway, *command)))
                chat = f".venv/bin/python examples/assistant/chat.py --url {coach} --user eve"
                print(f"\nRunning on {until(seconds)}. Talk to it: {chat}", flush=True)
                await asyncio.sleep(seconds if seconds is not None else 365 * 86400)


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description="A health coach with two providers, on this machine alone.")
    parser.add_argument("--seconds", type=float, help="end so long after the tour")
    try:
        asyncio.run(main(parser.parse_args().seconds))
    except (KeyboardInterrupt, asyncio.CancelledError):
        sys.exit(0)
