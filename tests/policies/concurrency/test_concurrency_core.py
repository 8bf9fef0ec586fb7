"""The books of slots and queue, against a model that is a list."""

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule

from seawall.policies.concurrency.core import STANDING, Gate, Ticket


class GateMachine(RuleBasedStateMachine):
    """Calls come, wait, leave and go; limits change."""

    def __init__(self):
        super().__init__()
        self.gate = Gate(2, 4)
        self.now = 100.0
        self.running = 0
        self.line = []
        self.since = None

    def grant(self, ticket):
        """Check that it is the right one's turn."""
        newest = self.now - self.since >= STANDING
        assert ticket is self.line.pop(-1 if newest else 0)
        assert ticket.granted
        self.running += 1
        if not self.line:
            self.since = None

    @rule(caller=st.sampled_from(["", "a", "b"]))
    def come(self, caller):
        """A call comes: a slot, a place, or a refusal."""
        if self.gate.taken < self.gate.limit:
            self.gate.taken += 1
            self.running += 1
            return
        ticket = Ticket(caller)
        refused = self.gate.refused
        mine = sum(other.caller == caller for other in self.line)
        if self.gate.join(ticket, self.now):
            assert mine < self.gate.share or (not caller and not self.gate._named)
            self.since = self.now if self.since is None else self.since
            self.line.append(ticket)
        else:
            assert len(self.line) >= self.gate.room or mine >= self.gate.share
            assert self.gate.refused == refused + 1

    @rule(seconds=st.sampled_from([0.0, 0.05, 0.2]))
    def wait(self, seconds):
        """Time passes."""
        self.now += seconds

    @precondition(lambda self: self.running)
    @rule()
    def end(self):
        """A call ends: its slot goes to the next."""
        self.running -= 1
        ticket = self.gate.leave(self.now)
        if ticket is not None:
            self.grant(ticket)

    @precondition(lambda self: self.line)
    @rule(place=st.integers(0, 3))
    def give_up(self, place):
        """A waiting call goes, once."""
        ticket = self.line.pop(place % len(self.line))
        assert self.gate.withdraw(ticket)
        assert not self.gate.withdraw(ticket)
        if not self.line:
            self.since = None

    @rule(limit=st.integers(1, 4), room=st.integers(0, 6))
    def reload(self, limit, room):
        """Settings change; nobody in flight is touched."""
        self.gate.room = room
        for ticket in self.gate.resize(limit, self.now):
            self.grant(ticket)

    @invariant()
    def books_agree(self):
        """Slots, queue and shares are what the model says; nobody waits while a slot is free."""
        assert self.gate.taken == self.running
        assert list(self.gate.waiting) == self.line
        assert not (self.line and self.gate.taken < self.gate.limit)
        names = [ticket.caller for ticket in self.line]
        assert self.gate._places == {name: names.count(name) for name in names}


TestGate = GateMachine.TestCase
TestGate.settings = settings(max_examples=60, stateful_step_count=40)


def test_a_queue_is_whole_while_no_caller_has_a_name():
    """Nobody's share can be told from another's; with the first name, no key is one caller like any other."""
    gate = Gate(1, 4)
    assert [gate.join(Ticket(), 0.0) for _ in range(5)] == [True] * 4 + [False]
    gate.withdraw(next(iter(gate.waiting)))
    assert gate.join(Ticket("kitchen"), 0.0)
    gate.withdraw(next(iter(gate.waiting)))
    assert not gate.join(Ticket(), 0.0)


def test_a_queue_of_one_has_room_for_anybody():
    """Half of one place is one."""
    gate = Gate(1, 1)
    assert gate.join(Ticket("kitchen"), 0.0)


def test_no_queue_refuses_at_once():
    """A queue of 0 means slots only."""
    gate = Gate(1, 0)
    assert not gate.join(Ticket(), 0.0)
    assert gate.refused == 1


def test_more_slots_are_given_out_in_order_and_fewer_take_none_away():
    """A lower limit is reached as calls end."""
    gate = Gate(1, 5)
    gate.taken = 1
    tickets = [Ticket() for _ in range(3)]
    for ticket in tickets:
        gate.join(ticket, 0.0)
    assert gate.resize(3, 0.0) == tickets[:2]
    assert gate.resize(1, 0.0) == []
    assert gate.taken == 3
    assert gate.leave(0.0) is None
    assert gate.leave(0.0) is None
    assert gate.leave(0.0) is tickets[2]
