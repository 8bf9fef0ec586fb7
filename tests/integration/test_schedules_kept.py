"""A poll's answer is kept for readers: on real sockets, whatever name of the gateway they ask by."""

from pathlib import Path

from gateways import calls, curl, gateway, until
from test_schedules_live import Counting, text

KEPT = '[[upstreams.up.routes]]\nmatch = "GET /now"\ncache = { ttl = "1h", stale_if_error = "1h" }\n'


async def status(*arguments: str) -> tuple[bytes, bytes]:
    """Return Cache-Status and body of an answer."""
    code, out = await curl("-i", *arguments)
    assert code == 0
    head, _, body = out.partition(b"\r\n\r\n")
    fields = dict(line.split(b": ", 1) for line in head.split(b"\r\n")[1:])
    return fields.get(b"cache-status", b""), body


async def test_10_4_a_polls_answer_is_given_to_readers(tmp_path: Path) -> None:
    """By any name of the gateway, without another call; a poll asks anew, though what is kept is fresh."""
    async with Counting() as up:
        async with gateway(text(up, KEPT), tmp_path / "log") as here:
            await until(lambda: here.app.runtime.status().schedules[0].runs)
            for name in ("127.0.0.1", "localhost"):
                kept, body = await status(f"http://{name}:{here.port}/up/now?key=planted")
                assert (kept[:12], body) == (b"seawall; hit", b'{"n":1}')
            assert up.calls == 1
            await here.app.runtime.run("poll")
            assert (await status(f"{here.url}/now?key=planted"))[1] == b'{"n":2}'
            up.down = True
            await here.app.runtime.run("poll")
            view = here.app.runtime.status().schedules[0]
            assert (view.result, view.status) == ("failed", 503)
            assert (await status(f"{here.url}/now?key=planted"))[1] == b'{"n":2}'
        lines = [(line["caller"], line["cache"]) for line in calls(tmp_path / "log")]
        assert lines.count(("", "hit")) == 4
        assert lines.count(("schedule:poll", "miss")) == 3
