"""Embeds lines of text, a few dozen at once, and says what it cost.

GATEWAY_URL=http://127.0.0.1:8080 INDEX_KEY=sw-… python embed.py < texts.txt
"""

import os
import sys
from decimal import Decimal

import openai

TOGETHER = 32  # texts in one call: the same batches again are what the cache knows


def embed(client: openai.OpenAI, texts: list[str]) -> tuple[list[list[float]], Decimal]:
    """Return a vector for each text, and what all of them cost in US dollars.

    Raises:
        openai.APIStatusError: the gateway refused; its `message` is for people.
    """
    vectors: list[list[float]] = []
    cost = Decimal(0)
    for start in range(0, len(texts), TOGETHER):
        batch = texts[start : start + TOGETHER]
        answer = client.embeddings.with_raw_response.create(model="vectors", input=batch)
        vectors += [one.embedding for one in answer.parse().data]
        cost += Decimal(answer.headers["x-seawall-cost"])
    return vectors, cost


def report(url: str, key: str, texts: list[str]) -> str:
    """Embed texts through the gateway at this address; return what to say of it."""
    direct = openai.DefaultHttpxClient(trust_env=False)  # the gateway is no business of a proxy's
    client = openai.OpenAI(base_url=f"{url}/v1", api_key=key, max_retries=0, http_client=direct)
    vectors, cost = embed(client, texts)
    return f"{len(vectors)} texts, {len(vectors[0]) if vectors else 0} dimensions, {cost:f} USD"


def main() -> None:
    """Embed the lines of stdin."""
    url, key = os.environ.get("GATEWAY_URL", "http://127.0.0.1:8080"), os.environ["INDEX_KEY"]
    texts = [line.strip() for line in sys.stdin if line.strip()]
    try:
        print(report(url, key, texts))
    except openai.APIError as error:
        sys.exit(error.message)


if __name__ == "__main__":
    main()
