"""Connections to the primary: made with our timeouts, and none retried by the library, which would take twice."""

import ssl
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from functools import partial
from importlib.util import find_spec
from typing import Any

from redis.asyncio.connection import AbstractConnection, Connection, ConnectionPool
from redis.asyncio.retry import Retry
from redis.backoff import NoBackoff
from redis.exceptions import NoPermissionError, NoScriptError, ResponseError

from seawall.stores.address import Address
from seawall.stores.redis.presence import BEAT, REPLICAS
from seawall.stores.redis.reason import NotPrimary

__all__ = ["ask", "borrowed", "pool_of", "probe"]

_MOST = 16  # connections: lanes, listeners and the one that tries

# Left alone, the library reads its own version from disk for every connection, on the loop.
_UNNAMED: Mapping[str, Any] = (
    {"driver_info": None} if find_spec("redis.driver_info") else {"lib_name": None, "lib_version": None}
)


class _TlsConnection(Connection):
    """A connection over TLS with one context for all: the library's own makes one for each, on the loop."""

    def __init__(self, *, context: ssl.SSLContext, **rest: Any) -> None:
        self._tls = context
        super().__init__(**rest)

    def _connection_arguments(self) -> Mapping[str, Any]:
        return {**super()._connection_arguments(), "ssl": self._tls}


def pool_of(address: Address) -> ConnectionPool:
    """Return the one pool of connections to an address.

    Raises:
        OSError: a file of the address cannot be read or is no PEM file.
    """
    connection: Any = Connection
    if address.tls:
        connection = partial(_TlsConnection, context=_context(address))
    return ConnectionPool(
        connection_class=connection,
        max_connections=_MOST,
        host=address.host,
        port=address.port,
        db=address.database,
        username=address.user or None,
        password=address.password.reveal() or None,
        # every use stands under a timeout of ours, which also covers name lookup and TLS
        socket_timeout=None,
        socket_connect_timeout=None,
        socket_keepalive=True,
        retry=Retry(NoBackoff(), 0),
        protocol=2,
        client_name="seawall",
        **_UNNAMED,
    )


def _context(address: Address) -> ssl.SSLContext:
    context = ssl.create_default_context(cafile=address.ca or None)
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    if address.certificate:
        context.load_cert_chain(address.certificate, address.key)
    return context


async def probe(pool: ConnectionPool, replica: str, gone: int) -> int:
    """Say that this replica is there; return how many are, counting none silent for `gone` milliseconds.

    Raises:
        NotPrimary: what answers is a cluster's node, a sentinel, or somebody's replica.
        RedisError, OSError: it cannot be asked.
    """
    async with borrowed(pool) as connection:
        mode, role = await _kind(connection)
        if mode != b"standalone":
            raise NotPrimary(f"it is a {mode.decode('ascii', 'replace')}, and one primary that stands alone is needed")
        if role != b"master":
            raise NotPrimary("it is a replica, and the primary is needed")
        rest = (1, REPLICAS, replica, gone)
        try:
            return int(await ask(connection, "EVALSHA", BEAT.digest, *rest))
        except NoScriptError:
            return int(await ask(connection, "EVAL", BEAT.text, *rest))


async def _kind(connection: AbstractConnection) -> tuple[bytes, bytes]:
    """Return mode and role as the server tells them; where its user may not ask, what is usual."""
    try:
        lines = [line for part in ("server", "replication") for line in (await ask(connection, "INFO", part)).split()]
    except NoPermissionError:
        return b"standalone", b"master"
    except ResponseError as error:  # sentinels know no scripts, but do know INFO
        raise NotPrimary("it is neither Redis nor Valkey") from error
    told = dict(line.partition(b":")[::2] for line in lines)
    mode = told.get(b"server_mode") or told.get(b"redis_mode") or b"standalone"  # Valkey's name and Redis's
    return mode, told.get(b"role", b"master")


@asynccontextmanager
async def borrowed(pool: ConnectionPool) -> AsyncIterator[AbstractConnection]:
    """Give a connection that is open for as long as the block takes."""
    connection = await pool.get_connection()  # type: ignore[no-untyped-call] # only its arguments lack types
    try:
        yield connection
    finally:
        await pool.release(connection)


async def ask(connection: AbstractConnection, *command: str | bytes | float) -> Any:
    """Send one command and return its answer."""
    await connection.send_command(*command)
    return await connection.read_response()
