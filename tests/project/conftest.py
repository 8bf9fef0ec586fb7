"""What several tests of the project share."""

import importlib.util
import subprocess
import sys
from pathlib import Path
from types import ModuleType

import pytest
from running import clean, output
from tree import ROOT


@pytest.fixture(scope="session")
def hook() -> ModuleType:
    """Return the hook as a module."""
    spec = importlib.util.spec_from_file_location("hatch_build", ROOT / "hatch_build.py")
    assert spec
    assert spec.loader
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.fixture(scope="session")
def wheel() -> Path:
    """Return the wheel of the tree as it stands."""
    done = subprocess.run(
        ["make", "compiled", f"PYTHON={sys.executable}"], cwd=ROOT, env=clean(), capture_output=True, text=True
    )
    assert done.returncode == 0, done.stdout[-4000:] + done.stderr[-4000:]
    (found,) = (ROOT / "build" / "wheel").glob("*.whl")
    return found


@pytest.fixture(scope="session")
def binaries(wheel: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return the folder of the commands of a new environment with the wheel and the lock of the server."""
    folder = tmp_path_factory.mktemp("fresh")
    output(sys.executable, "-m", "venv", folder)
    python = folder / "bin" / "python"
    lock = ROOT / "requirements" / "serve.txt"
    output(python, "-m", "pip", "install", "--quiet", "--require-hashes", "--requirement", lock)
    output(python, "-m", "pip", "install", "--quiet", "--no-deps", wheel)
    return folder / "bin"
