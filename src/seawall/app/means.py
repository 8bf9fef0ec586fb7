"""What settings mean to the server, to the gateway's door, to the operations pages and to the log."""

from collections.abc import Iterable

from seawall.admin.access import Access
from seawall.admin.door import GUARDED, PUBLIC, Doorway
from seawall.config import Tree
from seawall.config.bind import Bind
from seawall.config.log import LogSettings
from seawall.config.resolve import API_BODY
from seawall.config.server import ServerSettings
from seawall.contracts.admission import Admission
from seawall.contracts.sites import Sites, known_hosts
from seawall.gateway.door import Options
from seawall.gateway.table import Table
from seawall.observers import LogRules
from seawall.server.limits import Limits

__all__ = ["doorway_of", "limits_of", "log_rules_of", "options_of", "pairs_of"]


def options_of(tree: Tree, table: Table, admission: Admission) -> Options:
    """Return how the gateway's door behaves."""
    server, bind = tree.server, tree.server.bind
    return Options(_sites(server, bind, table), admission, server.trusted_hops)


def doorway_of(server: ServerSettings, bind: Bind, table: Table, *, shared: bool) -> Doorway:
    """Return how one bind shows the operations pages.

    Args:
        server: settings.
        bind: the address.
        table: the upstreams behind the gateway.
        shared: whether the gateway listens there too.
    """
    access = Access(server.admin_token, open_without=bind.loopback)
    sites = _sites(server, bind, table)
    if not shared:
        return Doorway(sites, access)
    names = PUBLIC if server.admin_listen is not None else PUBLIC | GUARDED
    return Doorway(sites, access, names, rooted=any(one.mount == b"" for one in table.upstreams))


def limits_of(server: ServerSettings) -> Limits:
    """Return the bounds of the server."""
    return Limits(
        # the bound of upstreams with `api` is larger; the door holds the others to theirs
        max_body=server.max_body if "max_body" in server.model_fields_set else max(server.max_body, API_BODY),
        max_header=server.max_header,
        max_header_count=server.max_headers,
        header_timeout=server.header_timeout,
        body_timeout=server.body_timeout,
        idle_timeout=server.keepalive_timeout,
        write_timeout=server.write_timeout,
        max_connections=server.max_connections,
        max_connections_per_address=server.connections_per_address,
        max_inflight=server.max_inflight,
    )


def log_rules_of(log: LogSettings, text: bool) -> LogRules:
    """Return what is written; `text` where the settings leave the format open, for a terminal."""
    return LogRules(log.format or ("text" if text else "json"), log.level, log.success, log.rate)


def pairs_of(addresses: Iterable[str]) -> list[tuple[str, int]]:
    """Return host and port of each address that is listened on, sockets in the file system left out."""
    parts = (address.rpartition(":") for address in addresses if not address.startswith("unix:"))
    return [(host.strip("[]"), int(port)) for host, _, port in parts]


def _sites(server: ServerSettings, bind: Bind, table: Table) -> Sites:
    names = (*server.hosts, *(host.decode("ascii") for host in table.hosts))
    origins = frozenset(origin.lower().encode("ascii") for origin in server.origins)
    return Sites(known_hosts(bind.host, bind.port or None, names), origins)
