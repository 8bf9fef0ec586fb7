"""examples/embeddings runs with one command: what was embedded once costs nothing again."""

import asyncio
import sys
from pathlib import Path

RUN = Path(__file__).parents[2] / "examples" / "embeddings" / "run.py"
SPENT = ["total", "3", "0.00002080", "0"]  # 1040 tokens at 0.02 USD per million


async def test_the_second_time_costs_nothing() -> None:
    """The client reads a cost of 0, the provider is not asked, and `seawall spend` says the same as before."""
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
    _, first, second = (part.splitlines() for part in out.decode().split("\n--- "))
    assert first[1] == "80 texts, 8 dimensions, 0.00002080 USD"
    assert second[1] == "80 texts, 8 dimensions, 0 USD"
    for said in (first, second):
        assert said[4].split() == SPENT
        assert said[5] == "the provider was asked 3 times"
