"""`seawall keys`: make a key, and list, rotate and revoke those of callers that a gateway keeps."""

import re
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from typing import Any
from urllib.parse import quote

import typer

from seawall.callers import ANONYMOUS, digest, new_key
from seawall.cli.remote import Remote, RemoteError

__all__ = ["caps", "list_keys", "new", "revoke", "rotate", "users"]

_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._:-]{0,63}", re.ASCII)
_CALLERS = "/api/v1/callers"
_CAPS = ("call", "day", "month", "total")


def new(name: str, url: str, limits: Mapping[str, object]) -> int:
    """Make a key and show it once; return the exit code.

    Args:
        name: of the caller.
        url: the gateway that is to keep the caller, `""` to print the line for the settings instead.
        limits: of the caller, where a gateway keeps it.
    """
    if not _NAME.fullmatch(name) or name == ANONYMOUS:
        print(f"NAME must be a name of letters, digits and . _ : - (for example kitchen), got {name}", file=sys.stderr)
        return 2
    if url:
        return _asking(lambda: _show_key(Remote(url).ask("POST", _CALLERS, {"name": name, **limits})))
    key = new_key()
    print("The key, shown this once; give it to the caller, who sends it as X-Seawall-Key:", file=sys.stderr)
    print(key)
    print("\nThe hash of it, for the settings; while a key is rotated, a list of two:", file=sys.stderr)
    table = name if "." not in name and ":" not in name else f'"{name}"'
    print(f'[callers.{table}]\nkey_hash = "sha256:{digest(key.encode("ascii")).hex()}"')
    return 0


def caps(option: str, said: Sequence[str] | None) -> dict[str, str] | None:
    """Return caps by period of `day=0.50 USD` texts, None where nothing is said.

    Args:
        option: as it is typed.
        said: its values.

    Raises:
        typer.BadParameter: one is not of that form.
    """
    return _pairs(option, said, _CAPS, "day=0.50 USD")


def users(said: Sequence[str] | None) -> dict[str, object] | None:
    """Return the limits of each user of `header=X-User` and `day=0.05 USD` texts, None where nothing is said.

    Raises:
        typer.BadParameter: one is not of that form.
    """
    pairs = _pairs("--user", said, ("header", "rate", "tokens", *_CAPS), "header=X-User")
    if pairs is None:
        return None
    spend = {period: pairs.pop(period) for period in _CAPS if period in pairs}
    return {**pairs, "spend": spend}


def _pairs(option: str, said: Sequence[str] | None, known: Sequence[str], example: str) -> dict[str, str] | None:
    pairs = {}
    for text in said or ():
        name, equals, value = text.partition("=")
        if not equals or name not in known:
            raise typer.BadParameter(f'{option} must be one of {", ".join(known)} with "=" (for example "{example}")')
        pairs[name] = value
    return pairs or None


def list_keys(url: str) -> int:
    """Show every caller in force with the ids and ages of its keys; return the exit code."""

    def show() -> int:
        callers = Remote(url).ask("GET", _CALLERS)["callers"]
        if not callers:
            print("no callers")
        for one in callers:
            print("  ".join((one["name"], one["source"], _keys(one["keys"]), _limits(one))).rstrip())
        return 0

    return _asking(show)


def rotate(name: str, url: str) -> int:
    """Give a caller one key more and show it once; return the exit code."""
    return _asking(lambda: _show_key(Remote(url).ask("POST", f"{_path(name)}/keys")))


def revoke(name: str, url: str, key: str) -> int:
    """Take a caller out of force, or one of its keys by its id; return the exit code."""

    def drop() -> int:
        Remote(url).ask("DELETE", f"{_path(name)}/keys/{quote(key, safe='')}" if key else _path(name))
        print(f"revoked: {'key ' + key + ' of ' if key else ''}{name}")
        return 0

    return _asking(drop)


def _asking(work: Callable[[], int]) -> int:
    try:
        return work()
    except RemoteError as error:
        print(f"seawall: {error}", file=sys.stderr)
        return 1


def _show_key(made: Mapping[str, Any]) -> int:
    print(f"The key {made['id']} of {made['name']}, shown this once; it is good from now on:", file=sys.stderr)
    print(made["key"])
    return 0


def _path(name: str) -> str:
    return f"{_CALLERS}/{quote(name, safe='')}"


def _keys(keys: list[Mapping[str, Any]]) -> str:
    now = time.time()
    ages = ("" if one["created"] is None else f" ({max(0, now - one['created']) / 86400:.0f}d)" for one in keys)
    return ", ".join(f"{one['id']}{age}" for one, age in zip(keys, ages, strict=True)) or "no key"


def _limits(one: Mapping[str, Any]) -> str:
    said = [f"{key}={one[key]}" for key in ("rate", "tokens", "concurrency") if one[key] is not None]
    said += [f"spend.{period}={cap!r}" for period, cap in one["spend"].items() if cap is not None]
    for key, value in (one["per_user"] or {}).items():
        caps = value if key == "spend" else {}
        said += [f"per_user.{period}={cap!r}" for period, cap in caps.items() if cap is not None]
    said += [f"{key}={','.join(one[key])}" for key in ("upstreams", "models") if one[key] is not None]
    return " ".join(said)
