"""Security 11 and 16 through whole gateways: one answer for every wrong key, and nothing gained by leaving one off."""

import json
import os
import re
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from hashlib import sha256
from pathlib import Path

import pytest

from http_raw import Answer as Seen
from http_raw import parse_answers, talk
from seawall.app import App
from seawall.config import parse
from seawall.stores import MemoryCallers
from seawall.testing.faultserver import FaultServer

TOKEN = "0123456789abcdef0123456789abcdef"
KEY = "sw-of-the-kitchen-0123456789"
NEXT = "sw-of-the-kitchen-9876543210"


def hashed(*keys: str) -> str:
    """Return the value of `key_hash`."""
    return json.dumps([f"sha256:{sha256(key.encode()).hexdigest()}" for key in keys])


SETTINGS = f"""
[server]
listen = "127.0.0.1:0"
admin_token = "{TOKEN}"
anonymous = "{{anonymous}}"
[log]
level = "debug"
[upstreams.up]
url = "http://127.0.0.1:{{port}}"
allow_private = true
[callers.kitchen]
key_hash = {{keys}}
rate = "600000/min"
{{more}}
"""


@asynccontextmanager
async def gateway(
    anonymous: str = "auto", keys: str = hashed(KEY), more: str = "", log: int | None = None
) -> AsyncIterator[tuple[App, FaultServer]]:
    """Run a gateway with one caller."""
    async with FaultServer() as upstream:
        text = SETTINGS.format(anonymous=anonymous, port=upstream.port, keys=keys, more=more)
        async with App(
            parse(text, {}).tree, callers=MemoryCallers(), **({} if log is None else {"log_fd": log})
        ) as app:
            yield app, upstream


async def ask(app: App, *lines: bytes, target: bytes = b"/up/x", method: bytes = b"GET") -> Seen:
    """Send a request and return its answer."""
    head = b"\r\n".join((method + b" %b HTTP/1.1" % target, b"Host: localhost", b"Connection: close", *lines, b"", b""))
    return parse_answers(await talk(int(app.addresses[0].rpartition(":")[2]), head), (method,))[0]


WRONG = (
    b"", b"x", KEY[:-1].encode(), KEY.encode() + b"0", KEY.upper().encode(), b"Bearer " + KEY.encode(),
    sha256(KEY.encode()).hexdigest().encode(), b"sha256:" + sha256(KEY.encode()).hexdigest().encode(),
    b"\xe9\xff\x80", b"sw-" + b"x" * 4000, TOKEN.encode(), b"None", b"../../etc/passwd", b"' OR 1=1 --", b"*",
)  # fmt: skip


async def test_every_wrong_key_gets_the_same_answer_as_none():
    """Missing, malformed, unknown, near, hashed, no text, twice, in another place: one body, one set of headers."""
    async with gateway() as (app, upstream):
        answers = [await ask(app), await ask(app, target=b"/nowhere")]
        answers += [await ask(app, b"X-Seawall-Key: " + wrong) for wrong in WRONG]
        answers.append(await ask(app, b"X-Seawall-Key: " + KEY.encode(), b"X-Seawall-Key: " + KEY.encode()))
        for name in (b"Authorization: Bearer ", b"X-Api-Key: ", b"Cookie: x-seawall-key=", b"X_Seawall_Key: "):
            answers.append(await ask(app, name + KEY.encode()))
        answers.append(await ask(app, target=b"/up/x?x-seawall-key=" + KEY.encode()))
        assert upstream.exchanges == []
        assert (await ask(app, b"X-Seawall-Key: " + KEY.encode())).status == 200
    assert {answer.status for answer in answers} == {401}
    assert len({re.sub(rb"[0-9a-f]{32}", b"", answer.body) for answer in answers}) == 1
    same = [{name for name in answer.headers if name != b"date"} for answer in answers]
    assert all(names == same[0] for names in same)


async def test_both_keys_are_good_during_a_rotation_and_the_old_one_not_after_it():
    """By a reload, while calls go on."""
    async with gateway(keys=hashed(KEY, NEXT)) as (app, upstream):
        lines = [b"X-Seawall-Key: " + key.encode() for key in (KEY, NEXT)]
        assert [(await ask(app, line)).status for line in lines] == [200, 200]
        text = SETTINGS.format(anonymous="auto", port=upstream.port, keys=hashed(NEXT), more="")
        app.reload(parse(text, {}).tree)
        assert [(await ask(app, line)).status for line in lines] == [401, 200]


async def test_the_admin_token_is_no_callers_key_nor_the_other_way_round():
    """Whoever may call may not look, and whoever may look is nobody on the data plane."""
    async with gateway() as (app, upstream):
        assert (await ask(app, b"X-Seawall-Key: " + TOKEN.encode())).status == 401
        for line in (b"X-Seawall-Key: ", b"Authorization: Bearer "):
            for page in (b"/metrics", b"/diagnostics", b"/api/v1/callers", b"/docs"):
                assert (await ask(app, line + KEY.encode(), target=page)).status == 401
        assert upstream.exchanges == []


async def test_a_made_key_is_shown_once_and_written_nowhere(tmp_path: Path):
    """Log, metrics, diagnostics, settings, errors and the list of callers have its id at most."""
    fd = os.open(tmp_path / "log", os.O_WRONLY | os.O_CREAT)
    admin = b"Authorization: Bearer " + TOKEN.encode()
    async with gateway(log=fd) as (app, upstream):
        port = int(app.addresses[0].rpartition(":")[2])
        body = b'{"name":"lab","rate":"60/min"}'
        head = b"POST /api/v1/callers HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\n"
        made = parse_answers(
            await talk(port, head + admin + b"\r\nConnection: close\r\nContent-Length: %d\r\n\r\n" % len(body) + body)
        )[0]
        key = json.loads(made.body)["key"].encode()
        for line in (b"X-Seawall-Key: " + key, b"X-Seawall-Key: " + key + b"\r\nX-Mine: " + key):
            for _ in range(4):
                await ask(app, line)
        await ask(app, b"X-Seawall-Key: " + key, target=b"/nowhere")
        await ask(app, b"X-Seawall-Key: " + key, b"Sec-Fetch-Site: cross-site")
        pages = (b"/metrics", b"/diagnostics", b"/api/v1/settings", b"/api/v1/callers", b"/openapi.json", b"/health")
        shown = b"".join([(await ask(app, admin, target=page)).body for page in pages])
        assert not [value for one in upstream.exchanges for _, value in one.headers if key in value]
        assert b'"lab"' in shown
    os.close(fd)
    written = (tmp_path / "log").read_bytes()
    assert b'"caller":"lab"' in written
    assert key not in written + shown
    assert key[3:20] not in written + shown


@pytest.mark.parametrize("anonymous", ["auto", "no"])
async def test_where_callers_exist_leaving_the_key_off_is_401(anonymous: str):
    """Also on loopback."""
    async with gateway(anonymous) as (app, upstream):
        assert (await ask(app)).status == 401
        assert upstream.exchanges == []


async def test_whoever_leaves_the_key_off_has_the_limits_of_strangers():
    """A caller whose own limit is used up wins nothing that any stranger at its address has not."""
    more = '[callers.anonymous]\nrate = "20/min"\nupstreams = ["up"]\nconcurrency = 1'
    async with gateway("yes", more=more) as (app, _):
        answers = [await ask(app) for _ in range(5)]
        assert [answer.status for answer in answers] == [200, 200, 429, 429, 429]
        assert answers[0].headers[b"ratelimit-policy"] == b'"rate";q=20;w=60'
        assert (await ask(app, b"X-Forwarded-For: 198.51.100.7")).status == 429
        assert (await ask(app, b"X-Seawall-Key: " + KEY.encode())).status == 200
        assert (await ask(app, b"X-Seawall-Key: wrong")).status == 401
        metrics = (await ask(app, b"Authorization: Bearer " + TOKEN.encode(), target=b"/metrics")).body
    assert b'seawall_caller_keyed{caller="anonymous"} 1' in metrics
    assert b'seawall_caller_calls_total{caller="anonymous",outcome="refused"} 4' in metrics
