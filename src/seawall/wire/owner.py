"""Who owns a connection between exchanges."""

from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from seawall.wire.connection import Connection

__all__ = ["Owner"]


class Owner(Protocol):
    """The pool, as a connection sees it."""

    def put(self, connection: "Connection") -> None:
        """Take a free connection back."""
        ...

    def forget(self, connection: "Connection") -> None:
        """The connection is gone."""
        ...
