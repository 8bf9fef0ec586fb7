"""What a head came to on the model routes is kept while it stands, and no longer."""

import asyncio
import random
from typing import Any

import pytest
from test_gateway_door import Harness, fine

from seawall.contracts.clock import Clock
from seawall.contracts.request import Memory, Request
from seawall.contracts.sites import Sites, known_hosts
from seawall.gateway.door import Options
from seawall.gateway.models import ModelDoor, Models
from seawall.gateway.table import Table
from seawall.testing import virtual

BODY = b'{"model":"nobody","messages":[]}'


def _nobody(*_: Any) -> Any:
    raise AssertionError("no model is asked")


@pytest.mark.pure("gives stand-ins of other types")
@virtual
async def test_a_remembered_head_is_looked_at_again_under_other_sites() -> None:
    """A Host that a reload has closed is refused on the connection that called by it before."""
    here, memory, loop = Harness(fine), Memory(), asyncio.get_running_loop()
    clock = Clock(loop.time, loop.time)
    door = ModelDoor(here.gateway, Models({}, {}), _nobody, _nobody, clock, random.getrandbits, _nobody)  # type: ignore[arg-type]

    async def ask() -> int:
        headers = [(b"content-type", b"application/json")]
        target = b"/v1/chat/completions"
        reply = await door(Request(b"POST", target, headers, b"named.lan", BODY, len(BODY), memory=memory))
        reply.close()
        return reply.status

    assert await ask() == 404
    kept = memory.kept
    assert await ask() == 404
    assert memory.kept is kept
    here.gateway.reload(Table([]), Options(Sites(known_hosts("127.0.0.1"))))
    assert await ask() == 403
    assert memory.kept is not kept
