"""Finds the sentences nearest in meaning to a question, with the `openai` SDK, and says what that cost.

GATEWAY_URL=http://127.0.0.1:8080 INDEX_KEY=sw-… python search.py "When does the boat go?"
"""

import argparse
import os
import sys
import time
from dataclasses import dataclass
from decimal import Decimal
from pathlib import Path

import openai

__all__ = ["SENTENCES", "Embedded", "Index", "connect"]

SENTENCES = (Path(__file__).resolve().parent / "sentences.txt").read_text(encoding="utf-8").splitlines()
MODEL = "vectors"  # the gateway's name for it


@dataclass(frozen=True)
class Embedded:
    """Vectors, and what it took to have them.

    Attributes:
        vectors: one for each text, of length one.
        cost: US dollars, as the gateway says.
        cache: what it says of its cache (RFC 9211).
        seconds: until all were here.
    """

    vectors: list[list[float]]
    cost: Decimal
    cache: str
    seconds: float

    def __str__(self) -> str:
        cost = f"{self.cost:.8f}" if self.cost else "0"
        return f"{cost:>10} USD  {self.seconds * 1000:4.0f} ms  {self.cache}"


class Index:
    """Sentences and their vectors.

    Args:
        client: talks to the gateway.
        sentences: what can be found.

    Raises:
        openai.APIStatusError: the gateway refused; its `message` is for people.
    """

    def __init__(self, client: openai.OpenAI, sentences: list[str]) -> None:
        self._client = client
        self._sentences = sentences
        self.made = self._embed(sentences)

    def find(self, question: str, most: int = 2) -> tuple[list[tuple[float, str]], Embedded]:
        """Return the nearest sentences with their cosines, the best first, and what that took.

        Raises:
            openai.APIStatusError: the gateway refused.
        """
        asked = self._embed([question])
        near = [sum(a * b for a, b in zip(asked.vectors[0], vector, strict=True)) for vector in self.made.vectors]
        return sorted(zip(near, self._sentences, strict=True), reverse=True)[:most], asked

    def _embed(self, texts: list[str]) -> Embedded:
        began = time.perf_counter()
        answer = self._client.embeddings.with_raw_response.create(model=MODEL, input=texts)
        vectors = [one.embedding for one in answer.parse().data]
        cost, cache = Decimal(answer.headers["x-seawall-cost"]), answer.headers.get("cache-status", "not kept")
        return Embedded(vectors, cost, cache, time.perf_counter() - began)


def connect(url: str, key: str) -> openai.OpenAI:
    """Return a client of the gateway, which does the retrying."""
    direct = openai.DefaultHttpxClient(trust_env=False)  # the gateway is no business of a proxy's
    return openai.OpenAI(base_url=f"{url}/v1", api_key=key, max_retries=0, http_client=direct)


def show(index: Index, question: str) -> None:
    """Print a question and what is nearest to it."""
    found, asked = index.find(question)
    print(f"{asked}  {question}")
    for near, sentence in found:
        print(f"{near:14.2f}  {sentence}", flush=True)


def main() -> None:
    """Find what the arguments ask for."""
    parser = argparse.ArgumentParser(description="Find the sentences nearest to a question.")
    parser.add_argument("questions", nargs="+", metavar="QUESTION")
    questions = parser.parse_args().questions
    if not (key := os.environ.get("INDEX_KEY", "")):
        sys.exit("Set INDEX_KEY to the key that `seawall keys new index` printed.")
    url = os.environ.get("GATEWAY_URL", "http://127.0.0.1:8080")
    try:
        index = Index(connect(url, key), SENTENCES)
        print(f"{index.made}  ({len(SENTENCES)} sentences)")
        for question in questions:
            show(index, question)
    except openai.APIConnectionError:
        sys.exit(f"Nobody answers at {url}; is the gateway running, and GATEWAY_URL right?")
    except openai.APIError as error:
        sys.exit(error.message)


if __name__ == "__main__":
    main()
