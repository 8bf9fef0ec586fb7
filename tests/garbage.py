"""How much calls leave to the garbage collector."""

import gc
from collections.abc import Awaitable, Callable

_TRIES = 3


async def left_by(act: Callable[[], Awaitable[None]], times: int) -> int:
    """Return how many objects so many acts leave; the first of all, which fills what is kept, does not count.

    The least of three counts: what another test has left, or another thread, may fall into one of them, and what an act
    leaves is in each.
    """
    await act()
    found = []
    for _ in range(_TRIES):
        gc.collect()
        gc.disable()
        try:
            for _ in range(times):
                await act()
            found.append(gc.collect())
        finally:
            gc.enable()
    return min(found)
