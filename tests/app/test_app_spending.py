"""What settings say about money reaches the book: caps, prices, days, and what is told at the start."""

from decimal import Decimal

import pytest

from seawall.app.spending import configure, prices_of, rules_of, warm
from seawall.config.load import parse
from seawall.contracts.clock import Clock
from seawall.contracts.events import Notice
from seawall.contracts.usage import Usage
from seawall.spend.book import Book
from seawall.spend.caps import NO_CAPS, CallerCaps, CapSet, Rules
from seawall.spend.counters import Counters
from seawall.spend.memory import MemoryLedger
from seawall.testing import Recorder

TEXT = """
[upstreams.openai]
api = "openai"
url = "https://api.openai.com/v1"
[upstreams.weather]
url = "https://weather.example"
price = "0.1 USD"
[models.fast]
targets = ["openai/gpt-5-mini"]
price = { input = "0.15 USD/M", output = "0.60 USD/M", reasoning = "1 USD/M", tools = "0.01 USD" }
spend = { day = "3 USD" }
[models.new]
targets = ["openai/nobody-knows-it", "openai/gpt-5"]
[callers.kitchen]
key_hash = "sha256:1111111111111111111111111111111111111111111111111111111111111111"
spend = { call = "0.000000000001 USD", day = "1 USD" }
per_user = { header = "X-User", max = 7, spend = { month = "2 USD" } }
[callers.plain]
key_hash = "sha256:2222222222222222222222222222222222222222222222222222222222222222"
[spend]
day = "5 USD"
unknown_price = "1 USD/M"
alert_at = ["90%", "50%"]
on_state_loss = "refuse"
timezone = "Asia/Tokyo"
"""
USD = 10**12


@pytest.fixture(scope="module")
def tree():
    """Return the settings, and what they need from disk read."""
    return warm(parse(TEXT, {}).tree)


class Bill:
    """A bill of an alias and a model."""

    input_bound, output_bound, fixed, upstream = 1, 1, Decimal(0), "openai"

    def __init__(self, alias, model):
        self.alias, self.model = alias, model


def test_every_cap_of_the_settings_stands(tree):
    """In picodollars; steps of `alert_at` in their order."""
    rules = rules_of(tree)
    assert rules.whole == CapSet(day=5 * USD)
    assert rules.callers == {
        "kitchen": CallerCaps(CapSet(call=1, day=USD), CapSet(month=2 * USD), 7), "plain": CallerCaps(),
    }  # fmt: skip
    assert rules.models == {"fast": CapSet(day=3 * USD), "new": NO_CAPS}
    assert (rules.alert_at, rules.on_loss) == ((0.5, 0.9), "refuse")


def test_prices_are_the_aliases_own_else_the_tables(tree):
    """An alias' own for all its targets; tools by the call; what nobody knows as `unknown_price` says."""
    prices = prices_of(tree, Clock().wall)
    own = prices.of(Bill("fast", "gpt-5-mini")).units(1, 0.0)
    assert own.cost(Usage(10, 5, reasoning=2, tools=3)) == Decimal("0.0300053")
    listed = prices.of(Bill("new", "gpt-5"))
    assert (listed.source, listed.most(1, 0) > 0) == ("genai-prices", True)
    assert prices.of(Bill("new", "nobody-knows-it")) is None
    assert prices.unknown.units(1, 0.0).cost(Usage(1, 1)) == Decimal("0.000002")


@pytest.mark.parametrize(("said", "cost"), [("refuse", None), ("free", Decimal(0))])
def test_unknown_prices_are_refused_or_free(said, cost):
    """As the settings say."""
    unknown = prices_of(parse(f'[spend]\nunknown_price = "{said}"', {}).tree, Clock().wall).unknown
    assert (unknown and unknown.most(10, 10)) == cost


def test_a_model_without_a_price_is_told_when_settings_are_put_in_force(tree):
    """By its upstream and name, once."""
    told = Recorder()
    book = Book(Counters(), MemoryLedger(), Clock(), told, lambda bits: 1)
    configure(book, tree, Clock().wall, told)
    notice = told.one(Notice, event="price_unknown")
    assert dict(notice.fields) == {"upstream": "openai", "model": "nobody-knows-it", "unknown_price": "1"}
    assert book.rules != Rules()
    assert book.today.ends - book.today.began == 86400
