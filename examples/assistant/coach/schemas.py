"""What goes in and comes out: every body of the API, with an example of each field for its page."""

import re
from datetime import datetime
from typing import Annotated, Literal

from pydantic import AfterValidator, BaseModel, Field
from pydantic_core import PydanticCustomError

__all__ = ["Conversation", "Message", "NewConversation", "NewUser", "Piece", "Question", "User", "Welcome"]

_NAME = re.compile(r"[a-z][a-z0-9_-]{1,31}", re.ASCII)


def _name(text: str) -> str:
    if not _NAME.fullmatch(text):
        raise PydanticCustomError(
            "name", "must be 2 to 32 small letters, digits, - or _, the first a letter (like ada)"
        )
    return text


Handle = Annotated[
    str,
    AfterValidator(_name),
    Field(
        examples=["ada"], description="a name of the user's own choice", json_schema_extra={"pattern": _NAME.pattern}
    ),
]
Goal = Field(default="", max_length=200, examples=["walk 5 km without a pause"])
Topic = Field(default="", max_length=100, examples=["back pain"])


class NewUser(BaseModel):
    """Who wants to be coached."""

    handle: Handle
    goal: str = Goal


class User(BaseModel):
    """Who is coached."""

    id: int = Field(examples=[1])
    handle: Handle
    goal: str = Goal


class Welcome(User):
    """A new user, and the token, which is told this once."""

    token: str = Field(examples=["q5k-2wqv…"])


class NewConversation(BaseModel):
    """What is to be talked about."""

    topic: str = Topic


class Conversation(BaseModel):
    """One thread of questions and answers."""

    id: int = Field(examples=[7])
    topic: str = Topic
    begun: datetime


class Question(BaseModel):
    """What the user says."""

    text: str = Field(min_length=1, max_length=2000, examples=["I sit all day. Where do I start?"])


class Piece(BaseModel):
    """Some words of an answer on their way: the data of an event `piece`."""

    text: str = Field(examples=["Start small: "])


class Message(BaseModel):
    """What was said; also the data of the event `done`."""

    id: int = Field(examples=[12])
    role: Literal["user", "assistant"]
    text: str = Field(examples=["Start small: walk ten minutes after lunch."])
    model: str | None = Field(default=None, examples=["openai/gpt-5-mini"], description="which one answered")
    said: datetime
