"""The form that runs can be told, wherever a version is told."""

from importlib.machinery import EXTENSION_SUFFIXES

import seawall.server.connection
from seawall.contracts.form import form


def test_the_form_is_the_one_of_the_modules_that_a_call_goes_through():
    """Whichever of the two this suite runs on: the lane of the compiled wheel shows the other."""
    library = seawall.server.connection.__file__.endswith(tuple(EXTENSION_SUFFIXES))
    assert form() == ("compiled" if library else "pure Python")
