"""Whatever is done to a settings file, it gives a tree or a list of faults, and no secret."""

import copy
from typing import Any

from configs import CONTRACT, SECRETS, faults
from hypothesis import given, settings
from hypothesis import strategies as st

from seawall.config import parse, resolve, serve_faults
from seawall.config.dump import dump, masked
from seawall.config.toml import key_text, parse_toml, value_text
from seawall.contracts.errors import SettingsError

PLAIN = parse_toml(CONTRACT.read_text(), "seawall.toml")
TEXT = CONTRACT.read_text()


def paths(value: Any, path: tuple[Any, ...] = ()) -> list[tuple[Any, ...]]:
    """Return every path of plain values."""
    items = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, tuple) else ()
    return [path, *(found for key, item in items for found in paths(item, (*path, key)))]


def put(value: Any, path: tuple[Any, ...], new: Any) -> Any:
    """Return plain values with another value, or without one where it is `...`."""
    if not path:
        return new
    key, rest = path[0], path[1:]
    if isinstance(value, dict):
        changed = {**value, key: put(value[key], rest, new)}
        return {name: item for name, item in changed.items() if item is not ...}
    return tuple(
        item
        for item in (put(item, rest, new) if at == key else item for at, item in enumerate(value))
        if item is not ...
    )


def text_of(values: dict[str, Any]) -> str:
    """Return plain values as a file."""
    return "\n".join(f"{key_text(key)} = {value_text(item)}" for key, item in values.items())


PATHS = [path for path in paths(PLAIN) if path]
VALUES = st.one_of(
    st.just(...),
    st.sampled_from(
        (
            "",
            "planted",
            "${WEATHER_KEY}",
            "${NO}",
            "${",
            "10s",
            "0s",
            "60/min",
            "50%",
            "1 USD",
            "memory://",
            "/x",
            "GET /x",
            "https://planted:planted@h.example/?planted",
            "sha256:" + "1" * 64,
            "weather",
            "a b",
            "é\x00",
        )
    ),
    st.integers(-2, 2**70),
    st.booleans(),
    st.floats(allow_nan=True),
    st.text(max_size=8),
    st.lists(st.sampled_from(("x", 1, True)), max_size=2).map(tuple),
    st.dictionaries(st.sampled_from(("url", "attempts", "x", "a b")), st.sampled_from(("x", 1, False)), max_size=2),
    st.sampled_from(PATHS).map(lambda path: value_at(path)),
)


def value_at(path: tuple[Any, ...]) -> Any:
    """Return a value of the contract, to be put somewhere else."""
    found: Any = PLAIN
    for key in path:
        found = found[key]
    return copy.deepcopy(found)


def outcome(text: str) -> None:
    """Load a text; a tree must show, load again, resolve and be judged; faults must be lines without a secret."""
    loaded, found = None, ()
    try:
        loaded = parse(text, SECRETS)
    except SettingsError as error:
        found = error.faults
    if loaded is None:
        assert found
        for fault in found:
            assert "\n" not in fault
            assert ":" in fault
            assert not any(secret in fault for secret in SECRETS.values())
        return
    resolve(loaded.tree)
    serve_faults(loaded.tree)
    masked(loaded.tree)
    shown = dump(*loaded)
    if "***" not in shown:
        assert parse(shown, SECRETS).tree == loaded.tree


@settings(max_examples=120)
@given(st.lists(st.tuples(st.sampled_from(PATHS), VALUES), min_size=1, max_size=4))
def test_any_edit_of_the_contract_gives_a_tree_or_faults(edits: list[tuple[tuple[Any, ...], Any]]) -> None:
    """Values of any type in any place, in any number."""
    values: Any = PLAIN
    for path, new in edits:
        try:
            values = put(values, path, new)
        except (KeyError, TypeError):
            continue  # an earlier edit took that place away
    outcome(text_of(values))


@settings(max_examples=60)
@given(st.integers(0, len(TEXT)), st.integers(0, 40), st.text(max_size=6))
def test_any_cut_of_the_text_gives_a_tree_or_faults(at: int, length: int, new: str) -> None:
    """What is no TOML is a fault like any other."""
    outcome(TEXT[:at] + new + TEXT[at + length :])


@settings(max_examples=60)
@given(
    st.text(alphabet="ABSEWL_$ {}:-x", max_size=20), st.text(alphabet="SEAWL_VRTI", max_size=30), st.text(max_size=10)
)
def test_any_variable_gives_a_tree_or_faults(text: str, name: str, value: str) -> None:
    """References and overrides of any spelling."""
    content = f"[ledger]\nspool = {value_text(text)}"
    for fault in faults(content, **{f"SEAWALL_{name}": value, "SEAWALL_SERVER__LISTEN": value}):
        assert "\n" not in fault
