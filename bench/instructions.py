"""`python -m bench.instructions`: instructions per call in user space, counted by callgrind.

The same on every run and every machine with the same interpreter, so a change of 2 % is a change; but kernel time is
not in it. `perf stat` counts both where the processor's counters can be read; virtual machines often hide them.
"""

import argparse
import re
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from contextlib import ExitStack
from pathlib import Path

from bench import peers
from bench.load import Loads
from bench.peers import Peer
from bench.process import BenchError

CONNECTIONS = 32
WARM_UP, COUNTED = 4, 8  # seconds


def per_call(peer: Peer, loads: Loads, tool: str, out: Path) -> float:
    """Return instructions per call of a peer that runs under callgrind; ends it.

    Counts are set to zero after a warm-up, so that imports and first calls are not in it.

    Raises:
        BenchError: calls failed, or callgrind wrote no total.
    """
    process = peer.calls
    loads.saturate(process.port, peer.calls_path, CONNECTIONS, WARM_UP)
    subprocess.run([tool, "--zero", str(process.pid)], capture_output=True, check=True)
    figures = loads.saturate(process.port, peer.calls_path, CONNECTIONS, COUNTED)
    if figures["failed"]:
        raise BenchError(f"{peer.name}: calls failed under callgrind: {figures}\n{process.tail()}")
    subprocess.run([tool, "--dump", str(process.pid)], capture_output=True, check=True)
    dumps = list(out.glob(f"out.{process.pid}.*"))
    totals = [re.search(r"^(?:totals|summary): (\d+)", path.read_text(), re.MULTILINE) for path in dumps]
    counted = sum(int(found[1]) for found in totals if found)
    if not counted:
        raise BenchError(f"{peer.name}: callgrind wrote no total; it said\n{process.tail()}")
    process.stop()
    return counted / float(figures["calls"])


def perf_counts() -> bool:
    """Whether `perf` can count instructions here."""
    if shutil.which("perf") is None:
        return False
    done = subprocess.run(["perf", "stat", "-e", "instructions", "true"], capture_output=True, text=True, check=False)
    return done.returncode == 0 and "not supported" not in done.stderr and "not counted" not in done.stderr


def measure(options: argparse.Namespace, tool: str, folder: Path, stack: ExitStack) -> None:
    """Count one peer after the other and print each with its ratio to nginx."""
    out = folder / "callgrind"
    out.mkdir(mode=0o777)
    under = ("valgrind", "--tool=callgrind", f"--callgrind-out-file={out}/out.%p")
    loads, behind = Loads(folder), peers.upstream(stack, folder)
    base = per_call(peers.nginx_proxy(stack, folder, behind, under), loads, tool, out)
    print(f"{'nginx':12}{base:12.0f} instructions per call", flush=True)
    for settings in filter(None, options.settings.split(",")):
        counted = per_call(peers.gateway(stack, folder, behind, settings, under), loads, tool, out)
        print(f"{settings:12}{counted:12.0f} instructions per call, ratio {counted / base:.2f}", flush=True)
    for text in options.peer:
        peer = peers.foreign(stack, folder, behind, text, under)
        counted = per_call(peer, loads, tool, out)
        print(f"{peer.name:12}{counted:12.0f} instructions per call, ratio {counted / base:.2f}", flush=True)


def main(argv: Sequence[str]) -> int:
    """Return 0, or 2 when instructions cannot be counted."""
    parser = argparse.ArgumentParser(prog="python -m bench.instructions", description=__doc__)
    parser.add_argument("--settings", default="bare,all", help="which files of bench/settings; empty: none")
    parser.add_argument("--peer", action="append", default=[], metavar="NAME=COMMAND", help="another proxy; ${PORT}")
    options = parser.parse_args(argv)
    tool = shutil.which("callgrind_control")
    if tool is None:
        print("bench: valgrind is not installed (Debian: apt-get install valgrind)", file=sys.stderr)
        return 2
    print("perf can count instructions here as well" if perf_counts() else "perf cannot count instructions here")
    try:
        with tempfile.TemporaryDirectory(prefix="bench-") as name, ExitStack() as stack:
            folder = Path(name)
            folder.chmod(0o755)
            print(f"gateway: {peers.told(folder)}", flush=True)
            measure(options, tool, folder, stack)
    except (BenchError, subprocess.CalledProcessError) as problem:
        print(f"bench: {problem}", file=sys.stderr)
        return 2
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
