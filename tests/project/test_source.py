"""What the house style says about files and functions, where a machine can tell."""

import ast
import re

from tree import ROOT, files_with_tests, functions, relative, sources, texts

MOST_LINES = 300
# Files above it, each with its reason. Empty is the aim.
LONG_FILES: dict[str, str] = {}
MOST_FUNCTION_LINES = 40
# Functions above it, docstring not counted, each with its reason.
LONG_FUNCTIONS: dict[str, str] = {}
MOST_EXCLUSIONS = 20

MACHINE = re.compile(
    r"/(?:work|farm|root)/|/tmp/bash_[j]obs|pypi\.org|python[h]osted|registry\.npmjs|deb\.debian\.org|/opt/[a-z]+-more"
)
LEFT_OVER = re.compile(r"\b(?:TO" + r"DO|FIX" + r"ME|XX" + r"X|HA" + r"CK)\b")
THREAD_SLEEP = re.compile(r"\btime\.sleep\(")
SLEEP = re.compile(r"\btime\.sleep\(|asyncio\.sleep\((?:0?\.\d*[1-9]|[1-9])")
EXCLUSION = re.compile(r"pragma: no (?:cover|branch)(.*)")
IGNORE = re.compile(r"#\s*(?:type: ignore(?:\[[\w, -]+\])?|noqa(?:: ?[A-Z0-9, ]+)?|pyright: ignore(?:\[\w+\])?)(.*)")
VAGUE = {"utils", "util", "helpers", "helper", "common", "misc", "manager"}


def body_lines(node: ast.FunctionDef | ast.AsyncFunctionDef) -> int:
    """Return how many lines a function has from its `def` on, without its docstring."""
    length = (node.end_lineno or node.lineno) - node.lineno + 1
    first = node.body[0]
    if ast.get_docstring(node) is not None:
        length -= (first.end_lineno or first.lineno) - first.lineno + 1
    return length


def test_no_file_is_long_without_a_reason():
    """One file, one idea."""
    long = {relative(path) for path in sources() if len(path.read_text().splitlines()) > MOST_LINES}
    assert long == set(LONG_FILES)


def test_no_function_is_long_without_a_reason():
    """What does not fit a screen is two things."""
    long = {
        f"{relative(path)}::{node.name}"
        for path in sources()
        for node in functions(path)
        if body_lines(node) > MOST_FUNCTION_LINES
    }
    assert long == set(LONG_FUNCTIONS)


def test_every_module_says_what_it_is_in_its_first_line():
    """Its docstring, tests and measurements included."""
    files = [*sources(), *files_with_tests(), *(ROOT / "bench").glob("*.py")]
    assert [relative(path) for path in files if not ast.get_docstring(ast.parse(path.read_text()))] == []


def test_every_test_says_what_it_shows():
    """A docstring for each, beside a name that says the behaviour."""
    silent = [
        f"{relative(path)}::{node.name}"
        for path in files_with_tests()
        for node in functions(path)
        if node.name.startswith("test_") and not ast.get_docstring(node)
    ]
    assert silent == []


def test_no_module_has_a_vague_name():
    """No better name means no home yet."""
    assert [relative(path) for path in sources() if VAGUE & set(path.with_suffix("").parts)] == []


def test_no_machine_path_or_index_address_is_handed_on():
    """The tree works the same wherever it stands."""
    assert {path: found[0] for path, text in texts() if (found := MACHINE.search(text))} == {}


def test_nothing_is_left_over():
    """What is missing stands in the issue, not in the code."""
    code = [*sources(), *files_with_tests()]
    assert {relative(path): found[0] for path in code if (found := LEFT_OVER.search(path.read_text()))} == {}


def test_no_test_sleeps():
    """Where time must pass it is virtual: that costs nothing and is never late."""
    found = {}
    for path in files_with_tests():
        text = path.read_text()
        if asleep := (THREAD_SLEEP if "virtual" in text else SLEEP).search(text):
            found[relative(path)] = asleep[0]
    assert found == {}


def test_no_exception_is_swallowed():
    """Only named ones are passed over."""
    swallowed = [
        f"{relative(path)}:{node.lineno}"
        for path in sources()
        for node in ast.walk(ast.parse(path.read_text()))
        if isinstance(node, ast.ExceptHandler)
        and (node.type is None or ast.unparse(node.type) in ("Exception", "BaseException"))
        and all(isinstance(one, ast.Pass | ast.Continue) for one in node.body)
    ]
    assert swallowed == []


def test_what_coverage_leaves_out_is_little_and_has_a_reason():
    """The reason stands on the line."""
    marks = [(relative(path), found) for path in sources() for found in EXCLUSION.findall(path.read_text())]
    assert len(marks) <= MOST_EXCLUSIONS
    assert [path for path, reason in marks if len(re.findall(r"\w+", reason)) < 3] == []


def test_every_ignore_has_a_reason_beside_it():
    """On the line, or in a comment on the line above."""
    bare = []
    for path in sources():
        before = ""
        for number, line in enumerate(path.read_text().splitlines(), 1):
            found = IGNORE.search(line)
            if found and len(re.findall(r"\w+", found[1])) < 2 and not before.lstrip().startswith("#"):
                bare.append(f"{relative(path)}:{number}")
            before = line
    assert bare == []
