"""The gateway as an ASGI application, to run under another server: `uvicorn --factory seawall.app.asgi:application`."""

import os
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

from seawall.app.app import App
from seawall.app.means import limits_of
from seawall.config import load
from seawall.contracts.request import Handler
from seawall.server.asgi import AsgiApp

__all__ = ["application"]


def application(config: Path | str | None = None) -> AsgiApp:
    """Return the gateway of a settings file; it starts and ends with the host's lifespan.

    Deadlines towards clients and connection limits are the host's, which alone sees the bytes; `server.listen` is not
    opened. To mount it in an application of your own, see docs/asgi.md.

    Args:
        config: the settings file; default the file named by SEAWALL_CONFIG, else ./seawall.toml.

    Raises:
        SettingsError: the settings are wrong.
    """
    tree = load(Path(config or os.environ.get("SEAWALL_CONFIG", "seawall.toml")), os.environ)

    @asynccontextmanager
    async def running() -> AsyncIterator[Handler]:
        async with App(tree, listen=False) as app:
            yield app.handler

    return AsgiApp(limits=limits_of(tree.server), lifespan=running)
