"""Load from outside: wrk for saturation, our own generator for a fixed rate and for event streams."""

import json
import os
import shutil
import subprocess
from copy import copy
from pathlib import Path
from typing import Any

from bench.process import LOAD_CORE, BenchError

__all__ = ["BODY", "FOLDER", "OUT", "Loads", "compiled"]

FOLDER = Path(__file__).parent
OUT = FOLDER / "out"
# As long as wrk.lua's.
BODY = b'{"model": "small", "input": [' + b",".join(b'"word%03d"' % i for i in range(1, 97)) + b"]}"


def compiled(name: str) -> str:
    """Return the path of a C program of this folder, compiled if its sources are newer.

    Raises:
        BenchError: there is no C compiler, or it refused.
    """
    OUT.mkdir(exist_ok=True)
    made, sources = OUT / name, [FOLDER / f"{name}.c", FOLDER / "net.h"]
    if made.exists() and all(made.stat().st_mtime >= source.stat().st_mtime for source in sources):
        return str(made)
    compiler = shutil.which("cc")
    if compiler is None:
        raise BenchError("no C compiler: install one (Debian: apt-get install gcc libc6-dev)")
    done = subprocess.run([compiler, "-O2", "-o", made, sources[0]], capture_output=True, text=True, check=False)
    if done.returncode:
        raise BenchError(f"cc {name}.c failed:\n{done.stderr}")
    return str(made)


CHAT: dict[str, Any] = {
    "messages": [
        {"role": "system", "content": "You are a helpful assistant. " * 6},
        {"role": "user", "content": "How high is the sea wall of this town, and when is the next spring tide? " * 9},
    ],
    "temperature": 0.2,
}


class Loads:
    """The three kinds of load, all from one core.

    Args:
        folder: where the request body is kept.

    Raises:
        BenchError: wrk or a C compiler is missing.
    """

    def __init__(self, folder: Path) -> None:
        wrk = shutil.which("wrk")
        if wrk is None:
            raise BenchError("wrk is not installed (Debian: apt-get install wrk)")
        self._wrk = wrk
        self._loadgen = compiled("loadgen")
        self.body = folder / "body.json"
        self.body.write_bytes(BODY)

    def chat(self, *, stream: bool) -> "Loads":
        """Return the same loads with a chat completion's request of about 1 KB as the body."""
        found = copy(self)
        found.body = self.body.with_name("stream.json" if stream else "chat.json")
        found.body.write_bytes(json.dumps({**CHAT, "model": "words" if stream else "fast", "stream": stream}).encode())
        return found

    def saturate(self, port: int, path: str, connections: int, seconds: float) -> dict[str, Any]:
        """Call as fast as answers come; returns calls, failed, seconds, p50_us, p99_us."""
        # wrk takes whole seconds only
        argv = [self._wrk, "-t1", f"-c{connections}", f"-d{max(1, round(seconds))}s", "--latency"]
        argv += ["-s", str(FOLDER / "wrk.lua"), f"http://127.0.0.1:{port}{path}"]
        return _result(argv, {"BODY": str(self.body)})

    def get(self, port: int, path: str, connections: int, seconds: float) -> dict[str, Any]:
        """GET as fast as answers come; returns calls, failed, seconds, p50_us, p95_us, p99_us."""
        argv = [self._wrk, "-t1", f"-c{connections}", f"-d{max(1, round(seconds))}s", "--latency"]
        return _result([*argv, "-s", str(FOLDER / "get.lua"), f"http://127.0.0.1:{port}{path}"])

    def keys(self, port: int, path: str, connections: int, seconds: float, first: int) -> dict[str, Any]:
        """GET paths that end in one number after another, beyond `first`; returns calls, failed."""
        argv = [self._wrk, "-t1", f"-c{connections}", f"-d{max(1, round(seconds))}s", "-s", str(FOLDER / "keys.lua")]
        return _result([*argv, f"http://127.0.0.1:{port}{path}", "--", str(first)])

    def steady(self, port: int, path: str, rate: float, seconds: float) -> dict[str, Any]:
        """Call `rate` times a second whatever happens; returns calls, failed, p50_us, p90_us, p99_us, max_us."""
        return _result([self._loadgen, "rate", str(port), path, str(self.body), "32", str(rate), str(seconds)])

    def streams(self, port: int, path: str, many: int, rounds: int) -> dict[str, Any]:
        """Read event streams side by side; returns streams, events, reads, failed, seconds, first_p50_us."""
        return _result([self._loadgen, "stream", str(port), path, str(self.body), str(many), str(rounds)])


def _result(argv: list[str], env: dict[str, str] | None = None) -> dict[str, Any]:
    before = os.sched_getaffinity(0)
    os.sched_setaffinity(0, {LOAD_CORE} & before or before)
    try:
        done = subprocess.run(argv, capture_output=True, text=True, check=False, env={**os.environ, **(env or {})})
    finally:
        os.sched_setaffinity(0, before)
    for line in done.stdout.splitlines():
        if line.startswith("RESULT "):
            found: dict[str, Any] = json.loads(line.removeprefix("RESULT "))
            return found
    raise BenchError(f"{Path(argv[0]).name} gave no result:\n{done.stdout[-500:]}{done.stderr[-1000:]}")
