"""The model's own environment: built once from requirements.txt, so that 200 MB of it stay out of the project's."""

import hashlib
import os
import subprocess
import sys
from pathlib import Path

__all__ = ["FOLDER", "prepared"]

_HERE = Path(__file__).resolve().parent
_REQUIREMENTS = _HERE / "requirements.txt"
FOLDER = _HERE.parents[1] / ".venv-embeddings"  # git does not see it
_PATIENCE = 900.0


def prepared(folder: Path = FOLDER, requirements: Path = _REQUIREMENTS) -> Path:
    """Return the environment's Python; make it first where there is none, or one of other requirements.

    Raises:
        SystemExit: it cannot be made; the words say why.
    """
    python = folder / ("Scripts" if os.name == "nt" else "bin") / "python"
    stamp = folder / "installed"
    wanted = hashlib.sha256(requirements.read_bytes() + sys.version.encode()).hexdigest()
    if python.exists() and stamp.exists() and stamp.read_text() == wanted:
        return python
    print(f"Installing the model into {folder}, once (about 65 MB to fetch, 190 MB on disk) …", flush=True)
    _run("venv", "--clear", "--without-pip", str(folder))
    hashed = ["--require-hashes", "--no-deps", "--only-binary", ":all:", "--requirement", str(requirements)]
    _run("pip", "--python", str(python), "install", "--quiet", "--disable-pip-version-check", *hashed)
    stamp.write_text(wanted)
    return python


def _run(module: str, *arguments: str) -> None:
    """Run a module of this Python."""
    try:
        done = subprocess.run(
            [sys.executable, "-m", module, *arguments], capture_output=True, text=True, timeout=_PATIENCE, check=False
        )
    except subprocess.TimeoutExpired:
        raise SystemExit(f"The model could not be installed: {module} took longer than {_PATIENCE:.0f} s") from None
    if done.returncode:
        said = (done.stderr or done.stdout).strip()
        raise SystemExit(f"The model could not be installed; {module} says:\n{said}")
