"""The sandbox API does what each of its paths says."""

import asyncio
from collections.abc import AsyncIterator
from urllib.parse import urlsplit

import aiohttp
import pytest

from seawall.testing.sandbox import PATHS, Sandbox


@pytest.fixture
async def sandbox() -> AsyncIterator[Sandbox]:
    """Run one."""
    async with Sandbox() as sandbox:
        yield sandbox


@pytest.fixture
async def client(sandbox: Sandbox) -> AsyncIterator[aiohttp.ClientSession]:
    """Call it."""
    async with aiohttp.ClientSession(sandbox.url) as client:
        yield client


@pytest.mark.parametrize(
    ("path", "status", "body"),
    [
        ("/hello", 200, b"hello from the sandbox\n"),
        ("/json", 200, b'{"name":"sandbox","ok":true,"numbers":[1,2,3]}'),
        ("/slow?ms=1", 200, b"hello\n"),
        ("/status/418", 418, b"as you wish\n"),
        ("/status", 200, b"as you wish\n"),
        ("/bytes/10", 200, b"seawall se"),
        ("/hang?seconds=0.001", 200, b"hello\n"),
        ("/flaky?rate=0", 200, b"ok\n"),
        ("/stream?events=2&gap=0", 200, b'id: 1\ndata: {"number":1}\n\nid: 2\ndata: {"number":2}\n\n'),
        ("/ndjson?lines=2&gap=0", 200, b'{"number":1}\n{"number":2}\n'),
        ("/slow?ms=soon", 400, b"ms must be a number from 0 to 16777216, got 'soon'\n"),
        ("/bytes/-1", 400, b"n must be a number from 0 to 16777216, got '-1'\n"),
        ("/status/999", 400, b"status must be one from 200 to 599 that HTTP knows, got '999'\n"),
        ("/status/100", 400, b"status must be one from 200 to 599 that HTTP knows, got '100'\n"),
    ],
)
async def test_a_path_answers_as_it_says(client: aiohttp.ClientSession, path: str, status: int, body: bytes) -> None:
    """Status and body are exact; a bad parameter is told with its rule."""
    async with client.get(path) as response:
        assert (response.status, await response.read()) == (status, body)


async def test_the_weather_moves_on(client: aiohttp.ClientSession) -> None:
    """Two answers differ in their temperature and in nothing else that is read; other paths beside it are none."""
    seen = []
    for _ in range(2):
        async with client.get("/v1/forecast?latitude=52.5&longitude=13.4") as response:
            document = await response.json()
            seen.append(document.pop("current"))
            assert document["current_units"]["temperature_2m"] == "°C"
    assert seen[0]["temperature_2m"] != seen[1]["temperature_2m"]
    async with client.get("/v1/other") as response:
        assert response.status == 404


async def test_every_path_is_listed(client: aiohttp.ClientSession) -> None:
    """The root shows all paths, an unknown one does so with 404, and none of those listed is unknown."""
    for path, status in (("/", 200), ("/nothing", 404)):
        async with client.get(path) as response:
            assert (response.status, await response.json()) == (status, {"paths": PATHS})
    for path in PATHS:
        if path.startswith(("/hang", "/reset")):
            continue
        async with client.get(urlsplit(path).path.replace("{n}", "1").replace("{code}", "200") + "?gap=0") as response:
            assert response.status in (200, 503)


async def test_many_bytes_come_in_their_number(client: aiohttp.ClientSession) -> None:
    """Content-Length is right, for HEAD as for GET."""
    async with client.get("/bytes/1000000") as response:
        assert len(await response.read()) == 1_000_000
    async with client.head("/bytes/1000000") as response:
        assert response.headers["content-length"] == "1000000"


async def test_what_is_echoed_is_what_was_sent(client: aiohttp.ClientSession) -> None:
    """Body and type come back."""
    async with client.post("/echo", data=b"abc", headers={"content-type": "text/x"}) as response:
        assert (await response.read(), response.headers["content-type"]) == (b"abc", "text/x")


async def test_retry_after_refuses_so_many_times(client: aiohttp.ClientSession) -> None:
    """Then it answers, then it begins again."""
    seen = []
    for _ in range(6):
        async with client.get("/retry-after?seconds=3&times=2&status=429") as response:
            seen.append((response.status, response.headers.get("retry-after")))
    assert seen == [(429, "3"), (429, "3"), (200, None)] * 2


async def test_a_hang_and_a_reset_give_no_answer(sandbox: Sandbox, client: aiohttp.ClientSession) -> None:
    """The client has to give up, and the sandbox counts that it did."""
    with pytest.raises(aiohttp.ClientError):
        await client.post("/reset")  # a GET may be sent again by the client itself
    with pytest.raises(TimeoutError):
        await asyncio.wait_for(client.get("/hang"), 0.05)
    while not sandbox.counts.left:
        await asyncio.sleep(0)
    async with client.get("/counts") as response:
        counts = await response.json()
    assert counts["outcomes"] == {"reset": 1, "hang": 1}
    assert counts["aborted_by_the_peer"] == 1


async def test_what_is_random_is_the_same_for_the_same_seed() -> None:
    """Two sandboxes of one seed fail alike, at about the rate asked for; another seed differs."""

    async def outcomes(seed: int) -> list[str]:
        async with Sandbox(seed=seed) as sandbox, aiohttp.ClientSession(sandbox.url) as client:
            seen = []
            for _ in range(150):
                try:
                    async with client.get("/flaky?rate=0.4&seconds=0.0001") as response:
                        seen.append(str(response.status))
                except aiohttp.ClientError:
                    seen.append("reset")
            assert 30 < sandbox.outcomes["503"] + sandbox.outcomes["reset"] + sandbox.outcomes["hang"] < 90
            return seen

    first = await outcomes(1)
    assert first == await outcomes(1)
    assert first != await outcomes(2)
