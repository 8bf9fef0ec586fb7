"""The books of load: whatever ends in whatever order, nothing is left counted, and failing never looks fast."""

import math

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule

from seawall.contracts.target import Target
from seawall.policies.balance.core import Load, by_load

TARGETS = tuple(Target("api", label, "http", "127.0.0.1", 80) for label in "abc")


class LoadMachine(RuleBasedStateMachine):
    """Calls to three targets begin and end well, badly or unnoticed."""

    def __init__(self) -> None:
        super().__init__()
        self.now = 1000.0
        self.loads = {target: Load() for target in TARGETS}
        self.running: list[tuple[Target, float]] = []
        self.chosen = 0

    @rule(first=st.floats(0, 1), second=st.floats(0, 1))
    def begin(self, first: float, second: float) -> None:
        """Choose one of two; the one left out was no better."""
        shares = iter((first, second))
        target = by_load(TARGETS, self.loads, self.now, lambda least, most: least + (most - least) * next(shares))
        self.loads[target].pending += 1
        self.running.append((target, self.now))

    @precondition(lambda self: self.running)
    @rule(place=st.integers(0, 99), how=st.sampled_from(["good", "failed", "refused"]))
    def end(self, place: int, how: str) -> None:
        """End a call; a failure never makes its target look better."""
        target, began = self.running.pop(place % len(self.running))
        load = self.loads[target]
        before = load.score(self.now, 1.0)
        if how != "refused":
            load.end(self.now, self.now - began, good=how == "good")
        if how == "failed" and before:
            assert load.score(self.now, 1.0) >= before * (1 - 1e-9) or load.cost >= self.now - began
        load.release()

    @rule(seconds=st.floats(0, 100))
    def wait(self, seconds: float) -> None:
        """Let time pass: nobody looks worse for it."""
        before = [load.score(self.now, 1.0) for load in self.loads.values()]
        self.now += seconds
        after = [load.score(self.now, 1.0) for load in self.loads.values()]
        assert all(late <= early for late, early in zip(after, before, strict=True))

    @invariant()
    def books_are_balanced(self) -> None:
        """What is counted is what runs, and scores are numbers."""
        for target, load in self.loads.items():
            assert load.pending == sum(one is target for one, _ in self.running)
            assert 0 <= load.score(self.now, 1.0) < math.inf


TestLoadMachine = LoadMachine.TestCase
TestLoadMachine.settings = settings(max_examples=40)
