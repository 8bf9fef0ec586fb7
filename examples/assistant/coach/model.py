"""The coach's words: asked of the gateway with the `openai` SDK; what it refuses becomes an error of ours."""

from collections.abc import AsyncIterator, Iterable
from contextlib import asynccontextmanager

import openai
from openai import AsyncStream
from openai.types.chat import ChatCompletionChunk, ChatCompletionMessageParam

from coach.errors import AllowanceUsed, CoachAway, CoachError, TooFast
from coach.schemas import Message, User

__all__ = ["Answer", "Coach", "connected"]

_PROMPT = (
    "You are a friendly health coach. Answer in a few short sentences, with one next step that is easy. "
    "You make no diagnosis: for pain that stays or is strong, send people to a doctor."
)


class Answer:
    """An answer whose first words are here.

    Args:
        stream: of the SDK.
        first: those words.

    Attributes:
        model: which one answers, as the gateway tells it.
    """

    def __init__(self, stream: AsyncStream[ChatCompletionChunk], first: str) -> None:
        self._stream = stream
        self._first = first
        self.model = stream.response.headers.get("x-seawall-model", "")

    async def pieces(self) -> AsyncIterator[str]:
        """Yield the words as they come.

        Raises:
            CoachAway: it broke off.
        """
        yield self._first
        try:
            async for text in _texts(self._stream):
                yield text
        except openai.APIError as error:
            raise CoachAway from error

    async def close(self) -> None:
        """Leave the rest; the gateway leaves the provider then."""
        await self._stream.close()


class Coach:
    """Asks the model.

    Args:
        client: talks to the gateway.
    """

    def __init__(self, client: openai.AsyncOpenAI) -> None:
        self._client = client

    async def ask(self, user: User, history: Iterable[Message], question: str) -> Answer:
        """Return an answer once its first words are here, so that a refusal still has a status of its own.

        Raises:
            TooFast: the user's rate is used up for now.
            AllowanceUsed: the user's money of the day is.
            CoachAway: no model answered.
        """
        said: list[ChatCompletionMessageParam] = [
            {"role": "system", "content": _about(user)},
            *map(_turn, history),
            {"role": "user", "content": question},
        ]
        try:
            # limits and caps of a user hang on this header: it comes from our table, never from the user's request
            stream = await self._client.chat.completions.create(
                model="coach", messages=said, stream=True, extra_headers={"X-User": user.handle}
            )
            async for text in _texts(stream):
                return Answer(stream, text)
            await stream.close()
        except openai.APIError as error:
            raise _translated(error) from error
        raise CoachAway


def _about(user: User) -> str:
    return f"{_PROMPT} The user's goal: {user.goal}." if user.goal else _PROMPT


def _turn(one: Message) -> ChatCompletionMessageParam:
    if one.role == "user":
        return {"role": "user", "content": one.text}
    return {"role": "assistant", "content": one.text}


async def _texts(stream: AsyncStream[ChatCompletionChunk]) -> AsyncIterator[str]:
    async for chunk in stream:
        if chunk.choices and (text := chunk.choices[0].delta.content):
            yield text


def _translated(error: openai.APIError) -> CoachError:
    """Return what a refusal of the gateway means to the user (docs/errors.md)."""
    headers = error.response.headers if isinstance(error, openai.APIStatusError) else {}
    wait = headers.get("retry-after")
    if not isinstance(error, openai.RateLimitError):
        return CoachAway(wait)
    if error.code == "quota-exceeded":
        return TooFast(wait)
    if not headers.get("x-seawall-left-cap", "").startswith("user "):
        return CoachAway(wait)  # the money of the whole backend, or a provider's limit: no fault of this user
    return AllowanceUsed(wait) if headers.get("x-should-retry") == "false" else TooFast(wait)


@asynccontextmanager
async def connected(url: str, key: str) -> AsyncIterator[Coach]:
    """Give a coach behind the gateway at this address; the gateway does the retrying."""
    direct = openai.DefaultAsyncHttpxClient(trust_env=False)  # the gateway is no business of a proxy's
    async with openai.AsyncOpenAI(base_url=f"{url}/v1", api_key=key, max_retries=0, http_client=direct) as client:
        yield Coach(client)
