"""A runtime that shows what a test put into it, and doors onto it."""

import asyncio
from collections.abc import AsyncIterator, Callable, Mapping
from dataclasses import replace
from typing import Any

import pytest

from seawall.admin.access import Access
from seawall.admin.door import GUARDED, PUBLIC, AdminDoor, Doorway
from seawall.admin.view import (
    PoolView,
    QueueView,
    Status,
    StoreView,
    TargetView,
    TrafficView,
    UpstreamView,
    VitalsView,
)
from seawall.contracts.secret import Secret
from seawall.contracts.sites import Sites, known_hosts
from seawall.observers.exposition import Exposition
from seawall.observers.metrics import Metrics
from seawall.observers.redact import Redactor

TARGET = TargetView("eu", "https://eu.orders.example", pool=PoolView(2, 1, 0))
ORDERS = UpstreamView(
    "orders",
    "/orders",
    targets=(TARGET,),
    queues=(QueueView("", 1, 8, 0, 32),),
    traffic=TrafficView(240, 3, 0.12),
    routes=("GET /v1/list",),
    policies={"retry": "3 attempts"},
)
STORE = StoreView("state", "redis://cache.example", True)


class FakeRuntime:
    """A `Runtime` made of plain values."""

    def __init__(self) -> None:
        self.now = Status(
            "ready", 1_767_225_600.0, "0.1.0", (ORDERS,), (STORE,), VitalsView(60.0, 0.001, 0.002, 1 << 25)
        )
        self.shown: dict[str, Any] = {"server": {"listen": "127.0.0.1:8080", "admin_token": "***"}}
        self.running: tuple[str, ...] = ("log", "server")

    def change(self, **changes: Any) -> None:
        self.now = replace(self.now, **changes)

    def status(self) -> Status:
        asyncio.get_running_loop()  # like the real one, it may only be asked on the loop's thread
        return self.now

    def settings(self) -> Mapping[str, Any]:
        return self.shown

    def versions(self) -> Mapping[str, str]:
        return {"python": "3.11.9", "loop": "uvloop 0.23"}

    def tasks(self) -> tuple[str, ...]:
        return self.running


@pytest.fixture
def runtime() -> FakeRuntime:
    """Return a runtime with one upstream and one store, all well."""
    return FakeRuntime()


@pytest.fixture
async def door_of(runtime: FakeRuntime) -> AsyncIterator[Callable[..., AdminDoor]]:
    """Return a maker of doors onto the runtime; those made are closed in the end."""
    made: list[AdminDoor] = []

    def make(
        token: str | None = None,
        open_without: bool = True,
        secrets: tuple[str, ...] = (),
        names: frozenset[bytes] = PUBLIC | GUARDED,
        rooted: bool = False,
        **changes: Any,
    ) -> AdminDoor:
        access = Access(Secret(token) if token else None, open_without)
        doorway = Doorway(Sites(known_hosts("127.0.0.1", 8080)), access, names, rooted)
        exposition = Exposition(Metrics(), lambda: 0.0, lambda *what: pytest.fail(repr(what)))
        made.append(AdminDoor(runtime, exposition, doorway, Redactor(map(Secret, secrets)), **changes))
        return made[-1]

    yield make
    for door in made:
        await door.close()
