"""A provider of language models that does what each request asks of it, and keeps a bill of its own.

    python tests/provider --port 0        # prints "listening 127.0.0.1:40123"

It speaks OpenAI (below /v1), Anthropic (/v1/messages) and Bedrock (/model/<id>/converse). What it answers is said by a
scenario in the request's own text, `[[{"output": 20, "cut": 5}]]`, see scenario.py. `GET /bill` returns what it has
sent and what that costs by its own prices; `DELETE /bill` forgets it. It shares no code with the package it tests.
"""

import argparse
import asyncio
import signal

from anthropic_api import ROUTES as ANTHROPIC
from bedrock_api import ROUTES as BEDROCK
from bill import Bill
from openai_api import ROUTES as OPENAI

from provider import Provider
from server import serve


async def run(host: str, port: int) -> None:
    """Serve until told to stop."""
    provider = Provider(Bill(), [*OPENAI, *ANTHROPIC, *BEDROCK])
    server = await serve(provider.answer, host, port)
    print(f"listening {host}:{server.sockets[0].getsockname()[1]}", flush=True)  # noqa: T201 - how it is found
    stop = asyncio.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(number, stop.set)
    await stop.wait()
    server.close()


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--host", default="127.0.0.1")
    parser.add_argument("--port", type=int, default=0)
    given = parser.parse_args()
    asyncio.run(run(given.host, given.port))
