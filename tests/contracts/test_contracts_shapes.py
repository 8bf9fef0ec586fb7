"""What is written out field by field for speed has every field."""

from typing import get_args, get_type_hints

from seawall.contracts import events
from seawall.contracts.call import Call, Run
from seawall.contracts.events import AttemptEnded, CallEnded
from seawall.contracts.target import Target, Timeouts


def test_a_fork_has_every_field_but_the_attempt() -> None:
    """A field that a call gains later is not lost on the way to a second target."""
    target = Target("u", "a", "http", "127.0.0.1", 80)
    call = Call(b"GET", b"/", [], target, Timeouts(), 1.0, Run(0.0))
    for number, name in enumerate(Call.__slots__):
        setattr(call, name, f"{name} {number}")
    same, other = call.fork(), call.fork(target)
    for name in Call.__slots__:
        expected = None if name == "attempt" else getattr(call, name)
        assert getattr(same, name) == expected
        assert getattr(other, name) == (target if name == "target" else expected)


def test_the_quick_makers_of_events_take_the_fields_of_their_events() -> None:
    """Each of its own type, in order."""
    for name, kind in (("call_ended", CallEnded), ("attempt_ended", AttemptEnded)):
        (given,), made = get_args(events.__annotations__[name])
        assert made is kind
        assert get_args(given) == tuple(get_type_hints(kind).values())
