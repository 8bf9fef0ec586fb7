"""docs/simulation.md: what was simulated, the plots, and every number beside what is asked for."""

import textwrap
from collections.abc import Iterable, Mapping, Sequence

from bench.simulate.number import Number
from bench.simulate.scenarios import BREAKER, CLIENTS, MEDIAN, SERVERS, SIGMA, THINK, Outcome, Scenario

__all__ = ["page"]

HEAD = """
`python -m bench.simulate --docs` writes this page and its plots. The real policies run in it, composed as in the
gateway, in virtual time: only the clients and the upstream are models. Everything random is seeded. The tests in
`tests/simulation` hold the same numbers on smaller runs; `make verify` holds the ones below.
"""
MODEL = f"""
The upstream of the scenarios is {SERVERS} servers behind one queue, with lognormal service times around
{MEDIAN * 1000:.0f} ms (sigma {SIGMA:g}): about 395 calls a second. It does not notice that a caller has gone and does
that work all the same, as most servers do. {CLIENTS:,} clients call in turn with a pause of {THINK:.0f} s on average,
about 200 calls a second. A call has 5 s and an attempt 2 s where nothing else is said; settings are the defaults but
for the breaker's `open = "{BREAKER["open"]}"` and `window = "{BREAKER["window"]}"`, a rate of 400 calls a second (800
with a spare), and at most 250 ms in a queue.
"""
TEXTS = {
    "outage": """
Retry alone asks 1.2 times for each call, whatever `attempts` says: the budget. The breaker stops asking but for its
probes, and a call fails at once. With a breaker, recovery takes what is left of its open time, which doubles with each
failed probe: `all, long queues` had one moments before the end. Only another target makes calls succeed: `fallback` and
`balance` have a second upstream here. `balance` alone goes on choosing the first one, and more often than not: it fails
fast, and nothing takes it out but a breaker.
""",
    "brown-out": """
Without a limit the queue inside the upstream grows until nothing in it is still wanted: it works at full speed for
callers that have gone, and goes on so after the brown-out. Retries lengthen that. Adaptive concurrency admits what the
upstream can still do, a tenth of its capacity and so a fifth of the calls, and there is nothing to work off afterwards.
How soon depends on the limit it had: alone it had grown to 128 under this light load, and a tenth less for each round
of timeouts of 2 s took 20 s to come down to what answers in time.
`all, and a spare` shows a limit of this: slots belong to the upstream as a whole, so a slow target holds slots that
calls to the backup wait for.
""",
    "retry storm": """
The clients' own retries, without jitter or budget, make more work than the upstream can do even after it is well again:
it stays down to the end although the load would fit twice. The retry policy can do nothing about clients that retry,
and its line hides the one without policies. The breaker and adaptive concurrency break the circle, since refusing costs
nothing; with a breaker, calls succeed again when what is left of its open time has passed. `all, long queues` lets
calls wait for a second in each queue, as long as these clients wait in all: they reach the upstream with no time left,
and that lengthens the storm. A queue's `wait` belongs well below what callers wait.
""",
    "recovery": """
For 15 s after the outage the upstream can do two thirds of what is asked of it. Without a limit its queue grows past
what a caller waits for within five of them, and from then on nobody is answered in time although it works as fast as it
can. With a limit two thirds succeed all the while; a call counts as recovered only when all do. `all` had failed a
probe just before the upstream came back, and its breaker stays open for 20 s more.
""",
}
PLOTS = {
    "policies": (
        "Each policy alone, and together",
        """
The figures of the four runs above, for every policy alone, for all together, and with a second upstream. Where there is
no bar it is nothing: a breaker's callers are refused at once.
""",
    ),
    "retries": (
        "When retries come",
        """
Left: the tokens of the ten seconds before the outage are used in its first two; from then on retries are a fifth of
calls, evenly. Until ten seconds are over none are left, since no ten seconds hold more than 20 % and the floor. Right:
calls that were told to come back after 5 s come spread over the jitter of half a second, also where they had to wait
for the first call to come back.
""",
    ),
    "hedging": (
        "Hedging",
        """
The bimodal upstream: 1 % of answers take 1 s, the rest around 20 ms. With `hedge = "p95"` a second attempt starts
beside a call that is slower than 95 % of recent ones; what remains slow is slow twice.
""",
    ),
    "overload": (
        "Overload",
        """
The same upstream offered a quarter to three times its capacity at random moments, each call with a deadline of 5 s.
Without a limit its queue grows to the deadline and it answers nobody in time; a fixed limit above its capacity keeps a
queue inside it for ever.
""",
    ),
}


def page(
    numbers: Iterable[Number],
    outcomes: Mapping[str, Mapping[str, Outcome]],
    scenarios: Sequence[Scenario],
) -> str:
    """Return the text of the page."""
    parts = [
        f"# Simulation\n\n{_wrapped(HEAD)}\n{_wrapped(MODEL)}",
        f"\n## Measured against required\n\n{_numbers(numbers)}",
    ]
    for scenario in scenarios:
        name = scenario.name
        parts.append(f"\n## {name[0].upper()}{name[1:]}\n\n{_wrapped(scenario.says + TEXTS[name])}\n")
        parts.append(_plot(name.replace(" ", "-"), name))
        parts.append(_cells(outcomes[name]))
    for file, (title, says) in PLOTS.items():
        parts.append(f"\n## {title}\n\n{_wrapped(says)}\n{_plot(file, title)}")
    return "".join(parts).rstrip() + "\n"


def _wrapped(text: str) -> str:
    return textwrap.fill(text.strip(), 120, break_on_hyphens=False, break_long_words=False) + "\n"


def _plot(file: str, title: str) -> str:
    return f"![{title}](plots/{file}.png)\n\n[As SVG](plots/{file}.svg)\n"


def _numbers(numbers: Iterable[Number]) -> str:
    lines = ["| what | required | measured | held |\n", "| --- | --- | --- | --- |\n"]
    lines += [
        f"| {one.name} | {one.required} | {one.measured} | {'yes' if one.held else '**no**'} |\n" for one in numbers
    ]
    return "".join(lines)


def _cells(outcomes: Mapping[str, Outcome]) -> str:
    lines = [
        "\n| policies | attempts per call | success meanwhile | p99 of a call | 95 % succeed again after |\n",
        "| --- | --- | --- | --- | --- |\n",
    ]
    for name, one in outcomes.items():
        again = "never in this run" if one.recovery == float("inf") else f"{one.recovery:.0f} s"
        lines.append(
            f"| {name} | {one.amplification:.2f} | {100 * one.success:.0f} % | {one.p99 * 1000:.0f} ms | {again} |\n"
        )
    return "".join(lines)
