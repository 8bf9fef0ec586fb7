"""Security 13: whatever clients send through the real gateway, the number of series stays."""

import os
import random
import string

import httpx
from prometheus_client.openmetrics.parser import text_string_to_metric_families

from seawall.app import App
from seawall.config import parse
from seawall.testing.exchange import Answer
from seawall.testing.faultserver import FaultServer

SETTINGS = """
[server]
listen = "127.0.0.1:0"
[log]
level = "error"
[upstreams.weather]
url = "http://127.0.0.1:{port}"
allow_private = true
[[upstreams.weather.routes]]
match = "GET /v1/forecast"
"""
CHANGING = ("process_", "seawall_tasks", "seawall_connections", "seawall_upstream_connections")


async def series(client: httpx.AsyncClient) -> set[tuple[str, tuple[tuple[str, str], ...]]]:
    """Return every label set that is exposed now."""
    text = (await client.get("/metrics", headers={"Accept": "application/openmetrics-text"})).text
    return {
        (sample.name, tuple(sorted(sample.labels.items())))
        for family in text_string_to_metric_families(text)
        if not family.name.startswith(CHANGING)
        for sample in family.samples
    }


async def test_random_paths_methods_hosts_and_keys_make_no_series() -> None:
    """A first batch of noise shows every bucket there is; ten times as much adds none."""
    draw = random.Random(13)

    def word() -> str:
        return "".join(draw.choices(string.ascii_letters, k=10))

    async def noise(client: httpx.AsyncClient, count: int) -> None:
        for _ in range(count):
            method = draw.choice(("GET", "POST", "PUT", "PATCH", "DELETE", "PROPFIND", "MKCOL", "PURGE"))
            path = draw.choice(
                (f"/{word()}", f"/weather/{word()}", "/weather/v1/forecast", f"/weather/v1/{word()}?{word()}")
            )
            keys = (
                {"X-Seawall-Key": word(), "X-Request-Id": word(), "User-Agent": word()} if draw.random() < 0.3 else {}
            )
            await client.request(method, path, headers=keys)

    sink = os.open(os.devnull, os.O_WRONLY)
    async with FaultServer(lambda exchange: Answer(draw.choice((200, 204, 404)))) as upstream:
        tree = parse(SETTINGS.format(port=upstream.port), {}).tree
        async with App(tree, log_fd=sink) as app, httpx.AsyncClient(base_url=f"http://{app.addresses[0]}") as client:
            await noise(client, 150)
            before = await series(client)
            app.metrics.configure([], [])
            await noise(client, 600)
            after = await series(client)
    os.close(sink)
    grown = {labels for name, labels in after - before if name == "seawall_calls_total"}
    assert {name for name, _ in after - before} <= {"seawall_calls_total"}
    names = {dict(labels)["upstream"] for _, labels in after if "upstream" in dict(labels)}
    assert names <= {"weather", "unmatched"}
    assert {dict(labels)["method"] for labels in grown} <= {"GET", "POST", "PUT", "PATCH", "DELETE", "_OTHER"}
    assert len(after) < 200
