"""The commands and their options; each imports its own file only when it runs, so that `--help` is quick."""

import sys
from collections.abc import Callable
from pathlib import Path
from typing import Annotated

import typer

from seawall import __version__
from seawall.contracts.errors import SettingsError
from seawall.contracts.form import form

__all__ = ["app"]

app = typer.Typer(
    help="One small process between your programs and every API they depend on.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
)

Config = Annotated[Path, typer.Option("--config", "-c", metavar="FILE", help="The settings file.")]
CONFIG = Path("seawall.toml")


def _finish(run: Callable[[], int]) -> None:
    """Run a command; wrong settings are told once, line by line, and exit with 2."""
    try:
        code = run()
    except SettingsError as exc:
        faults = exc.faults
        print(f"seawall: {len(faults)} fault{'s' if len(faults) != 1 else ''}", file=sys.stderr)
        for fault in faults:
            print(f"  {fault}", file=sys.stderr)
        code = 2
    raise typer.Exit(code)


def _version(wanted: bool) -> None:
    if wanted:
        print(f"seawall {__version__} ({form()})")
        raise typer.Exit


@app.callback()
def options(
    version: Annotated[bool, typer.Option("--version", callback=_version, is_eager=True, help="Show it.")] = False,
) -> None:
    """Hold the options that stand before every command."""


@app.command()
def serve(config: Config = CONFIG) -> None:
    """Start the gateway."""

    def run() -> int:
        from seawall.cli.serve import serve

        return serve(config)

    _finish(run)


@app.command()
def demo(
    traffic: Annotated[bool, typer.Option("--traffic", help="Send a mixed load and show what callers see.")] = False,
    port: Annotated[int, typer.Option("--port", min=0, max=65535, help="Port of the gateway.")] = 8080,
    seconds: Annotated[
        float | None, typer.Option("--seconds", min=0, help="End after so long; else at Ctrl-C.")
    ] = None,
) -> None:
    """Start a sandbox API that fails in every way, and the gateway in front of it."""

    def run() -> int:
        from seawall.cli.demo import demo

        return demo(port, traffic, seconds)

    _finish(run)


@app.command()
def check(
    upstreams: Annotated[
        list[str] | None, typer.Argument(metavar="[UPSTREAM]...", help="Of --live: call these only.")
    ] = None,
    config: Config = CONFIG,
    show: Annotated[bool, typer.Option("--print", help="Print the settings in force, secrets masked.")] = False,
    live: Annotated[bool, typer.Option("--live", help="Call each upstream once.")] = False,
) -> None:
    """Say everything that is wrong with the settings, at once."""

    def run() -> int:
        from seawall.cli.check import check

        return check(config, show=show, live=live, names=upstreams or ())

    _finish(run)


@app.command()
def explain(
    method: Annotated[str, typer.Argument(help="Method of the call.", metavar="METHOD")],
    path: Annotated[str, typer.Argument(help="Path a caller would ask for.", metavar="PATH")],
    config: Config = CONFIG,
    host: Annotated[str, typer.Option("--host", help="Host a caller would ask for.")] = "",
    model: Annotated[str, typer.Option("--model", metavar="NAME", help="Only this model, on their routes.")] = "",
) -> None:
    """Say which upstream, route and policies a call would meet, and why."""

    def run() -> int:
        from seawall.cli.explain import explain

        return explain(method, path, config, host, model)

    _finish(run)


@app.command()
def init(
    directory: Annotated[Path, typer.Option("--dir", metavar="DIR", help="Where the files go.")] = Path(),
    force: Annotated[bool, typer.Option("--force", help="Write over files that are there.")] = False,
) -> None:
    """Write a starter file, .env.sample, a systemd unit and a compose file."""

    def run() -> int:
        from seawall.cli.init import init

        return init(directory, force=force)

    _finish(run)


keys = typer.Typer(
    help="Keys of callers: made here for the settings, or kept by a running gateway.", no_args_is_help=True
)
app.add_typer(keys, name="keys")

Url = Annotated[
    str,
    typer.Option(
        "--url",
        envvar="SEAWALL_URL",
        metavar="URL",
        help="The gateway; its admin token is read from SEAWALL_ADMIN_TOKEN.",
    ),
]
Caller = Annotated[str, typer.Argument(help="Name of the caller.", metavar="NAME")]
URL = "http://127.0.0.1:8080"


@keys.command("new")
def keys_new(
    name: Caller,
    url: Annotated[str, typer.Option("--url", metavar="URL", help="Have this gateway keep the caller.")] = "",
    rate: Annotated[str | None, typer.Option("--rate", help='Its calls per time, "60/min"; with --url.')] = None,
    tokens: Annotated[str | None, typer.Option("--tokens", help="Its tokens per time; with --url.")] = None,
    concurrency: Annotated[int | None, typer.Option("--concurrency", help="Its calls at once; with --url.")] = None,
    spend: Annotated[
        list[str] | None,
        typer.Option("--spend", metavar="CAP", help='Its cap, "day=0.50 USD"; call, day, month, total; with --url.'),
    ] = None,
    per_user: Annotated[
        list[str] | None,
        typer.Option("--user", metavar="LIMIT", help='Of each user, "header=X-User", "day=0.05 USD"; with --url.'),
    ] = None,
) -> None:
    """Make a key: printed once, with the key_hash line for the settings; or kept by a gateway with --url."""

    def run() -> int:
        from seawall.cli.keys import caps, new, users

        limits: dict[str, object] = {"rate": rate, "tokens": tokens, "concurrency": concurrency}
        limits |= {"spend": caps("--spend", spend), "per_user": users(per_user)}
        return new(name, url, {key: value for key, value in limits.items() if value is not None})

    _finish(run)


@keys.command("list")
def keys_list(url: Url = URL) -> None:
    """Show every caller of a running gateway, with the ids of its keys."""

    def run() -> int:
        from seawall.cli.keys import list_keys

        return list_keys(url)

    _finish(run)


@keys.command("rotate")
def keys_rotate(name: Caller, url: Url = URL) -> None:
    """Give a caller a second key, printed once; the one before it stays good until it is revoked."""

    def run() -> int:
        from seawall.cli.keys import rotate

        return rotate(name, url)

    _finish(run)


@keys.command("revoke")
def keys_revoke(
    name: Caller,
    url: Url = URL,
    key: Annotated[str, typer.Option("--key", metavar="ID", help="Only this key of it, as `keys list` names it.")] = "",
) -> None:
    """Take a caller, or one of its keys, out of force at once."""

    def run() -> int:
        from seawall.cli.keys import revoke

        return revoke(name, url, key)

    _finish(run)


@app.command()
def spend(
    url: Url = URL,
    by: Annotated[
        str, typer.Option("--by", metavar="COLUMNS", help="Of caller, user, upstream, model, alias, day, month.")
    ] = "caller,model,day",
    since: Annotated[str, typer.Option("--since", metavar="DAY", help="From this day or moment on.")] = "",
    until: Annotated[str, typer.Option("--until", metavar="DAY", help="Before this day or moment.")] = "",
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON.")] = False,
    as_csv: Annotated[bool, typer.Option("--csv", help="Print CSV.")] = False,
) -> None:
    """Show what a running gateway has spent."""

    def run() -> int:
        from seawall.cli.spend import spend

        return spend(url, by, since, until, "json" if as_json else "csv" if as_csv else "table")

    _finish(run)


cache = typer.Typer(help="What a running gateway keeps: list, show, purge.", no_args_is_help=True)
app.add_typer(cache, name="cache")

Upstream = Annotated[str, typer.Argument(help="Name of the upstream.", metavar="UPSTREAM")]
Prefix = Annotated[str, typer.Option("--prefix", metavar="PATH", help="Only paths that begin so.")]


@cache.command("list")
def cache_list(
    upstream: Annotated[str, typer.Argument(help="Only this upstream.", metavar="[UPSTREAM]")] = "",
    prefix: Prefix = "",
    limit: Annotated[int, typer.Option("--limit", min=1, max=1000, help="Paths at most.")] = 100,
    url: Url = URL,
) -> None:
    """Show how full the cache is, and the paths answers are kept of."""

    def run() -> int:
        from seawall.cli.cache import list_paths

        return list_paths(url, upstream, prefix, limit)

    _finish(run)


@cache.command("show")
def cache_show(
    upstream: Upstream,
    path: Annotated[str, typer.Argument(help="As the upstream sees it; with a query, that URL only.", metavar="PATH")],
    url: Url = URL,
) -> None:
    """Show the answers of a path: headers and sizes, no bodies."""

    def run() -> int:
        from seawall.cli.cache import show

        return show(url, upstream, path)

    _finish(run)


@cache.command("purge")
def cache_purge(
    upstream: Annotated[str, typer.Argument(help="Name of the upstream.", metavar="[UPSTREAM]")] = "",
    path: Annotated[str, typer.Argument(help="One URL, path and query as the upstream sees them.")] = "",
    prefix: Prefix = "",
    everything: Annotated[bool, typer.Option("--all", help="Of every upstream.")] = False,
    url: Url = URL,
) -> None:
    """Make answers invalid at every replica: one URL, a prefix, an upstream, or all."""

    def run() -> int:
        from seawall.cli.cache import purge

        return purge(url, upstream, path, prefix, everything)

    _finish(run)
