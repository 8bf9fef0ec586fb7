"""docs/policies/cache-cases.md from the cases; `python tests/policies/cache/cache_document.py` writes it."""

import sys
from pathlib import Path

import cases_wire
from cache_cases import CASES as STAGE
from cache_exchange import Case

__all__ = ["PAGE", "text"]

CASES = [*STAGE, *cases_wire.CASES]
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
- `+` is the time in seconds that passes. `{60}` is the HTTP-date 60 seconds after the beginning.

Where no seconds pass and no settings are shown, an exchange can be replayed against `seawall demo`, whose upstream
`cached` is this cache in front of the sandbox: tell the sandbox the lines with `<`, forget what is kept, and send the
requests.

```sh
printf '%s\\n' '200 | Cache-Control: max-age=60' | curl -T - http://127.0.0.1:SANDBOX/told  # the port the demo names
seawall cache purge cached
curl -i http://127.0.0.1:8080/cached/a               # > GET /a
curl -i http://127.0.0.1:8080/cached/a               # = 200 | "answer 1", and Cache-Status says so
```

The id of a case's test is `tests/policies/cache/test_cache_rfc.py::test_cache[...]` with what stands behind its name.
All of them, and those that only the whole way can show, are played over sockets by `test_cache_sockets.py` beside it.
There `~first 103 Link: x` is an interim answer before the answer, `drop` ends one connection without an answer, and
`gateway.example` is the name and port under which the client knows the gateway.
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
    exchange = [line if len(line) < 200 else line[:100] + "..." for line in case.text.strip().splitlines()]
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
