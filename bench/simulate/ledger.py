"""Every number that is asked for, measured: small for the tests, larger for the page."""

from collections.abc import Callable, Iterator

from bench.simulate import halfopen, herds, leaks, outages, overload, tails
from bench.simulate.number import Number

__all__ = ["large", "measure", "small"]

Measure = Callable[[], Number | list[Number]]


def small() -> dict[str, Measure]:
    """Return what the tests measure, by name; seconds altogether."""
    return {
        "amplification": lambda: outages.amplified(50, 60),
        "amplification, short outage": lambda: outages.amplified(50, 15),
        "amplification, 200 calls/s": lambda: outages.amplified(200, 20),
        "budget, 50 calls/s": lambda: outages.within_budget(50, 30),
        "budget, 5 calls/s": lambda: outages.within_budget(5, 60),
        "budget, a call in 5 s": lambda: outages.within_budget(0.2, 300),
        "recovery, first open time": lambda: outages.after_outage(50, 20),
        "recovery, second open time": lambda: outages.after_outage(50, 40),
        "recovery, breaker alone": lambda: outages.after_outage(50, 25, {"breaker": {}}),
        "herd, outage": lambda: herds.in_outage(240, 24, base=1.0, budget=0.5),
        "herd, crash": lambda: herds.crashed(1000),
        "herd, Retry-After 1": lambda: herds.asked_to_wait(1000, 1),
        "herd, Retry-After 5": lambda: herds.asked_to_wait(1000, 5),
        "herd, Retry-After 5, slow": lambda: herds.asked_to_wait(1000, 5, slower=20),
        "hedge": lambda: tails.hedged(6000),
        "concurrency": lambda: overload.held(8, 20.0),
        "half-open": lambda: halfopen.reached(50, 3),
        "half-open, one probe": lambda: halfopen.reached(50, 1),
        "half-open, every policy": lambda: halfopen.reached(50, 3, outages.ALL),
        "leaks": lambda: leaks.cancelled(2000),
    }


def large() -> dict[str, Measure]:
    """Return what the page shows and `make verify` holds; a minute or two altogether."""
    return {
        **{f"amplification, {rate}": _amplified(rate, seconds) for rate, seconds in ((50, 60), (200, 30), (1000, 15))},
        **{f"budget, {rate:g}": _within(rate) for rate in (0.2, 5, 49, 200)},
        **{f"recovery, {seconds}": _after(seconds) for seconds in (16, 20, 40, 70)},
        "herd, outage": lambda: herds.in_outage(600, 60, base=1.0),
        "herd, outage, base of 100 ms": lambda: herds.in_outage(6000, 13),
        "herd, crash": lambda: herds.crashed(5000),
        **{f"herd, {after}, {slower}": _told(after, slower) for after in (1, 5, 20) for slower in (1, 20)},
        "hedge": lambda: tails.hedged(50_000),
        **{f"concurrency, {servers}": _held(servers) for servers in (8, 20, 40)},
        "half-open": lambda: halfopen.reached(50, 3),
        "half-open, one probe": lambda: halfopen.reached(50, 1),
        "half-open, every policy": lambda: halfopen.reached(50, 3, outages.ALL),
        "leaks": lambda: leaks.cancelled(10_000),
    }


def measure(plan: dict[str, Measure]) -> Iterator[Number]:
    """Yield each number as it is measured."""
    for one in plan.values():
        result = one()
        yield from [result] if isinstance(result, Number) else result


def _amplified(rate: float, seconds: float) -> Measure:
    return lambda: outages.amplified(rate, seconds)


def _within(rate: float) -> Measure:
    return lambda: outages.within_budget(rate, 60 if rate >= 1 else 600)


def _after(seconds: float) -> Measure:
    return lambda: outages.after_outage(100, seconds)


def _told(after: float, slower: float) -> Measure:
    calls = 6000 if after > 5 else 2000
    return lambda: herds.asked_to_wait(calls, after, slower)


def _held(servers: int) -> Measure:
    return lambda: overload.held(servers, 30.0)
