"""`seawall init`: a starter file, .env.sample, a systemd unit with its log bounds, a compose file."""

from importlib import resources
from pathlib import Path

from seawall.config.document import env_sample, starter
from seawall.contracts.errors import SettingsError

__all__ = ["init"]

_UNITS = ("seawall.service", "journald@seawall.conf", "compose.yaml")


def init(directory: Path, *, force: bool) -> int:
    """Write the starter files; return the exit code.

    Nothing is written when one of them is there already and `force` is not given.

    Args:
        directory: where they go; made when it is missing.
        force: write over what is there.

    Raises:
        SettingsError: files are there already, or cannot be written.
    """
    files = _files()
    there = [name for name in files if (directory / name).exists()]
    if there and not force:
        raise SettingsError([f"{directory / name}: is there already, --force writes over it" for name in there])
    try:
        directory.mkdir(parents=True, exist_ok=True)
        for name, text in files.items():
            (directory / name).write_text(text, encoding="utf-8")
            print(f"wrote {directory / name}")
    except OSError as exc:
        raise SettingsError([f"{exc.filename or directory}: cannot be written, {exc.strerror or exc}"]) from exc
    config = directory / "seawall.toml"
    print(f"next: seawall check --config {config} && seawall serve --config {config}")
    return 0


def _files() -> dict[str, str]:
    folder = resources.files("seawall.cli").joinpath("starter")
    units = {name: folder.joinpath(name).read_text(encoding="utf-8") for name in _UNITS}
    return {"seawall.toml": starter(), ".env.sample": env_sample(starter()), **units}
