"""The gateway under another server, and mounted in another application as the docs show it."""

import asyncio
import re
from pathlib import Path

import httpx
import pytest
import uvicorn
from gateways import settings

from seawall.app import App
from seawall.app.asgi import application
from seawall.config import parse
from seawall.testing.exchange import Answer
from seawall.testing.faultserver import FaultServer

PAGE = Path(__file__).parents[2] / "docs" / "asgi.md"


async def test_it_runs_under_uvicorn(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    """Started and ended by the host's lifespan; calls, pages and problems are the gateway's."""
    async with FaultServer(lambda exchange: Answer(200, exchange.target)) as upstream:
        (tmp_path / "s.toml").write_text(settings(f"http://127.0.0.1:{upstream.port}"))
        monkeypatch.setenv("SEAWALL_CONFIG", str(tmp_path / "s.toml"))
        app = await asyncio.to_thread(application)  # reads files, as a host does before it starts its loop
        server = uvicorn.Server(uvicorn.Config(app, port=0, log_config=None, lifespan="on"))
        serving = asyncio.create_task(server.serve())
        try:
            while not server.started and not serving.done():
                await asyncio.sleep(0)
            port = server.servers[0].sockets[0].getsockname()[1]
            async with httpx.AsyncClient(base_url=f"http://127.0.0.1:{port}") as client:
                assert (await client.get("/up/a?b=c")).text == "/a?b=c"
                assert (await client.get("/ready")).json() == {"status": "pass"}
                assert (await client.get("/nowhere")).json()["type"] == "urn:seawall:not-found"
        finally:
            server.should_exit = True
            await serving


async def test_the_mounted_form_of_the_docs_works(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    """The page's own code, with a call through it."""
    code = re.search(r"```python\n(.*?)```", PAGE.read_text(), re.DOTALL)
    assert code is not None
    async with FaultServer(lambda exchange: Answer(200, exchange.target)) as upstream:
        (tmp_path / "seawall.toml").write_text(settings(f"http://127.0.0.1:{upstream.port}"))
        monkeypatch.chdir(tmp_path)
        names: dict[str, object] = {}
        await asyncio.to_thread(exec, compile(code[1], str(PAGE), "exec"), names)
        app = names["app"]
        async with app.router.lifespan_context(app):
            transport = httpx.ASGITransport(app)
            async with httpx.AsyncClient(transport=transport, base_url="http://127.0.0.1") as client:
                assert (await client.get("/out/up/a")).text == "/a"


async def test_a_handler_needs_a_running_gateway():
    """The error says what to do."""
    with pytest.raises(RuntimeError, match="enter the App first"):
        App(parse("", {}).tree).handler  # noqa: B018 - the property raises
