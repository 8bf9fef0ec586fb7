"""Builds the compiled wheel: mypyc makes C of the modules that pyproject.toml names, a C compiler libraries of that.

It runs only where it is asked for, with `HATCH_BUILD_HOOK_ENABLE_CUSTOM=1`; without, the wheel is the Python as it
stands. docs/decisions/0012-compiled-wheels.md says why it is ours.
"""

import io
import os
import shlex
import shutil
import sys
import sysconfig
import tempfile
import tomllib
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import chdir, redirect_stdout
from fnmatch import fnmatch
from pathlib import Path
from typing import Any

from hatchling.builders.hooks.plugin.interface import BuildHookInterface

PACKAGE = "seawall"
LIBRARY = "seawall"  # one library `seawall__mypyc` holds them all, so that calls between modules are calls of C
CORES = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


class Compiled(BuildHookInterface[Any]):
    """Adds the libraries to a wheel, beside the Python they were made of, and names its platform."""

    def initialize(self, version: str, build_data: dict[str, Any]) -> None:
        """Compile, unless it is the wheel of an editable installation.

        Args:
            version: `standard` or `editable`.
            build_data: what the wheel will have.
        """
        if version == "editable":
            return
        if lacking := lacks():
            self.app.abort(f"compiled wheel: {lacking}")
        root = Path(self.root)
        libraries = compile_modules(root, modules(root, self.config["modules"]))
        build_data["pure_python"] = False
        build_data["infer_tag"] = True
        build_data["force_include"] |= libraries


def lacks() -> str:
    """Return what this machine lacks for compiling and how to get it, "" where it lacks nothing."""
    command = os.environ.get("CC") or sysconfig.get_config_var("CC") or "cc"
    if os.name != "nt" and shutil.which(shlex.split(command)[0]) is None:
        return f"there is no C compiler {command!r}; install one (Debian: apt-get install gcc)"
    if not Path(sysconfig.get_path("include"), "Python.h").is_file():
        return "Python's own headers are not there; install them (Debian: apt-get install python3-dev)"
    return ""


def modules(root: Path, table: Mapping[str, Sequence[str]]) -> list[str]:
    """Return the files that are compiled, relative to `src`.

    Args:
        root: of the project.
        table: of each folder of the package the names of its modules, `*` for any letters, with `!` in front for all
            but; the last one that fits counts.

    Raises:
        ValueError: a name fits no module.
    """
    found: list[str] = []
    for folder, names in table.items():
        files = sorted(path.name for path in (root / "src" / PACKAGE / folder).glob("*.py"))
        chosen: dict[str, bool] = {}
        for name in names:
            fitting = [file for file in files if fnmatch(file, name.removeprefix("!") + ".py")]
            if not fitting:
                raise ValueError(f"pyproject.toml: no module of {PACKAGE}/{folder} fits {name!r}")
            chosen |= dict.fromkeys(fitting, not name.startswith("!"))
        found += [f"{PACKAGE}/{folder}/{file}" for file in files if chosen.get(file)]
    return found


def to_c(root: Path, files: Sequence[str], made: Path) -> list[Any]:
    """Write the C of files and return setuptools' extensions of it.

    Args:
        root: of the project.
        files: relative to `src`, which is how tracebacks name them.
        made: folder for the C and mypy's cache.

    Raises:
        SystemExit: mypyc cannot compile a module; it has printed file, line and why.
    """
    from mypyc.build import mypycify  # only where something is compiled

    flags = ["--config-file", str(root / "pyproject.toml"), "--cache-dir", str(made / "cache")]
    said = io.StringIO()  # of what compiles it says what could be faster, in a line for each
    try:
        with chdir(root / "src"), redirect_stdout(said):
            found: list[Any] = mypycify(
                [*flags, *files],
                multi_file=True,
                opt_level="2",
                debug_level="0",
                group_name=LIBRARY,
                target_dir=str(made / "c"),
            )
    except SystemExit:
        print(said.getvalue())
        raise
    return found


def compile_modules(root: Path, files: Sequence[str]) -> dict[str, str]:
    """Compile files and return the path of each library, with its place in the wheel.

    Args:
        root: of the project; everything made is written under its `build/mypyc`, nothing into `src`.
        files: relative to `src`.
    """
    from setuptools import setup  # only where something is compiled
    from setuptools.command.build_ext import build_ext

    class SideBySide(build_ext):  # type: ignore[misc]  # setuptools has no types
        """Compiles the files of one library on all cores; its `--parallel` is for one library beside another."""

        def build_extensions(self) -> None:
            self.compiler.compile = side_by_side(self.compiler.compile)
            super().build_extensions()

    made = root / "build" / "mypyc"
    libraries = made / "libraries"
    shutil.rmtree(made, ignore_errors=True)
    extensions = to_c(root, files, made)
    if sys.platform == "linux":
        for one in extensions:
            shrink(one)
    command = ["build_ext", "--build-lib", str(libraries), "--build-temp", str(made), "--parallel", str(CORES)]
    with chdir(root / "src"):
        setup(
            name=PACKAGE,
            packages=[],
            ext_modules=extensions,
            cmdclass={"build_ext": SideBySide},
            script_args=["--quiet", *command],
        )
    return {str(path): path.relative_to(libraries).as_posix() for path in libraries.rglob("*") if path.is_file()}


def shrink(extension: Any) -> None:
    """Leave out of a library what nobody needs: names of its own functions, and padding to whole pages.

    Functions that no other library sees are also called directly. A module's own library only asks the shared one for
    the module, and would be four pages for a few hundred bytes.
    """
    extension.extra_compile_args += ["-fvisibility=hidden"]
    extension.extra_link_args += ["-s"]
    if extension.name != f"{LIBRARY}__mypyc":
        extension.extra_link_args += ["-Wl,-z,noseparate-code"]


def side_by_side(compile_files: Callable[..., list[str]]) -> Callable[..., list[str]]:
    """Return what compiles as `compile_files` does, a file on each core."""

    def compiled(sources: Sequence[str], *args: Any, **options: Any) -> list[str]:
        with ThreadPoolExecutor(CORES) as cores:
            made = cores.map(lambda one: compile_files([one], *args, **options), sources)
            return [name for names in made for name in names]

    return compiled


def main() -> None:
    """Try whether C can be made of every listed module; no C compiler is needed for that."""
    root = Path(__file__).parent
    table = tomllib.loads((root / "pyproject.toml").read_text())
    listed = modules(root, table["tool"]["hatch"]["build"]["targets"]["wheel"]["hooks"]["custom"]["modules"])
    with tempfile.TemporaryDirectory() as made:
        to_c(root, listed, Path(made))
    print(f"mypyc: {len(listed)} modules can be compiled")


if __name__ == "__main__":
    main()
