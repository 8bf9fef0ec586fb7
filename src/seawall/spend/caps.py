"""Which caps stand on a call: of the whole gateway, its caller, its end user, and its model."""

from collections.abc import Mapping, Sequence
from typing import NamedTuple

__all__ = ["NO_CAPS", "WHOLE", "CallerCaps", "CapSet", "Key", "Rules", "Want", "Wanted", "name_of", "wants"]

Key = tuple[str, str, str]
"""Scope (`gateway`, `caller`, `user`, `model`), name from settings, and the end user or `""`."""

WHOLE: Key = ("gateway", "", "")

_SHOWN = 64  # characters of an end user's name in a message


class CapSet(NamedTuple):
    """Most that may be spent, in picodollars; None is no cap.

    Attributes:
        call: by one attempt.
        day, month: in a day or month of the time zone.
        total: ever; prepaid.
    """

    call: int | None = None
    day: int | None = None
    month: int | None = None
    total: int | None = None

    @property
    def any(self) -> bool:
        """Whether there is a cap at all."""
        return self.call is not None or self.day is not None or self.month is not None or self.total is not None


NO_CAPS = CapSet()


class CallerCaps(NamedTuple):
    """Caps of a caller and of each end user behind its key.

    Attributes:
        own: of all its calls together.
        user: of each end user.
        users: end users that are counted at once.
    """

    own: CapSet = NO_CAPS
    user: CapSet = NO_CAPS
    users: int = 10_000


class Rules(NamedTuple):
    """Every cap there is.

    Attributes:
        whole: of the gateway.
        callers: by name; one that is missing has none of its own. It may change while calls are under way.
        models: by alias.
        alert_at: shares of a cap, rising, at which a message is sent.
        on_loss: caps while the shared state is lost: `share` or `refuse`.
    """

    whole: CapSet = NO_CAPS
    callers: Mapping[str, CallerCaps] = {}
    models: Mapping[str, CapSet] = {}
    alert_at: tuple[float, ...] = (0.5, 0.8, 1.0)
    on_loss: str = "share"


class Want(NamedTuple):
    """One account that a call counts in, with the caps that stand on it.

    Attributes:
        key: of the account.
        caps: of it.
        most: accounts of this scope and name at most, 0 for no bound.
    """

    key: Key
    caps: CapSet
    most: int = 0


_NOBODY = CallerCaps()
_KNOWN = 4096  # a model that is asked for by its upstream's name may be any text


def wants(rules: Rules, caller: str, user: str, alias: str) -> list[Want]:
    """Return every account that a call counts in.

    The gateway's, callers' and models' are counted with and without caps, so that a cap that is set later in the day
    knows what was spent before; end users only where they have caps, since their names are the client's.
    """
    found = [Want(WHOLE, rules.whole)]
    if caller:
        caps = rules.callers.get(caller, _NOBODY)
        found.append(Want(("caller", caller, ""), caps.own))
        if caps.user.any:  # those that name nobody are one user: leaving the name off gains nothing
            found.append(Want(("user", caller, user), caps.user, caps.users))
    if alias in rules.models:
        found.append(Want(("model", alias, ""), rules.models[alias]))
    return found


class Wanted:
    """What `wants` returns under some rules, worked out once for each caller and model.

    Args:
        rules: every cap there is.
    """

    __slots__ = ("_found", "rules")

    def __init__(self, rules: Rules) -> None:
        self.rules = rules
        self._found: dict[tuple[str, str], Sequence[Want]] = {}

    def of(self, caller: str, user: str, alias: str) -> Sequence[Want]:
        """Return every account that a call counts in."""
        if user:  # end users are many, and their names the client's
            return wants(self.rules, caller, user, alias)
        found = self._found.get((caller, alias))
        if found is None:
            if len(self._found) >= _KNOWN:
                self._found.clear()
            found = self._found[caller, alias] = wants(self.rules, caller, "", alias)
        return found


def name_of(key: Key) -> str:
    """Return an account's name for the client whose call counts in it, which named the end user itself."""
    scope, name, user = key
    if scope != "user":
        return f"{scope} {name}".rstrip()
    if not user:
        return f"calls of {name} that name no end user"
    return f"end user {user[:_SHOWN]}{'…' * (len(user) > _SHOWN)} of {name}"
