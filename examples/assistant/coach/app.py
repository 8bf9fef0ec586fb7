"""The backend, put together: `uvicorn --factory coach.app:create --app-dir examples/assistant`."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import TypedDict

from fastapi import FastAPI

from coach.errors import CoachError, answer
from coach.model import Coach, connected
from coach.routes import router
from coach.settings import Settings
from coach.store import Store, opened

__all__ = ["create"]


class State(TypedDict):
    """What every request may use, for as long as the application runs."""

    store: Store
    coach: Coach


def create(settings: Settings | None = None) -> FastAPI:
    """Return the application.

    Args:
        settings: what the environment says where they are left out.
    """
    given = settings or Settings.of()

    @asynccontextmanager
    async def lifespan(app: FastAPI) -> AsyncIterator[State]:
        async with (
            opened(given.database_url) as store,
            connected(given.gateway_url, given.gateway_key) as coach,
        ):
            yield State(store=store, coach=coach)

    app = FastAPI(title="Health coach", version="1", lifespan=lifespan)
    app.include_router(router)
    app.add_exception_handler(CoachError, answer)
    app.add_exception_handler(Exception, answer)
    return app
