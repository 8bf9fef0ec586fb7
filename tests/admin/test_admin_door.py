"""Which page a path is, who may see it, and what every answer carries."""

import asyncio
import subprocess
import sys
from collections.abc import Callable
from typing import Any

import orjson
import pytest

from seawall.admin.door import GUARDED, PUBLIC, AdminDoor
from seawall.admin.view import VitalsView
from seawall.contracts.reply import Reply
from seawall.contracts.request import Request

Make = Callable[..., AdminDoor]
TOKEN = "an-admin-token-of-some-length"
PAGES = ("/live", "/ready", "/health", "/metrics", "/diagnostics")
LOCKED = ("/metrics", "/diagnostics", "/api/v1/version", "/docs", "/openapi.json", "/docs/reference.css")


def asked(target: str, method: str = "GET", host: str = "localhost:8080", **headers: str) -> Request:
    """Return a request."""
    pairs = [(name.replace("_", "-").encode(), value.encode("latin-1")) for name, value in headers.items()]
    return Request(method.encode(), target.encode(), pairs, host.encode())


def shown(reply: Reply) -> Any:
    """Return a JSON body."""
    assert isinstance(reply.body, bytes)
    return orjson.loads(reply.body)


@pytest.mark.parametrize("target", PAGES)
async def test_every_page_answers_get_and_head_and_is_not_stored(door_of: Make, target: str) -> None:
    """HEAD has GET's headers and length and no body; a query changes nothing."""
    door = door_of()
    got, head = await door(asked(f"{target}?x=1")), await door(asked(target, "HEAD"))
    assert (got.status, head.status) == (200, 200)
    assert (got.header(b"cache-control"), got.header(b"x-content-type-options")) == (b"no-store", b"nosniff")
    assert head.body == b""
    assert head.length == len(got.body)
    assert head.headers == got.headers


@pytest.mark.parametrize("target", PAGES)
@pytest.mark.parametrize("method", ["POST", "PUT", "DELETE", "OPTIONS", "get"])
async def test_other_methods_are_405_with_allow(door_of: Make, target: str, method: str) -> None:
    """Methods are case-sensitive."""
    reply = await door_of()(asked(target, method))
    assert (reply.status, reply.header(b"allow")) == (405, b"GET, HEAD")


async def test_live_is_constant_whatever_happens(door_of: Make, runtime: Any) -> None:
    """No dependency can make it fail."""
    runtime.status = lambda: pytest.fail("looked")
    reply = await door_of()(asked("/live"))
    assert (reply.status, reply.body) == (200, b'{"status":"pass"}')


async def test_ready_is_503_with_retry_after_while_draining(door_of: Make, runtime: Any) -> None:
    """And says why."""
    door = door_of()
    assert shown(await door(asked("/ready"))) == {"status": "pass"}
    runtime.change(phase="draining")
    reply = await door(asked("/ready"))
    assert (reply.status, reply.header(b"retry-after")) == (503, b"1")
    assert shown(reply) == {"status": "fail", "output": "The gateway is draining"}
    assert (await door(asked("/health"))).status == 503
    assert (await door(asked("/live"))).status == 200


async def test_health_is_health_json_with_detail(door_of: Make, runtime: Any) -> None:
    """A warning is still 200."""
    runtime.change(vitals=VitalsView(lag_max=1.0))
    reply = await door_of()(asked("/health"))
    assert (reply.status, reply.header(b"content-type")) == (200, b"application/health+json")
    assert shown(reply)["status"] == "warn"
    assert "orders:breaker" in shown(reply)["checks"]


async def test_metrics_come_in_the_format_that_is_accepted(door_of: Make) -> None:
    """Prometheus text by default, OpenMetrics where it is asked for."""
    door = door_of()
    plain = await door(asked("/metrics"))
    opened = await door(asked("/metrics", accept="application/openmetrics-text;version=1.0.0"))
    assert plain.header(b"content-type") == b"text/plain; version=0.0.4; charset=utf-8"
    assert opened.header(b"content-type") == b"application/openmetrics-text; version=1.0.0; charset=utf-8"
    assert isinstance(opened.body, bytes)
    assert opened.body.endswith(b"# EOF\n")
    assert plain.header(b"vary") == b"accept"


@pytest.mark.parametrize("target", LOCKED)
@pytest.mark.parametrize(
    "authorization",
    [None, "", "Bearer", "Bearer wrong", f"Basic {TOKEN}", TOKEN, f"Bearer {TOKEN}x", "Bearer \xfc\xff"],
)
async def test_without_the_token_guarded_pages_are_one_and_the_same_401(
    door_of: Make, target: str, authorization: str | None
) -> None:
    """Missing, malformed, wrong and non-ASCII: the same answer, with a challenge."""
    headers = {} if authorization is None else {"authorization": authorization}
    reply = await door_of(TOKEN)(asked(target, **headers))
    plain = await door_of(TOKEN)(asked("/metrics"))
    assert (reply.status, reply.body, reply.headers) == (401, plain.body, plain.headers)
    assert reply.header(b"www-authenticate") == b'Bearer realm="seawall"'


@pytest.mark.parametrize("target", LOCKED)
@pytest.mark.parametrize("scheme", ["Bearer", "bearer", "BEARER "])
async def test_with_the_token_they_answer(door_of: Make, target: str, scheme: str) -> None:
    """The scheme's case does not matter (RFC 9110 section 11.1)."""
    assert (await door_of(TOKEN)(asked(target, authorization=f"{scheme} {TOKEN}"))).status == 200


async def test_live_ready_and_the_verdict_of_health_never_need_the_token(door_of: Make, runtime: Any) -> None:
    """Probes have none; what they see names no upstream and no reason."""
    runtime.change(phase="draining")
    door = door_of(TOKEN)
    assert (await door(asked("/live"))).status == 200
    assert shown(await door(asked("/ready"))) == {"status": "fail"}
    assert shown(await door(asked("/health"))) == {"status": "fail", "version": "0", "serviceId": "seawall"}


async def test_off_loopback_nothing_guarded_is_open_without_a_token(door_of: Make) -> None:
    """A door without a token that is not on loopback shows the public pages only."""
    door = door_of(None, open_without=False)
    assert [(await door(asked(target))).status for target in ("/live", "/metrics", "/docs")] == [200, 401, 401]


@pytest.mark.parametrize("target", [*PAGES, *LOCKED])
async def test_foreign_hosts_and_pages_are_403_before_anything_else(door_of: Make, target: str) -> None:
    """A web page of another site, or one whose name was made to point here, learns nothing."""
    door = door_of(TOKEN)
    for request in (
        asked(target, host="evil.example"),
        asked(target, origin="https://evil.example"),
        asked(target, origin="null"),
        asked(target, sec_fetch_site="cross-site"),
    ):
        reply = await door(request)
        assert reply.status == 403
        assert shown(reply)["type"] == "urn:seawall:cross-site"
    own = await door(asked(target, origin="http://localhost:8080", sec_fetch_site="same-origin"))
    assert own.status in (200, 401)


@pytest.mark.parametrize(
    ("target", "owned"),
    [("/live", True), ("/live?x", True), ("/docs/reference.css", True), ("/-/live", True), ("/-/api/v1/version", True),
     ("/weather/live", False), ("/", False), ("/-/", False), ("/liver", False), ("*", False), ("/-/weather", False)],
)  # fmt: skip
async def test_the_door_owns_its_own_paths_only(door_of: Make, target: str, owned: bool) -> None:
    """By the first segment, also under /-/."""
    assert door_of().owns(target.encode()) is owned


async def test_where_an_upstream_stands_at_the_root_pages_stand_under_their_prefix_only(door_of: Make) -> None:
    """The upstream's own /health is not taken from it."""
    door = door_of(rooted=True)
    assert not door.owns(b"/health")
    assert door.owns(b"/-/health")
    assert (await door(asked("/health"))).status == 404
    assert (await door(asked("/-/health"))).status == 200
    assert (await door(asked("/-/api/v1/version"))).status == 200


async def test_pages_that_moved_to_the_admin_bind_are_not_here(door_of: Make) -> None:
    """The main bind shows the public pages only."""
    door = door_of(names=PUBLIC)
    assert door.owns(b"/ready")
    assert not any(door.owns(b"/" + name) for name in GUARDED)
    assert (await door(asked("/metrics"))).status == 404


@pytest.mark.parametrize("target", ["/live/x", "/metrics/", "/nothing"])
async def test_what_is_no_page_is_a_404_problem(door_of: Make, target: str) -> None:
    """In the one shape of errors."""
    reply = await door_of()(asked(target))
    assert (reply.status, reply.header(b"content-type")) == (404, b"application/problem+json")


async def test_the_framework_is_loaded_once_in_a_thread_and_closed(door_of: Make) -> None:
    """Requests at the same time share one loading, during which the loop goes on."""
    loaded: list[str] = []
    closed: list[bool] = []

    class Pages:
        async def __call__(self, request: Request) -> Reply:
            return Reply(200, [(b"cache-control", b"max-age=60")], request.target)

        async def close(self) -> None:
            closed.append(True)

    def load(*what: object) -> Pages:
        try:
            asyncio.get_running_loop()
        except RuntimeError:
            loaded.append("in a thread")
        return Pages()

    door = door_of(pages=load)
    replies = await asyncio.gather(*(door(asked(f"/-/api/{number}")) for number in range(3)))
    assert [reply.body for reply in replies] == [b"/api/0", b"/api/1", b"/api/2"]
    assert [reply.header(b"cache-control") for reply in replies] == [b"no-store"] * 3
    assert loaded == ["in a thread"]
    await door.close()
    assert closed == [True]


def test_importing_the_door_imports_no_framework() -> None:
    """FastAPI costs megabytes that a gateway whose /docs nobody opens does not pay."""
    code = (
        "import sys, seawall.admin, seawall.observers\n"
        "print(sorted({'fastapi', 'starlette', 'prometheus_client'} & set(sys.modules)))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"
