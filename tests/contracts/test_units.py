"""Text forms decode to numbers, encode back, and say the rule when they are wrong."""

import pytest

from seawall.contracts import units


@pytest.mark.parametrize(
    ("text", "seconds"),
    [("250ms", 0.25), ("10s", 10.0), ("15m", 900.0), ("1h", 3600.0), ("90d", 7776000.0), ("0s", 0.0)],
)
def test_a_duration_decodes_to_seconds_and_back(text: str, seconds: float) -> None:
    """Every text form of the settings contract is one number of seconds, and shows as itself again."""
    assert units.parse_duration(text) == seconds
    assert units.parse_duration(units.show_duration(seconds)) == seconds


@pytest.mark.parametrize("text", ["", "10", "-1s", "1 s", "1_0s", "١s", "10sec", True, None, float("inf"), -1])
def test_a_wrong_duration_names_the_rule_and_an_example(text: object) -> None:
    """What is no duration is refused, other scripts' digits and underscores included."""
    with pytest.raises(ValueError, match='must be a duration .for example "250ms"'):
        units.parse_duration(text)
