"""One caller: what it may, what it uses, and the users behind its key."""

from hashlib import sha256

from seawall.callers.keyed import Keyed
from seawall.callers.rules import ANONYMOUS, MOST_ADDRESSES, Rules
from seawall.callers.shared import SharedLimits
from seawall.callers.subject import Quotas, Subject
from seawall.contracts.peer import address_key, client_address
from seawall.contracts.request import Request

__all__ = ["Caller", "user_of"]

_LONGEST = 128  # bytes of a user's name that are kept as they are
_OWN = ("rate", "tokens")
_USERS = ("user", "user-tokens")


class Caller:
    """A caller in force. It outlives a reload, so that no limit is doubled (semantics 2.7).

    Who has no key is one caller too, but limits count for each address.

    Args:
        rules: what it may.
        shared: the store of limits, None where this process decides alone.

    Attributes:
        rules: replaced by `change`.
    """

    __slots__ = ("_own", "_quotas", "_shared", "_user_quotas", "_users", "rules")

    def __init__(self, rules: Rules, shared: SharedLimits | None) -> None:
        self._shared = shared
        self.rules = rules
        self._quotas = _quotas(rules)
        self._own: Subject | Keyed[Subject]
        if rules.name == ANONYMOUS:
            self._own = Keyed(MOST_ADDRESSES, self._address)
        else:
            self._own = Subject(self._quotas, f"caller:{rules.name}", shared)
        self._users: Keyed[Subject] | None = None
        self._user_quotas = Quotas(_USERS, None, None)
        self._set_users(0.0)

    def change(self, rules: Rules, now: float) -> None:
        """Put other rules of the same name in force."""
        self.rules = rules
        self._quotas = _quotas(rules)
        for subject in [self._own] if isinstance(self._own, Subject) else self._own.each():
            subject.change(self._quotas, now)
        self._set_users(now)

    def keyed(self) -> tuple[int, int] | None:
        """Return how many users, or addresses without a key, are told apart now and at most; None where none are."""
        limits = self._users if isinstance(self._own, Subject) else self._own
        return None if limits is None else (len(limits), limits.most)

    def subjects(self, request: Request, user: str, hops: int, now: float) -> tuple[Subject, ...]:
        """Return whom a call counts for, the narrowest first."""
        own = self._own
        if not isinstance(own, Subject):
            own = own.get(address_key(_address_of(request, hops)), now)
        return (own,) if self._users is None else (self._users.get(user, now), own)

    def user(self, request: Request) -> str:
        """Return the end user a request names; all that name none are one user."""
        users = self.rules.users
        return "" if users is None else user_of(request.header(users.header))

    def _set_users(self, now: float) -> None:
        users = self.rules.users
        if users is None:
            self._users = None
            return
        self._user_quotas = quotas = Quotas(_USERS, users.rate, users.tokens)
        if self._users is None:
            self._users = Keyed(users.most, self._user)
            return
        self._users.hold_at_most(users.most)
        for subject in self._users.each():
            subject.change(quotas, now)

    def _user(self, user: str) -> Subject:
        return Subject(self._user_quotas, f"caller:{self.rules.name}:user:{user}", self._shared)

    def _address(self, address: str) -> Subject:
        return Subject(self._quotas, f"address:{address}", self._shared)


def user_of(value: bytes | None) -> str:
    """Return the name of an end user as it is kept: bounded, whatever was sent.

    Args:
        value: of the header that names the user; a long one is told apart by its digest.
    """
    if not value:
        return ""
    if len(value) > _LONGEST:
        return f"sha256:{sha256(value).hexdigest()}"
    try:
        return value.decode()
    except UnicodeDecodeError:
        return value.decode("latin-1")


def _quotas(rules: Rules) -> Quotas:
    return Quotas(_OWN, rules.rate, rules.tokens, rules.concurrency)


def _address_of(request: Request, hops: int) -> str:
    if not hops:
        return request.peer
    return client_address(request.peer, [value for name, value in request.headers if name == b"x-forwarded-for"], hops)
