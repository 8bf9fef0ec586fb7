"""A certificate authority of the tests' own."""

import pytest
import trustme


@pytest.fixture(scope="module")
def authority():
    """Return a certificate authority nobody else trusts."""
    return trustme.CA()


@pytest.fixture
def ca(authority, tmp_path):
    """Return the path of its certificate."""
    path = tmp_path / "ca.pem"
    authority.cert_pem.write_to_path(str(path))
    return str(path)
