"""Servers and links for the tests of this folder."""

from collections.abc import AsyncIterator, Iterator

import pytest

from redis_links import Links
from valkey_server import ValkeyServer


@pytest.fixture
def server() -> Iterator[ValkeyServer]:
    """Return a server of this test alone, which may be killed."""
    with ValkeyServer() as running:
        yield running


@pytest.fixture(scope="module")
def steady() -> Iterator[ValkeyServer]:
    """Return a server for the tests of one file that break nothing."""
    with ValkeyServer() as running:
        yield running


@pytest.fixture
async def links() -> AsyncIterator[Links]:
    """Return what starts links; they are closed in the end."""
    made = Links()
    yield made
    await made.close()
