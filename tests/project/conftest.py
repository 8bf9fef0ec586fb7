"""What several tests of the project share."""

import importlib.util
from types import ModuleType

import pytest
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
