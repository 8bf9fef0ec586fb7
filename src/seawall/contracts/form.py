"""In which form the code of a call runs: compiled by mypyc, or as the Python it is written in."""

from importlib.machinery import EXTENSION_SUFFIXES

from seawall.contracts import fields  # a compiled wheel has it compiled, and all the others with it

__all__ = ["form"]


def form() -> str:
    """Return `compiled` or `pure Python`."""
    return "compiled" if fields.__file__.endswith(tuple(EXTENSION_SUFFIXES)) else "pure Python"
