"""The scripted provider as a process of its own, for tests that need a real one."""

import json
import subprocess
import sys
import urllib.request
from pathlib import Path
from types import TracebackType
from typing import Any, Self

__all__ = ["ProviderProcess", "script"]

PROGRAM = Path(__file__).parent / "provider"


def script(**fields: Any) -> str:
    """Return the text that makes the provider do so: put it anywhere in a request (see provider/scenario.py)."""
    return f"[[{json.dumps(fields)}]]"


class ProviderProcess:
    """Runs `python tests/provider` while it is entered.

    Attributes:
        address: `127.0.0.1:<port>`.
    """

    address = ""

    def __enter__(self) -> Self:
        self._process = subprocess.Popen(
            [sys.executable, str(PROGRAM), "--port", "0"], stdout=subprocess.PIPE, text=True
        )
        assert self._process.stdout
        line = self._process.stdout.readline()
        assert line.startswith("listening "), "the provider did not start"
        self.address = line.split()[1]
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self._process.terminate()
        self._process.wait(timeout=10)
        assert self._process.stdout
        self._process.stdout.close()

    def bill(self) -> dict[str, Any]:
        """Return what was sent and what it costs: `requests`, `total` and `rows`."""
        with urllib.request.urlopen(f"http://{self.address}/bill", timeout=10) as answer:
            found: dict[str, Any] = json.load(answer)
        return found

    def clear(self) -> None:
        """Forget what was sent."""
        request = urllib.request.Request(f"http://{self.address}/bill", method="DELETE")
        urllib.request.urlopen(request, timeout=10).close()
