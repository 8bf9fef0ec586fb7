"""examples/assistant runs with one command: streams, the second provider for the first, a cap for each user."""

import asyncio
import sys
from pathlib import Path

RUN = Path(__file__).parents[2] / "examples" / "assistant" / "run.py"
FIRST, SECOND = ("  The |first |provider |answers.", "  The |second |provider |answers.")


async def test_the_second_provider_answers_for_the_first_and_a_user_s_money_ends() -> None:
    """Word by word from both; then one user is refused with 429 and the cap's name, and another is not."""
    child = await asyncio.create_subprocess_exec(
        sys.executable, str(RUN), "--seconds", "0", stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.PIPE
    )
    try:
        out, err = await asyncio.wait_for(child.communicate(), 40)
    finally:
        if child.returncode is None:
            child.kill()
            await child.wait()
    assert (child.returncode, err.decode()) == (0, "")
    _, up, down, spent, other = out.decode().split("\n--- ")
    assert up.splitlines()[1:3] == ["ada: What is a seawall?", FIRST]
    assert down.splitlines()[1:3] == ["ada: And who answers now?", SECOND]
    *answers, refusal = [line for line in spent.splitlines() if line.startswith("  ")]
    assert answers == [SECOND] * len(answers)
    assert 1 <= len(answers) < 10
    assert refusal.startswith("  429 spend-cap-reached: ")
    assert "The day cap of end user ada of chat (0.0066 USD) is spent: this call may cost " in refusal
    assert other.splitlines()[1:3] == ["bob: What is a seawall?", SECOND]
