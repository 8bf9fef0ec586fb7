"""What mypyc compiles to something else than Python means, and compiled modules therefore do not say.

Each was met, and none fails to compile: docs/compiled.md has them for whoever writes such a module.
"""

import ast
import builtins
from collections.abc import Iterator
from types import ModuleType

import pytest
from tree import ROOT, settings


def nodes(text: str) -> Iterator[ast.AST]:
    """Yield every node of a module."""
    return ast.walk(ast.parse(text))


def calls_twice(text: str) -> list[int]:
    """Return lines with a slice whose bound calls: the call is made twice for all but str, bytes, list and tuple."""
    found = []
    for node in nodes(text):
        if isinstance(node, ast.Slice):
            bounds = [bound for bound in (node.lower, node.upper) if bound is not None]
            calls = [one for bound in bounds for one in ast.walk(bound) if isinstance(one, ast.Call | ast.Await)]
            found += [one.lineno for one in calls if not _harmless(one)]
    return found


def _harmless(call: ast.Call | ast.Await) -> bool:
    return isinstance(call, ast.Call) and ast.unparse(call.func).rpartition(".")[2] in ("len", "find", "rfind")


def narrowed_in_finally(text: str) -> list[int]:
    """Return lines of a `finally` that reads what its `try` assigned: it is taken for what it is if all went well."""
    found = []
    for node in nodes(text):
        if isinstance(node, ast.Try):
            stored = {one.id for one in _names(node.body) if isinstance(one.ctx, ast.Store)}
            found += [one.lineno for one in _names(node.finalbody) if one.id in stored]
    return found


def _names(body: list[ast.stmt]) -> list[ast.Name]:
    return [one for part in body for one in ast.walk(part) if isinstance(one, ast.Name)]


def attributes_of_errors(text: str) -> list[int]:
    """Return lines of an exception's class attributes: an instance has its base's instead."""
    found = []
    for node in nodes(text):
        if isinstance(node, ast.ClassDef) and any(_of_error(base) for base in node.bases):
            found += [one.lineno for one in node.body if isinstance(one, ast.Assign | ast.AnnAssign)]
    return found


def _of_error(base: ast.expr) -> bool:
    name = ast.unparse(base).rpartition(".")[2]
    known = getattr(builtins, name, None)
    return (isinstance(known, type) and issubclass(known, BaseException)) or name.endswith(("Error", "Refusal"))


@pytest.mark.parametrize("rule", [calls_twice, narrowed_in_finally, attributes_of_errors])
def test_no_compiled_module_says_it(hook: ModuleType, rule):
    """The line is named."""
    files = hook.modules(ROOT, settings()["tool"]["hatch"]["build"]["targets"]["wheel"]["hooks"]["custom"]["modules"])
    assert [f"{file}:{line}" for file in files for line in rule((ROOT / "src" / file).read_text())] == []


@pytest.mark.parametrize(
    ("rule", "bad", "good"),
    [
        (calls_twice, "left = left[write(left):]", "written = write(left)\nleft = left[written:]\nleft[len(left):]"),
        (
            narrowed_in_finally,
            "made = None\ntry:\n    made = make()\nfinally:\n    if made is None: wake()",
            "try:\n    made = make()\nexcept BaseException:\n    wake()\n    raise",
        ),
        (attributes_of_errors, "class Full(Refusal):\n    status = 400", "class Full:\n    status = 400"),
        (attributes_of_errors, "class Full(ValueError):\n    status: int = 400", "class Full(ValueError):\n    pass"),
    ],
)
def test_a_rule_sees_what_it_is_for(rule, bad, good):
    """And leaves alone what says the same without."""
    assert rule(bad)
    assert rule(good) == []
