"""A terminal client of the coach: `python examples/assistant/chat.py --url http://127.0.0.1:8000 --user eve`."""

import argparse
import asyncio
import json
import os
import sys
from collections.abc import AsyncIterator
from typing import Any

import httpx

__all__ = ["Refused", "Visitor"]


class Refused(Exception):
    """The coach said no, in its own words.

    Args:
        status: of the answer, or what the event `error` says.
        problem: the body.
        retry_after: seconds, or "".
    """

    def __init__(self, status: int, problem: dict[str, Any], retry_after: str = "") -> None:
        super().__init__(problem.get("title", "The coach cannot be reached."))
        self.status = status
        self.type = problem.get("type", "")
        self.retry_after = retry_after


class Visitor:
    """One user at the coach's API, in one conversation.

    Args:
        client: talks to the backend.
        name: the user's handle.

    Attributes:
        last: the event `done` of the latest answer.
    """

    def __init__(self, client: httpx.AsyncClient, name: str) -> None:
        self._client = client
        self.name = name
        self._headers: dict[str, str] = {}
        self._conversation = 0
        self.last: dict[str, Any] = {}

    async def arrive(self, goal: str = "", token: str = "") -> str:
        """Join, or come back with a token, and begin a conversation; return the token.

        Raises:
            Refused: the name is taken, or the token nobody's.
        """
        token = token or (await self._post("/users", {"handle": self.name, "goal": goal}))["token"]
        self._headers = {"Authorization": f"Bearer {token}"}
        self._conversation = (await self._post("/conversations", {}))["id"]
        return token

    async def ask(self, text: str) -> AsyncIterator[str]:
        """Yield the words of an answer as they come.

        Raises:
            Refused: there is none, or it broke off.
        """
        path = f"/conversations/{self._conversation}/messages"
        async with self._client.stream("POST", path, json={"text": text}, headers=self._headers) as answer:
            if answer.status_code != 200:
                await answer.aread()
                raise _refused(answer)
            event = ""
            async for line in answer.aiter_lines():
                name, _, value = line.partition(": ")
                if name == "event":
                    event = value
                elif name == "data" and event == "piece":
                    yield json.loads(value)["text"]
                elif name == "data" and event == "error":
                    problem = json.loads(value)
                    raise Refused(problem["status"], problem)
                elif name == "data":
                    self.last = json.loads(value)

    async def messages(self) -> list[dict[str, Any]]:
        """Return what the coach remembers of the conversation."""
        answer = await self._client.get(f"/conversations/{self._conversation}", headers=self._headers)
        found: list[dict[str, Any]] = answer.raise_for_status().json()
        return found

    async def _post(self, path: str, body: dict[str, str]) -> dict[str, Any]:
        answer = await self._client.post(path, json=body, headers=self._headers)
        if answer.is_error:
            raise _refused(answer)
        said: dict[str, Any] = answer.json()
        return said


def _refused(answer: httpx.Response) -> Refused:
    kind = answer.headers.get("content-type", "")
    if kind.startswith("application/problem+json"):
        problem = answer.json()
    elif answer.status_code == 422:
        problem = {"title": "; ".join(f"{one['loc'][-1]}: {one['msg']}" for one in answer.json()["detail"])}
    else:
        problem = {"title": answer.text}
    return Refused(answer.status_code, problem, answer.headers.get("retry-after", ""))


async def main(url: str, user: str) -> None:
    """Chat on a terminal until an empty line."""
    async with httpx.AsyncClient(base_url=url, timeout=60, trust_env=False) as client:
        visitor = Visitor(client, user)
        token = await visitor.arrive(token=os.environ.get("COACH_TOKEN", ""))
        print(f"To come back as {user}: COACH_TOKEN={token}. An empty line ends it.")
        while text := await asyncio.to_thread(input, "> "):
            try:
                async for piece in visitor.ask(text):
                    print(piece, end="", flush=True)
                print()
            except Refused as refused:
                print(refused)


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description="Talk to the coach.")
    parser.add_argument("--url", default="http://127.0.0.1:8000", help="of the backend")
    parser.add_argument("--user", default="me", help="a name of your choice")
    given = parser.parse_args()
    try:
        asyncio.run(main(given.url, given.user))
    except Refused as refused:
        sys.exit(str(refused))
    except httpx.TransportError as error:
        sys.exit(f"Nobody answers at {given.url}: {error}")
    except (KeyboardInterrupt, EOFError):
        sys.exit(0)
