"""The command line, one file per command."""

__all__ = ["main"]


def main() -> None:
    """Run the command line and exit with its code."""
    # typer is only needed here, and `import seawall.cli` must stay cheap for what imports one command
    from seawall.cli.commands import app

    app(prog_name="seawall")
