"""What calls cost is counted under names of the settings, whatever a client asks for."""

from decimal import Decimal

import pytest

from seawall.contracts.events import AttemptPaid
from seawall.contracts.usage import Usage
from seawall.observers import Metrics
from seawall.observers.families import family

PAID = AttemptPaid(
    "kitchen", "openai", "fast", "gpt-5-mini", Decimal("0.25"), Usage(100, 10, 40), False, "settings", False
)


def values(metrics, name):
    """Return a family's children by labels."""
    return next(dict(children) for one, children in metrics.families() if one is family(name))


@pytest.fixture
def metrics():
    """Return metrics that know an upstream, an alias and a caller."""
    made = Metrics()
    made.configure([("openai", ""), ("weather", "x")], [])
    made.configure_callers(["kitchen"])
    made.money.aliases = frozenset(("fast",))
    return made


def test_cost_and_tokens_are_counted_by_upstream_model_and_caller(metrics):
    """Estimates and what is suspicious apart; tokens by kind."""
    for event in (PAID, PAID, PAID._replace(estimated=True, suspicious=True)):
        metrics.hears[AttemptPaid](event)
    key = ("openai", "fast", "kitchen")
    assert values(metrics, "seawall_cost_usd") == {key: 0.75}
    assert values(metrics, "seawall_estimated") == {key: 1}
    assert values(metrics, "seawall_tokens_without_cost") == {key: 1}
    assert values(metrics, "seawall_tokens") == {
        (*key, "input"): 300, (*key, "output"): 30, (*key, "cache_read"): 120,
    }  # fmt: skip


def test_what_a_client_chose_makes_no_series(metrics, monkeypatch):
    """Names of nobody count together; above the limit all go into one."""
    monkeypatch.setattr("seawall.observers.money._LIMIT", 2)
    for number in range(5):
        metrics.hears[AttemptPaid](PAID._replace(alias=f"a{number}", caller=f"c{number}"))
    metrics.hears[AttemptPaid](PAID._replace(alias="", caller="", model=""))
    metrics.hears[AttemptPaid](PAID._replace(upstream="weather"))
    assert values(metrics, "seawall_cost_usd") == {
        ("openai", "unmatched", "unmatched"): 1.25, ("openai", "", ""): 0.25, ("overflow",) * 3: 0.25,
    }  # fmt: skip
    assert ("openai", "", "", "input") not in values(metrics, "seawall_tokens")  # a plain call has none
