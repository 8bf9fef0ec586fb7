"""What Envoy tests of its gradient controller: gradient_controller_test.cc, cases only, against our gradient.

Theirs counts windows by a timer and measures the unloaded latency with a least concurrency; ours counts samples and
measures with half the limit (policies/concurrency/adaptive.py). The cases are the same, the figures ours.
"""

from itertools import pairwise

import pytest

from seawall.policies.concurrency.adaptive import LEAST, MOST, PERIOD, Gradient


class Drive:
    """A gradient whose calls keep it as busy as its limit allows."""

    def __init__(self, highest: int = 1000) -> None:
        self.now = 1000.0
        self.gradient = Gradient(highest, self.now)

    def window(self, seconds: float) -> int:
        """Let answers of that latency come until the limit has been looked at once; return the limit."""
        gradient = self.gradient
        began = gradient._began
        for _ in range(100 * MOST):
            self.now += seconds / max(1, gradient.limit)
            gradient.sample(self.now - seconds, self.now, gradient.limit)
            if gradient._began != began:
                break
        return gradient.limit

    def settled(self, seconds: float, windows: int = 12) -> int:
        """Pass some windows of that latency."""
        for _ in range(windows):
            self.window(seconds)
        return self.gradient.limit


def test_min_rtt_epoch():
    """Answers that began before the limit last changed are not counted until their like have mostly ended.

    Origin: MinRTTEpoch.
    """
    drive = Drive()
    drive.window(0.05)
    drive.window(0.05)
    gradient = drive.gradient
    limit, changed = gradient.limit, gradient._began
    for _ in range(10 * MOST):
        gradient.sample(changed - 300, changed + 0.001, limit)
    assert (gradient.limit, gradient._samples) == (limit, [])


def test_min_rtt_logic():
    """The unloaded latency is what a first window measures.

    Origin: MinRTTLogicTest.
    """
    drive = Drive()
    drive.window(0.013)
    assert drive.gradient.base == pytest.approx(0.013)


def test_sample_percentile_process():
    """Of differing latencies the median counts.

    Origin: CancelLatencySample (1 to 5 ms are 3 ms).
    """
    gradient = Gradient(100, 0.0)
    for number in range(LEAST):
        gradient.sample(0.0, 0.001 * (1 + number % 5), 4)
    assert gradient.base == pytest.approx(0.003)


def test_min_rtt_buffer():
    """Latency a little above the unloaded one does not shrink the limit.

    Origin: MinRTTBufferTest, with our tolerance of a fifth.
    """
    drive = Drive(highest=64)
    drive.window(0.005)
    before = drive.gradient.limit
    assert drive.settled(0.0059, 4) > before


def test_concurrency_limit_behaviour():
    """It grows while latency stays, by no more than twice at once; it shrinks as that rises, and never below 1.

    Origin: ConcurrencyLimitBehaviorTestBasic. A window of ours may end with half the limit for a measurement, so it may
    fall to a quarter at once.
    """
    drive = Drive(highest=10_000)
    for _ in range(6):
        before = drive.gradient.limit
        after = drive.window(0.005)
        assert before < after <= 2 * before
    grown = drive.gradient.limit
    for _ in range(6):
        before = drive.gradient.limit
        assert drive.window(0.02) >= before / 4 - 1
    assert drive.gradient.limit < grown
    for _ in range(200):
        drive.now += 9
        drive.gradient.cut(drive.gradient._began, drive.now)
    assert drive.gradient.limit == 1


def test_min_rtt_return_to_previous_limit():
    """After a measurement with fewer calls the limit is what it was before.

    Origin: MinRTTReturnToPreviousLimit.
    """
    drive = Drive(highest=40)
    drive.settled(0.05)
    drive.now += PERIOD + 1
    before = drive.gradient.limit
    while not drive.gradient._restore:
        drive.window(0.05)
    during = drive.gradient.limit
    after = drive.window(0.05)
    assert during <= (before + 1) // 2 + 1
    assert after >= before - 1


def test_min_rtt_reschedule():
    """Measurements are at least a period apart.

    Origin: MinRTTRescheduleTest, TimerAccuracyTest.
    """
    drive = Drive(highest=16)
    drive.settled(0.05)
    moments = []
    while len(moments) < 4:
        drive.window(0.05)
        if drive.gradient._restore:
            moments.append(drive.now)
    assert min(later - sooner for sooner, later in pairwise(moments)) >= PERIOD


def test_no_samples():
    """Without answers the limit stays.

    Origin: NoSamplesTest.
    """
    drive = Drive()
    limit = drive.settled(0.005, 4)
    drive.now += 3600
    assert drive.gradient.limit == limit


def test_consecutive_min_concurrency_reset():
    """A lasting rise of latency becomes the new unloaded one: the limit does not stay at the bottom for ever.

    Origin: ConsecutiveMinConcurrencyReset.
    """
    drive = Drive(highest=100)
    drive.settled(0.005, 6)
    low = drive.settled(0.05, 10)
    drive.now += PERIOD
    recovered = drive.settled(0.05, 60)
    assert recovered > low
    assert drive.gradient.base == pytest.approx(0.05, rel=0.3)
