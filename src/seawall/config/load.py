"""From a file and the environment to the one tree of settings."""

import io
from collections.abc import Mapping
from pathlib import Path as FilePath
from typing import NamedTuple

from dotenv import dotenv_values

from seawall.config.interpolate import interpolate
from seawall.config.override import override, typed
from seawall.config.rules import between_tables
from seawall.config.shape import Path
from seawall.config.toml import parse_toml
from seawall.config.tree import Tree
from seawall.config.validate import validate
from seawall.contracts.errors import SettingsError

__all__ = ["Loaded", "load", "load_with_sources", "parse"]

LARGEST = 4 << 20


class Loaded(NamedTuple):
    """A tree and where its values come from.

    Attributes:
        tree: the settings.
        sources: the text as written, for each path where a variable was put in.
    """

    tree: Tree
    sources: Mapping[Path, str]


def parse(text: str, variables: Mapping[str, str], name: str = "seawall.toml") -> Loaded:
    """Return the settings a text says; pure.

    Args:
        text: TOML.
        variables: what `${NAME}` and `SEAWALL_…__…` are looked up in.
        name: of the file, for faults of its syntax.

    Raises:
        SettingsError: with every fault at once.
    """
    inserted = interpolate(parse_toml(text, name), variables, lambda path, found: typed(Tree, path, found))
    over = override(Tree, inserted.values, variables)
    sources = {**inserted.sources, **over.sources}
    known = [fault for fault in inserted.faults if fault[0] not in over.sources] + over.faults
    return Loaded(validate(over.values, sources, known, between_tables), sources)


def load_with_sources(path: FilePath, environ: Mapping[str, str]) -> Loaded:
    """Return the settings of a file, and where they come from.

    Args:
        path: the TOML file; a `.env` beside it is read too.
        environ: the environment; it wins over `.env`.

    Raises:
        SettingsError: with every fault at once; also where the file cannot be read.
    """
    text = _read(path)
    beside = path.parent / ".env"
    # without interpolation: a dollar in a password is a dollar
    local = dotenv_values(stream=io.StringIO(_read(beside)), interpolate=False) if beside.is_file() else {}
    variables = {name: value for name, value in local.items() if value is not None}
    return parse(text, {**variables, **environ}, path.name)


def load(path: FilePath, environ: Mapping[str, str]) -> Tree:
    """Return the settings of a file.

    Args:
        path: the TOML file; a `.env` beside it is read too.
        environ: the environment; it wins over `.env`.

    Raises:
        SettingsError: with every fault at once; also where the file cannot be read.
    """
    return load_with_sources(path, environ).tree


def _read(path: FilePath) -> str:
    try:
        with path.open("rb") as file:
            content = file.read(LARGEST + 1)
    except OSError as exc:
        hint = ", `seawall init` writes one" if isinstance(exc, FileNotFoundError) else ""
        raise SettingsError([f"{path}: cannot be read, {(exc.strerror or 'it fails').lower()}{hint}"]) from exc
    if len(content) > LARGEST:
        raise SettingsError([f"{path}: must be at most 4MiB"])
    try:
        return content.decode("utf-8-sig").replace("\r\n", "\n")
    except UnicodeDecodeError as exc:
        raise SettingsError([f"{path}: must be UTF-8 text, byte {exc.start} is not"]) from exc
