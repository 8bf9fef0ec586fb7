"""A small chat: the `openai` SDK, answers word by word, one conversation for each user.

GATEWAY_URL=http://127.0.0.1:8080 CHAT_KEY=sw-… python chat.py --user ada
"""

import argparse
import os
import sys
from collections.abc import Iterator

import openai


class Conversation:
    """What one user and the assistant said.

    Args:
        client: talks to the gateway.
        user: whose day's money it is; a name from your own login, never from the user's request.
    """

    def __init__(self, client: openai.OpenAI, user: str) -> None:
        self._client = client
        self._header = {"X-User": user}
        self._said: list[dict[str, str]] = [{"role": "system", "content": "Answer in one sentence."}]

    def ask(self, text: str) -> Iterator[str]:
        """Yield the answer as it comes; an answer that broke is not remembered.

        Raises:
            openai.APIStatusError: the gateway refused; its `message` is for people.
        """
        said = [*self._said, {"role": "user", "content": text}]
        answer = ""
        with self._client.chat.completions.create(
            model="assistant", messages=said, stream=True, extra_headers=self._header
        ) as chunks:
            for chunk in chunks:
                if chunk.choices and (piece := chunk.choices[0].delta.content):
                    answer += piece
                    yield piece
        self._said = [*said, {"role": "assistant", "content": answer}]


def connect(url: str, key: str) -> openai.OpenAI:
    """Return a client of the gateway, which does the retrying."""
    direct = openai.DefaultHttpxClient(trust_env=False)  # the gateway is no business of a proxy's
    return openai.OpenAI(base_url=f"{url}/v1", api_key=key, max_retries=0, http_client=direct)


def main() -> None:
    """Chat on a terminal until an empty line."""
    parser = argparse.ArgumentParser(description="Chat through the gateway.")
    parser.add_argument("--user", default="me")
    client = connect(os.environ.get("GATEWAY_URL", "http://127.0.0.1:8080"), os.environ["CHAT_KEY"])
    conversation = Conversation(client, parser.parse_args().user)
    while text := input("> "):
        try:
            for piece in conversation.ask(text):
                print(piece, end="", flush=True)
            print()
        except openai.APIError as error:
            print(error.message)


if __name__ == "__main__":
    try:
        main()
    except (KeyboardInterrupt, EOFError):
        sys.exit(0)
