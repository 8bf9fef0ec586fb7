"""The files of the project, as the tests about the tree itself see them."""

import ast
import tomllib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[2]
SOURCE = ROOT / "src" / "seawall"
DOCS = ROOT / "docs"
FOLDERS = ("src", "tests", "bench", "docs", "deploy", "examples", "requirements", ".ci", ".github")
BUILT = {"__pycache__", "out"}


def settings() -> dict[str, Any]:
    """Return what stands in pyproject.toml."""
    return tomllib.loads((ROOT / "pyproject.toml").read_text())


def sources() -> list[Path]:
    """Return every module of the package."""
    return sorted(SOURCE.rglob("*.py"))


def files_with_tests() -> list[Path]:
    """Return every file with tests in it."""
    return sorted((ROOT / "tests").rglob("test_*.py"))


def texts() -> Iterator[tuple[str, str]]:
    """Yield path and text of every file that is handed on, generated ones too."""
    apart = (".git", ".env", "seawall.toml", ".coverage")
    alone = [path for path in ROOT.iterdir() if path.is_file() and path.name not in apart]
    inside = [path for name in FOLDERS for path in (ROOT / name).rglob("*") if path.is_file()]
    for path in sorted(alone + inside):
        parts = path.relative_to(ROOT).parts
        if BUILT & set(parts) or any(part.startswith(".") for part in parts[1:]):
            continue
        try:
            yield relative(path), path.read_text()
        except UnicodeDecodeError:  # a corpus of bytes
            continue


def relative(path: Path) -> str:
    """Return a path as it reads from the root."""
    return path.relative_to(ROOT).as_posix()


def functions(path: Path) -> Iterator[ast.FunctionDef | ast.AsyncFunctionDef]:
    """Yield every function and method of a file."""
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            yield node
