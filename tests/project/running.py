"""Commands of another environment, gateways that run there, and what stands behind them."""

import http.server
import os
import re
import subprocess
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

PATIENCE = 20.0


def clean() -> dict[str, str]:
    """Return an environment in which nothing of this checkout is on the path."""
    return {key: value for key, value in os.environ.items() if not key.startswith(("PYTHON", "COV", "PIP_REQUIRE"))}


def output(*argv: str | Path) -> str:
    """Run a command to its end and return what it printed, faults included."""
    done = subprocess.run(
        argv, env=clean(), stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, check=False, timeout=600
    )
    assert done.returncode == 0, done.stdout
    return done.stdout


def address(child: "subprocess.Popen[str]") -> str:
    """Return where a gateway says it listens; it says so or ends."""
    assert child.stderr
    seen = ""
    for line in child.stderr:
        seen += line
        if found := re.search(r"listening on (127\.0\.0\.1:\d+)", line):
            return f"http://{found[1]}"
    raise AssertionError(f"it does not listen: {seen}")


class Silent:
    """Part of a handler: it writes nothing of its calls."""

    def log_message(self, *_: object) -> None:
        """Stay silent."""


@contextmanager
def serving(handler: type[http.server.BaseHTTPRequestHandler]) -> Iterator[int]:
    """Give the port of a server in a thread of its own."""
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        try:
            yield server.server_port
        finally:
            server.shutdown()
            thread.join()
