"""What four users meet: answers word by word, providers in trouble, limits, an allowance that ends, and the bill."""

import asyncio
import time
from collections.abc import Awaitable, Callable
from dataclasses import dataclass

import httpx
from chat import Refused, Visitor
from providers import OpenAI

from seawall.testing.faultserver import FaultServer

__all__ = ["Place", "tour"]

AT_ONCE = 20  # questions of somebody in a hurry


@dataclass(frozen=True)
class Place:
    """Where it happens.

    Attributes:
        coach: the backend's address.
        openai: what the first provider does.
        first: its server, which may refuse.
        seawall: runs a command of `seawall` at the gateway.
    """

    coach: str
    openai: OpenAI
    first: FaultServer
    seawall: Callable[..., Awaitable[str]]


async def tour(place: Place) -> None:
    """Go through it, one thing after the other."""
    async with httpx.AsyncClient(base_url=place.coach, timeout=30, trust_env=False) as client:
        ada, ben, leo, mia = (Visitor(client, name) for name in ("ada", "ben", "leo", "mia"))
        for visitor in (ada, ben, leo, mia):
            await visitor.arrive("walk 5 km without a pause")
        _title("ada asks and reads along")
        await _ask(ada, "I sit all day. Where do I start?")
        await _hurry(leo, ben)
        await _trouble(place, ada)
        await _broken(place, ada)
        await _down(place, ada)
        await _allowance(mia, ada)
        await _books(place, ada)


def _title(text: str) -> None:
    print(f"\n--- {text}", flush=True)


async def _ask(visitor: Visitor, text: str) -> bool:
    """Print a question and its answer, the pieces apart; return whether there was one."""
    print(f"{visitor.name}: {text}\n  ", end="")
    mark = ""
    try:
        async for piece in visitor.ask(text):
            print(f"{mark}{piece}", end="", flush=True)
            mark = "|"
        print()
    except Refused as refused:
        print("…\n  " * bool(mark), end="")
        wait = f" (again in {refused.retry_after} s)" if refused.retry_after else ""
        print(f"{refused.status} {refused.type}: {refused}{wait}", flush=True)
        return False
    return True


async def _timed(visitor: Visitor, text: str) -> float | None:
    """Return the seconds to the first word, or None where none came."""
    asked, first = time.perf_counter(), None
    try:
        async for _ in visitor.ask(text):
            first = first or time.perf_counter() - asked
    except Refused:
        return None
    return first


async def _hurry(leo: Visitor, ben: Visitor) -> None:
    _title(f"leo asks {AT_ONCE} things at once, ben one in between")
    before = await _timed(ben, "What about rain?")
    crowd = [asyncio.create_task(_timed(leo, "And then?")) for _ in range(AT_ONCE)]
    meanwhile = await _timed(ben, "How do I sleep better?")
    answered = [await one for one in crowd]
    good = sum(first is not None for first in answered)
    print(f"leo: {good} answered, {AT_ONCE - good} told to wait a moment")
    assert before is not None, "ben was refused"
    assert meanwhile is not None, "ben was refused"
    print(f"ben: answered; his first word took {before * 1000:.0f} ms before and {meanwhile * 1000:.0f} ms meanwhile")


async def _trouble(place: Place, ada: Visitor) -> None:
    _title("OpenAI has every trouble there is; ada sees none of it, Bedrock answers")
    questions = ("What about rain?", "My back hurts.", "And my knees?")
    for place.openai.trouble, question in zip(("429", "503", "error event"), questions, strict=True):
        asked = place.first.counts.requests
        await _ask(ada, question)
        met = f"OpenAI, asked {place.first.counts.requests - asked} time: {place.openai.trouble}"
        print(f"  [{met}; answered by {ada.last['model']}]", flush=True)


async def _broken(place: Place, ada: Visitor) -> None:
    _title("OpenAI breaks off after some words: ada is told, nothing half is remembered, she asks again")
    place.openai.trouble = "cut"
    await _ask(ada, "May I run in the rain?")
    place.openai.trouble = ""
    await _ask(ada, "May I run in the rain?")


async def _down(place: Place, ada: Visitor) -> None:
    _title("OpenAI is down for the rest of the day; ada does not see that either")
    await place.first.refuse()
    await _ask(ada, "How do I sleep better?")
    print(f"  [answered by {ada.last['model']}]", flush=True)


async def _allowance(mia: Visitor, ada: Visitor) -> None:
    _title("mia wants plan after plan, until her allowance of the day is used up; ada's is not")
    for _ in range(12):
        if not await _ask(mia, "Make me a plan."):
            break
    await _ask(ada, "Thank you! What else?")


async def _books(place: Place, ada: Visitor) -> None:
    _title("what the coach remembers of ada, in its own tables")
    for message in await ada.messages():
        print(f"  {message['role']:9}  {message['text']}")
    _title("what each user cost, by model: seawall spend --by user,model")
    print(await place.seawall("spend", "--by", "user,model"), flush=True)
