"""One PostgreSQL for all tests of the stores that a worker runs."""

from collections.abc import Iterator

import pytest

from postgres_server import PostgresServer, postgres_server


@pytest.fixture(scope="session")
def postgres() -> Iterator[PostgresServer]:
    """Give the server; a test that stops it starts it again."""
    with postgres_server() as server:
        yield server
