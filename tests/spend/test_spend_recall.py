"""A cap that comes later starts with what the ledger says was spent, and misses nothing that is under way."""

import asyncio
from typing import Any

import pytest

from seawall.contracts.errors import SpendCapReached
from seawall.contracts.events import Notice
from seawall.contracts.ledger import LedgerLost
from seawall.spend.caps import Rules
from seawall.spend.memory import MemoryLedger
from seawall.spend.recall import Recall
from seawall.testing import ScriptedTransport, answer, virtual
from spending import Spending, caller_caps, caps, reported

ANSWER = reported(1000, 100)  # 0.0012 USD
CAPPED = Rules(callers={"kitchen": caller_caps(user=caps(day="0.003"))})


async def collect(reply: Any) -> None:
    """Read a reply to its end and close it, as the door does."""
    try:
        if not isinstance(reply.body, bytes):
            while await reply.body.read():
                pass
        reply.finished = True
    finally:
        reply.close()


class Slow(MemoryLedger):
    """A ledger whose reports take a second, or fail."""

    lost = False

    async def spent(self, *args: Any, **more: Any):
        """Return sums, later."""
        await asyncio.sleep(1)
        if self.lost:
            raise LedgerLost("away")
        return await super().spent(*args, **more)


class Recalled(Spending):
    """A book whose caps change."""

    def __init__(self, rules: Rules | None = None) -> None:
        super().__init__(rules, ledger=Slow())
        self.recall = Recall(self.book, self.counters, self.ledger, self.clock.wall, self.events)
        self.recall.follow()
        self.model = self.bench(ScriptedTransport(then=answer(body=ANSWER)))

    def use(self, rules: Rules) -> None:
        """Put other caps in force."""
        self.book.rules = rules
        self.recall.follow()

    async def spend(self, user: str = "ann") -> None:
        """Spend 0.0012 USD."""
        await collect(await self.model.send(self.call(self.model, user=user)))


@virtual
async def test_a_users_first_cap_starts_with_what_the_ledger_says():
    """The call that comes with it waits for the ledger; another user has all of the cap."""
    here = Recalled()
    await here.recall.start()
    await here.spend()
    await here.spend()
    await asyncio.sleep(1)
    here.use(CAPPED)
    with pytest.raises(SpendCapReached):
        await here.spend()
    await here.spend("bob")
    await here.recall.close()


@virtual
async def test_an_attempt_under_way_when_the_cap_comes_counts_in_it():
    """Settled later than the ledger is read up to: once, neither lost nor twice."""
    here = Recalled()
    await here.recall.start()
    slow = here.bench(ScriptedTransport([answer(body=ANSWER, after=5)]))
    first = slow.start(here.call(slow, user="ann"))
    await asyncio.sleep(1)
    here.use(CAPPED)
    await collect(await first)
    assert here.counters._accounts["user", "kitchen", "ann"].day_spent == 1_200_000_000
    assert here.counters._accounts["caller", "kitchen", ""].day_spent == 1_200_000_000
    await here.recall.close()


@virtual
async def test_caps_that_go_and_come_again_know_what_was_spent_between():
    """Nothing counts twice of what was counted before."""
    here = Recalled(CAPPED)
    await here.recall.start()
    await here.spend()
    here.use(Rules())
    await here.spend()
    await asyncio.sleep(1)
    here.use(CAPPED)
    with pytest.raises(SpendCapReached):
        await here.spend()
    assert here.counters._accounts["user", "kitchen", "ann"].day_spent == 2_400_000_000
    await here.recall.close()


@virtual
async def test_a_ledger_that_is_away_is_told_once_and_asked_again():
    """No call fails for it; what was spent counts once it is back."""
    here = Recalled()
    await here.recall.start()
    await here.spend()
    await here.spend()
    await asyncio.sleep(1)
    here.ledger.lost = True
    here.use(CAPPED)
    await here.spend()
    await asyncio.sleep(60)
    assert len(here.events.of(Notice, event="ledger_away")) == 1
    here.ledger.lost = False
    await asyncio.sleep(15)
    with pytest.raises(SpendCapReached):
        await here.spend()
    assert here.counters._accounts["user", "kitchen", "ann"].day_spent == 3_600_000_000
    await here.recall.close()
