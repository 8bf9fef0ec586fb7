"""What settings mean to the server, to the gateway's door and to the operations pages."""

from seawall.admin.access import Access
from seawall.admin.door import GUARDED, PUBLIC, Doorway
from seawall.callers import ANONYMOUS, Callers, Rules, Strangers, UserRules
from seawall.config import Tree
from seawall.config.bind import Bind
from seawall.config.caller import CallerSettings
from seawall.config.server import ServerSettings
from seawall.contracts.admission import Admission
from seawall.contracts.sites import Sites, known_hosts
from seawall.gateway.door import Options
from seawall.gateway.table import Table
from seawall.server.limits import Limits

__all__ = ["configure_callers", "doorway_of", "limits_of", "options_of"]


def options_of(tree: Tree, table: Table, admission: Admission) -> Options:
    """Return how the gateway's door behaves."""
    server, bind = tree.server, tree.server.bind
    return Options(_sites(server, bind, table), admission, server.trusted_hops)


def configure_callers(callers: Callers, tree: Tree) -> None:
    """Put the callers of the settings in force."""
    server, every = tree.server, {name: _rules(name, caller) for name, caller in tree.callers.items()}
    anonymous = every.pop(ANONYMOUS, None)
    callers.configure(every.values(), Strangers(server.anonymous, server.bind.loopback, anonymous, server.trusted_hops))


def _rules(name: str, caller: CallerSettings) -> Rules:
    users = caller.per_user
    return Rules(
        name,
        tuple(bytes.fromhex(text.removeprefix("sha256:")) for text in caller.key_hash),
        caller.rate,
        caller.tokens,
        caller.concurrency,
        None if caller.upstreams is None else frozenset(caller.upstreams),
        None if caller.models is None else frozenset(caller.models),
        None if users is None else UserRules(users.header.lower().encode("ascii"), users.rate, users.tokens, users.max),
    )


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
        max_body=server.max_body,
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


def _sites(server: ServerSettings, bind: Bind, table: Table) -> Sites:
    names = (*server.hosts, *(host.decode("ascii") for host in table.hosts))
    origins = frozenset(origin.lower().encode("ascii") for origin in server.origins)
    return Sites(known_hosts(bind.host, bind.port or None, names), origins)
