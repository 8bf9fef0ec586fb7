"""What is written out field by field for speed has every field."""

from types import ModuleType
from typing import get_args, get_type_hints

import pytest

from seawall.contracts import events, ledger, usage
from seawall.contracts.call import Call, Run
from seawall.contracts.events import AttemptEnded, AttemptPaid, CallEnded
from seawall.contracts.ledger import Row
from seawall.contracts.target import Target, Timeouts
from seawall.contracts.usage import Usage
from seawall.llm import seam
from seawall.llm.seam import Asked
from seawall.spend import account, charge
from seawall.spend.account import Standing
from seawall.spend.charge import Charge


@pytest.mark.pure("looks at slots")
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


@pytest.mark.pure("reads annotations")
@pytest.mark.parametrize(
    ("module", "name", "kind"),
    [
        (events, "call_ended", CallEnded),
        (events, "attempt_ended", AttemptEnded),
        (events, "attempt_paid", AttemptPaid),
        (ledger, "row_of", Row),
        (usage, "usage_of", Usage),
        (charge, "charge_of", Charge),
        (account, "standing_of", Standing),
        (seam, "asked_of", Asked),
    ],
)
def test_the_quick_makers_take_the_fields_of_what_they_make(module: ModuleType, name: str, kind: type) -> None:
    """Each of its own type, in order."""
    (given,), made = get_args(module.__annotations__[name])
    assert made is kind
    assert get_args(given) == tuple(get_type_hints(kind).values())
