"""The examples on the page about the test kit run as they stand there."""

import asyncio
import inspect
import re
from pathlib import Path

import pytest

PAGE = Path(__file__).parents[2] / "docs" / "testing.md"
EXAMPLES = re.findall(r"^```python\n(.*?)^```", PAGE.read_text("utf-8"), re.MULTILINE | re.DOTALL)


@pytest.mark.parametrize("example", EXAMPLES, ids=[str(number) for number in range(1, len(EXAMPLES) + 1)])
def test_an_example_of_the_page_passes(example: str) -> None:
    """Each block stands alone and holds at least one test."""
    names: dict[str, object] = {}
    exec(compile(example, str(PAGE), "exec"), names)
    tests = [value for name, value in names.items() if name.startswith("test_")]
    assert tests
    for test in tests:
        assert callable(test)
        if inspect.iscoroutinefunction(test):
            asyncio.run(test())
        else:
            test()


def test_the_page_names_every_fault() -> None:
    """A new fault has a place in the table."""
    from seawall.testing import faults

    text = PAGE.read_text("utf-8")
    assert [name for name in faults.__all__ if f"`{name}`" not in text] == ["good"]
