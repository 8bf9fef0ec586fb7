"""The percentile of recent answers under any sequence of answers and questions."""

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, rule

from seawall.policies.hedge.core import EVERY, FEWEST, KEPT, SHORTEST, Recent


class RecentMachine(RuleBasedStateMachine):
    """Answers come, percentiles are asked for."""

    def __init__(self) -> None:
        super().__init__()
        self.recent = Recent()
        self.answers: list[float] = []

    @rule(seconds=st.floats(0, 60), count=st.integers(1, 120))
    def answers_come(self, seconds: float, count: int) -> None:
        """Some answers with the same latency."""
        for _ in range(count):
            self.recent.add(seconds)
            self.answers.append(seconds)

    @rule(share=st.floats(0.01, 0.999))
    def asked(self, share: float) -> None:
        """None with too few; else one of the latest answers, and no answer older than the last sorting."""
        found = self.recent.quantile(share)
        if len(self.answers) < FEWEST:
            assert found is None
            return
        assert found is not None
        window = self.answers[-(KEPT + EVERY) :]
        assert found == SHORTEST or found in window
        assert max(SHORTEST, min(window)) <= found <= max(SHORTEST, *window)


TestRecentMachine = RecentMachine.TestCase
TestRecentMachine.settings = settings(max_examples=30, stateful_step_count=30)
