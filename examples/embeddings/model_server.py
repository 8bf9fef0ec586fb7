"""A model of one's own at OpenAI's address: `POST /v1/embeddings`, with nothing but the standard library around it.

Usage: python model_server.py --port 8081    # in the model's environment, see environment.py
"""

import argparse
import base64
import json
import struct
import sys
from collections.abc import Callable
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

__all__ = ["MODEL", "Embed", "ModelServer"]

MODEL = "all-MiniLM-L6-v2"
MOST_BODY = 1024 * 1024
MOST_TEXTS = 256

Embed = Callable[[str], tuple[list[float], int]]


class BadRequest(Exception):
    """A request that has no answer: its status, and what is wrong with it."""

    def __init__(self, status: int, message: str) -> None:
        super().__init__(message)
        self.status = status


class ModelServer(ThreadingHTTPServer):
    """Listens on loopback, a thread for each connection.

    Args:
        embed: returns a text's vector and its tokens.
        port: 0 for a free one.

    Attributes:
        answered: how many calls have been answered with vectors.
    """

    daemon_threads = True

    def __init__(self, embed: Embed, port: int = 0) -> None:
        super().__init__(("127.0.0.1", port), _Handler)
        self.embed = embed
        self.answered = 0


class _Handler(BaseHTTPRequestHandler):
    server: ModelServer
    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True  # head and body are two writes
    timeout = 60

    def do_GET(self) -> None:
        """Tell how often the model was asked."""
        if self.path == "/health":
            self._send(200, {"status": "pass", "answered": self.server.answered})
        else:
            self._fail(BadRequest(404, f"there is no {self.path} here"))

    def do_POST(self) -> None:
        """Answer with a vector for each text."""
        try:
            if self.path != "/v1/embeddings":
                raise BadRequest(404, f"there is no {self.path} here")
            texts, form = _asked(self._body())
        except BadRequest as error:
            self.close_connection = True  # the body may not have been read
            self._fail(error)
            return
        found = [self.server.embed(text) for text in texts]
        tokens = sum(count for _, count in found)
        data = [
            {"object": "embedding", "index": index, "embedding": _packed(vector) if form == "base64" else vector}
            for index, (vector, _) in enumerate(found)
        ]
        self.server.answered += 1
        used = {"prompt_tokens": tokens, "total_tokens": tokens}
        self._send(200, {"object": "list", "data": data, "model": MODEL, "usage": used})

    def _body(self) -> Any:
        length = self.headers.get("Content-Length", "")
        if not length.isdigit() or int(length) > MOST_BODY:
            raise BadRequest(413, f"the body must have a Content-Length of at most {MOST_BODY} bytes")
        try:
            return json.loads(self.rfile.read(int(length)))
        except ValueError:
            raise BadRequest(400, "the body must be JSON") from None

    def _fail(self, error: BadRequest) -> None:
        said = {"message": str(error), "type": "invalid_request_error", "param": None, "code": None}
        self._send(error.status, {"error": said})

    def _send(self, status: int, said: dict[str, Any]) -> None:
        body = json.dumps(said).encode()
        self.send_response(status)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(body)))
        if self.close_connection:
            self.send_header("Connection", "close")
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, format: str, *args: object) -> None:
        """Keep quiet: the gateway's log has a line for each call."""


def _packed(vector: list[float]) -> str:
    return base64.b64encode(struct.pack(f"<{len(vector)}f", *vector)).decode()


def _asked(body: Any) -> tuple[list[str], str]:
    """Return the texts and the form of the vectors.

    Raises:
        BadRequest: it asks for something this model has not.
    """
    if not isinstance(body, dict):
        raise BadRequest(400, "the body must be an object")
    if body.get("model") != MODEL:
        raise BadRequest(404, f"the only model here is {MODEL}")
    given = body.get("input")
    texts = [given] if isinstance(given, str) else given
    if not isinstance(texts, list) or not 0 < len(texts) <= MOST_TEXTS or not all(map(_good, texts)):
        raise BadRequest(400, f"input must be a text, or a list of 1 to {MOST_TEXTS} texts, none of them empty")
    form = body.get("encoding_format", "float")
    if form not in ("float", "base64"):
        raise BadRequest(400, "encoding_format must be float or base64")
    if "dimensions" in body:
        raise BadRequest(400, "this model's vectors have 384 dimensions, always")
    return texts, form


def _good(text: Any) -> bool:
    return isinstance(text, str) and text.strip() != ""


def main() -> None:
    """Serve the model until it is told to stop."""
    from minilm import MiniLM  # here, so that the server can be tried without the model's 200 MB

    parser = argparse.ArgumentParser(description="Serve a model of embeddings at OpenAI's address.")
    parser.add_argument("--port", type=int, default=8081)
    with ModelServer(MiniLM().embed, parser.parse_args().port) as server:
        print(f"listening on http://127.0.0.1:{server.server_port}", file=sys.stderr, flush=True)
        server.serve_forever()


if __name__ == "__main__":
    try:
        main()
    except KeyboardInterrupt:
        sys.exit(0)
