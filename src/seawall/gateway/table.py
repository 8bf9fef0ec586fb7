"""Which upstream and route a request meets."""

from collections.abc import Sequence
from dataclasses import dataclass

from seawall.contracts.bill import Bill
from seawall.contracts.body import Headers
from seawall.contracts.policy import Proceed
from seawall.contracts.sites import host_name
from seawall.contracts.target import Target, Timeouts
from seawall.gateway.headers import Actions, actions_for, clean_reply
from seawall.gateway.pattern import Pattern
from seawall.llm.seam import Api

__all__ = ["Route", "Table", "Upstream"]


_PASSED = 64


@dataclass(frozen=True, slots=True)
class Route:
    """One route of an upstream, with its pipeline.

    Attributes:
        name: the pattern's text, `""` for what no pattern matches; a metric label.
        pattern: None matches everything.
        timeouts: of its calls.
        idempotent: whether POST may be tried again as if it had an Idempotency-Key.
        attempts: the attempt budget of a call.
        send: its pipeline.
        bill: what its calls cost, None where they cost nothing.
        kept: its answers may be given to others again.
    """

    name: str
    pattern: Pattern | None
    timeouts: Timeouts
    idempotent: bool
    attempts: int
    send: Proceed
    bill: Bill | None = None
    kept: bool = False


class Upstream:
    """One upstream as the gateway sees it.

    Args:
        name: from settings.
        mount: raw path prefix, `b"/weather"`, `b""` for an upstream at `/`, None where only its Host leads to it.
        host: Host under which it is reached at its root, or None.
        target: where its calls go unless a policy chooses another.
        headers: added on the way out; they replace the client's of the same name.
        routes: tried in order; the last one matches everything.
        api: how its models are spoken to, None for a plain API.
        max_body: bytes of a request's body, None where the server's own bound is enough.
    """

    __slots__ = (
        "_passed",
        "actions",
        "added",
        "api",
        "headers",
        "host",
        "max_body",
        "mount",
        "name",
        "routes",
        "target",
    )

    def __init__(
        self,
        name: str,
        mount: bytes | None,
        host: bytes | None,
        target: Target,
        headers: Headers,
        routes: Sequence[Route],
        api: Api | None = None,
        max_body: int | None = None,
    ) -> None:
        self.name = name
        self.mount = mount
        self.host = host
        self.target = target
        self.headers = headers
        self.routes = tuple(routes)
        self._passed: dict[bytes, bool] = {}
        self.api = api
        self.max_body = max_body
        self.added = frozenset((*(header for header, _ in headers), *(header for header, _ in target.headers)))
        self.actions: Actions = actions_for(self.added)

    def passes(self, ready: tuple[Headers, bytes, int]) -> bool:
        """Whether the headers of an answer that are known as `Reply.ready` says go to the client as they are."""
        headers, lines, count = ready
        known = self._passed.get(lines)
        if known is None:
            if len(self._passed) >= _PASSED:
                self._passed.clear()
            headers = headers[:count]
            known = self._passed[lines] = clean_reply(headers, self.added) == headers
        return known

    def route(self, method: bytes, path: bytes) -> Route:
        """Return the first route that matches; `path` is raw and without the query."""
        for route in self.routes:
            if route.pattern is None or route.pattern.matches(method, path):
                return route
        raise LookupError("the last route matches everything")


class Table:
    """All upstreams, found by Host, then by the longest mount."""

    def __init__(self, upstreams: Sequence[Upstream]) -> None:
        self.upstreams = tuple(upstreams)
        self._hosts = {one.host: one for one in upstreams if one.host is not None}
        self._root = next((one for one in upstreams if one.mount == b""), None)
        self._first: dict[bytes, Upstream] = {}
        deep: list[tuple[bytes, Upstream]] = []
        for one in upstreams:
            if not one.mount:
                continue
            if one.mount.count(b"/") == 1:
                self._first[one.mount] = one
            else:
                deep.append((one.mount, one))
        self._deep = tuple(sorted(deep, key=lambda item: -len(item[0])))

    @property
    def names(self) -> tuple[str, ...]:
        """Names of all upstreams, in the order of settings."""
        return tuple(one.name for one in self.upstreams)

    @property
    def hosts(self) -> frozenset[bytes]:
        """The Host names that lead to an upstream."""
        return frozenset(self._hosts)

    def find(self, host: bytes, target: bytes) -> tuple[Upstream, bytes] | None:
        """Return the upstream and the path and query left for it, or None.

        Args:
            host: the Host header as received.
            target: origin-form as received.
        """
        if self._hosts:
            named = self._hosts.get(host_name(host))
            if named is not None:
                return named, target
        for mount, upstream in self._deep:
            if target.startswith(mount) and target[len(mount) : len(mount) + 1] in (b"", b"/", b"?"):
                return upstream, _rest(target[len(mount) :])
        end = target.find(b"/", 1)
        if end < 0:
            end = target.find(b"?")
            if end < 0:
                end = len(target)
        else:
            query = target.find(b"?", 1, end)
            if query >= 0:
                end = query
        found = self._first.get(target[:end])
        if found is not None:
            return found, _rest(target[end:])
        if self._root is not None:
            return self._root, target
        return None


def _rest(rest: bytes) -> bytes:
    return rest if rest.startswith(b"/") else b"/" + rest
