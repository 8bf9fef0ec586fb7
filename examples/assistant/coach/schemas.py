"""What goes in and comes out: every body of the API, with an example of each field for its page."""

from datetime import datetime
from typing import Literal

from pydantic import BaseModel, Field

__all__ = ["Conversation", "Message", "NewConversation", "NewUser", "Piece", "Question", "User", "Welcome"]

Handle = Field(pattern=r"^[a-z][a-z0-9_-]{1,31}$", examples=["ada"], description="a name of the user's own choice")
Goal = Field(default="", max_length=200, examples=["walk 5 km without a pause"])
Topic = Field(default="", max_length=100, examples=["back pain"])


class NewUser(BaseModel):
    """Who wants to be coached."""

    handle: str = Handle
    goal: str = Goal


class User(BaseModel):
    """Who is coached."""

    id: int = Field(examples=[1])
    handle: str = Handle
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
