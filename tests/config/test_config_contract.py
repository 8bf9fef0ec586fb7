"""The settings contract loads whole, shows as text that loads again, and serve says what is not built yet."""

import json
import tomllib
from decimal import Decimal
from pathlib import Path

import jsonschema
import pytest
from configs import CONTRACT, SECRETS

from seawall.config import Loaded, load, load_with_sources, parse, serve_faults
from seawall.config.dump import dump, masked
from seawall.config.tree import Tree
from seawall.contracts.units import Rate


@pytest.fixture(scope="module")
def contract() -> Loaded:
    """The contract file with its variables set."""
    return load_with_sources(CONTRACT, SECRETS)


def test_the_whole_contract_loads_once_its_variables_are_set(contract: Loaded) -> None:
    """Every table of the file is in the tree, with the values its comments promise."""
    tree = contract.tree
    assert list(tree.upstreams) == ["weather", "lamps", "orders", "openai", "claude", "bedrock"]
    weather = tree.upstreams["weather"]
    assert weather.rate is not None
    assert weather.rate.limit == Rate(600, 3600.0)
    assert weather.price is not None
    assert weather.price.call == Decimal("0.0001")
    assert weather.headers["X-Api-Key"].reveal() == "planted-weather"
    assert [target.weight for target in tree.upstreams["orders"].targets] == [90, 10]
    assert tree.models["fast"].cache == 3600.0
    assert tree.callers["kitchen"].spend.total == Decimal(50)
    assert tree.spend.alert_at == (0.5, 0.8, 1.0)
    assert tree.schedules["forecast"].spread == 30.0
    assert tree.alerts.slack is None
    assert tree.trace.otlp == "http://127.0.0.1:4318"


def test_every_value_the_contract_calls_a_default_is_one() -> None:
    """A file that says nothing means what the contract's `default` comments say."""
    tree = parse('[upstreams.a]\nurl = "https://a.example"', {}).tree
    assert tree.server.listen == "127.0.0.1:8080"
    assert (tree.server.max_body, tree.server.max_header, tree.server.max_inflight) == (4 << 20, 16 << 10, 512)
    assert (tree.server.header_timeout, tree.server.body_timeout, tree.server.drain) == (10.0, 30.0, 20.0)
    assert (tree.server.max_connections, tree.server.connections_per_address) == (1024, 0)
    assert (tree.memory.soft, tree.memory.buffers) == (None, 24 << 20)
    assert (tree.log.level, tree.log.success, tree.log.rate) == ("info", 1.0, Rate(200, 1.0))
    one = tree.upstreams["a"]
    assert (one.timeout, one.connect_timeout, one.idle_timeout, one.stream_timeout) == (30.0, 5.0, 30.0, 600.0)
    assert one.retry is not None
    assert (one.retry.attempts, one.retry.base, one.retry.max, one.retry.floor) == (3, 0.1, 2.0, 3)
    assert one.breaker is not None
    assert (one.breaker.window, one.breaker.min_calls, one.breaker.open_max, one.breaker.probes) == (30.0, 20, 300.0, 3)
    assert one.concurrency is not None
    assert (one.concurrency.limit, one.concurrency.queue, one.concurrency.wait) == (64, 128, 2.0)
    assert (one.rate, one.cache, one.hedge, one.fallback, one.price) == (None, None, None, None, None)
    assert (tree.spend.timezone, tree.spend.unknown_price, tree.spend.on_state_loss) == ("UTC", "refuse", "share")
    assert tree.state.url.reveal() == tree.ledger.url.reveal() == tree.jobs.url.reveal() == "memory://"
    assert (tree.ledger.pool.min, tree.ledger.pool.max, tree.ledger.keep) == (1, 5, 90 * 86400.0)
    assert (tree.alerts.failures, tree.alerts.successes, tree.alerts.remind) == (3, 2, 21600.0)


def test_the_settings_show_as_text_that_loads_to_the_same_tree(contract: Loaded) -> None:
    """`check --print` loses nothing but literal secrets, which it masks."""
    text = dump(*contract)
    assert 'ntfy = "***"' in text
    again = parse(text.replace('"***"', '"https://ntfy.sh/my-seawall"'), SECRETS)
    assert again.tree == contract.tree
    assert dump(*again) == text


def test_only_what_was_said_is_shown(contract: Loaded) -> None:
    """A value nobody set is left out, since its absence is what routes inherit by."""
    shown = tomllib.loads(dump(*contract))
    assert shown["upstreams"]["claude"] == {
        "url": "https://api.anthropic.com", "key": "${ANTHROPIC_API_KEY}", "api": "anthropic"
    }  # fmt: skip
    assert shown["upstreams"]["weather"]["routes"][0] == {
        "match": "GET /v1/forecast", "timeout": "5s", "cache": {"ttl": "5m", "override": True}
    }  # fmt: skip


def test_a_dollar_is_shown_so_that_it_loads_as_one() -> None:
    """What a text holds after variables were put in is not looked at again."""
    loaded = parse('[ledger]\nspool = "$${A}"', {"A": "x"})
    assert loaded.tree.ledger.spool == "${A}"
    assert parse(dump(*loaded), {"A": "x"}).tree == loaded.tree


def test_no_secret_is_in_anything_shown(contract: Loaded) -> None:
    """Planted secrets are neither in the text, nor in diagnostics, nor in a repr."""
    for shown in (dump(*contract), dump(contract.tree), json.dumps(masked(contract.tree)), repr(contract.tree)):
        assert "planted" not in shown
        assert "my-seawall" not in shown


def test_diagnostics_have_every_value_in_force_of_single_tables(contract: Loaded) -> None:
    """Defaults that nobody wrote are what a reader of /diagnostics asks for."""
    shown = masked(contract.tree)
    assert shown["server"]["write_timeout"] == "30s"
    assert shown["upstreams"]["weather"]["headers"] == {"X-Api-Key": "***"}


def test_serve_names_everything_of_the_contract_that_is_not_built_yet(contract: Loaded) -> None:
    """A key whose feature comes later is refused by name rather than ignored."""
    later = [fault.removesuffix(": not available in this version") for fault in serve_faults(contract.tree)]
    for path in ("alerts", "trace"):
        assert path in later
    assert "server" not in later
    assert "spend" not in later


@pytest.mark.parametrize("variable", sorted(SECRETS))
def test_a_missing_variable_is_named_with_the_key_that_needs_it(variable: str) -> None:
    """Nobody has to search the file for what is not set."""
    rest = {name: value for name, value in SECRETS.items() if name != variable}
    with pytest.raises(Exception, match=f"needs the variable {variable}, which is not set") as caught:
        load(CONTRACT, rest)
    assert str(caught.value).count("\n") == 0


def test_editors_accept_the_contract_by_the_schema(contract: Loaded) -> None:
    """The JSON schema takes the file as written, with references, and as shown."""
    root = Path(__file__).parents[2]
    schema = json.loads((root / "docs/seawall.schema.json").read_text())
    jsonschema.Draft202012Validator.check_schema(schema)
    validator = jsonschema.Draft202012Validator(schema)
    for text in (CONTRACT.read_text(), dump(*contract)):
        assert [error.message for error in validator.iter_errors(tomllib.loads(text))] == []


@pytest.mark.parametrize(
    "wrong",
    ['[server]\nlistn = "x"', "[server]\nmax_inflight = 0", '[upstreams.a]\ntimeout = "10sec"', "[log]\nlevel = 3",
     '[upstreams.a]\nretry = { attempts = "three" }', '[upstreams.a]\nconcurrency = "lots"'],
)  # fmt: skip
def test_editors_refuse_what_the_loader_refuses(wrong: str) -> None:
    """The schema is no weaker than types, bounds and names of keys."""
    root = Path(__file__).parents[2]
    schema = json.loads((root / "docs/seawall.schema.json").read_text())
    assert not jsonschema.Draft202012Validator(schema).is_valid(tomllib.loads(wrong))


def test_a_tree_cannot_be_changed(contract: Loaded) -> None:
    """Settings are frozen, their tables too."""
    with pytest.raises(Exception, match="frozen"):
        contract.tree.server = Tree().server  # type: ignore[misc]
    with pytest.raises(TypeError):
        contract.tree.upstreams["x"] = contract.tree.upstreams["weather"]  # type: ignore[index]
    with pytest.raises(TypeError):
        contract.tree.upstreams["weather"].headers["x"] = contract.tree.state.url  # type: ignore[index]
