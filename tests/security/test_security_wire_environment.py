"""Security 4: no environment variable reroutes a call or gives its keys away."""

import asyncio

import pytest
import trustme

from seawall.contracts.call import Attempt, Call, Run
from seawall.contracts.target import Target, Timeouts
from seawall.testing.faultserver import FaultServer
from seawall.wire import Wire
from seawall.wire.tls import client_context

NAMES = ("http_proxy", "HTTP_PROXY", "https_proxy", "HTTPS_PROXY", "all_proxy", "ALL_PROXY")


@pytest.mark.parametrize("name", NAMES)
async def test_a_proxy_in_the_environment_sees_nothing(clock, wheel, monkeypatch, name):
    """Only the target's own setting names a proxy."""
    async with FaultServer() as proxy, FaultServer() as server:
        monkeypatch.setenv(name, proxy.url)
        monkeypatch.delenv("no_proxy", raising=False)
        target = Target("up", "up", "http", "127.0.0.1", server.port, allow_private=True)
        call = Call(b"GET", b"/", [(b"authorization", b"key")], target, Timeouts(), 1e12, Run(0.0))
        wire = Wire(clock, wheel, asyncio.get_running_loop())
        assert (await wire.send(Attempt(call, 1, [], 1e12))).status == 200
        await wire.close()
        assert (proxy.counts.connections, len(server.exchanges)) == (0, 1)


def test_session_keys_are_not_written_where_the_environment_says(monkeypatch, tmp_path):
    """`ssl.create_default_context` would open this file."""
    path = tmp_path / "keys"
    monkeypatch.setenv("SSLKEYLOGFILE", str(path))
    assert client_context(None).keylog_filename is None
    assert not path.exists()


def test_verification_is_on_with_and_without_a_private_authority(tmp_path):
    """Certificate and name, TLS 1.2 or newer."""
    path = tmp_path / "ca.pem"
    trustme.CA().cert_pem.write_to_path(str(path))
    for ca in (None, str(path)):
        context = client_context(ca)
        assert (context.verify_mode.name, context.check_hostname) == ("CERT_REQUIRED", True)
        assert context.minimum_version.name == "TLSv1_2"
