"""The home server at work, on this machine alone: `python examples/home/run.py`.

Starts a weather API and two devices on free ports of loopback, the gateway of seawall.toml in front of them, and
listen.py beside it; takes the weather and the lamps away and gives them back; then runs on until Ctrl-C.
"""

import argparse
import asyncio
import json
import os
import sys
import tempfile
import urllib.request
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

from seawall.testing.exchange import Answer, Exchange
from seawall.testing.faultserver import FaultServer
from seawall.testing.sandbox import Sandbox

HERE = Path(__file__).resolve().parent
FORECAST = "/weather/v1/forecast?latitude=52.5&longitude=13.4&current=temperature_2m,wind_speed_10m"
JSON = ((b"content-type", b"application/json"),)
PATIENCE = 10.0


def device(state: bytes) -> FaultServer:
    """Return a device that tells its state at every path."""

    def answer(exchange: Exchange) -> Answer:
        return Answer(200, state, JSON)

    return FaultServer(answer)


def settings(weather: Sandbox, lamps: FaultServer, heating: FaultServer) -> dict[str, str]:
    """Return the environment in which seawall.toml leads to these, and in which minutes are seconds."""
    found = {
        "SERVER__LISTEN": "127.0.0.1:0",
        "SERVER__DRAIN": "200ms",
        "UPSTREAMS__WEATHER__URL": weather.url,
        "UPSTREAMS__WEATHER__ALLOW_PRIVATE": "true",
        "UPSTREAMS__WEATHER__CACHE__TTL": "1s",
        "UPSTREAMS__LAMPS__URL": lamps.url,
        "UPSTREAMS__HEATING__URL": heating.url,
        "SCHEDULES__FORECAST__EVERY": "1s",
    }
    return {**os.environ, **{f"SEAWALL_{name}": value for name, value in found.items()}}


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
        await child.wait()


@asynccontextmanager
async def listener(url: str) -> AsyncIterator[None]:
    """Run listen.py, whose lines appear among ours."""
    child = await asyncio.create_subprocess_exec(sys.executable, str(HERE / "listen.py"), url)
    try:
        yield
    finally:
        if child.returncode is None:
            child.terminate()
        await child.wait()


def get(url: str) -> tuple[int, str, str]:
    """Return status, what the gateway says of the answer, and the answer."""
    opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
    with opener.open(url, timeout=PATIENCE) as answer:
        marks = [answer.headers.get(name, "") for name in ("Cache-Status", "X-Seawall-Fallback")]
        return answer.status, " ".join(mark for mark in marks if mark), answer.read().decode()


class Tour:
    """Asks as a program of this house would, and says what came."""

    def __init__(self, url: str) -> None:
        self._url = url

    def say(self, text: str) -> None:
        """Print a heading."""
        print(f"\n--- {text}", flush=True)

    async def reads(self, path: str, text: str) -> None:
        """Ask until the answer or what the gateway says of it has a text, and print that one."""
        async with asyncio.timeout(PATIENCE):
            while True:
                status, marks, body = await asyncio.to_thread(get, self._url + path)
                if text in f"{marks} {body}":
                    break
                await asyncio.sleep(0.05)
        print(f"GET {path.partition('?')[0]}: {status}, {marks or 'from the device'}: {body[-80:]}", flush=True)

    async def polls(self, result: str) -> None:
        """Wait until the latest poll of the forecast came to a result, and print what the gateway says of it."""
        async with asyncio.timeout(PATIENCE):
            while True:
                _, _, body = await asyncio.to_thread(get, self._url + "/api/v1/schedules")
                forecast = json.loads(body)["schedules"][0]
                if forecast["result"] == result:
                    break
                await asyncio.sleep(0.05)
        print(f"schedule {forecast['name']}: {result} {forecast['detail']}", flush=True)


async def tour(url: str, weather: Sandbox, lamps: FaultServer) -> None:
    """Show what the settings do."""
    here = Tour(url)
    here.say("the forecast was polled at the start, so readers get it from memory")
    await here.polls("ok")
    await here.reads(FORECAST, "hit")
    here.say("two devices, one call at a time each")
    await here.reads("/lamps/state", "bright")
    await here.reads("/heating/state", "target")
    here.say("the weather API goes away: polls fail and say so, readers get the last answer")
    await weather.refuse()
    await here.polls("failed")
    await here.reads(FORECAST, "hit; ttl=-")
    here.say("the lamps are unplugged: the answer is the one of the settings")
    await lamps.refuse()
    await here.reads("/lamps/state", "stale")
    here.say("both are back")
    await weather.listen()
    await lamps.listen()
    await here.reads("/lamps/state", "bright")
    await here.polls("ok")


def until(seconds: float | None) -> str:
    """Return how long it runs on."""
    return "until Ctrl-C" if seconds is None else f"for {seconds:g} s"


async def main(seconds: float | None) -> None:
    """Run everything, then go on for so long, or until Ctrl-C."""
    lamps, heating = device(b'{"on":true,"bright":80}'), device(b'{"target":21.0,"now":20.4}')
    async with Sandbox() as weather, lamps, heating:
        with tempfile.TemporaryDirectory() as folder:
            async with gateway(settings(weather, lamps, heating), Path(folder) / "log") as url:
                print(f"Seawall on {url}; its log is {folder}/log", flush=True)
                async with listener(url):
                    await tour(url, weather, lamps)
                    print(f"\nRunning on {until(seconds)}: curl {url}/health and so on", flush=True)
                    await asyncio.sleep(seconds if seconds is not None else 365 * 86400)


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description="The home server at work, on this machine alone.")
    parser.add_argument("--seconds", type=float, help="end so long after the tour")
    try:
        asyncio.run(main(parser.parse_args().seconds))
    except KeyboardInterrupt:
        sys.exit(0)
