"""What is generated from the settings is what is committed, and says everything there is to say."""

import re
import typing
from collections.abc import Iterator
from pathlib import Path

import pytest
from pydantic import BaseModel

from seawall.config import parse, serve_faults
from seawall.config.document import env_sample, files, main, starter
from seawall.config.interpolate import references
from seawall.config.shape import holds_secret, keys_of, parts
from seawall.config.tree import Tree

ROOT = Path(__file__).parents[2]


def classes(annotation: object) -> Iterator[type[BaseModel]]:
    """Yield every settings class a type holds, itself included."""
    for part in parts(annotation):
        if isinstance(part, type) and issubclass(part, BaseModel):
            yield part
            for field in part.model_fields.values():
                yield from classes(field.annotation)
        for item in typing.get_args(part):
            if not isinstance(item, str):
                yield from classes(item)


ALL = sorted(set(classes(Tree)), key=lambda model: model.__name__)


@pytest.mark.parametrize("path", sorted(files()))
def test_the_committed_file_is_what_the_settings_say(path: str) -> None:
    """`python -m seawall.config.document` was run after the last change."""
    assert (ROOT / path).read_text(encoding="utf-8") == files()[path]


def test_the_generator_writes_below_a_folder(tmp_path: Path) -> None:
    """Folders are made."""
    main(tmp_path)
    assert {str(path.relative_to(tmp_path)) for path in tmp_path.rglob("*") if path.is_file()} == set(files())


@pytest.mark.parametrize("model", ALL, ids=lambda model: model.__name__)
def test_every_setting_is_described_and_has_a_default_or_an_example(model: type[BaseModel]) -> None:
    """A sentence that ends, and a value to copy."""
    for name, field in model.model_fields.items():
        assert field.description, name
        assert field.description.endswith("."), name
        if model.__module__.startswith("seawall.config"):
            assert field.examples or (field.default is not None and not field.is_required()), name


def test_every_setting_has_a_heading() -> None:
    """A setting without one is not documented."""
    page = files()["docs/configuration.md"]
    headings = set(re.findall(r"^### (\S+)$", page, re.MULTILINE))
    assert len(headings) > 150
    for name in keys_of(Tree, ()):
        table = f"{name}.<name>" if f"## [{name}.<name>]" in page else name
        assert f"## [{table}]" in page
        for key in keys_of(Tree, (name, "x") if table != name else (name,)):
            assert f"{table}.{key}" in headings


def test_every_secret_of_the_settings_is_known_as_one() -> None:
    """The list is short, and its members are masked in every fault."""
    for path in (
        ("server", "admin_token"), ("upstreams", "a", "key"), ("upstreams", "a", "keys"),
        ("upstreams", "a", "headers"), ("upstreams", "a", "headers", "X-A"), ("state", "url"), ("ledger", "url"),
        ("jobs", "url"), ("alerts", "slack"), ("alerts", "webhook"), ("alerts", "ntfy"), ("sentry", "dsn"),
        ("upstreams",), ("upstreams", "a"), ("nowhere",),
    ):  # fmt: skip
        assert holds_secret(Tree, path), path
    for path in (("server", "listen"), ("upstreams", "a", "url"), ("log",)):
        assert not holds_secret(Tree, path), path


def test_the_starter_is_served_as_it_stands() -> None:
    """Without a variable set and without a change."""
    assert serve_faults(parse(starter(), {}).tree) == []


def test_every_example_of_the_starter_is_valid() -> None:
    """All lines that are commented out at once, with what they need set."""
    text = re.sub(r"^#(?=[a-z\[])", "", starter(), flags=re.MULTILINE)
    assert text != starter()
    variables = {name: "x" for name, default in references(text) if default is None}
    tree = parse(text, variables).tree
    assert set(tree.upstreams) == {"weather", "energy", "lamps", "openai"}


def test_the_env_sample_names_every_variable_once() -> None:
    """With its default where it has one."""
    text = env_sample('a = "${A}${B:-1}${A:-2}" # ${NAME}')
    assert [line for line in text.splitlines() if re.match(r"#[A-Z]+=", line)] == ["#A=", "#B=1"]
