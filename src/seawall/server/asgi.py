"""ASGI both ways: an ASGI app as a Handler, and a Handler as an ASGI app."""

from seawall.server.asgi_guest import AsgiHandler, asgi_handler
from seawall.server.asgi_host import AsgiApp

__all__ = ["AsgiApp", "AsgiHandler", "asgi_handler"]
