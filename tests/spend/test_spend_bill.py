"""The ledger against the provider's own bill, which is made of what it sent and shares nothing with ours."""

import asyncio
import random
from decimal import Decimal

from seawall.contracts.errors import (
    BreakerOpen,
    ConnectError,
    DeadlineExceeded,
    Saturated,
    SpendCapReached,
    UpstreamBroken,
    UpstreamError,
)
from seawall.contracts.reply import Reply
from seawall.spend.caps import Rules
from seawall.testing import ScriptedSource, ScriptedTransport, Step, virtual
from spending import Spending, caller_caps, reported

CALLS = 2000
KINDS = ("whole", "stream", "cut", "early", "hang", "busy", "away", "late")
SHARES = (30, 30, 8, 6, 4, 8, 8, 6)
POLICIES = {
    "retry": {"base": 0.01, "floor": 10_000},
    "hedge": {"after": 1.0},
    "concurrency": {"limit": 64, "queue": 4000, "wait": 900.0},
}


class Provider:
    """Answers, fails, cuts and hangs as its dice say, and writes a bill by request and attempt."""

    def __init__(self, seed):
        self.dice = random.Random(seed)
        self.bill = {}

    def steps(self):
        """Yield what each attempt meets."""
        while True:
            kind = self.dice.choices(KINDS, SHARES)[0]
            read, wrote = self.dice.randint(50, 1000), self.dice.randint(1, 100)
            yield Step(
                self.dice.random() * (4 if kind == "late" else 0.5) + (1000 if kind == "hang" else 0),
                lambda attempt, kind=kind, read=read, wrote=wrote: self.answer(attempt, kind, read, wrote),
                kind != "away",
            )

    def answer(self, attempt, kind, read, wrote):
        """Do one thing, and bill it: tokens read, and those that were sent."""
        if kind == "away":
            raise ConnectError
        key = (attempt.call.request_id, attempt.number)
        if kind == "busy":
            self.bill[key] = Decimal(0)
            return Reply(503, [], b"{}")
        if kind == "early":
            self.bill[key] = Decimal(read).scaleb(-6)
            raise UpstreamBroken(answered=True)
        sent = self.dice.randint(0, wrote) if kind == "cut" else wrote
        self.bill[key] = (Decimal(read) + 2 * Decimal(sent)).scaleb(-6)
        if kind in ("whole", "late"):
            return Reply(200, [], reported(read, wrote))
        chunks = [b"t"] * sent + ([] if kind == "cut" else [reported(read, wrote)])
        source = ScriptedSource(chunks, gap=0.001, error=UpstreamBroken(answered=True) if kind == "cut" else None)
        return Reply(200, [], source, None, True)


@virtual
async def test_the_ledger_and_the_providers_bill_agree_over_retries_hedges_cuts_and_clients_that_leave():
    """Exact rows to the last digit; estimates together never 5 % under the bill, and none over what was reserved."""
    provider = Provider(8)
    spending = Spending(Rules(callers={"kitchen": caller_caps(day="1.5")}))
    rows = []
    spending.ledger.write = rows.append
    bench = spending.bench(ScriptedTransport(provider.steps(), obey=False), POLICIES)
    refused = 0

    async def one(number):
        nonlocal refused
        await asyncio.sleep(number * 0.01)
        call = spending.call(bench, request_id=f"r{number}", deadline=bench.loop.time() + 6.0)
        try:
            reply = await bench.send(call)
            left = number % 13 == 0
            while not isinstance(reply.body, bytes) and await reply.body.read() and not left:
                pass
            reply.close()
        except SpendCapReached:
            refused += 1
        except UpstreamError:
            if "reply" in locals():
                reply.close()
        except (DeadlineExceeded, Saturated, BreakerOpen):
            pass  # they end calls as well

    await asyncio.gather(*(one(number) for number in range(CALLS)))
    assert spending.held == 0
    exact = [row for row in rows if not row.estimated]
    guessed = [row for row in rows if row.estimated]
    assert len(exact) > 500
    assert len(guessed) > 50
    assert refused > 0
    for row in exact:
        assert row.cost == provider.bill[row.request_id, row.attempt]
    assert all(row.cost <= row.reserved for row in guessed)
    billed = sum(provider.bill.get((row.request_id, row.attempt), Decimal(0)) for row in guessed)
    assert sum(row.cost for row in guessed) >= billed * Decimal("0.95")
    # what the provider billed and the ledger has not is nothing
    known = {(row.request_id, row.attempt) for row in rows}
    assert sum(cost for key, cost in provider.bill.items() if key not in known) == 0
    assert sum(row.cost for row in rows) <= Decimal("1.5")
