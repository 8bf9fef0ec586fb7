"""Which door a request on one bind is for: the operations pages or the data plane."""

from collections.abc import Coroutine
from typing import Any

from seawall.admin.door import GUARDED, PUBLIC, AdminDoor, Doorway
from seawall.contracts.reply import Reply
from seawall.contracts.request import Request
from seawall.contracts.sites import host_name
from seawall.gateway.door import Gateway
from seawall.gateway.models import ModelDoor
from seawall.gateway.models.places import PREFIXES

__all__ = ["Front"]

_PAGES = (b"/-/", *PREFIXES, *(b"/" + name for name in PUBLIC | GUARDED))


class Front:
    """A `Handler` that costs one prefix test for a call of the data plane.

    Args:
        gateway: the data plane, or None on a bind for the pages alone.
        admin: the operations pages, shown as this bind shows them.
        hosts: Host names that lead to an upstream; on those the pages stand under `/-/` only.
        models: the language-model routes, or None.
    """

    __slots__ = ("_admin", "_hosts", "_models", "_pass")

    def __init__(
        self,
        gateway: Gateway | None,
        admin: AdminDoor,
        hosts: frozenset[bytes] = frozenset(),
        models: ModelDoor | None = None,
    ) -> None:
        self._pass = None if gateway is None else gateway.__call__  # a bound method costs less than an object's call
        self._admin = admin
        self._hosts = hosts
        self._models = models

    def reload(self, doorway: Doorway, hosts: frozenset[bytes]) -> None:
        """Show the pages in another way from the next request on."""
        self._hosts = hosts
        self._admin.reload(doorway)

    def __call__(self, request: Request) -> Coroutine[Any, Any, Reply]:
        """Return the door's answer; no coroutine of its own, so it costs the call no frame."""
        pass_on = self._pass
        # nearly every call ends at this one test of a prefix, in C
        if pass_on is not None and not request.target.startswith(_PAGES):
            return pass_on(request)
        models = self._models
        if pass_on is not None and request.target.startswith(PREFIXES):  # no page stands there
            return (
                models(request)
                if models is not None and models.serves and not self._named(request)
                else pass_on(request)
            )
        if pass_on is None or self.is_page(request):
            return self._admin(request)
        return pass_on(request)

    def _named(self, request: Request) -> bool:
        return bool(self._hosts) and host_name(request.host) in self._hosts

    def is_page(self, request: Request) -> bool:
        """Whether a request is for the operations pages."""
        target = request.target
        if target.startswith(b"/-/"):
            return True
        if self._named(request):
            return False
        return self._admin.owns(target)
