"""Shared state as an operator sees it: `/ready`, the reason in the log, and the password nowhere."""

import asyncio
from pathlib import Path

import pytest
from gateways import Watched, gateway, settings, until
from several import call

from seawall.app import App
from seawall.config.load import parse
from seawall.contracts.errors import SettingsError
from valkey_server import ValkeyServer

PASSWORD = "planted-P@ss/word"
WRITTEN = "planted-P%40ss%2Fword"
POLICIES = 'rate = "100/s"\ncache = true'


async def test_a_required_store_that_is_lost_fails_ready_and_no_call(tmp_path: Path):
    """503 from `/ready` with the name of what is missing, while calls go on; 200 again when it is back."""
    with ValkeyServer() as server:
        async with Watched() as upstream:
            text = f'{settings(upstream.url)}\n[state]\nurl = "{server.url}"\nrequired = true\n'
            async with gateway(text, tmp_path / "log") as one:
                stores = one.app.runtime.status
                assert (await call(one.port, "/ready")).status == 200
                server.kill()
                await until(lambda: not stores().stores[0].connected)
                ready = await call(one.port, "/ready")
                assert (ready.status, ready.headers["retry-after"]) == (503, "1")
                assert b"store state" in ready.body
                assert (await call(one.port)).status == 200
                server.start()
                await until(lambda: stores().stores[0].connected)
                assert (await call(one.port, "/ready")).status == 200


async def test_the_password_is_nowhere(tmp_path: Path):
    """Not in the log, in health, diagnostics or metrics, while it works, while it is lost and when it is wrong."""
    pages = []
    with ValkeyServer("--requirepass", PASSWORD) as server:
        async with Watched() as upstream:
            for word in (WRITTEN, WRITTEN + "-wrong"):
                url = f"redis://:{word}@127.0.0.1:{server.port}/0"
                text = settings(upstream.url, POLICIES) + f'\n[state]\nurl = "{url}"\n'
                async with gateway(text, tmp_path / "log") as one:
                    assert (await call(one.port)).status == 200
                    targets = ("/health", "/diagnostics", "/metrics", "/ready", "/api/v1/status")
                    pages += [(await call(one.port, target)).body for target in targets]
            assert b'"connected"' in pages[0]
            assert b"not available: store state" in pages[8].lower()
    log = (tmp_path / "log").read_bytes()
    assert b"its user or password is wrong" in log
    assert f"redis://127.0.0.1:{server.port}/0".encode() in log
    for secret in (PASSWORD, WRITTEN):
        assert not any(secret.encode() in page for page in (*pages, log))


async def test_files_that_are_none_are_told_before_the_start():
    """An authority that cannot be read is a fault of the settings, not of every later call."""
    text = '[server]\nlisten = "127.0.0.1:0"\n[state]\nurl = "rediss://127.0.0.1:1/0?ca=/nowhere/ca.pem"\n'
    with pytest.raises(SettingsError, match=r"state\.url: ca, certificate and key must be PEM files.*No such file"):
        async with App(parse(text, {}).tree, log_fd=1):
            pass


@pytest.mark.parametrize("url", ["redis+sentinel://h:26379/main", "redis://a:1,b:2", "redis+cluster://h"])
def test_a_cluster_is_refused_in_the_settings(url: str):
    """By path, with the word, and an example of what is meant."""
    with pytest.raises(SettingsError) as refused:
        parse(f'[state]\nurl = "{url}"\n', {})
    assert refused.value.faults[0].startswith("state.url: must")
    assert "not supported" in refused.value.faults[0]


async def test_a_reload_leaves_the_store(tmp_path: Path):
    """Another address waits for a restart, and that is said."""
    with ValkeyServer() as server:
        async with Watched() as upstream:
            text = settings(upstream.url)
            async with gateway(f'{text}\n[state]\nurl = "{server.url}"\n', tmp_path / "log") as one:
                assert "state" in one.app.reload(parse(text, {}).tree)
                assert one.app.runtime.status().stores[0].connected
                await asyncio.sleep(0)
