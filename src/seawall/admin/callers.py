"""`/api/v1/callers`: who may call, made and changed while the gateway runs."""

from collections.abc import Iterable
from enum import Enum

from fastapi import FastAPI, HTTPException

from seawall.admin.caller_models import (
    CallerCaps,
    CallerLimits,
    CallerMade,
    CallerShown,
    CallersShown,
    NewCaller,
    shown,
    stored,
)
from seawall.admin.failures import GUARDED, Errors, error
from seawall.admin.view import Runtime
from seawall.callers import CallerConflict, Directory, NoSuchCaller, digest, key_id
from seawall.contracts.state import StateLost

__all__ = ["add_callers"]

_PATH = "/api/v1/callers"
_TAGS: list[str | Enum] = ["callers"]
_FORGETS = "needs a ledger that outlives the process; set ledger.url to a database"
_LOST = "The database of callers cannot be asked now; nothing was changed. Try again."
_NAMED: Errors = {
    **GUARDED,
    404: error("There is no such caller or key.", 404, "not-found", "Not found", "No caller has that name."),
    409: error(
        "It stands in the settings, or exists, or nothing keeps callers.",
        409, "conflict", "That cannot be changed here", "kitchen stands in the settings; change it there and reload.",
    ),
    503: error("The database cannot be asked.", 503, "saturated", "The store cannot be asked", _LOST),
}  # fmt: skip
_BODIED: Errors = {
    **_NAMED,
    422: error(
        "The body is not what it should be.",
        422, "bad-request", "The request's body is not what it should be", "body.rate: must be a rate above zero",
    ),
}  # fmt: skip


def add_callers(app: FastAPI, runtime: Runtime, directory: Directory) -> None:
    """Add the operations on callers."""

    @app.get(_PATH, summary="Every caller", tags=_TAGS, responses=GUARDED)
    async def callers() -> CallersShown:
        """Every caller in force with its limits and the ids of its keys, those of the settings first."""
        return CallersShown(callers=[shown(one, directory.from_settings(one.rules.name)) for one in directory.listed()])

    @app.post(_PATH, summary="Make a caller", tags=_TAGS, status_code=201, responses=_BODIED)
    async def create(wanted: NewCaller) -> CallerMade:
        """Make a caller; its key is in this answer and nowhere else, and is good from now on."""
        _check(runtime, wanted)
        with _Told():
            return _made(wanted.name, await directory.create(stored(wanted.name, wanted)))

    @app.put(f"{_PATH}/{{name}}", summary="Change a caller's limits", tags=_TAGS, responses=_BODIED)
    async def change(name: str, wanted: CallerLimits) -> CallerShown:
        """Give a caller other limits, in force from its next call; what it has used stays used, its keys stay good."""
        _check(runtime, wanted)
        with _Told():
            await directory.change(stored(name, wanted))
        return _found(directory, name)

    _add_keys(app, directory)


def _add_keys(app: FastAPI, directory: Directory) -> None:
    @app.post(f"{_PATH}/{{name}}/keys", summary="Rotate a key", tags=_TAGS, status_code=201, responses=_NAMED)
    async def rotate(name: str) -> CallerMade:
        """Give a caller one key more; the newest of the older ones stays good until it is revoked or rotated out."""
        with _Told():
            return _made(name, await directory.rotate(name))

    @app.delete(f"{_PATH}/{{name}}/keys/{{key}}", summary="Revoke a key", tags=_TAGS, responses=_NAMED)
    async def revoke_key(name: str, key: str) -> CallersShown:
        """Take one key of a caller out of force, at once; with its last one the caller goes."""
        with _Told():
            await directory.revoke(name, key)
        left = [one for one in directory.listed() if one.rules.name == name]
        return CallersShown(callers=[shown(one, False) for one in left])

    @app.delete(f"{_PATH}/{{name}}", summary="Revoke a caller", tags=_TAGS, status_code=204, responses=_NAMED)
    async def revoke(name: str) -> None:
        """Take a caller and all its keys out of force, at once; its calls under way end."""
        with _Told():
            await directory.revoke(name)


class _Told:
    """Turns what the directory raises into the statuses the document names."""

    def __enter__(self) -> None:
        return None

    def __exit__(self, kind: object, raised: BaseException | None, trace: object) -> None:
        if isinstance(raised, NoSuchCaller):
            raise HTTPException(404, str(raised)) from raised
        if isinstance(raised, CallerConflict):
            raise HTTPException(409, str(raised)) from raised
        if isinstance(raised, StateLost):
            raise HTTPException(503, _LOST) from raised


def _made(name: str, key: str) -> CallerMade:
    return CallerMade(name=name, key=key, id=key_id(digest(key.encode("ascii"))))


def _found(directory: Directory, name: str) -> CallerShown:
    return next(shown(one, False) for one in directory.listed() if one.rules.name == name)


def _check(runtime: Runtime, limits: CallerLimits) -> None:
    """Refuse limits that name what there is not, and caps that a restart would forget."""
    known = runtime.settings()
    for key, named in (("upstreams", limits.upstreams), ("models", limits.models)):
        there = known.get(key, {})
        for name in named or ():
            if name not in there:
                raise HTTPException(422, f"body.{key}: {name} is no name of [{key}]. Names: {_names(there)}.")

    if known["ledger"]["url"] == "memory://":
        users = limits.per_user
        for path, caps in (("spend", limits.spend), ("per_user.spend", CallerCaps() if users is None else users.spend)):
            for period, cap in (("month", caps.month), ("total", caps.total)):
                if cap is not None:
                    raise HTTPException(422, f"body.{path}.{period}: {_FORGETS}")


def _names(there: Iterable[str]) -> str:
    return ", ".join(there) or "none"
