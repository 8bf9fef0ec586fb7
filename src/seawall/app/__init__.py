"""The composition root: settings in, running objects out, taken down in reverse order."""

from seawall.app.app import App

__all__ = ["App"]
