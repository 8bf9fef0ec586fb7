"""Settings loaded again: no limit is doubled, no call is cut, a faulty file changes nothing (semantics 2.7)."""

import asyncio
import os
import signal
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import orjson
import pytest
from gateways import PATIENCE, Gateway, Process, Watched, calls, process, until
from several import call

from seawall.app import App
from seawall.config import load
from seawall.testing import faults
from seawall.testing.exchange import Answer


def text(url: str, keys: str = "", more: str = "") -> str:
    """Return settings of one upstream `up`."""
    head = '[server]\nlisten = "127.0.0.1:0"\n[log]\nrate = "100000/s"\n'
    return f'{head}[upstreams.up]\nurl = "{url}"\nallow_private = true\n{keys}\n{more}\n'


class Place:
    """A gateway that reads its settings from a file, and the file."""

    def __init__(self, here: Gateway, file: Path, upstream: Watched) -> None:
        self.here = here
        self.file = file
        self.upstream = upstream

    async def reload(self, keys: str = "", more: str = "") -> tuple[int, dict[str, object]]:
        """Write other settings and have them loaded; return status and body of the answer."""
        self.file.write_text(text(self.upstream.url, keys, more))
        got = await call(self.here.port, "/api/v1/reload", "POST")
        return got.status, orjson.loads(got.body)


@asynccontextmanager
async def place(folder: Path, keys: str = "") -> AsyncIterator[Place]:
    """Run an upstream and a gateway in front of it."""
    file, log = folder / "seawall.toml", os.open(folder / "log", os.O_WRONLY | os.O_CREAT | os.O_APPEND)
    try:
        async with Watched() as upstream:
            file.write_text(text(upstream.url, keys))
            async with App(await asyncio.to_thread(load, file, {}), log_fd=log, again=lambda: load(file, {})) as app:
                port = int(app.addresses[0].rpartition(":")[2])
                yield Place(Gateway(app, port, folder / "log"), file, upstream)
    finally:
        os.close(log)


BREAKER = "retry = false\nbreaker = { min_calls = 2, open = '60s' }"


async def test_an_open_breaker_stays_open(tmp_path: Path):
    """Other settings do not forget what the upstream did; what was held by hand stays held."""
    async with place(tmp_path, BREAKER) as it:
        it.upstream.faults = faults.status(503)
        for _ in range(2):
            await call(it.here.port)
        assert await it.reload(BREAKER + "\ntimeout = '7s'") == (200, {"upstreams": ["up"], "restart_needed_for": []})
        it.upstream.faults = None
        refused = await call(it.here.port)
        assert (refused.status, it.upstream.counts.requests) == (503, 2)
        assert int(refused.headers["retry-after"]) > 50
        held = "/api/v1/upstreams/up/breaker"
        kind = "Content-Type: application/json"
        assert (await call(it.here.port, held, "PUT", kind, body=b'{"hold":"closed"}')).status == 200
        assert (await call(it.here.port)).status == 200
        await it.reload(BREAKER)
        shown = orjson.loads((await call(it.here.port, "/api/v1/upstreams/up")).body)
        assert shown["targets"][0]["mode"] == "forced_closed"


@pytest.mark.parametrize("more", ["", "concurrency = 'adaptive'"])
async def test_calls_in_flight_count_against_the_new_limit(tmp_path: Path, more: str):
    """Two slots are taken; after reloads there are not two more, and the old calls free them when they end."""
    keys = "retry = false\nconcurrency = { limit = 2, queue = 0 }\ntimeout = '9s'"
    async with place(tmp_path, keys) as it:
        it.upstream.faults = faults.hang()
        running = [asyncio.create_task(call(it.here.port)) for _ in range(2)]
        await until(lambda: it.upstream.counts.waiting == 2)
        if more:
            assert (await it.reload(f"retry = false\n{more}\ntimeout = '9s'"))[0] == 200
            assert it.here.in_use()[1] == 2
        assert (await it.reload(keys + "\nidle_timeout = '8s'"))[0] == 200
        assert (await call(it.here.port)).status == 503
        assert (it.upstream.counts.requests, it.here.in_use()[1]) == (2, 2)
        for connection in list(it.upstream.connections):
            connection.transport.write(Answer().wire())
        assert [one.status for one in await asyncio.gather(*running)] == [200, 200]
        await until(lambda: it.here.in_use()[1] == 0)


async def test_a_rate_that_is_used_up_stays_used_up(tmp_path: Path):
    """A reload brings no fresh burst."""
    keys = "rate = { limit = '10/h', burst = 3, wait = '0s' }"
    async with place(tmp_path, keys) as it:
        assert [(await call(it.here.port)).status for _ in range(4)] == [200, 200, 200, 503]
        await it.reload(keys + "\ntimeout = '7s'")
        assert (await call(it.here.port)).status == 503
        await it.reload("rate = { limit = '1000/s', wait = '0s' }")
        assert (await call(it.here.port)).status == 200


async def test_the_retry_budget_is_not_filled_again(tmp_path: Path):
    """The floor of three tokens is lent once in ten seconds, however often settings are loaded."""
    keys = "retry = { attempts = 9, base = '1ms', max = '1ms', budget = '0%' }\nbreaker = false"
    async with place(tmp_path, keys) as it:
        it.upstream.faults = faults.status(503)
        await call(it.here.port)
        spent = it.upstream.counts.requests
        for seconds in (7, 8):
            await it.reload(f"{keys}\ntimeout = '{seconds}s'")
            await call(it.here.port)
        assert (spent, it.upstream.counts.requests) == (4, 6)


async def test_a_pause_that_was_asked_for_is_kept(tmp_path: Path):
    """Retry-After of an answer holds over a reload."""
    keys = "retry = { attempts = 1 }\ntimeout = '2s'"
    async with place(tmp_path, keys) as it:
        it.upstream.faults = faults.status(429, retry_after="30")
        await call(it.here.port)
        await it.reload(keys + "\nidle_timeout = '8s'")
        it.upstream.faults = None
        assert (await call(it.here.port)).status == 503
        assert it.upstream.counts.requests == 1


async def test_what_is_removed_is_gone_and_what_is_added_is_there(tmp_path: Path):
    """Upstreams by mount and by Host, and the pages, which move away from a root that is now somebody's."""
    async with place(tmp_path) as it:
        other = f"[upstreams.second]\nurl = '{it.upstream.url}'\nallow_private = true\n"
        assert (await call(it.here.port, "/second/x")).status == 404
        await it.reload("", other)
        assert (await call(it.here.port, "/second/x")).status == 200
        await it.reload("", other + "mount = '/'\n")
        assert (await call(it.here.port, "/live")).body == b"hello\n"
        assert (await call(it.here.port, "/-/live")).body == b'{"status":"pass"}'
        it.file.write_text(text(it.upstream.url))
        assert (await call(it.here.port, "/-/api/v1/reload", "POST")).status == 200
        assert (await call(it.here.port, "/second/x")).status == 404


async def test_faulty_settings_change_nothing_and_every_fault_is_told(tmp_path: Path):
    """422 with each line; the old ones serve on; the next good file is loaded."""
    async with place(tmp_path, "rate = '1000/s'") as it:
        status, problem = await it.reload("retry = { attempts = 0 }\ntimeuot = '3s'")
        assert (status, problem["type"]) == (422, "urn:seawall:settings")
        assert {fault.partition(":")[0] for fault in problem["faults"]} == {
            "upstreams.up.timeuot", "upstreams.up.retry.attempts",
        }  # fmt: skip
        status, problem = await it.reload("", '[trace]\notlp = "http://127.0.0.1:4318"')
        assert (status, problem["faults"]) == (422, ["trace: not available in this version"])
        it.file.write_text("not = = toml")
        assert (await call(it.here.port, "/api/v1/reload", "POST")).status == 422
        assert (await call(it.here.port)).status == 200
        shown = orjson.loads((await call(it.here.port, "/api/v1/settings")).body)
        assert shown["settings"]["upstreams"]["up"]["rate"]["limit"] == "1000/s"
        assert (await it.reload("rate = '900/s'"))[0] == 200
    log = (tmp_path / "log").read_text()
    assert (log.count('"not_reloaded"'), log.count('"reloaded"')) == (3, 1)


async def test_the_server_waits_for_a_restart_and_says_so_each_time(tmp_path: Path):
    """What was bound at the start stays in force, also where a second reload says the same again."""
    async with place(tmp_path) as it:
        for _ in range(2):
            it.file.write_text(text(it.upstream.url).replace("[log]", 'anonymous = "no"\n[log]\nlevel = "error"'))
            got = await call(it.here.port, "/api/v1/reload", "POST")
            assert orjson.loads(got.body)["restart_needed_for"] == ["server", "log"]
        assert (await call(it.here.port)).status == 200
        assert it.here.app.settings.server.anonymous == "auto"


async def test_a_secret_of_new_settings_is_masked_and_the_old_one_still(tmp_path: Path):
    """The last step before a log line or a document knows both."""
    async with place(tmp_path, "headers = { X-Api-Key = 'planted-old-secret' }") as it:
        await it.reload("headers = { X-Api-Key = 'planted-new-secret' }")
        redact = it.here.app._redact
        assert redact.text("planted-old-secret planted-new-secret") == "*** ***"
        assert (await call(it.here.port)).status == 200
        assert it.upstream.exchanges[0].header(b"x-api-key") == b"planted-new-secret"


async def test_an_app_without_a_file_says_that_there_is_nothing_to_load(tmp_path: Path):
    """Built from code, as in tests."""
    async with Watched() as upstream:
        file = tmp_path / "seawall.toml"
        file.write_text(text(upstream.url))
        with (tmp_path / "log").open("wb") as log:
            async with App(await asyncio.to_thread(load, file, {}), log_fd=log.fileno()) as app:
                got = await call(int(app.addresses[0].rpartition(":")[2]), "/api/v1/reload", "POST")
    assert (got.status, b"nothing to load again" in got.body) == (422, True)


async def hang_up(here: Process, expected: bytes) -> None:
    """Send SIGHUP and wait until it is told."""
    here.child.send_signal(signal.SIGHUP)
    await until(lambda: expected in here.out.read_bytes())


async def test_sighup_loads_a_good_file_and_leaves_a_bad_one(tmp_path: Path):
    """`seawall serve` itself: a call in flight ends on the old settings, faults go to standard error."""
    async with Watched() as upstream, process(text(upstream.url), tmp_path) as here:
        file = tmp_path / "seawall.toml"
        assert here.child.stderr is not None
        file.write_text(text(upstream.url, "timeuot = '3s'"))
        await hang_up(here, b"not_reloaded")
        told = await asyncio.wait_for(here.child.stderr.readline(), PATIENCE)
        assert told.startswith(b"not reloaded: upstreams.up.timeuot")
        assert (await call(here.port)).status == 200
        upstream.faults = faults.hang()
        running = asyncio.create_task(call(here.port))
        await until(lambda: upstream.counts.waiting == 1)
        moved = text(upstream.url).replace("upstreams.up", "upstreams.moved")
        file.write_text(moved)
        await hang_up(here, b'"reloaded"')
        upstream.faults = None
        assert (await call(here.port)).status == 404
        assert (await call(here.port, "/moved/x")).status == 200
        for connection in list(upstream.connections):
            connection.transport.write(Answer(body=b"late").wire())
        assert (await running).body == b"late"
        here.child.send_signal(signal.SIGTERM)
        assert await asyncio.wait_for(here.child.wait(), PATIENCE) == 0
    assert [line["upstream"] for line in calls(here.out) if line["status"] == 200] == ["up", "moved", "up"]
