"""Both forms say the same: answers, log, metrics and ledger of the same calls, down to whether a number is whole."""

import http.server
import json
import re
import sqlite3
import subprocess
import sys
from collections.abc import Iterator
from contextlib import closing
from hashlib import sha256
from pathlib import Path

import httpx
import pytest
from running import PATIENCE, Silent, address, clean, serving

pytestmark = pytest.mark.verify

KEY, ADMIN = "sk-of-the-kitchen", "an-admin-token-of-some-length-123"
SETTINGS = """
[server]
listen = "127.0.0.1:0"
admin_token = "{admin}"
[log]
success = 1.0
[upstreams.openai]
url = "http://127.0.0.1:{port}/v1"
api = "openai"
allow_private = true
key = "sk-of-the-provider"
rate = {{ limit = "1000/min", wait = "1s" }}
concurrency = 10
hedge = {{ after = "5s", max = 1 }}
[upstreams.plain]
url = "http://127.0.0.1:{port}"
allow_private = true
retry = {{ attempts = 2 }}
cache = {{ ttl = "60s" }}
fallback = {{ status = 200, json = {{ on = false }} }}
[models.fast]
targets = ["openai/gpt-5-mini"]
[callers.kitchen]
key_hash = "sha256:{digest}"
rate = "1000/min"
tokens = "1000000/min"
spend = {{ day = "5 USD", month = "100 USD" }}
[spend]
day = "10 USD"
[ledger]
url = "sqlite://{folder}/ledger.db"
"""
CHAT = {
    "id": "c", "object": "chat.completion", "created": 1, "model": "gpt-5-mini",
    "choices": [{"index": 0, "message": {"role": "assistant", "content": "hi"}, "finish_reason": "stop"}],
    "usage": {"prompt_tokens": 19, "completion_tokens": 26, "total_tokens": 45},
}  # fmt: skip
# What depends on time, place or chance; of these only the kind of value is compared.
VARIES = re.compile(r"(?i)time|date|_ms|seconds|memory|cpu|_fds|bytes|_at|since|id$|reset|remaining|ratelimit")
_ID = re.compile(r"\b[0-9a-f]{16,}\b|127\.0\.0\.1:\d+")


class Provider(Silent, http.server.BaseHTTPRequestHandler):
    """Answers chats, and all else with the same few bytes; `bad` is out of order."""

    protocol_version = "HTTP/1.1"

    def do_POST(self) -> None:
        """Answer."""
        self.rfile.read(int(self.headers["content-length"] or 0))
        body = json.dumps(CHAT if "chat" in self.path else {"a": 1}).encode()
        self.send_response(503 if "bad" in self.path else 200)
        self.send_header("content-type", "application/json")
        self.send_header("content-length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def do_GET(self) -> None:
        """Answer."""
        self.do_POST()


@pytest.fixture
def provider() -> Iterator[int]:
    """Return the port of a provider."""
    with serving(Provider) as port:
        yield port


def kinds(value: object, name: str = "") -> object:
    """Return a value as it is compared: what varies by its kind, a whole number apart from another."""
    if isinstance(value, dict):
        return {key: kinds(one, f"{name} {key}") for key, one in value.items()}
    if isinstance(value, list):
        return [kinds(one, name) for one in value]
    if isinstance(value, str):
        value = _ID.sub("", value)
    return (type(value).__name__, None if VARIES.search(name) or isinstance(value, float) else value)


def lines(text: str) -> list[object]:
    """Return lines of JSON as they are compared; other lines are left out."""
    return [kinds(json.loads(line)) for line in text.splitlines() if line.startswith("{")]


def samples(text: str) -> list[object]:
    """Return the samples of metrics as they are compared; buckets by their names alone."""
    found: list[object] = []
    for line in text.splitlines():
        if not line.startswith("#"):
            name, _, value = line.rpartition(" ")
            varies = VARIES.search(name.partition("{")[0]) or "_bucket" in name
            found.append((name, re.fullmatch(r"\d+", value) is not None if varies else value))
    return found


def session(python: Path | str, port: int, folder: Path) -> dict[str, object]:
    """Run a gateway in one form, make calls, and return all it says."""
    folder.mkdir()
    settings = SETTINGS.format(admin=ADMIN, port=port, digest=sha256(KEY.encode()).hexdigest(), folder=folder)
    (folder / "seawall.toml").write_text(settings)
    said: dict[str, object] = {}
    command = [python, "-m", "seawall", "serve", "--config", "seawall.toml"]
    with (
        (folder / "log").open("w") as log,
        subprocess.Popen(command, cwd=folder, env=clean(), stdout=log, stderr=subprocess.PIPE, text=True) as child,
    ):
        try:
            with httpx.Client(base_url=address(child), timeout=PATIENCE) as client:
                for number, answer in enumerate(_calls(client)):
                    headers = [(name, None if VARIES.search(name) else text) for name, text in answer.headers.items()]
                    own = [pair for pair in headers if pair[0] not in ("content-length", "server-timing")]
                    body = answer.json() if "json" in answer.headers["content-type"] else answer.text
                    said[f"{number} {answer.request.url.path}"] = (answer.status_code, own, kinds(body))
                admin = {"authorization": f"Bearer {ADMIN}"}
                said["metrics"] = samples(client.get("/metrics", headers=admin).text)
                for path in ("/health", "/api/v1/spend", "/api/v1/callers", "/api/v1/upstreams", "/api/v1/cache"):
                    said[path] = kinds(client.get(path, headers=admin).json())
        finally:
            child.terminate()
            child.wait(PATIENCE)
    said["log"] = lines((folder / "log").read_text())
    with closing(sqlite3.connect(folder / "ledger.db")) as ledger:
        rows = ledger.execute("SELECT * FROM seawall_ledger ORDER BY at").fetchall()
    said["ledger"] = [
        [kinds(value, "id" if place in (0, 9) else "") for place, value in enumerate(row)] for row in rows
    ]
    return said


def _calls(client: httpx.Client) -> Iterator[httpx.Response]:
    key = {"authorization": f"Bearer {KEY}"}
    question = {"model": "fast", "messages": [{"role": "user", "content": "hello"}]}
    for asked in (question, question, {"model": 1}, {**question, "stream": True}):
        yield client.post("/v1/chat/completions", json=asked, headers=key)
    yield client.post("/v1/chat/completions", json=question, headers={"authorization": "Bearer no"})
    for path in ("/plain/x", "/plain/x", "/plain/bad", "/nowhere", "/v1/models"):
        yield client.get(path, headers=key)
    yield client.post("/plain/y", json={}, headers=key)


def test_both_forms_say_the_same(binaries: Path, provider: int, tmp_path: Path):
    """The wheel in its environment, and the source in this one."""
    compiled = session(binaries / "python", provider, tmp_path / "compiled")
    pure = session(sys.executable, provider, tmp_path / "pure")
    assert list(compiled) == list(pure)
    for name, said in pure.items():
        assert compiled[name] == said, name
