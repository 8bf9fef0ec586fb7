"""examples/embeddings with its real model: what is near in meaning is found, and the second time costs nothing."""

import asyncio
import re
import sys
from decimal import Decimal
from pathlib import Path

import pytest

HERE = Path(__file__).parents[2] / "examples" / "embeddings"
NEAREST = {
    "When does the boat go?": "The ferry to the island leaves at nine every morning.",
    "What protects the street from the ocean?": "A seawall keeps the waves off the coastal road.",
    "Where does the kitten nap?": "Our cat sleeps on the warm radiator all winter.",
    "How do I pick up my package?": "Bring your passport to collect the parcel at the post office.",
    "Jogging gives me joint pain.": "Her knee hurts after running on asphalt.",
}
CALL = re.compile(r"^ *([\d.]+) USD +\d+ ms  (seawall; \w+).*?  (.+)$", re.MULTILINE)
FOUND = re.compile(r"^ +0\.(\d\d)  (.+)$", re.MULTILINE)


async def _run(venv: Path) -> str:
    child = await asyncio.create_subprocess_exec(
        sys.executable, str(HERE / "run.py"), "--seconds", "0", "--venv", str(venv),
        stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.PIPE,
    )  # fmt: skip
    try:
        out, err = await asyncio.wait_for(child.communicate(), 300)
    finally:
        if child.returncode is None:
            child.kill()
            await child.wait()
    assert (child.returncode, err.decode()) == (0, "")
    return out.decode()


def _paid(part: str) -> tuple[list[Decimal], set[str], list[str], list[str]]:
    """Return what each call cost, what the cache said, the nearest sentence of each question, and the bill."""
    calls = CALL.findall(part)
    assert [text for _, _, text in calls] == ["(16 sentences)", *NEAREST]
    bill = part.partition("what was spent:\n")[2].splitlines()[:3]
    return [Decimal(cost) for cost, _, _ in calls], {said for _, said, _ in calls}, _nearest(part), bill


def _nearest(part: str) -> list[str]:
    found = FOUND.findall(part)
    assert len(found) == 2 * len(NEAREST)
    for (first, _), (second, _) in zip(found[::2], found[1::2], strict=True):
        assert int(first) >= int(second) + 10, "clearly nearer than the next one"
    return [sentence for _, sentence in found[::2]]


@pytest.mark.verify
async def test_the_real_model_finds_what_is_meant_and_is_asked_and_paid_for_once(tmp_path: Path) -> None:
    """Installed by the first run alone; the second time each call is a hit for 0 USD and the ledger stays as it is."""
    venv = tmp_path / "venv"
    said = await _run(venv)
    assert said.startswith(f"Installing the model into {venv}")
    _, first, second = said.split("\n--- ")
    costs, cache, nearest, bill = _paid(first)
    again, hits, remembered, same = _paid(second)
    assert nearest == remembered == list(NEAREST.values())
    assert (min(costs) > 0, cache) == (True, {"seawall; fwd"})
    assert (again, hits) == ([Decimal(0)] * 6, {"seawall; hit"})
    assert bill == same
    name, model, calls, tokens, _, usd, estimated = bill[1].split()
    assert (name, model, calls, estimated) == ("vectors", "all-MiniLM-L6-v2", "6", "0")
    assert Decimal(usd) == sum(costs) == int(tokens) * Decimal("0.02") / 10**6
    for part in (first, second):
        assert "the model has answered 6 calls so far" in part
    assert (await _run(venv)).startswith("The model on http://127.0.0.1:")
