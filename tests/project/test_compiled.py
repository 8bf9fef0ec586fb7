"""The compiled wheel, as far as it can be judged without compiling: what is named stands, all else is untouched."""

import os
import re
import shutil
import subprocess
import sys
import zipfile
from pathlib import Path
from types import ModuleType

import pytest
from tree import ROOT, SOURCE, settings

HOOK = settings()["tool"]["hatch"]["build"]["targets"]["wheel"]["hooks"]["custom"]
LIBRARIES = {".so", ".pyd", ".dylib", ".c", ".h", ".o"}
EDITABLE = "import hatchling.build, sys; print(hatchling.build.build_editable(sys.argv[1]))"


@pytest.fixture(scope="module")
def project(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a copy of what a build reads, with something built in it."""
    folder = tmp_path_factory.mktemp("project")
    for name in ("pyproject.toml", "README.md", "hatch_build.py", ".gitignore"):
        shutil.copy(ROOT / name, folder)
    shutil.copytree(ROOT / "src", folder / "src", ignore=shutil.ignore_patterns("__pycache__"))
    (folder / "build" / "mypyc").mkdir(parents=True)
    (folder / "build" / "mypyc" / "seawall__mypyc.so").write_bytes(b"")
    return folder


def build(project: Path, *argv: str, **env: str) -> "subprocess.CompletedProcess[str]":
    """Run this interpreter in the project, with a hook asked for only where `env` does."""
    clean = {key: value for key, value in os.environ.items() if not key.startswith("HATCH_")}
    return subprocess.run(
        [sys.executable, *argv], cwd=project, env=clean | env, capture_output=True, text=True, check=False, timeout=120
    )


def test_every_name_in_the_list_of_compiled_modules_is_one_of_the_tree(hook: ModuleType):
    """No stale entry, none twice, and every one is Python that the package has."""
    files = hook.modules(ROOT, HOOK["modules"])
    assert len(files) == len(set(files)) > 50
    assert [file for file in files if not (ROOT / "src" / file).is_file()] == []


def test_a_stale_name_in_the_list_is_told(hook: ModuleType):
    """Instead of one module fewer being compiled."""
    with pytest.raises(ValueError, match=r"no module of seawall/wire fits 'gone'"):
        hook.modules(ROOT, {"wire": ["pool", "gone"]})


def test_names_in_the_list_may_be_patterns_with_exceptions(hook: ModuleType):
    """The last that fits a module counts."""
    files = set(hook.modules(ROOT, {"wire": ["*", "!d*", "dns"]}))
    names = {path.name for path in (SOURCE / "wire").glob("*.py")}
    assert files == {f"seawall/wire/{name}" for name in names if not name.startswith("d") or name == "dns.py"}


def test_the_module_that_tells_the_form_is_compiled_with_the_others(hook: ModuleType):
    """`seawall.contracts.form` judges all by that one."""
    assert "seawall/contracts/fields.py" in hook.modules(ROOT, HOOK["modules"])


def test_what_compiles_is_the_version_the_locks_have():
    """The C that is tested is the C that is shipped."""
    lock = (ROOT / "requirements" / "dev.txt").read_text()
    assert [one for one in HOOK["dependencies"] if not re.search(rf"^{re.escape(one)} \\$", lock, re.MULTILINE)] == []


def test_no_library_and_no_c_stands_in_the_source():
    """A library beside a module would be imported in its place, silently, after each change of it."""
    assert [path for path in SOURCE.parent.rglob("*") if path.suffix in LIBRARIES] == []


def test_without_being_asked_for_the_wheel_is_pure_python(project: Path, tmp_path: Path):
    """For every platform, without a compiler and without anything more to build it."""
    done = build(project, "-m", "hatchling", "build", "--target", "wheel", "--directory", str(tmp_path))
    assert done.returncode == 0, done.stderr
    (wheel,) = tmp_path.iterdir()
    assert wheel.name.endswith("-py3-none-any.whl")
    assert [name for name in zipfile.ZipFile(wheel).namelist() if Path(name).suffix in LIBRARIES] == []


def test_the_source_distribution_has_what_compiles_and_nothing_compiled(project: Path, tmp_path: Path):
    """From it either wheel can be built."""
    done = build(project, "-m", "hatchling", "build", "--target", "sdist", "--directory", str(tmp_path))
    assert done.returncode == 0, done.stderr
    shutil.unpack_archive(next(tmp_path.glob("*.tar.gz")), tmp_path, filter="data")
    (root,) = (path for path in tmp_path.iterdir() if path.is_dir())
    assert {"hatch_build.py", "pyproject.toml", "src"} <= {path.name for path in root.iterdir()}
    assert [path for path in root.rglob("*") if path.suffix in LIBRARIES] == []


def test_an_editable_installation_is_the_source_even_where_compiling_is_asked_for(project: Path, tmp_path: Path):
    """Whoever edits a module wants it to run."""
    done = build(project, "-c", EDITABLE, str(tmp_path), HATCH_BUILD_HOOK_ENABLE_CUSTOM="1")
    assert done.returncode == 0, done.stderr
    assert done.stdout.strip().endswith("-py3-none-any.whl")


def test_without_a_compiler_one_line_says_what_to_install(project: Path, tmp_path: Path):
    """Before anything is compiled, and without a traceback."""
    argv = ("-m", "hatchling", "build", "--target", "wheel", "--directory", str(tmp_path))
    done = build(project, *argv, HATCH_BUILD_HOOK_ENABLE_CUSTOM="1", CC="no-such-compiler")
    assert done.returncode == 1
    (line,) = (done.stdout + done.stderr).splitlines()
    assert "no C compiler 'no-such-compiler'" in line
    assert "apt-get install gcc" in line


def test_a_module_that_cannot_be_compiled_is_told_with_its_line(project: Path):
    """`make lint` tries them all; here one alone."""
    text = (project / "pyproject.toml").read_text()
    head, _, rest = text.partition("[tool.hatch.build.targets.wheel.hooks.custom.modules]\n")
    table = rest.partition("\n[")[2]
    alone = head + '[tool.hatch.build.targets.wheel.hooks.custom.modules]\n"." = ["cannot"]\n\n[' + table
    (project / "pyproject.toml").write_text(alone)
    module = project / "src" / "seawall" / "cannot.py"
    module.write_text("class A:\n    x = 1\n\n    def f(self) -> None:\n        del self.x\n")
    try:
        done = build(project, "hatch_build.py")
    finally:
        module.unlink()
        (project / "pyproject.toml").write_text(text)
    assert done.returncode == 1
    assert 'cannot.py:5: error: "x" cannot be deleted' in done.stdout + done.stderr
