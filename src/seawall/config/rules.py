"""What must hold between tables: names that are referred to exist, places are not taken twice."""

from collections.abc import Iterable, Iterator

from seawall.config.faults import Fault
from seawall.config.shape import Path
from seawall.config.tree import Tree
from seawall.config.upstream import RESERVED, UpstreamSettings

__all__ = ["between_tables", "mount_of"]


def mount_of(name: str, upstream: UpstreamSettings) -> str | None:
    """Return the path an upstream stands under, None where it has a Host of its own."""
    return None if upstream.host is not None else upstream.mount or f"/{name}"


def between_tables(tree: Tree) -> list[Fault]:
    """Return every fault between tables."""
    return [*_places(tree), *_models(tree), *_callers(tree), *_schedules(tree)]


def _places(tree: Tree) -> Iterator[Fault]:
    taken: dict[str, Path] = {}
    for name, upstream in tree.upstreams.items():
        path: Path = ("upstreams", name)
        mount = mount_of(name, upstream)
        if mount == f"/{name}" and upstream.mount is None and name in RESERVED:
            yield Fault(
                path, "needs a mount, its name is the gateway's own", f'mount = "/my-{name}"', (path,), value=False
            )
        place = mount if mount is not None else f"host {upstream.host}"
        where: Path = (*path, "host" if mount is None else "mount")
        if place in taken:
            rule = f"must differ from that of upstreams.{taken[place][1]}, {place}"
            yield Fault(
                where,
                rule,
                '"/weather"' if mount is not None else '"weather.home.lan"',
                (where, taken[place]),
                value=False,
            )
        taken.setdefault(place, where)


def _models(tree: Tree) -> Iterator[Fault]:
    for alias, model in tree.models.items():
        for number, target in enumerate(model.targets):
            path: Path = ("models", alias, "targets", number)
            there: Path = ("upstreams", target.upstream)
            upstream = tree.upstreams.get(target.upstream)
            if upstream is None:
                yield Fault(
                    path, f"must name an upstream, there is no {target.upstream}", _first(tree.upstreams), (path, there)
                )
            elif upstream.api is None:
                yield Fault(
                    path, f"must name an upstream with api, {target.upstream} has none", "", (path, (*there, "api"))
                )
        if model.cheaper is not None:
            path = ("models", alias, "cheaper", "to")
            if model.cheaper.to not in tree.models or model.cheaper.to == alias:
                yield Fault(path, "must be another alias of [models]", '"fast"', (path, ("models", model.cheaper.to)))


def _callers(tree: Tree) -> Iterator[Fault]:
    for name, caller in tree.callers.items():
        for key, names, known in (
            ("upstreams", caller.upstreams, tree.upstreams),
            ("models", caller.models, tree.models),
        ):
            for number, item in enumerate(names or ()):
                path: Path = ("callers", name, key, number)
                if item not in known:
                    yield Fault(path, f"must be a name of [{key}]", _first(known), (path, (key, item)))
        path = ("callers", name, "key_hash")
        if name == "anonymous" and caller.key_hash:
            yield Fault(path, "cannot be set, [callers.anonymous] is who has no key", "", (path,))
        if name != "anonymous" and not caller.key_hash:
            yield Fault(path, "is needed", '"sha256:9f86…0a08", as `seawall keys new` prints it', (path,), value=False)
    hashes: dict[str, str] = {}
    for name, caller in tree.callers.items():
        for item in caller.key_hash:
            path = ("callers", name, "key_hash")
            if item in hashes and set(item.removeprefix("sha256:")) != {"0"}:
                yield Fault(path, f"must differ from that of callers.{hashes[item]}", "", (path,))
            hashes.setdefault(item, name)


def _schedules(tree: Tree) -> Iterator[Fault]:
    mounts = [mount_of(name, upstream) for name, upstream in tree.upstreams.items()]
    for name, schedule in tree.schedules.items():
        path: Path = ("schedules", name, "call")
        target = schedule.call.partition(" ")[2].partition("?")[0]
        if not any(mount == "/" or (mount is not None and f"{target}/".startswith(f"{mount}/")) for mount in mounts):
            involved: tuple[Path, ...] = (path, ("upstreams", target.split("/")[1]))
            yield Fault(path, "must lead to the mount of an upstream", "", involved)


def _first(names: Iterable[str]) -> str:
    return next((f'"{name}"' for name in names), "")
