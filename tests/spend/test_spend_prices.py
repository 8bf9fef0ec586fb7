"""Prices: our own arithmetic against the price library for every model there is, and which price holds when."""

import time
from datetime import UTC, date, datetime
from decimal import Decimal

import pytest
from genai_prices.data import providers
from genai_prices.types import ConditionalPrice, ModelPrice, StartDateConstraint
from genai_prices.types import Usage as TheirUsage
from hypothesis import given
from hypothesis import strategies as st

from seawall.contracts.bill import Terms
from seawall.contracts.usage import NOTHING, Usage
from seawall.spend.charge import Outcome, Report, charge
from seawall.spend.money import dollars, exact, picos, shown
from seawall.spend.plain import PlainBill, parse_told
from seawall.spend.prices.bound import FREE, Prices, one_price, settings_price
from seawall.spend.prices.table import GenaiPrices, _ahead, _tiers
from seawall.spend.prices.units import Units

MODELS = [(one, model) for one in providers if one.id in ("openai", "anthropic", "aws") for model in one.models]
NOW = 1_800_000_000.0


@st.composite
def usages(draw):
    """Draw a usage whose parts fit into their wholes."""
    whole = st.integers(0, 400_000)
    read, wrote, audio, rest = (draw(whole) for _ in range(4))
    reasoning, sound, said = (draw(st.integers(0, 10_000)) for _ in range(3))
    return Usage(
        read + wrote + audio + rest, reasoning + sound + said, read, wrote, draw(st.integers(0, wrote)), reasoning,
        audio, sound, draw(st.integers(0, 5)),
    )  # fmt: skip


def theirs(usage):
    """Return a usage in the library's words."""
    return TheirUsage(
        input_tokens=usage.input, output_tokens=usage.output, cache_read_tokens=usage.cache_read,
        cache_write_tokens=usage.cache_write, cache_write_1h_tokens=usage.cache_write_1h,
        input_audio_tokens=usage.audio_input, output_audio_tokens=usage.audio_output,
        output_reasoning_tokens=usage.reasoning, web_searches=usage.tools,
    )  # fmt: skip


TABLE = GenaiPrices(lambda: NOW)
# Prices of what `Usage` does not tell apart: cached sound, pictures, searches in files.
BEYOND = {"cache_audio_read_mtok", "input_image_mtok", "output_image_mtok", "cache_image_read_mtok", "input_video_mtok"}


@given(st.sampled_from([(one.id, model.id) for one, model in MODELS]), usages())
def test_every_model_costs_what_the_library_says(model, usage):
    """Tiers, dates and every kind of token, to the last digit; and never more than would have been reserved."""
    provider, name = model
    price, found = TABLE.find(provider, "", name), TABLE._model(provider, "", name)
    if price is None:
        return
    prices = found.get_prices(datetime.fromtimestamp(NOW, UTC))
    if BEYOND & {kind for kind, value in prices.__dict__.items() if value is not None}:
        usage = usage._replace(input=usage.input - usage.audio_input, audio_input=0)
    told = price.units(usage.input, NOW).cost(usage)
    assert told == prices.calc_price(theirs(usage))["total_price"]
    assert told <= price.most(usage.input, usage.output) + usage.tools * Decimal("0.1")


@pytest.mark.parametrize(
    ("provider", "model", "when"),
    [(one.id, model.id, variant.when) for one, model in MODELS for variant in model.price_variants or ()
     if len(variant.when) == 1 and next(iter(variant.when)) in ("service_tier", "speed")],
)  # fmt: skip
def test_every_service_tier_costs_what_the_library_says(provider, model, when):
    """Of every model that has one, standard ones too; a tier nobody knows has no price."""
    price, found = TABLE.find(provider, "", model), TABLE._model(provider, "", model)
    (name,) = when.values()
    usage = Usage(9000, 100, 300, 20)
    said = found.get_prices(datetime.fromtimestamp(NOW, UTC), when).calc_price(theirs(usage))["total_price"]
    assert price.service(name).units(9000, NOW).cost(usage) == said
    assert price.service("") is price
    assert price.service("batch") is price.service("nothing") is None


def test_a_tier_whose_price_begins_later_costs_the_standard_one_until_then():
    """Before its day the table knows of no other price."""
    flex = TABLE.find("openai", "", "gpt-5-mini").service("flex")
    before = datetime(2026, 10, 1, tzinfo=UTC).timestamp()
    assert [flex.units(5, at).cost(Usage(10**6, 0)) for at in (before, NOW)] == [Decimal("0.25"), Decimal("0.125")]


def test_a_price_that_begins_later_holds_from_that_day_on_and_is_reserved_before():
    """Dated prices: settled by the day, reserved at the dearest that may come."""
    info = next(model for _, model in MODELS if isinstance(model.prices, list))
    low, high = ModelPrice(input_mtok=Decimal(1)), ModelPrice(input_mtok=Decimal(3))
    start = StartDateConstraint(date(2027, 1, 16))  # NOW is the day before
    prices = [ConditionalPrice(prices=low), ConditionalPrice(start, prices=high)]
    assert list(_ahead(prices, datetime.fromtimestamp(NOW, UTC))) == [low, high]
    assert list(_ahead(prices, datetime.fromtimestamp(NOW + 86400, UTC))) == [high]
    before = info.prices
    try:
        info.prices = prices
        table = GenaiPrices(lambda: NOW)
        provider = next(one for one, model in MODELS if model is info)
        price = table.find(provider.id, "", info.id)
        assert price.units(10, NOW).cost(Usage(10)) == Decimal("0.00001")
        assert price.units(10, NOW + 86400).cost(Usage(10)) == Decimal("0.00003")
        assert price.most(10, 0) == Decimal("0.00003")
    finally:
        info.prices = before


def test_a_tier_holds_for_all_tokens_of_a_call_and_a_reservation_takes_the_dearest_it_can_reach():
    """More than 200,000 input tokens cost more each; a call that cannot have so many is not reserved at that."""
    price = GenaiPrices(lambda: NOW).find("anthropic", "", "claude-sonnet-4-5")
    assert price.units(200_000, NOW).cost(Usage(200_000)) == Decimal("0.6")
    assert price.units(200_001, NOW).cost(Usage(200_001)) == Decimal("1.200006")
    assert price.most(200_000, 0) == Decimal("1.2")  # as if kept for an hour: 6 USD/M
    assert price.most(200_001, 0) == 200_001 * Decimal("0.000012")


def test_the_provider_is_known_by_its_address_else_by_its_dialect():
    """Groq speaks OpenAI's dialect; a local address is taken for what it speaks."""
    table = GenaiPrices(time.time)
    assert table.find("openai", "https://api.groq.com/openai/v1", "llama-3.3-70b-versatile") is not None
    assert table.find("openai", "http://127.0.0.1:9/v1", "gpt-5-mini").source == "genai-prices"
    assert table.find("bedrock", "", "us.anthropic.claude-sonnet-4-5-20250929-v1:0") is not None
    assert table.find("openai", "", "nobody-knows-it") is None
    assert table.find("openai", "", "whisper-1") is None  # priced by the hour, not by tokens
    assert _tiers(ModelPrice(audio_hours=Decimal(1))) == []


class Bill:
    """A bill of a model."""

    upstream, model, alias, input_bound, output_bound, fixed = "openai", "gpt-5-mini", "fast", 1000, 100, Decimal(0)
    tier, tools_bound, beyond = "", 0, ""

    def __init__(self, **changes):
        for name, value in changes.items():
            setattr(self, name, value)


def test_settings_come_before_the_table_and_names_of_clients_are_bounded(monkeypatch):
    """An alias with a price has that one; models asked for by their own name are looked up once, and not for ever."""
    monkeypatch.setattr("seawall.spend.prices.bound._KNOWN", 4)
    asked = []

    class Table:
        def find(self, api, url, model):
            asked.append((api, url, model))
            return

    own = settings_price(Decimal("0.15"), Decimal("0.60"), {"cache_read": Decimal("0.02")})
    prices = Prices({"fast": own}, {"openai": ("openai", "http://a")}, Table())
    assert prices.of(Bill()) is own
    assert prices.of(Bill(alias="")) is prices.of(Bill(alias="")) is None
    assert asked == [("openai", "http://a", "gpt-5-mini")]
    assert own.units(5, NOW).cost(Usage(100, 10, cache_read=40)) == Decimal("0.0000158")
    assert dict(own.units(5, NOW).shown) == {"input": "0.00000015", "output": "0.0000006", "cache_read": "0.00000002"}
    for number in range(20):
        prices.of(Bill(alias="", model=str(number)))
    assert len(prices._found) <= 4
    assert prices.load([("openai", "x"), ("openai", "y")]) == [("openai", "x"), ("openai", "y")]


PRICE = one_price(Units(Decimal("0.000001"), Decimal("0.000002")), "settings")
MOST = Decimal("0.0012")


@pytest.mark.parametrize(
    ("report", "outcome", "cost", "estimated"),
    [
        (Report(Usage(500, 50), 60), Outcome(200, True, NOW), "0.0006", False),
        (
            Report(Usage(500, 50), 40),
            Outcome(200, False, NOW),
            "0.0006",
            False,
        ),  # reported before the cut
        (Report(Usage(500, 1), 40), Outcome(200, False, NOW), "0.00058", True),  # only the beginning was
        (
            Report(None, 40),
            Outcome(200, False, NOW),
            "0.001082",
            True,
        ),  # cut: all the input, the output seen and one more
        (Report(None, 100), Outcome(200, False, NOW), "0.0012", True),  # but no more than it may have
        (Report(None, 40, begun=Usage(300)), Outcome(200, False, NOW), "0.000382", True),  # the input was told
        (Report(None, 0, begun=Usage(300)), Outcome(0, False, NOW), "0.0003", True),  # or is known from calls like it
        (Report(None, 40), Outcome(200, True, NOW), "0.00108", True),  # nothing was reported at all
        (Report(None, 0), Outcome(0, False, NOW), "0.001", True),  # sent, no answer
        (Report(None, 9999), Outcome(200, False, NOW), "0.0012", True),  # never more than was reserved
        (Report(Usage(500, 9999), 0), Outcome(200, True, NOW), "0.020498", False),  # but what is reported is what it is
        (Report(None, 0), Outcome(500, True, NOW), None, False),  # an error that says nothing of tokens
        (Report(NOTHING, 0), Outcome(500, True, NOW), None, False),  # nor does an error that no provider bills
        (Report(Usage(5, 0), 0), Outcome(400, True, NOW), "0.000005", False),
        (Report(Usage(5, 1), 0, Decimal("0.01")), Outcome(200, True, NOW), "0.01", False),  # the answer tells its price
    ],
)
def test_what_an_attempt_at_a_model_is_charged(report, outcome, cost, estimated):
    """Reported usage is exact, everything else is an estimate within what was reserved."""
    found = charge(Bill(), PRICE, MOST, report, outcome)
    assert (found and found.cost, found is not None and found.estimated) == (cost and Decimal(cost), estimated)


@pytest.mark.parametrize(
    ("changes", "terms", "cost", "estimated"),
    [
        ({}, Terms(), "0.0003", False),
        ({}, Terms(""), "0.0003", False),
        ({}, Terms("flex"), "0.00015", False),
        ({"tier": "priority"}, Terms("priority"), "0.00054", False),
        ({"tier": "priority"}, Terms(), "0.00054", False),  # untold: as it was asked for
        ({"tier": "priority"}, Terms(""), "0.0003", False),  # and not always is one given what one asked for
        ({}, Terms("scale"), "0.0003", True),  # nobody knows what that costs
        ({"beyond": "inference_geo"}, Terms(""), "0.0003", True),
    ],
)
def test_the_service_that_was_given_is_charged(changes, terms, cost, estimated):
    """At its own price where there is one; an estimate at the standard price where there is none."""
    report = Report(Usage(400, 100), 0, None, terms)
    price = TABLE.find("openai", "", "gpt-5-mini")
    found = charge(Bill(**changes), price, Decimal(1), report, Outcome(200, True, NOW))
    assert (found.cost, found.estimated) == (Decimal(cost), estimated)


@pytest.mark.parametrize(
    ("model", "tools", "files", "cost", "estimated"),
    [
        ("gpt-5-mini", 3, 0, "0.0303", False),
        ("gpt-5-mini", 3, 2, "0.0153", False),
        ("gpt-5-mini", 2, 2, "0.0053", False),
        ("claude-haiku-4-5", 1, 0, "0.0109", False),
        ("gpt-3.5-turbo", 2, 0, "0.00035", True),  # the table has no price for its searches
    ],
)
def test_searches_of_the_provider_are_charged_by_the_call(model, tools, files, cost, estimated):
    """Those of the web and those of stored files at their own prices; an estimate where one is not known."""
    report = Report(Usage(400, 100, tools=tools), 0, None, Terms("", files))
    price = TABLE.find("anthropic" if "claude" in model else "openai", "", model)
    found = charge(Bill(), price, Decimal(1), report, Outcome(200, True, NOW))
    assert (found.cost, found.estimated) == (Decimal(cost), estimated)
    assert price.dearest_tool == (0 if estimated else Decimal("0.01"))


def test_tokens_that_cost_nothing_though_the_model_has_a_price_are_suspicious():
    """Not those of a model that is free."""
    report, outcome = Report(Usage(5, 1), 0, Decimal(0)), Outcome(200, True, NOW)
    assert charge(Bill(), PRICE, MOST, report, outcome).suspicious
    assert not charge(Bill(), PRICE, MOST, Report(Usage(5, 1), 0), outcome).suspicious
    assert not charge(Bill(), FREE, Decimal(0), Report(Usage(5, 1), 0), outcome).suspicious


def meter(bill, status=200, headers=(), body=b""):
    """Return what a plain bill's meter reads from an answer."""
    one = bill.meter()
    one.head(status, list(headers))
    for at in range(0, len(body), 7):
        one.feed(body[at : at + 7])
    assert (one.usage(), one.seen()) == (None, 0)
    return one.price()


def test_a_plain_calls_price_is_per_call_or_what_its_answer_tells():
    """In a header or at a JSON pointer; what cannot be read is not told."""
    told = PlainBill("a", Decimal("0.5"), "X-Cost")
    assert meter(told, headers=[(b"x-cost", b" 0.0021 ")]) == Decimal("0.0021")
    assert meter(told, headers=[(b"x-cost", b"-1")]) is None
    assert meter(told) is None
    deep = PlainBill("a", Decimal(0), None, "/usage/0/co~1st")
    assert meter(deep, body=b'{"usage": [{"co/st": 0.00014365}]}') == Decimal("0.00014365")
    assert meter(deep, body=b'{"usage": {}}') is None
    assert meter(deep, body=b"not json") is None
    assert meter(deep, body=b'"' + b"x" * (1 << 21)) is None
    assert meter(PlainBill("a", Decimal(1))) is None


@pytest.mark.parametrize("value", ["NaN", "Infinity", "-0.1", "1e7", "9" * 50, "", "a", True, None, [], 2e9])
def test_what_is_no_price_is_not_told(value):
    """Neither infinite nor negative nor absurd amounts."""
    assert parse_told(value) is None


@given(st.decimals(0, 10**6, places=18))
def test_picodollars_are_rounded_up_and_whole_ones_are_exact(amount):
    """A counter never knows less than was spent."""
    counted = dollars(picos(amount))
    assert amount <= counted < amount + Decimal("1e-12")
    assert dollars(picos(counted)) == counted
    assert Decimal(shown(amount)) == exact(amount) == amount
    assert "E" not in shown(counted)
