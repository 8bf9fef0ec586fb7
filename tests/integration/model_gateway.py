"""A gateway in a process of its own in front of the scripted provider, for clients that block."""

import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from hashlib import sha256
from pathlib import Path

__all__ = ["hashed", "served", "upstreams"]


def hashed(key: str) -> str:
    """Return a caller's key as settings keep it."""
    return "sha256:" + sha256(key.encode()).hexdigest()


def upstreams(provider: str, more: str = "") -> str:
    """Return settings with the three kinds of upstream at one provider.

    Args:
        provider: its address.
        more: keys of every upstream.
    """
    common = f'allow_private = true\nkey = "planted-secret"\n{more}\n'
    return (
        '[server]\nlisten = "127.0.0.1:0"\n[log]\nrate = "100000/s"\n'
        f'[upstreams.openai]\nurl = "http://{provider}/v1"\napi = "openai"\nstream_usage = true\n{common}'
        f'[upstreams.claude]\nurl = "http://{provider}"\napi = "anthropic"\n{common}'
        f'[upstreams.bedrock]\nurl = "http://{provider}"\napi = "bedrock"\nregion = "us-east-1"\n{common}'
    )


@contextmanager
def served(text: str, folder: Path) -> Iterator[int]:
    """Run `serve` with these settings and give its port; its log is `folder/log`."""
    settings = folder / "seawall.toml"
    settings.write_text(text)
    with (folder / "log").open("wb") as log:
        child = subprocess.Popen(
            [sys.executable, "-m", "seawall", "serve", "--config", str(settings)],
            cwd=folder, stdout=log, stderr=subprocess.PIPE,
        )  # fmt: skip
    assert child.stderr is not None
    try:
        line = child.stderr.readline()
        assert b"listening on" in line, line + child.stderr.read()
        yield int(line.rpartition(b":")[2])
    finally:
        child.terminate()
        child.wait(20)
        child.stderr.close()
