"""`python -m bench.startup`: seconds from the command until `/live` answers, on a file cache that is warm."""

import socket
import sys
import tempfile
import time
from contextlib import ExitStack
from pathlib import Path
from statistics import median

from bench import peers, report
from bench.load import OUT
from bench.process import BenchError

ROUNDS = 5
LIMIT = 1.5


def live(port: int) -> None:
    """Ask `/live` once.

    Raises:
        BenchError: the answer is not 200.
    """
    with socket.create_connection(("127.0.0.1", port), 5) as wire:
        wire.sendall(b"GET /live HTTP/1.1\r\nHost: 127.0.0.1:%d\r\nConnection: close\r\n\r\n" % port)
        first = wire.recv(4096).partition(b"\r\n")[0]
    if b" 200 " not in first + b" ":
        raise BenchError(f"/live answered {first!r}")


def main() -> int:
    """Print the median of five starts; return 1 when it is over the limit, 2 when it does not start."""
    taken = []
    try:
        with tempfile.TemporaryDirectory(prefix="bench-") as name, ExitStack() as stack:
            folder = Path(name)
            folder.chmod(0o755)
            who = report.introduce(folder)
            behind = peers.upstream(stack, folder)
            for number in range(ROUNDS):
                process = peers.gateway(stack, folder / str(number), behind, "all").calls
                live(process.port)
                taken.append(time.monotonic() - process.started)
                process.stop()
    except (BenchError, OSError) as problem:
        print(f"bench: {problem}", file=sys.stderr)
        return 2
    check = report.Check("start until /live answers, s", median(taken), LIMIT)
    print(check.line())
    report.write(OUT / "startup.json", [], [check], {str(number): seconds for number, seconds in enumerate(taken)}, who)
    return 0 if check.held else 1


if __name__ == "__main__":
    sys.exit(main())
