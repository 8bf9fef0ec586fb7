"""The adaptive limit under any sequence of samples, timeouts and reloads."""

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, rule

from seawall.policies.concurrency.adaptive import LEAST, MOST, Gradient


class GradientMachine(RuleBasedStateMachine):
    """Answers of any latency, timeouts, other bounds, idle hours."""

    def __init__(self) -> None:
        super().__init__()
        self.now = 1000.0
        self.gradient = Gradient(64, self.now)

    @rule(count=st.integers(1, MOST), seconds=st.floats(0, 60), gap=st.floats(0, 1))
    def answers(self, count: int, seconds: float, gap: float) -> None:
        """Some answers in a row, all with the same latency."""
        for _ in range(count):
            self.now += gap
            self.gradient.sample(self.now - seconds, self.now, min(self.gradient.limit, count))

    @rule(seconds=st.floats(0.001, 60), together=st.integers(1, 50))
    def timeouts(self, seconds: float, together: int) -> None:
        """Calls that began together and time out together cut the limit once."""
        began = self.now
        self.now += seconds
        exact = self.gradient._exact
        for _ in range(together):
            self.gradient.cut(began, self.now)
        assert self.gradient._exact >= max(1.0, exact * 0.9) - 1e-9
        assert self.gradient._exact <= exact

    @rule(highest=st.integers(1, 500))
    def reload(self, highest: int) -> None:
        """The bound holds at once."""
        self.gradient.bound(highest, self.now)

    @rule(seconds=st.floats(0, 7200))
    def idle(self, seconds: float) -> None:
        """Nobody calls."""
        self.now += seconds

    @invariant()
    def within_bounds(self) -> None:
        """Between 1 and the bound, whole; a window never grows past its size."""
        gradient = self.gradient
        assert 1 <= gradient.limit <= gradient.highest
        assert gradient.limit == int(gradient._exact)
        assert gradient.base >= 0
        assert len(gradient._samples) < max(LEAST, MOST)


TestGradientMachine = GradientMachine.TestCase
TestGradientMachine.settings = settings(max_examples=40, stateful_step_count=30)
