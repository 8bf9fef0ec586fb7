"""examples/assistant runs with one command: a coach whose users see nothing of providers' trouble or of each other."""

import asyncio
import re
import sys
import tempfile
from pathlib import Path

import httpx

RUN = Path(__file__).parents[2] / "examples" / "assistant" / "run.py"
OPENAI, BEDROCK = "gpt-5-mini", "us.anthropic.claude-haiku-4-5-20251001-v1:0"
START = "  Start |small: |walk |ten |minutes |after |lunch, |every |day |this |week."
RAIN = "  Then |climb |the |stairs |at |home, |three |times |up |and |down."
PLAN = "  Monday |and |Thursday: |walk. |Tuesday |and |Friday: |stretch. |Sunday: |rest."
AWAY = "The coach is away for a moment, please try again."


async def _until(stream: asyncio.StreamReader, last: str) -> str:
    said = ""
    while last not in said:
        line = (await stream.readline()).decode()
        assert line, f"it ended before {last!r}: {said}"
        said += line
    return said


async def _visited(coach: str) -> dict[str, object]:
    """Return what a stranger, two users and a reader of the API's description meet."""
    async with httpx.AsyncClient(base_url=coach, trust_env=False, timeout=10) as client:
        token = (await client.post("/users", json={"handle": "eve"})).json()["token"]
        eve = {"Authorization": f"Bearer {token}"}
        number = (await client.post("/conversations", json={"topic": "sleep"}, headers=eve)).json()["id"]
        path = f"/conversations/{number}/messages"
        streamed = await client.post(path, json={"text": "How do I sleep better?"}, headers=eve)
        strange = await client.post(path, json={"text": "hi"}, headers={"Authorization": "Bearer nobody"})
        return {
            "events": re.findall(r"^event: (\w+)$", streamed.text, re.MULTILINE),
            "kind": streamed.headers["content-type"].partition(";")[0],
            "stranger": (strange.status_code, strange.json()["type"], strange.headers["www-authenticate"]),
            "another's": (await client.get("/conversations/1", headers=eve)).json()["type"],
            "twice": (await client.post("/users", json={"handle": "eve"})).json()["type"],
            "odd": (await client.post("/users", json={"handle": "Eve!"})).json()["detail"][0]["msg"],
            "empty": (await client.post(path, json={"text": ""}, headers=eve)).status_code,
            "own": [one["topic"] for one in (await client.get("/conversations", headers=eve)).json()],
            "described": sorted((await client.get("/openapi.json")).json()["paths"][
                "/conversations/{number}/messages"]["post"]["responses"]),
        }  # fmt: skip


async def _run() -> tuple[str, dict[str, object]]:
    child = await asyncio.create_subprocess_exec(
        sys.executable, str(RUN), stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.PIPE
    )
    assert child.stdout is not None
    try:
        said = await asyncio.wait_for(_until(child.stdout, "Running on"), 60)
        visited = await _visited(re.findall(r"The coach on (\S+)", said)[0])
    finally:
        if child.returncode is None:
            child.terminate()
        _, err = await asyncio.wait_for(child.communicate(), 30)
    assert (child.returncode, err.decode()) == (0, "")
    return said, visited


def _answers(part: str) -> list[str]:
    """Return the lines that tell an answer or a refusal, without what is said about it."""
    return [line for line in part.splitlines() if line.startswith("  ") and not line.startswith("  [")]


async def test_a_coach_s_users_see_no_provider_s_trouble_and_nothing_of_each_other() -> None:
    """The whole tour, then its API by hand while it runs on; it ends when told and leaves no database behind."""
    before = set(Path(tempfile.gettempdir()).glob("coach-postgres-*"))
    said, visited = await _run()
    assert set(Path(tempfile.gettempdir()).glob("coach-postgres-*")) <= before
    parts = said.partition("\n\nRunning")[0].split("\n--- ")
    _, first, hurry, trouble, broken, down, allowance, memory, bill = parts
    assert _answers(first) == [START]
    answered, refused = map(int, re.findall(r"leo: (\d+) answered, (\d+) told to wait", hurry)[0])
    assert answered + refused == 20
    assert 12 <= answered < 20, "a tenth of 120 at once, and what comes back meanwhile"
    assert "ben: answered" in hurry
    assert re.findall(r"  \[(.*)\]", trouble + down) == [
        *(f"OpenAI, asked 1 time: {kind}; answered by bedrock/{BEDROCK}" for kind in ("429", "503", "error event")),
        f"answered by bedrock/{BEDROCK}",
    ]
    assert _answers(trouble)[0] == RAIN
    assert "…" not in trouble + down
    assert _answers(broken) == ["  Then |climb |the |stairs |at …", f"  503 coach-away: {AWAY}", RAIN]
    *plans, end, other = _answers(allowance)
    assert (plans, 2 <= len(plans) < 6) == ([PLAN] * len(plans), True)
    assert end.startswith("  429 allowance-used: You have used up today's time with the coach.")
    assert other.startswith("  Good |question! ")
    assert re.findall(r"  (user|assistant) ", memory) == ["user", "assistant"] * 7
    assert memory.count("May I run in the rain?") == 1, "the half answer and its question are not remembered"
    rows = {(row[0], row[1]): int(row[2]) for row in map(str.split, bill.splitlines()[2:-1])}
    assert rows == {
        ("ada", OPENAI): 4, ("ada", BEDROCK): 5, ("ben", OPENAI): 2, ("leo", OPENAI): answered,
        ("mia", BEDROCK): len(plans),
    }  # fmt: skip
    assert visited == {
        "events": ["piece"] * 15 + ["done"], "kind": "text/event-stream",
        "stranger": (401, "not-signed-in", "Bearer"), "another's": "unknown-conversation", "twice": "handle-taken",
        "odd": "must be 2 to 32 small letters, digits, - or _, the first a letter (like ada)",
        "empty": 422, "own": ["sleep"], "described": ["200", "401", "404", "422", "429", "503"],
    }  # fmt: skip
