"""Bytes to calls for clients: protocol, strictness, deadlines, flow control, drain; ASGI both ways."""

from seawall.server.limits import Limits
from seawall.server.server import Server

__all__ = ["Limits", "Server"]
