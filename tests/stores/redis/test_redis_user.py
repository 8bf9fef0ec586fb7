"""A user of Redis that may do what docs/operations/shared-state.md lists and nothing else."""

import re
import time
from pathlib import Path

from redis_links import Links, until
from seawall.contracts.units import Rate
from seawall.stores.redis import PURGES, STREAM, Ear, RedisEntries, RedisLeases, RedisLimits, RedisMessages
from valkey_server import ValkeyServer

PAGE = Path(__file__).parents[3] / "docs/operations/shared-state.md"


def listed() -> list[str]:
    """Return the commands the page lists, in lower case."""
    found = re.search(r"`(EVAL [A-Z\s]+)`", PAGE.read_text())
    assert found is not None
    return found[1].lower().split()


async def test_the_listed_commands_are_enough_and_none_is_too_much(server: ValkeyServer, links: Links):
    """Everything that is shared works, and each command is used."""
    commands = [f"+{one}" for one in listed()]
    rules = ["on", ">word", "~seawall:*", "resetchannels", "&home.*", "-@all", "+@connection", *commands]
    assert server.ask("ACL", "SETUSER", "gate", *rules).startswith(b"+OK")
    link = await links(f"redis://gate:word@127.0.0.1:{server.port}/0")
    assert not link.lost, links.told.events
    limits, leases, messages = RedisLimits(link), RedisLeases(link), RedisMessages(link, time.time)
    entries = RedisEntries(link, lambda _: None, lambda _: None)
    ear = Ear(link, {STREAM: messages.heard, PURGES: entries.heard}, lambda _: None, 10)
    await ear.start()
    await limits.take("a", Rate(60, 60.0), 6)
    await limits.charge("a", Rate(60, 60.0), 6, 1)
    await leases.hold("a", 5)
    await leases.let_go("a")
    await messages.publish("home.weather", b"{}")
    look = await entries.look(b"u", lambda _: [b"f"], [], b"l")
    await entries.renew(b"l")
    entries.put(b"u", b"f", (b"accept",), b"data", 60.0, 60.0, look)
    entries.drop(b"u", b"f")
    entries.purge(b"u")
    entries.clear()
    entries.let_go(b"l")
    await until(lambda: not link.waiting)
    assert await leases.hold("last", 5)
    await ear.close()
    for _ in range(2):  # what comes after a break that was too long
        assert server.ask("XADD", STREAM, "MAXLEN", "1", "*", "n", "x").startswith(b"$")
    await ear.start()
    await ear.close()
    await link.close()
    assert links.notices("state_refused") == []
    assert links.notices("state_lost") == []
    unused = [one for one in listed() if f"cmdstat_{one}:" not in server.ask("INFO", "commandstats").decode()]
    assert unused == []
