"""The service at work, on this machine alone: `python examples/bedrock_service/run.py`.

Starts a Bedrock that answers every conversation with one sentence, the gateway of seawall.toml in front of it, and
service.py in front of that; asks for a summary, takes the old key out while both run, then runs on until Ctrl-C.
"""

import argparse
import asyncio
import hashlib
import json
import os
import secrets
import shutil
import sys
import tempfile
import urllib.error
import urllib.request
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

from seawall.testing.exchange import Answer, Exchange
from seawall.testing.faultserver import FaultServer

HERE = Path(__file__).resolve().parent
OLD, NEW = (f"sw-{secrets.token_urlsafe(32)}" for _ in range(2))
JSON = ((b"content-type", b"application/json"),)
PATIENCE = 20.0
QUESTION: dict[str, object] = {"text": "A seawall keeps the sea from the land behind it."}


def converse(exchange: Exchange) -> Answer:
    """Answer one turn as Bedrock's Converse does, in as many tokens as there are words."""
    asked = json.loads(exchange.body)["messages"][-1]["content"][0]["text"]
    words = asked.removeprefix("Summarize: ").split()
    text = f"In short: {' '.join(words[:5])}."
    taken = {"inputTokens": len(words) + 1, "outputTokens": len(text.split())}
    said = {
        "output": {"message": {"role": "assistant", "content": [{"text": text}]}},
        "stopReason": "end_turn",
        "usage": {**taken, "totalTokens": sum(taken.values())},
        "metrics": {"latencyMs": 1},
    }
    return Answer(200, json.dumps(said).encode(), JSON)


def settings(bedrock: str) -> dict[str, str]:
    """Return the environment in which seawall.toml leads to this Bedrock and knows both keys."""
    old, new = (f"sha256:{hashlib.sha256(key.encode()).hexdigest()}" for key in (OLD, NEW))
    return {
        "SEAWALL_SERVER__LISTEN": "127.0.0.1:0",
        "SEAWALL_SERVER__DRAIN": "200ms",
        "SEAWALL_UPSTREAMS__BEDROCK__URL": bedrock,
        "SEAWALL_UPSTREAMS__BEDROCK__ALLOW_PRIVATE": "true",
        "AWS_BEARER_TOKEN_BEDROCK": "example",
        "SERVICE_KEY_HASH": old,
        "SERVICE_NEXT_KEY_HASH": new,
    }


@asynccontextmanager
async def program(arguments: list[str], env: dict[str, str], sign: str, log: Path) -> AsyncIterator[str]:
    """Run a Python module; yield the line of its stderr that has the sign, once it is there."""
    with log.open("wb") as out:
        child = await asyncio.create_subprocess_exec(
            sys.executable, "-m", *arguments, env={**os.environ, **env}, stdout=out, stderr=asyncio.subprocess.PIPE
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
        yield said.strip().splitlines()[-1]
    finally:
        if child.returncode is None:
            child.terminate()
        await child.communicate()


def post(url: str, body: dict[str, object] | None = None, key: str = "") -> tuple[int, str]:
    """Return status and answer."""
    headers = {"Content-Type": "application/json", **({"Authorization": f"Bearer {key}"} if key else {})}
    request = urllib.request.Request(url, json.dumps(body or {}).encode(), headers)
    opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
    try:
        with opener.open(request, timeout=PATIENCE) as answer:
            return answer.status, answer.read().decode()
    except urllib.error.HTTPError as error:
        with error:
            return error.code, error.read().decode()


def forget_old(settings: Path) -> None:
    """Take the old key's hash out of the settings."""
    settings.write_text(settings.read_text().replace('"${SERVICE_KEY_HASH}", ', ""))


async def tour(gateway: str, service: str, copy: Path) -> None:
    """Ask for a summary, take the old key's hash out, and ask again."""
    call: dict[str, object] = {"model": "writer", "messages": [{"role": "user", "content": "Summarize: both keys"}]}

    async def ask(what: str, url: str, body: dict[str, object], key: str = "") -> None:
        status, answer = await asyncio.to_thread(post, url, body, key)
        print(f"{what}: {status} {answer}", flush=True)

    await ask("POST /summaries", f"{service}/summaries", QUESTION)
    await ask("POST /summaries without text", f"{service}/summaries", {})
    await ask("old key", f"{gateway}/v1/chat/completions", call, OLD)
    await asyncio.to_thread(forget_old, copy)
    await ask("old hash taken out, POST /api/v1/reload", f"{gateway}/api/v1/reload", {})
    await ask("old key", f"{gateway}/v1/chat/completions", call, OLD)
    await ask("POST /summaries", f"{service}/summaries", QUESTION)


def until(seconds: float | None) -> str:
    """Return how long it runs on."""
    return "until Ctrl-C" if seconds is None else f"for {seconds:g} s"


async def main(seconds: float | None) -> None:
    """Run everything, then go on for so long, or until Ctrl-C."""
    with tempfile.TemporaryDirectory() as place:
        folder = Path(place)
        copy = Path(shutil.copy(HERE / "seawall.toml", folder))
        serve = ["seawall", "serve", "--config", str(copy)]
        async with (
            FaultServer(converse) as bedrock,
            program(serve, settings(bedrock.url), "listening on", folder / "gateway.log") as line,
        ):
            gateway = "http://" + line.split()[-1]
            uvicorn = ["uvicorn", "service:app", "--app-dir", str(HERE), "--port", "0", "--no-access-log"]
            env = {"GATEWAY_URL": gateway, "SERVICE_KEY": NEW}
            async with program(uvicorn, env, "running on", folder / "service.log") as line:
                service = next(word for word in line.split() if word.startswith("http://"))
                print(f"Seawall on {gateway}, the service on {service}", flush=True)
                await tour(gateway, service, copy)
                print(
                    f"Running on {until(seconds)}: curl --json '{json.dumps(QUESTION)}' {service}/summaries", flush=True
                )
                await asyncio.sleep(seconds if seconds is not None else 365 * 86400)


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description="A typed service in front of Bedrock, on this machine alone.")
    parser.add_argument("--seconds", type=float, help="end so long after the tour")
    try:
        asyncio.run(main(parser.parse_args().seconds))
    except KeyboardInterrupt:
        sys.exit(0)
