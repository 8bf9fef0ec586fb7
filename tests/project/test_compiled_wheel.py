"""The compiled wheel as a user has it: in an environment with what the server needs and nothing else.

Slow: it is compiled first, where `make compiled` has not done so since the last change.
"""

import http.server
import re
import subprocess
import sys
import zipfile
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest
from running import PATIENCE, Silent, address, clean, output, serving
from test_locks import MOST_DISTRIBUTIONS, MOST_MEGABYTES
from tree import SOURCE

from seawall import __version__

pytestmark = pytest.mark.verify

TOOLS = {"pip", "setuptools", "wheel"}
INSTALLED = """
from importlib.metadata import distributions
for one in distributions():
    sizes = [path.stat().st_size for file in one.files or () if (path := one.locate_file(file)).is_file()]
    print(one.name, sum(sizes))
"""
SETTINGS = """
[server]
listen = "127.0.0.1:0"
[upstreams.up]
url = "http://127.0.0.1:{port}"
allow_private = true
"""
RAISES = """
import traceback
from seawall.spend.money import exact
try:
    exact(object())
except Exception:
    traceback.print_exc()
"""


def test_the_wheel_names_its_platform(wheel: Path):
    """No other interpreter and no other system takes it."""
    tag = f"cp{sys.version_info.major}{sys.version_info.minor}"
    assert re.fullmatch(rf"seawall-{re.escape(__version__)}-{tag}-{tag}-(?!any).+\.whl", wheel.name)


def test_beside_each_library_stands_the_python_it_was_made_of(wheel: Path):
    """A traceback names its lines; and everything else is there as in the other wheel."""
    names = set(zipfile.ZipFile(wheel).namelist())
    stems = [name.partition(".")[0] for name in names if name.endswith((".so", ".pyd")) and name.startswith("seawall/")]
    assert len(stems) > 50
    assert [stem for stem in stems if f"{stem}.py" not in names] == []
    files = {path.relative_to(SOURCE.parent).as_posix() for path in SOURCE.rglob("*") if path.is_file()}
    assert {name for name in files - names if "__pycache__" not in name} == set()


def test_it_says_that_it_is_compiled(binaries: Path):
    """On the command line."""
    assert output(binaries / "seawall", "--version") == f"seawall {__version__} (compiled)\n"


def test_what_is_installed_stays_small(binaries: Path):
    """The compiled gateway and what it needs are within the bounds of the plain one; compilers are not needed."""
    sizes = dict(line.split() for line in output(binaries / "python", "-c", INSTALLED).splitlines())
    own = {name: int(size) for name, size in sizes.items() if name not in TOOLS}
    assert "seawall" in own
    assert not {"mypy", "setuptools", "hatchling"} & set(own)
    assert len(own) <= MOST_DISTRIBUTIONS
    assert sum(own.values()) <= MOST_MEGABYTES * 1e6


def test_a_traceback_names_the_lines_of_compiled_functions(binaries: Path):
    """File, line and function, as docs/compiled.md says."""
    text = output(binaries / "python", "-c", RAISES)
    lines = (SOURCE / "spend" / "money.py").read_text().splitlines()
    found = re.search(r'File "seawall/spend/money\.py", line (\d+), in exact\n', text)
    assert found, text
    begins = next(number for number, line in enumerate(lines, 1) if line.startswith("def exact("))
    assert begins <= int(found[1]) < begins + 20


class Answers(Silent, http.server.BaseHTTPRequestHandler):
    """An upstream that says back what it was sent."""

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers["content-length"]))
        self.send_response(200)
        self.send_header("content-length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)


@pytest.fixture
def upstream() -> Iterator[int]:
    """Return the port of an upstream."""
    with serving(Answers) as port:
        yield port


def test_it_serves_a_call_and_its_pages_say_that_it_is_compiled(binaries: Path, upstream: int, tmp_path: Path):
    """The real process, a real client, and an end by SIGTERM with 0."""
    file = tmp_path / "seawall.toml"
    file.write_text(SETTINGS.format(port=upstream))
    command = [binaries / "seawall", "serve", "--config", file]
    with subprocess.Popen(
        command, cwd=tmp_path, env=clean(), stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True
    ) as child:
        try:
            with httpx.Client(base_url=address(child), timeout=PATIENCE) as client:
                answers = [client.post("/up/say", content=b"so it runs") for _ in range(3)]
                versions = client.get("/diagnostics").json()["versions"]
                same = client.get("/api/v1/version").json()["versions"]
        finally:
            child.terminate()
            code = child.wait(PATIENCE)
    assert [(answer.status_code, answer.content) for answer in answers] == [(200, b"so it runs")] * 3
    assert versions["form"] == same["form"] == "compiled"
    assert code == 0
