"""`/api/v1/callers`: made, shown once, changed, rotated and revoked; typed, guarded, and told what to do."""

from collections.abc import Callable
from typing import Any

import orjson
import pytest
from jsonschema import Draft202012Validator
from pydantic import TypeAdapter

from seawall.admin import caller_models
from seawall.admin.door import AdminDoor
from seawall.callers import Callers, Directory, Rules, Strangers, UserRules, digest
from seawall.contracts.request import Request
from seawall.contracts.state import StateLost
from seawall.contracts.units import Rate
from seawall.stores import MemoryCallers
from seawall.testing import Recorder

Make = Callable[..., AdminDoor]
TOKEN = "0123456789abcdef"
PATH = "/api/v1/callers"
LIMITS = {
    "rate": "60/min", "tokens": "1000/min", "concurrency": 4, "upstreams": ["orders"], "models": None,
    "spend": {"call": "0.01 USD", "day": "0.50 USD", "month": "5 USD", "total": "50 USD"},
    "per_user": {
        "header": "x-user", "rate": "6/min", "tokens": None, "max": 9,
        "spend": {"call": None, "day": "0.05 USD", "month": None, "total": "1 USD"},
    },
}  # fmt: skip


@pytest.fixture
def callers(runtime: Any) -> Callers:
    """Return the callers of the runtime: one of the settings, others may be made."""
    made = Callers(lambda: 0.0)
    users = UserRules(b"x-user", Rate(6, 60.0))
    made.configure([Rules("kitchen", (digest(b"sw-k"),), Rate(60, 60.0), users=users)], Strangers())
    runtime.shown = {"upstreams": {"orders": {}}, "models": {}, "ledger": {"url": "sqlite:///x.db"}}
    runtime.callers = Directory(made, MemoryCallers(), lambda: 1000.0, Recorder())
    return made


async def ask(door: AdminDoor, method: str, path: str, body: object = None, token: str = "") -> tuple[int, Any]:
    """Return status and body of an answer."""
    data = b"" if body is None else orjson.dumps(body)
    headers = [(b"content-type", b"application/json"), (b"content-length", b"%d" % len(data))]
    if token:
        headers.append((b"authorization", b"Bearer " + token.encode()))
    reply = await door(Request(method.encode(), path.encode(), headers, b"localhost", data, len(data)))
    text = b""
    if isinstance(reply.body, bytes):
        text = reply.body
    else:
        while chunk := await reply.body.read():
            text += chunk
    reply.close()
    assert dict(reply.headers)[b"cache-control"] == b"no-store"
    return reply.status, orjson.loads(text) if text else None


async def test_a_caller_is_made_shown_once_changed_rotated_and_revoked(door_of: Make, callers: Callers) -> None:
    """The key is in the answer that made it and in no other."""
    door = door_of()
    status, made = await ask(door, "POST", PATH, {"name": "lab", **LIMITS})
    assert (status, made["name"], made["key"][:3], len(made["key"])) == (201, "lab", "sw-", 46)
    request = Request(b"GET", b"/", [(b"x-seawall-key", made["key"].encode())])
    assert (await callers.admit(request, model_route=False)).caller == "lab"
    status, listed = await ask(door, "GET", PATH)
    kitchen, lab = listed["callers"]
    assert lab == {"name": "lab", "source": "api", "keys": [{"id": made["id"], "created": 1000.0}], **LIMITS}
    assert (kitchen["source"], kitchen["keys"][0]["created"], kitchen["per_user"]["header"]) == (
        "settings", None, "x-user",
    )  # fmt: skip
    status, second = await ask(door, "POST", f"{PATH}/lab/keys")
    assert status == 201
    status, changed = await ask(door, "PUT", f"{PATH}/lab", {"rate": "5/min"})
    assert (status, changed["rate"], changed["tokens"], len(changed["keys"])) == (200, "5/min", None, 2)
    status, left = await ask(door, "DELETE", f"{PATH}/lab/keys/{made['id']}")
    assert [one["id"] for one in left["callers"][0]["keys"]] == [second["id"]]
    assert await ask(door, "DELETE", f"{PATH}/lab") == (204, None)
    everything = str(await ask(door, "GET", PATH)) + str(changed) + str(left) + str(listed)
    assert made["key"] not in everything
    assert second["key"] not in everything


@pytest.mark.parametrize(
    ("method", "path", "body", "status", "kind", "said"),
    [
        ("POST", "", {"name": "kitchen"}, 409, "conflict", "A caller kitchen exists"),
        ("POST", "", {"name": "anonymous"}, 409, "conflict", "exists"),
        ("PUT", "/kitchen", {}, 409, "conflict", "kitchen stands in the settings; change [callers.kitchen] there"),
        ("DELETE", "/kitchen", None, 409, "conflict", "stands in the settings"),
        ("POST", "/kitchen/keys", None, 409, "conflict", "stands in the settings"),
        ("PUT", "/nobody", {}, 404, "not-found", "No caller has that name"),
        ("DELETE", "/nobody", None, 404, "not-found", "No caller has that name"),
        ("DELETE", "/nobody/keys/1", None, 404, "not-found", "No caller has that name"),
        ("POST", "", {}, 422, "bad-request", "name"),
        ("POST", "", {"name": "a b"}, 422, "bad-request", "must be a name"),
        ("POST", "", {"name": "lab", "rate": "often"}, 422, "bad-request", "must be a rate"),
        ("POST", "", {"name": "lab", "concurrency": 0}, 422, "bad-request", "concurrency"),
        ("POST", "", {"name": "lab", "key": "mine"}, 422, "bad-request", "key"),
        ("POST", "", {"name": "lab", "upstreams": ["order"]}, 422, "bad-request", "order is no name of [upstreams]"),
        ("POST", "", {"name": "lab", "models": ["fast"]}, 422, "bad-request", "Names: none"),
        ("POST", "", {"name": "lab", "spend": {"day": "5 EUR"}}, 422, "bad-request", "must be an amount in USD"),
        ("PUT", "/kitchen", {"upstreams": ["x"]}, 422, "bad-request", "x is no name"),
    ],
)
async def test_what_cannot_be_done_says_why(
    door_of: Make, callers: Callers, method: str, path: str, body: object, status: int, kind: str, said: str
) -> None:
    """And changes nothing."""
    door = door_of()
    got, problem = await ask(door, method, PATH + path, body)
    assert (got, problem["type"], problem["status"]) == (status, f"urn:seawall:{kind}", status)
    assert said in problem["detail"]
    assert [one.name for one in callers.rules] == ["kitchen"]


@pytest.mark.parametrize("period", ["month", "total"])
async def test_a_cap_that_a_restart_would_forget_needs_a_database(
    door_of: Make, callers: Callers, runtime: Any, period: str
) -> None:
    """For the caller and for its users, as in the settings; caps by call and day are taken."""
    runtime.shown["ledger"]["url"] = "memory://"
    door = door_of()
    for path, spend in (("spend", {}), ("per_user.spend", {"header": "x-user"})):
        caps = {"spend": {period: "1 USD"}}
        status, problem = await ask(
            door, "POST", PATH, {"name": "lab", **({"per_user": {**spend, **caps}} if spend else caps)}
        )
        assert (status, problem["detail"]) == (
            422, f"body.{path}.{period}: needs a ledger that outlives the process; set ledger.url to a database",
        )  # fmt: skip
    assert [one.name for one in callers.rules] == ["kitchen"]
    assert (await ask(door, "POST", PATH, {"name": "lab", "spend": {"call": "1 USD", "day": "1 USD"}}))[0] == 201


async def test_a_lost_database_is_503_and_changes_nothing(door_of: Make, callers: Callers, runtime: Any) -> None:
    """The caller is not made."""

    class Lost(MemoryCallers):
        async def list(self):
            raise StateLost

    runtime.callers = Directory(callers, Lost(), lambda: 0.0, Recorder())
    status, problem = await ask(door_of(), "POST", PATH, {"name": "lab"})
    assert (status, problem["type"]) == (503, "urn:seawall:saturated")
    assert "nothing was changed" in problem["detail"]


@pytest.mark.parametrize(
    ("method", "path"),
    [("GET", ""), ("POST", ""), ("PUT", "/lab"), ("DELETE", "/lab"), ("POST", "/lab/keys"), ("DELETE", "/lab/keys/1")],
)
async def test_every_operation_needs_the_admin_token(door_of: Make, callers: Callers, method: str, path: str) -> None:
    """A caller's key is none (security.md 11)."""
    door = door_of(token=TOKEN)
    body = {"name": "lab"} if method in ("POST", "PUT") else None
    for token in ("", "sw-k", TOKEN[:-1]):
        status, problem = await ask(door, method, PATH + path, body, token)
        assert (status, problem["type"]) == (401, "urn:seawall:unauthenticated")
    assert (await ask(door, method, PATH + path, body, TOKEN))[0] != 401


async def test_every_shape_has_an_example_that_is_valid(door_of: Make, callers: Callers) -> None:
    """By its own schema, and by the model it stands at."""
    _, document = await ask(door_of(), "GET", "/openapi.json")
    schemas = document["components"]["schemas"]
    names = [name for name in caller_models.__all__ if name[0].isupper()]
    assert set(names) <= set(schemas)
    for name in names:
        assert schemas[name]["examples"], name
        validator = Draft202012Validator({**schemas[name], "components": document["components"]})
        for example in schemas[name]["examples"]:
            validator.validate(example)
            TypeAdapter(getattr(caller_models, name)).validate_python(example)
    for path in (PATH, f"{PATH}/{{name}}", f"{PATH}/{{name}}/keys", f"{PATH}/{{name}}/keys/{{key}}"):
        for operation in document["paths"][path].values():
            assert operation["summary"]
            assert "401" in operation["responses"]
