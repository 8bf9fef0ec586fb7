"""examples/bedrock_service runs with one command: a summary from end to end, and a key that is changed."""

import asyncio
import sys
from pathlib import Path

import httpx

RUN = Path(__file__).parents[2] / "examples" / "bedrock_service" / "run.py"
LONG = "A breakwater stands in the sea and a seawall does not."


async def _lines(stream: asyncio.StreamReader, last: str) -> list[str]:
    found: list[str] = []
    while not found or not found[-1].startswith(last):
        line = (await stream.readline()).decode()
        assert line, f"it ended before {last!r}: {found}"
        found.append(line.strip())
    return found


async def test_it_summarizes_and_an_old_key_ends_when_its_hash_is_taken_out() -> None:
    """What it says of itself, in order; then a summary of ours through POST /summaries while it runs on."""
    child = await asyncio.create_subprocess_exec(
        sys.executable, str(RUN), stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.PIPE
    )
    assert child.stdout is not None
    try:
        lines = await asyncio.wait_for(_lines(child.stdout, "Running on"), 40)
        url = lines[-1].split()[-1]
        async with httpx.AsyncClient(trust_env=False, timeout=10) as client:
            answer = await client.post(url, json={"text": LONG})
            empty = await client.post(url, json={"text": ""})
    finally:
        if child.returncode is None:
            child.send_signal(2)
        _, err = await asyncio.wait_for(child.communicate(), 20)
    assert (child.returncode, err.decode()) == (0, "")
    assert [" ".join(line.split()[:3]) for line in lines if line.startswith("old key")] == [
        "old key: 200",
        "old key: 401",
    ]
    assert lines[-2].startswith("POST /summaries: 200")
    assert (answer.status_code, answer.json()) == (200, {"text": "In short: A breakwater stands in the.", "tokens": 19})
    assert empty.status_code == 422
