"""From the book of a run to figures: amplification, success, percentiles, recovery, peaks."""

from bisect import bisect_left
from collections import Counter
from collections.abc import Iterable, Sequence

from bench.simulate.upstream import Came
from bench.simulate.world import Done

__all__ = ["amplification", "bins", "over_budget", "peak_to_mean", "quantile", "recovery", "success"]

LAST = 2  # seconds at the end of a run that are too few to call good


def quantile(values: Iterable[float], share: float) -> float:
    """Return the smallest value that `share` of all do not pass; 0.0 of nothing."""
    ordered = sorted(values)
    return ordered[min(len(ordered) - 1, int(share * len(ordered)))] if ordered else 0.0


def amplification(came: Sequence[Came], done: Iterable[Done], since: float, until: float) -> float:
    """Return attempts at the upstream for each call made in a span of the run."""
    calls = sum(since <= one.at < until for one in done)
    return sum(since <= one.at < until for one in came) / calls if calls else 0.0


def success(done: Iterable[Done], since: float, until: float) -> float:
    """Return the share of good answers to the calls made in a span of the run."""
    ends = [one.good for one in done if since <= one.at < until]
    return sum(ends) / len(ends) if ends else 0.0


def recovery(done: Iterable[Done], since: float, share: float = 0.95) -> float:
    """Return the seconds after `since` from which `share` of each second's calls succeed, to the end of the run.

    A second counts by when its calls were made. Infinite where the last one is still bad.
    """
    made: Counter[int] = Counter()
    good: Counter[int] = Counter()
    for one in done:
        if one.at >= since:
            made[int(one.at - since)] += 1
            good[int(one.at - since)] += one.good
    last = max(made, default=-1)
    bad = [second for second in made if good[second] < share * made[second]]
    if not bad:
        return 0.0
    return float("inf") if max(bad) >= last - LAST else max(bad) + 1.0


def bins(times: Iterable[float], width: float, since: float, until: float) -> list[int]:
    """Return how many moments fall into each bin of `width` seconds; a part of a bin at the end is left out."""
    counts = [0] * round((until - since) / width)
    for at in times:
        number = int((at - since) / width)
        if at >= since and number < len(counts):
            counts[number] += 1
    return counts


def peak_to_mean(counts: Sequence[int]) -> float:
    """Return the fullest bin by the average one."""
    total = sum(counts)
    return max(counts) * len(counts) / total if total else 0.0


def over_budget(
    came: Sequence[Came], done: Iterable[Done], share: float, floor: int, late: float, span: int = 10
) -> float:
    """Return the most retries beyond `floor` plus `share` of the calls, in the `span` seconds up to any retry.

    At or below 0 the budget held everywhere. The span ends with a retry and begins with a whole second.

    Args:
        came: at the upstream.
        done: all calls.
        share: of the calls, as the budget has it.
        floor: retries lent.
        late: seconds at most from a retry's token to its arrival; its token's second is what counts.
        span: of the budget.
    """
    calls = sorted(one.at for one in done)
    retries = sorted(one.at for one in came if one.number > 1)
    worst = float("-inf")
    for index, at in enumerate(retries):
        since = int(at - late) - span + 1
        tried = index + 1 - bisect_left(retries, since + late)
        asked = bisect_left(calls, at) - bisect_left(calls, since)
        worst = max(worst, tried - floor - share * asked)
    return worst
