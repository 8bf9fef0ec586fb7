"""The door's guard: whose key it is, whether somebody without one is let in, and the limits of both."""

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass

from seawall.callers.caller import Caller
from seawall.callers.entry import Entry
from seawall.callers.keys import KeyRing, key_of
from seawall.callers.rules import ANONYMOUS, Rules
from seawall.callers.shared import SharedLimits
from seawall.contracts.admission import NO_KEY, NOBODY, Admitted
from seawall.contracts.errors import Unauthenticated
from seawall.contracts.request import Request

__all__ = ["Callers", "Strangers"]


@dataclass(frozen=True, slots=True)
class Strangers:
    """What becomes of callers without a key.

    Attributes:
        let_in: `yes`, `no`, or `auto`: only where `loopback` and while nobody has a key.
        loopback: whether the gateway can be reached from this machine alone.
        rules: [callers.anonymous], None where there is none.
        hops: how many proxies in front may be believed about X-Forwarded-For.
    """

    let_in: str = "auto"
    loopback: bool = True
    rules: Rules | None = None
    hops: int = 0


class Callers:
    """An `Admission`.

    Callers come from the settings (`configure`) and from the management API (`put`, `drop`); what is used of a limit
    stays used whichever way rules change.

    Args:
        now: monotonic seconds.
        shared: the store of limits, None where this process decides alone.
        changed: told the names of all callers whenever they may have changed.
        made: told the callers of the management API that are in force, as often.

    Attributes:
        open: whether whoever sends no key is let in and nothing of it is counted.
    """

    def __init__(
        self,
        now: Callable[[], float],
        shared: SharedLimits | None = None,
        changed: Callable[[Iterable[str]], None] = lambda names: None,
        made: Callable[[Iterable[Rules]], None] = lambda rules: None,
    ) -> None:
        self._now = now
        self._changed = changed
        self._tell_made = made
        self._shared = shared
        self._strangers = Strangers()
        self._settings: dict[str, Rules] = {}
        self._made: dict[str, Rules] = {}
        self._known: dict[str, Caller] = {}
        self._ring: KeyRing[Caller] = KeyRing()
        self._stranger: Caller | None = None
        self.open = False
        self._bind()

    @property
    def rules(self) -> tuple[Rules, ...]:
        """What each of them may, those of the settings first."""
        return tuple(caller.rules for caller in self._known.values())

    def keyed(self) -> Iterator[tuple[str, int, int]]:
        """Yield name, users told apart now and at most, of each caller that has limits for them."""
        for name, caller in self._known.items():
            found = caller.keyed()
            if found is not None:
                yield (name, *found)

    def configure(self, rules: Iterable[Rules], strangers: Strangers) -> None:
        """Put the callers of other settings in force; those of the management API stay."""
        self._settings = {one.name: one for one in rules}
        self._strangers = strangers
        self._bind()

    def from_settings(self, name: str) -> bool:
        """Whether a caller stands in the settings, where the management API cannot change it."""
        return name in self._settings or name == ANONYMOUS

    def put(self, rules: Rules) -> None:
        """Put a caller of the management API in force; one of the settings of that name goes before it."""
        self._made[rules.name] = rules
        self._bind()

    def replace(self, rules: Iterable[Rules]) -> None:
        """Put all callers of the management API in force, and none of those before."""
        self._made = {one.name: one for one in rules}
        self._bind()

    def drop(self, name: str) -> None:
        """Take a caller of the management API out of force."""
        self._made.pop(name, None)
        self._bind()

    async def admit(self, request: Request, *, model_route: bool) -> Admitted:
        """Let a caller in for one call.

        Args:
            request: with all headers the client sent.
            model_route: also take the key from `Authorization: Bearer` and `x-api-key`.

        Raises:
            Unauthenticated: no key where one is needed, or one that nobody has: one answer for both.
            QuotaExceeded: the caller's or the user's rate or concurrency.
        """
        key = key_of(request.headers, model_route)
        if key is None and self.open:
            return NOBODY
        caller = self._stranger if key is None else self._ring.find(key)
        if caller is None:
            raise Unauthenticated(NO_KEY)
        user = caller.user(request)
        now = self._now()
        entry = Entry(caller, user, caller.subjects(request, user, self._strangers.hops, now), model_route, self._now)
        await entry.enter()
        return entry

    def _bind(self) -> None:
        """Make what calls are looked up in: whole, and then put in place."""
        strangers, now = self._strangers, self._now()
        made = {name: one for name, one in self._made.items() if name not in self._settings}
        every = {**self._settings, **made}
        keyed = bool(every)
        if strangers.rules is not None:
            every[ANONYMOUS] = strangers.rules
        self._known = {name: self._caller(rules, now) for name, rules in every.items()}
        self._ring = KeyRing((digest, caller) for caller in self._known.values() for digest in caller.rules.digests)
        let_in = strangers.let_in == "yes" or (strangers.let_in == "auto" and strangers.loopback and not keyed)
        self._stranger = self._known.get(ANONYMOUS) if let_in else None
        self.open = let_in and self._stranger is None
        self._changed(self._known)
        self._tell_made(made.values())

    def _caller(self, rules: Rules, now: float) -> Caller:
        known = self._known.get(rules.name)
        if known is None:
            return Caller(rules, self._shared)
        if known.rules != rules:
            known.change(rules, now)
        return known
