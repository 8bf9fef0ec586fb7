"""Settings texts for tests: the contract file, its variables, and the faults of a text."""

from pathlib import Path

from seawall.config import parse
from seawall.config.tree import Tree
from seawall.contracts.errors import SettingsError

CONTRACT = Path(__file__).with_name("seawall.toml")
SECRETS = {
    "WEATHER_KEY": "planted-weather",
    "OPENAI_API_KEY": "planted-openai",
    "ANTHROPIC_API_KEY": "planted-anthropic",
}


def tree(text: str, **variables: str) -> Tree:
    """Return the tree of a text."""
    return parse(text, variables).tree


def faults(text: str, **variables: str) -> list[str]:
    """Return the faults of a text, none where it loads."""
    try:
        parse(text, variables)
    except SettingsError as error:
        return list(error.faults)
    return []


def upstream(*lines: str, name: str = "a") -> str:
    """Return a text with one upstream and more lines in its table."""
    head = [] if any(line.startswith(("url", "targets", "api =")) for line in lines) else ['url = "https://a.example"']
    return "\n".join([f"[upstreams.{name}]", *head, *lines])
