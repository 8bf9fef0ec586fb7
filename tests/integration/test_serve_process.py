"""`seawall serve` as a real process: drained on SIGTERM, asked for its pages under load, read by real parsers."""

import asyncio
import os
import signal
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager, suppress
from pathlib import Path

import orjson
from gateways import PATIENCE, Process, Watched, calls, process, settings, until
from prometheus_client.openmetrics.parser import text_string_to_metric_families as openmetrics
from prometheus_client.parser import text_string_to_metric_families as prometheus

from seawall.testing import faults

IN_FLIGHT, QUEUED = 256, 10
PAGES = ("/live", "/ready", "/health", "/diagnostics", "/metrics")


def leave(writer: asyncio.StreamWriter) -> None:
    """Close at once."""
    writer.transport.abort()


@asynccontextmanager
async def held(here: Process, upstream: Watched, count: int = 1) -> AsyncIterator[list[asyncio.StreamReader]]:
    """Make calls that have reached the upstream and wait for its answer."""
    async with AsyncExitStack() as stack:
        readers = []
        for number in range(count):
            reader, writer = await asyncio.open_connection("127.0.0.1", here.port)
            stack.callback(leave, writer)  # the writer itself: one that is collected closes
            writer.write(b"GET /up/%d HTTP/1.1\r\nHost: localhost\r\n\r\n" % number)
            readers.append(reader)
        await until(lambda: upstream.counts.waiting >= min(count, IN_FLIGHT))
        yield readers


class Gate(Watched):
    """An upstream that answers once it is opened."""

    def __init__(self) -> None:
        super().__init__()
        self.faults = faults.hang()

    def open(self) -> None:
        """Answer everybody who waits."""
        for connection in self.connections:
            connection.transport.write(b"HTTP/1.1 200 OK\r\ncontent-length: 5\r\n\r\nlate\n")


async def draining(here: Process) -> int:
    """Ask `/ready` until nobody listens any more; return how often it failed before that."""
    failed = 0
    async with asyncio.timeout(PATIENCE):
        while (answer := await here.get("/ready")) is not None:
            failed += answer[0] == 503
    return failed


async def test_on_sigterm_ready_fails_first_and_the_call_in_flight_ends_well(tmp_path: Path):
    """Then the listener closes, the call is answered, and the exit code is 0."""
    async with Gate() as upstream, process(settings(upstream.url), tmp_path) as here, held(here, upstream) as [reader]:
        assert (await here.get("/ready") or (0,))[0] == 200
        here.child.send_signal(signal.SIGTERM)
        assert await draining(here) > 0
        assert here.child.returncode is None
        upstream.open()
        answer = await asyncio.wait_for(reader.read(), PATIENCE)
        assert await asyncio.wait_for(here.child.wait(), PATIENCE) == 0
    assert answer.startswith(b"HTTP/1.1 200 OK\r\n")
    assert b"\r\nconnection: close\r\n" in answer
    assert answer.endswith(b"\r\n\r\nlate\n")
    assert [line["status"] for line in calls(here.out)] == [200]


async def test_a_stuck_call_is_cut_when_the_drain_ends(tmp_path: Path):
    """The process does not wait for it any longer, and still ends with 0."""
    text = settings("URL", server='drain = "1200ms"')
    async with (
        Watched() as upstream,
        process(text.replace("URL", upstream.url), tmp_path) as here,
    ):
        upstream.faults = faults.hang()
        async with held(here, upstream) as [reader]:
            here.child.send_signal(signal.SIGTERM)
            seen = b""
            with suppress(ConnectionResetError):
                seen = await asyncio.wait_for(reader.read(), PATIENCE)
            assert seen == b""
            assert await asyncio.wait_for(here.child.wait(), PATIENCE) == 0
        await asyncio.wait_for(upstream.gone.wait(), PATIENCE)
    assert [line["status"] for line in calls(here.out)] == [499]


async def test_every_page_answers_while_256_calls_are_in_flight(tmp_path: Path):
    """200 with `no-store` from each, twice; what is in use and what waits is shown."""
    more = f"timeout = '60s'\nconcurrency = {{ limit = {IN_FLIGHT}, queue = 64, wait = '60s' }}"
    async with Watched() as upstream, process(settings(upstream.url, more), tmp_path) as here:
        upstream.faults = faults.hang()
        async with held(here, upstream, IN_FLIGHT + QUEUED):
            pages = {page: await here.get(page) for page in PAGES * 2}
            async with asyncio.timeout(PATIENCE):
                while (queued := await queue(here))["waiting"] != QUEUED:
                    pass
    for page, answer in pages.items():
        assert answer is not None, page
        assert (answer[0], answer[1]["cache-control"]) == (200, "no-store"), page
    assert (queued["used"], queued["limit"], queued["room"]) == (IN_FLIGHT, IN_FLIGHT, 64)


async def queue(here: Process) -> dict[str, float]:
    """Return what the metrics say about the limit of the upstream."""
    answer = await here.get("/metrics")
    assert answer is not None
    found = {
        sample.name: sample.value
        for family in prometheus(answer[2].decode())
        for sample in family.samples
        if sample.labels.get("upstream") == "up"
    }
    return {
        "waiting": found["seawall_queue_length"],
        "room": found["seawall_queue_limit"],
        "used": found["seawall_slots_used"],
        "limit": found["seawall_slots_limit"],
    }


async def test_both_parsers_of_prometheus_read_metrics_after_traffic(tmp_path: Path):
    """Names, types, units and values; the same calls in both formats, and `# EOF` in one."""
    async with Watched() as upstream, process(settings(upstream.url), tmp_path) as here:
        for number in range(5):
            assert (await here.get(f"/up/{number}") or (0,))[0] == 200
        upstream.faults = faults.status(404)
        assert (await here.get("/up/none") or (0,))[0] == 404
        plain = await here.get("/metrics")
        text = await ask(here, "Accept: application/openmetrics-text; version=1.0.0")
    assert plain is not None
    assert plain[1]["content-type"].startswith("text/plain; version=0.0.4")
    assert text.endswith("# EOF\n")
    for families in (list(prometheus(plain[2].decode())), list(openmetrics(text))):
        samples = [sample for family in families for sample in family.samples]
        ended = {
            (one.labels["method"], one.labels["status_class"], one.value)
            for one in samples
            if one.name == "seawall_calls_total" and one.labels["upstream"] == "up"
        }
        assert {("GET", "2xx", 5.0), ("GET", "4xx", 1.0)} <= ended
        counts = [one.value for one in samples if one.name == "seawall_call_duration_seconds_count"]
        assert 6.0 in counts
        kinds = {family.name: family.type for family in families}
        assert kinds["seawall_call_duration_seconds"] == "histogram"
        assert kinds["process_resident_memory_bytes"] == "gauge"


async def ask(here: Process, line: str) -> str:
    """Ask for the metrics with one more header line; return the text."""
    reader, writer = await asyncio.open_connection("127.0.0.1", here.port)
    writer.write(f"GET /metrics HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n{line}\r\n\r\n".encode())
    raw = await asyncio.wait_for(reader.read(), PATIENCE)
    writer.close()
    return raw.partition(b"\r\n\r\n")[2].decode()


async def test_an_upstream_that_is_down_at_start_is_told_by_health(tmp_path: Path):
    """It starts and is ready; after calls have failed `/health` warns and names the upstream."""
    async with Watched() as gone:
        url = gone.url
    async with process(settings(url, "retry = { attempts = 3, base = '1ms' }"), tmp_path) as here:
        assert (await here.get("/ready") or (0,))[0] == 200
        for _ in range(3):
            answer = await here.get("/up/x")
            assert answer is not None
            assert (answer[0], orjson.loads(answer[2])["type"]) == (502, "urn:seawall:upstream-unreachable")
        health = await here.get("/health")
        assert (await here.get("/live") or (0,))[0] == 200
    assert health is not None
    document = orjson.loads(health[2])
    assert (health[0], document["status"]) == (200, "warn")
    assert document["checks"]["up:failures"][0]["status"] == "warn"
    assert "up:failures" in document["output"]


async def test_without_uvloop_the_gateway_serves_on_the_standard_loop(tmp_path: Path):
    """Where uvloop cannot be imported calls pass, the pages say which loop it is, and SIGTERM ends it with 0."""
    hidden = tmp_path / "hidden"
    hidden.mkdir()
    (hidden / "uvloop.py").write_text("raise ImportError('there is none for this platform')\n")
    env = {"PYTHONPATH": os.pathsep.join([str(hidden), *filter(None, [os.environ.get("PYTHONPATH")])])}
    async with Watched() as upstream, process(settings(upstream.url), tmp_path, env=env) as here:
        answers = await asyncio.gather(*(here.get(f"/up/{number}") for number in range(20)))
        assert [answer and answer[0] for answer in answers] == [200] * 20
        pages = [await here.get(page) for page in PAGES]
        assert [page and page[0] for page in pages] == [200] * len(PAGES)
        metrics = pages[PAGES.index("/metrics")]
        assert metrics is not None
        assert b'loop="asyncio"' in metrics[2]
        here.child.send_signal(signal.SIGTERM)
        assert await asyncio.wait_for(here.child.wait(), PATIENCE) == 0
