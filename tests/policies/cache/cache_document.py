"""docs/policies/cache-cases.md from the cases; `python tests/policies/cache/cache_document.py` writes it."""

import sys
from pathlib import Path

from cache_cases import CASES
from cache_exchange import Case, dated

__all__ = ["PAGE", "text"]

PAGE = Path(__file__).parents[3] / "docs" / "policies" / "cache-cases.md"
_TITLES = {
    "9111": "RFC 9111, HTTP Caching",
    "9110": "RFC 9110, HTTP Semantics",
    "5861": "RFC 5861, stale-while-revalidate and stale-if-error",
    "9211": "RFC 9211, Cache-Status",
    "9213": "RFC 9213, targeted Cache-Control",
    "semantics": "Beyond the RFCs",
}
_INTRO = """\
# What the cache does, case by case

<!-- Written by tests/policies/cache/cache_document.py from the cases beside it; edit there. -->

Each case is one exchange, played in every test run. In it

- `>` is a request of a client, `?` what the upstream is asked with (`-Name`: without that header);
- `<` is the upstream's answer; a request without one is answered without asking. `down` cannot be reached, `wait 5`
  takes five seconds, `~cut 3` ends after three bytes. Answers have a Date, and a body `answer N` where none is shown;
- `=` is what the client gets (`~` stands for "contains");
- `+` is the time in seconds that passes. It begins on Thu, 01 Jan 2026 00:00:00 GMT.

The id of a case's test is `tests/policies/cache/test_cache_rfc.py::test_cache[...]` with what stands behind its name.
Settings are `cache = true` where nothing else is shown.
"""


def _order(case: Case) -> tuple[int, list[int]]:
    document, _, section = case.section.partition(" ")
    return list(_TITLES).index(document), [int(part) for part in section.split(".")]


def _shown(value: object) -> str:
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, list):
        return "[" + ", ".join(f'"{item}"' for item in value) + "]"
    return f'"{value}s"'


def _one(case: Case) -> str:
    settings = ", ".join(f"{name} = {_shown(value)}" for name, value in case.settings.items())
    lines = [f"**{case.name}** (`{case.id}`)", ""]
    if settings:
        lines += [f"`cache = {{ {settings} }}`", ""]
    exchange = [line if len(line) < 200 else line[:100] + "..." for line in dated(case.text).strip().splitlines()]
    return "\n".join([*lines, "```", *exchange, "```", ""])


def text() -> str:
    """Return the page."""
    out = [_INTRO]
    document = section = ""
    for case in sorted(CASES, key=_order):
        name, _, number = case.section.partition(" ")
        if name != document:
            document = name
            count = sum(one.section.startswith(f"{name} ") for one in CASES)
            out.append(f"## {_TITLES[name]}\n\n{count} cases.\n")
        if case.section != section:
            section = case.section
            out.append(f"### Section {number}\n" if name != "semantics" else f"### {_OWN[number]}\n")
        out.append(_one(case))
    return "\n".join(out)


_OWN = {
    "7.1": "Whose answers they are",
    "7.2": "A route's own ttl",
    "7.5": "Refreshed behind",
    "7.6": "Standing in for a failing upstream",
    "7.7": "Made invalid",
}

if __name__ == "__main__":
    PAGE.write_text(text())
    sys.stdout.write(f"{PAGE.name}: {len(CASES)} cases\n")
