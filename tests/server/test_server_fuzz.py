"""What the fuzzer once found interesting, replayed; and the fuzzer itself, for a minute, in `make verify`."""

import random

import pytest
from fuzz_server import CORPUS, check, fuzz, seeds


def test_every_kept_input_still_keeps_the_rules():
    """Each whole, split, and against a handler that answers early; whatever its bytes are."""
    kept = seeds()
    chance = random.Random(7)
    assert len(kept) > 100
    assert sum(path.stat().st_size for path in CORPUS.glob("*.bin")) < 200_000
    for raw in kept:
        check(raw, chance)


@pytest.mark.verify
def test_a_minute_of_new_inputs_breaks_no_rule(capsys: pytest.CaptureFixture[str]):
    """A new seed finds what a fixed one cannot; it is printed at once, so that a hang can be repeated too."""
    seed = random.SystemRandom().randrange(1 << 32)
    with capsys.disabled():
        print(f"\nseed of the requests: {seed}", flush=True)  # noqa: T201 - what is captured is lost with a hang
    count, _ = fuzz(60.0, seed)
    assert count > 1000, f"seed {seed}"
