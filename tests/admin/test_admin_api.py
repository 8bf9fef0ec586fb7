"""The management API: typed, masked, its examples valid, its reference page safe to open."""

import re
from collections.abc import Callable
from html.parser import HTMLParser
from typing import Any

import orjson
import pytest
from jsonschema import Draft202012Validator
from pydantic import TypeAdapter

from seawall.admin import models
from seawall.admin.api import CSP
from seawall.admin.door import AdminDoor
from seawall.admin.reference import page
from seawall.admin.view import ScheduleView, TargetView, UpstreamView
from seawall.contracts.errors import SettingsError
from seawall.contracts.reply import Reply
from seawall.contracts.request import Request

Make = Callable[..., AdminDoor]


async def get(door: AdminDoor, target: str, method: bytes = b"GET") -> tuple[Reply, Any]:
    """Return the reply and its body, decoded where it is JSON."""
    reply = await door(Request(method, target.encode(), [], b"localhost"))
    body = reply.body
    if not isinstance(body, bytes):
        text = b""
        while chunk := await body.read():
            text += chunk
        body = text
    reply.close()
    kind = (reply.header(b"content-type") or b"").decode()
    return reply, orjson.loads(body) if "json" in kind and body else body.decode()


async def test_upstreams_are_shown_as_they_are_now(door_of: Make, runtime: Any) -> None:
    """One by its name, or all; a breaker that opens shows at once."""
    door = door_of()
    _, every = await get(door, "/api/v1/upstreams")
    _, one = await get(door, "/api/v1/upstreams/orders")
    assert every == {"upstreams": [one]}
    assert (one["name"], one["state"], one["targets"][0]["pool"]["idle"]) == ("orders", "up", 2)
    shut = TargetView("eu", "https://eu.example", breaker="open", retry_after=3.0)
    runtime.change(upstreams=(UpstreamView("orders", "/orders", targets=(shut,)),))
    _, one = await get(door, "/api/v1/upstreams/orders")
    assert (one["state"], one["targets"][0]["breaker"]) == ("down", "open")


async def test_version_and_settings(door_of: Make) -> None:
    """What is running, and the settings as the runtime masks them."""
    door = door_of()
    assert (await get(door, "/api/v1/version"))[1] == {
        "version": "0.1.0", "ready": "pass", "versions": {"python": "3.11.9", "loop": "uvloop 0.23"},
    }  # fmt: skip
    assert (await get(door, "/api/v1/settings"))[1]["settings"]["server"]["admin_token"] == "***"


@pytest.mark.parametrize(
    ("target", "method", "status", "kind"),
    [
        ("/api/v1/upstreams/nobody", b"GET", 404, "urn:seawall:not-found"),
        ("/api/v1/nothing", b"GET", 404, "urn:seawall:not-found"),
        ("/api/v1/version", b"POST", 405, "urn:seawall:method-not-allowed"),
    ],
)
async def test_errors_have_the_one_shape(door_of: Make, target: str, method: bytes, status: int, kind: str) -> None:
    """application/problem+json, also where the framework itself answers."""
    reply, problem = await get(door_of(), target, method)
    assert (reply.status, problem["type"], problem["status"]) == (status, kind, status)
    assert reply.header(b"content-type") == b"application/problem+json"
    assert problem["error"]["message"]


async def test_head_works_on_the_api_too(door_of: Make) -> None:
    """With the length of GET."""
    door = door_of()
    got, _ = await get(door, "/api/v1/version")
    head, body = await get(door, "/api/v1/version", b"HEAD")
    assert (head.status, body) == (200, "")
    assert head.length == (got.length or len(got.body))


def steered(runtime: Any) -> list[tuple[str, str, str | None]]:
    """Let a runtime hold the breaker of `orders`, `eu`, and return what it was told."""
    told: list[tuple[str, str, str | None]] = []

    def force(upstream: str, target: str, state: str | None) -> bool:
        told.append((upstream, target, state))
        return target == "eu"

    async def reload() -> tuple[str, ...]:
        if runtime.faults:
            raise SettingsError(runtime.faults)
        return ("log",)

    async def run(schedule: str) -> bool:
        told.append((schedule, "run", None))
        return schedule == "forecast"

    runtime.force = force
    runtime.run = run
    runtime.faults = ()
    runtime.reload = reload
    return told


async def put(door: AdminDoor, target: str, body: bytes, method: bytes = b"PUT") -> tuple[int, Any]:
    """Return status and body of a PUT."""
    headers = [(b"content-type", b"application/json")]
    reply = await door(Request(method, target.encode(), headers, b"localhost", body, len(body)))
    text = reply.body
    reply.close()
    assert isinstance(text, bytes)
    return reply.status, orjson.loads(text)


async def test_a_breaker_is_held_and_let_go(door_of: Make, runtime: Any) -> None:
    """Open, closed, and null for its own judgement; the answer is the upstream as it then is."""
    told = steered(runtime)
    door = door_of()
    for hold in ("open", "closed", None):
        status, shown = await put(door, "/api/v1/upstreams/orders/targets/eu/breaker", orjson.dumps({"hold": hold}))
        assert (status, shown["name"]) == (200, "orders")
    assert told == [("orders", "eu", "open"), ("orders", "eu", "closed"), ("orders", "eu", None)]


async def test_all_breakers_of_an_upstream_are_held_at_once(door_of: Make, runtime: Any) -> None:
    """Every target is told, also after one that has no breaker."""
    told = steered(runtime)
    targets = tuple(TargetView(label, f"https://{label}.example") for label in ("us", "eu"))
    runtime.change(upstreams=(UpstreamView("orders", "/orders", targets=targets),))
    door = door_of()
    status, shown = await put(door, "/api/v1/upstreams/orders/breaker", b'{"hold":"open"}')
    assert (status, shown["name"]) == (200, "orders")
    assert told == [("orders", "us", "open"), ("orders", "eu", "open")]
    runtime.change(upstreams=(UpstreamView("orders", "/orders", targets=targets[:1]),))
    status, problem = await put(door, "/api/v1/upstreams/orders/breaker", b'{"hold":"open"}')
    assert (status, problem["detail"]) == (404, "The upstream has no breaker.")
    assert (await put(door, "/api/v1/upstreams/nobody/breaker", b'{"hold":"open"}'))[0] == 404


async def test_a_reload_is_told_and_a_faulty_one_lists_the_faults(door_of: Make, runtime: Any) -> None:
    """200 with what is in force and what waits, or 422 with every fault; nobody may keep either."""
    steered(runtime)
    door = door_of()
    assert await put(door, "/api/v1/reload", b"", b"POST") == (
        200, {"upstreams": ["orders"], "restart_needed_for": ["log"]},
    )  # fmt: skip
    runtime.faults = ("a.b: must be x, got y (for example x)", "c: is unknown")
    reply = await door(Request(b"POST", b"/api/v1/reload", [], b"localhost", b"", 0))
    assert (reply.header(b"content-type"), reply.header(b"cache-control")) == (
        b"application/problem+json", b"no-store",
    )  # fmt: skip
    assert isinstance(reply.body, bytes)
    problem = orjson.loads(reply.body)
    assert (reply.status, problem["type"], problem["faults"]) == (422, "urn:seawall:settings", list(runtime.faults))
    reply.close()
    assert (await get(door, "/api/v1/reload"))[0].status == 405


@pytest.mark.parametrize(
    ("target", "body", "status"),
    [
        ("nobody/targets/eu", b'{"hold":"open"}', 404),
        ("orders/targets/us", b'{"hold":"open"}', 404),
        ("orders/targets/eu", b'{"hold":"ajar"}', 422),
        ("orders/targets/eu", b'{"hold":"open","more":1}', 422),
        ("orders/targets/eu", b"{}", 422),
        ("orders/targets/eu", b"planted-in-a-body", 422),
        ("orders/targets/eu", b"[" * 60_000, 400),
        ("orders/targets/eu", b" " * 65_537, 413),
    ],
)
async def test_what_cannot_be_held_is_a_problem(
    door_of: Make, runtime: Any, target: str, body: bytes, status: int
) -> None:
    """Unknown names, wrong shapes, deep and large bodies; nothing that was sent is shown."""
    told = steered(runtime)
    got, problem = await put(door_of(), f"/api/v1/upstreams/{target}/breaker", body)
    assert (got, problem["status"]) == (status, status)
    assert problem["error"]["message"]
    assert "planted" not in str(problem)
    assert told in ([], [("orders", "us", "open")])


async def test_a_body_without_a_length_is_too_large(door_of: Make, runtime: Any) -> None:
    """Its end cannot be known before it is read."""
    steered(runtime)
    request = Request(b"PUT", b"/api/v1/upstreams/orders/targets/eu/breaker", [], b"localhost", b"{}", None)
    assert (await door_of()(request)).status == 413


async def test_a_runtime_that_cannot_be_steered_shows_no_such_operation(door_of: Make) -> None:
    """What cannot work is not offered."""
    door = door_of()
    for target in ("upstreams/orders/targets/eu/breaker", "upstreams/orders/breaker", "reload"):
        status, problem = await put(door, f"/api/v1/{target}", b'{"hold":"open"}')
        assert (status, problem["type"]) == (404, "urn:seawall:not-found")


async def test_a_secret_the_runtime_forgot_to_mask_is_masked_here(door_of: Make, runtime: Any) -> None:
    """The last step knows the secrets of the settings, wherever they stand."""
    secret = "sk-planted-secret-0123456789"
    runtime.shown = {"upstreams": {"weather": {"headers": {"X-Api-Key": secret}}}}
    door = door_of(secrets=(secret,))
    for target in ("/api/v1/settings", "/diagnostics"):
        reply, shown = await get(door, target)
        assert secret not in str(shown)
        assert "***" in str(shown)
        assert reply.status == 200


async def test_every_example_of_the_document_is_valid_by_its_own_schema(door_of: Make, runtime: Any) -> None:
    """And by the model it stands at."""
    steered(runtime)
    _, document = await get(door_of(), "/openapi.json")
    schemas = document["components"]["schemas"]
    ours = {name: schema for name, schema in schemas.items() if hasattr(models, name)}
    assert set(models.__all__) == set(ours)
    for name, schema in ours.items():
        assert schema["examples"], name
        validator = Draft202012Validator({**schema, "components": document["components"]})
        for example in schema["examples"]:
            validator.validate(example)
            TypeAdapter(getattr(models, name)).validate_python(example)


async def test_schedules_are_shown_and_run(door_of: Make, runtime: Any) -> None:
    """Each with its latest and next run; a run answers with the schedule as it then is, or names those there are."""
    told = steered(runtime)
    forecast = ScheduleView(
        "forecast", "GET /weather/x", "900s", "home.weather", result="ok", status=200, runs={"ok": 3}
    )
    runtime.change(schedules=(forecast,))
    door = door_of()
    _, every = await get(door, "/api/v1/schedules")
    assert [(one["name"], one["next"], one["runs"]) for one in every["schedules"]] == [("forecast", None, {"ok": 3})]
    assert await put(door, "/api/v1/schedules/forecast/run", b"", b"POST") == (200, every["schedules"][0])
    status, problem = await put(door, "/api/v1/schedules/nobody/run", b"", b"POST")
    assert (status, problem["detail"]) == (404, "No schedule has that name. Schedules: forecast.")
    assert told == [("forecast", "run", None), ("nobody", "run", None)]
    _, shown = await get(door, "/diagnostics")
    assert (shown["schedules"][0]["name"], shown["schedules"][0]["late"]) == ("forecast", 0.0)


async def test_every_error_of_the_document_has_an_example_of_the_one_shape(door_of: Make, runtime: Any) -> None:
    """Valid by the shape it names, with the status it stands at; the framework's own error shape is nowhere."""
    steered(runtime)
    _, document = await get(door_of(), "/openapi.json")
    components = document["components"]
    assert "HTTPValidationError" not in components["schemas"]
    shape = Draft202012Validator({"$ref": "#/components/schemas/Problem", "components": components})
    seen = set()
    for methods in document["paths"].values():
        for operation in methods.values():
            for status, response in operation["responses"].items():
                if status != "200":
                    content = response["content"]["application/problem+json"]
                    assert content["schema"] == {"$ref": "#/components/schemas/Problem"}
                    shape.validate(content["example"])
                    assert content["example"]["status"] == int(status)
                    seen.add(status)
    assert seen == {"400", "401", "404", "422", "503"}


async def test_every_operation_and_field_says_what_it_is(door_of: Make, runtime: Any) -> None:
    """Summaries, descriptions and a shape for every answer."""
    steered(runtime)
    _, document = await get(door_of(), "/openapi.json")
    assert set(document["paths"]) == {
        "/api/v1/upstreams", "/api/v1/upstreams/{name}", "/api/v1/upstreams/{name}/breaker",
        "/api/v1/upstreams/{name}/targets/{label}/breaker", "/api/v1/version", "/api/v1/settings", "/api/v1/reload",
        "/api/v1/events", "/api/v1/schedules", "/api/v1/schedules/{name}/run",
    }  # fmt: skip
    for methods in document["paths"].values():
        for operation in methods.values():
            assert operation["summary"]
            assert operation["description"]
            assert next(iter(operation["responses"]["200"]["content"].values()))["schema"]
    for name in (*models.__all__, "Schedule", "ScheduleList"):
        for field, schema in document["components"]["schemas"][name]["properties"].items():
            assert "description" in schema or "$ref" in schema or schema.get("type") == "array", f"{name}.{field}"


class Tags(HTMLParser):
    """Collects elements and addresses of a page."""

    def __init__(self) -> None:
        super().__init__()
        self.tags: set[str] = set()
        self.addresses: list[str] = []
        self.attributes: set[str] = set()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.add(tag)
        self.attributes |= {name for name, _ in attrs}
        self.addresses += [value or "" for name, value in attrs if name in ("href", "src", "action")]


async def test_the_reference_page_needs_nothing_from_anywhere_and_runs_nothing(door_of: Make) -> None:
    """No script, no inline style or handler, no foreign origin, and a policy that forbids them all."""
    door = door_of()
    reply, text = await get(door, "/docs")
    assert (reply.status, reply.header(b"content-type")) == (200, b"text/html; charset=utf-8")
    assert reply.header(b"content-security-policy") == CSP.encode()
    assert reply.header(b"referrer-policy") == b"no-referrer"
    assert reply.header(b"x-content-type-options") == b"nosniff"
    assert "unsafe" not in CSP
    assert CSP.startswith("default-src 'none'")
    tags = Tags()
    tags.feed(text)
    assert not tags.tags & {"script", "style", "iframe", "object", "form", "img"}
    assert not {name for name in tags.attributes if name.startswith("on") or name == "style"}
    assert not [address for address in tags.addresses if re.match(r"\w+:|//", address)]
    css, style = await get(door, "/docs/reference.css")
    assert css.header(b"content-type") == b"text/css; charset=utf-8"
    assert "url(" not in style
    assert "@import" not in style


async def test_the_page_shows_every_path_and_every_shape(door_of: Make, runtime: Any) -> None:
    """And links them."""
    steered(runtime)
    door = door_of()
    _, document = await get(door, "/openapi.json")
    _, text = await get(door, "/docs")
    for path in document["paths"]:
        assert f"<code>{path}</code>" in text
    for name in models.__all__:
        assert f'id="shape-{name}"' in text
    anchors = re.findall(r'href="#([^"]+)"', text)
    assert anchors
    assert all(f'id="{anchor}"' in text for anchor in anchors)


def test_whatever_stands_in_the_document_is_escaped() -> None:
    """Names and descriptions come from code today; the page does not rely on it."""
    evil = "<script>alert(1)</script>\"'"
    document = {
        "info": {"title": evil, "version": evil, "description": evil},
        "paths": {
            f"/{evil}": {
                "get": {
                    "description": evil,
                    "parameters": [{"name": evil, "in": evil, "schema": {"anyOf": [{"type": evil}, {"enum": [evil]}]}}],
                    "responses": {
                        "200": {
                            "description": evil,
                            "content": {"application/json": {"schema": {"examples": [{evil: evil}], "type": "array"}}},
                        }
                    },
                }
            }
        },
        "components": {"schemas": {evil: {"description": evil, "properties": {evil: {"description": evil}}}}},
    }
    text = page(document)
    assert "<script" not in text
    tags = Tags()
    tags.feed(text)
    assert "script" not in tags.tags
