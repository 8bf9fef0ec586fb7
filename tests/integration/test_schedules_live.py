"""Schedules and events on real sockets: polled through the gateway, streamed to a client, ended by draining."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import httpx
import orjson
from gateways import calls, curl, gateway, until

from seawall.config.load import parse
from seawall.testing.exchange import Action, Answer, End, Exchange
from seawall.testing.faultserver import FaultServer

SCHEDULE = """
[schedules.poll]
every = "1h"
call = "GET /up/now?key=planted"
publish = "home.poll"
select = "/n"
"""


class Counting(FaultServer):
    """An upstream that counts its calls."""

    def __init__(self) -> None:
        super().__init__(self._count)
        self.calls = 0
        self.down = False
        self.hang = False

    def _count(self, exchange: Exchange) -> Answer | tuple[Action, ...]:
        if self.hang:
            return (End.HANG,)
        self.calls += 1
        kind = ((b"content-type", b"application/json"),)
        return Answer(503) if self.down else Answer(200, orjson.dumps({"n": self.calls}), kind)


def text(up: Counting, more: str = "") -> str:
    """Return settings with a schedule of one hour, which runs once at the start."""
    return (
        f'[server]\nlisten = "127.0.0.1:0"\ndrain = "200ms"\n[upstreams.up]\nurl = "{up.url}"\nallow_private = true\n'
        f"retry = {{ attempts = 1 }}\n{more}\n{SCHEDULE}"
    )


@asynccontextmanager
async def events(port: int, query: str = "", **headers: str) -> AsyncIterator[AsyncIterator[dict[str, Any]]]:
    """Listen, and yield events as they come: their fields, data decoded."""
    async with (
        httpx.AsyncClient(trust_env=False, timeout=10) as client,
        client.stream("GET", f"http://127.0.0.1:{port}/api/v1/events{query}", headers=headers) as answer,
    ):
        assert answer.status_code == 200

        async def every() -> AsyncIterator[dict[str, Any]]:
            fields: dict[str, Any] = {}
            async for line in answer.aiter_lines():
                if line:
                    name, _, value = line.partition(": ")
                    fields[name] = value
                elif "data" in fields:
                    yield {"id": fields["id"], **orjson.loads(fields["data"])}
                    fields = {}

        yield every()


async def test_a_poll_is_made_logged_published_and_streamed(tmp_path: Path) -> None:
    """At the start without anybody asking, once more when told; who comes back is given what was missed."""
    async with Counting() as up:
        async with gateway(text(up), tmp_path / "log") as here:
            await until(lambda: up.calls == 1)
            async with events(here.port, "?channel=home.poll") as stream:
                code, out = await curl("-X", "POST", f"http://127.0.0.1:{here.port}/api/v1/schedules/poll/run")
                shown = orjson.loads(out)
                assert (code, shown["result"], shown["runs"]) == (0, "ok", {"ok": 2})
                one = await anext(stream)
                assert (one["channel"], one["data"]) == ("home.poll", 2)
            await here.app.runtime.run("poll")
            async with events(here.port, **{"Last-Event-ID": one["id"]}) as stream:
                assert (await anext(stream))["data"] == 3
            _, metrics = await curl(f"http://127.0.0.1:{here.port}/metrics")
            assert b'seawall_schedule_runs_total{schedule="poll",result="ok"} 3' in metrics
            await until(lambda: not len(here.app._periodic.streams))
        lines = calls(tmp_path / "log")
        assert [(one["caller"], one["upstream"], one["status"]) for one in lines] == [("schedule:poll", "up", 200)] * 3
        assert b"planted" not in (tmp_path / "log").read_bytes()


async def test_a_poll_meets_the_policies_of_everybody(tmp_path: Path) -> None:
    """An upstream that fails opens the breaker for polls as for callers; a failure is told once."""
    async with Counting() as up:
        up.down = True
        breaker = 'breaker = { min_calls = 2, failure_rate = "50%", open = "60s" }'
        async with gateway(text(up, breaker), tmp_path / "log") as here:
            for _ in range(4):
                await here.app.runtime.run("poll")
            view = here.app.runtime.status().schedules[0]
            assert (view.result, view.status, view.succeeded) == ("failed", 503, None)
            assert up.calls == 2
        lines = [orjson.loads(line) for line in (tmp_path / "log").read_bytes().splitlines()]
        assert [line["message"] for line in lines if line["event"] == "schedule"] == ["The schedule poll fails"]
        errors = [line["error"] for line in lines if line["event"] == "call"]
        assert set(errors[2:]) == {"breaker-open"}


async def test_draining_ends_the_streams_and_does_not_wait_for_them(tmp_path: Path) -> None:
    """The client sees a proper end of its answer; nobody new is let in."""
    async with Counting() as up, gateway(text(up), tmp_path / "log") as here:
        await until(lambda: here.app.runtime.status().schedules[0].runs)
        async with events(here.port) as stream:
            draining = asyncio.ensure_future(here.app.drain())
            assert [one async for one in stream] == []
            await draining
        assert here.app.runtime.status().vitals.inflight == 0


async def test_a_reload_takes_schedules_in_and_out(tmp_path: Path) -> None:
    """What is new runs at once, what is gone no more, what stayed goes on."""
    async with Counting() as up, gateway(text(up), tmp_path / "log") as here:
        await until(lambda: up.calls == 1)
        more = SCHEDULE + '[schedules.two]\nevery = "1h"\ncall = "GET /up/two"\n'
        here.app.reload(parse(text(up).replace(SCHEDULE, more), {}).tree)
        await until(lambda: up.calls == 2)
        assert [one.name for one in here.app.runtime.status().schedules] == ["poll", "two"]
        here.app.reload(parse(text(up).replace(SCHEDULE, ""), {}).tree)
        assert here.app.runtime.status().schedules == ()
        assert await here.app.runtime.run("poll") is False
