"""The API: who joins, whose conversations there are, and an answer as server-sent events."""

from collections.abc import AsyncIterator
from contextlib import AsyncExitStack
from typing import Annotated, Any

import asyncpg
from fastapi import APIRouter, Depends, Request
from fastapi.responses import StreamingResponse
from fastapi.security import HTTPAuthorizationCredentials, HTTPBearer
from pydantic import BaseModel

from coach.errors import AllowanceUsed, CoachAway, CoachError, HandleTaken, NotSignedIn, Problem, TooFast, Unknown
from coach.model import Answer, Coach
from coach.schemas import Conversation, Message, NewConversation, NewUser, Piece, Question, User, Welcome
from coach.store import Store

__all__ = ["router"]

_REMEMBERED = 20  # messages that go to the model with a question
_SHOWN = 100  # conversations, or messages, of one answer of ours


def _store(request: Request) -> Store:
    store: Store = request.state.store
    return store


def _coach(request: Request) -> Coach:
    coach: Coach = request.state.coach
    return coach


Stored = Annotated[Store, Depends(_store)]
Bearer = Annotated[HTTPAuthorizationCredentials | None, Depends(HTTPBearer(auto_error=False))]


async def _user(store: Stored, sent: Bearer) -> User:
    user = await store.user(sent.credentials) if sent else None
    if user is None:
        raise NotSignedIn
    return user


async def _ending() -> AsyncIterator[AsyncExitStack]:
    async with AsyncExitStack() as stack:
        yield stack


SignedIn = Annotated[User, Depends(_user)]
Ending = Annotated[AsyncExitStack, Depends(_ending)]  # closed when the answer has been sent, or its client has left
router = APIRouter()


def _problems(*kinds: type[CoachError]) -> dict[int | str, dict[str, Any]]:
    """Return what the API's page says of these errors."""
    titles: dict[int | str, list[str]] = {}
    for kind in kinds:
        titles.setdefault(kind.status, []).append(f"`{kind.type}`: {kind.title}")
    return {status: {"model": Problem, "description": "\n\n".join(said)} for status, said in titles.items()}


@router.get("/health")
async def health() -> dict[str, str]:
    """Say that the process answers; it depends on nothing."""
    return {"status": "pass"}


@router.post("/users", status_code=201, responses=_problems(HandleTaken))
async def join(new: NewUser, store: Stored) -> Welcome:
    """Become a user; the token is told this once."""
    return await store.join(new.handle, new.goal)


@router.post("/conversations", status_code=201, responses=_problems(NotSignedIn))
async def begin(new: NewConversation, user: SignedIn, store: Stored) -> Conversation:
    """Begin a conversation."""
    return await store.begin(user, new.topic)


@router.get("/conversations", responses=_problems(NotSignedIn))
async def conversations(user: SignedIn, store: Stored) -> list[Conversation]:
    """Return your conversations, the newest first."""
    return await store.conversations(user, _SHOWN)


@router.get("/conversations/{number}", responses=_problems(NotSignedIn, Unknown))
async def messages(number: int, user: SignedIn, store: Stored) -> list[Message]:
    """Return what was said."""
    return await store.messages(user, number, _SHOWN)


@router.post(
    "/conversations/{number}/messages",
    response_class=StreamingResponse,
    responses={
        200: {"description": "Events: `piece` with words, then `done` with the message, or `error` with a problem."},
        **_problems(NotSignedIn, Unknown, TooFast, AllowanceUsed, CoachAway),
    },
)
async def say(
    number: int,
    question: Question,
    user: SignedIn,
    store: Stored,
    coach: Annotated[Coach, Depends(_coach)],
    ending: Ending,
) -> StreamingResponse:
    """Ask, and read the answer word by word; it is remembered once it is whole."""
    answer = await coach.ask(user, await store.messages(user, number, _REMEMBERED), question.text)
    ending.push_async_callback(answer.close)
    events = _events(answer, store, number, question.text)
    return StreamingResponse(events, media_type="text/event-stream", headers={"Cache-Control": "no-store"})


async def _events(answer: Answer, store: Store, conversation: int, question: str) -> AsyncIterator[str]:
    text = ""
    try:
        async for piece in answer.pieces():
            text += piece
            yield _event("piece", Piece(text=piece))
        yield _event("done", await store.remember(conversation, question, text, answer.model))
    except CoachError as error:
        yield _event("error", error.problem)
    except (asyncpg.PostgresError, asyncpg.InterfaceError, OSError, TimeoutError):
        yield _event("error", CoachError().problem)
        raise  # for the log


def _event(name: str, data: BaseModel) -> str:
    return f"event: {name}\ndata: {data.model_dump_json()}\n\n"
