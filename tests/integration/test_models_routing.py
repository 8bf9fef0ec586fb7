"""Which model answers, end to end: the real SDKs at a gateway process, the scripted provider, and what reached it."""

import asyncio
from collections import Counter
from collections.abc import AsyncIterator, Iterator
from typing import Any

import anthropic
import openai
import pytest
from model_gateway import hashed, served, upstreams
from several import Got, call

from providing import ProviderProcess, script

CALLERS = 12
MODELS = """
[upstreams.again]
url = "http://{provider}/v1"
api = "openai"
allow_private = true
key = "k"
retry = {{ attempts = 3, base = "1ms", floor = 100000 }}
breaker = false
[upstreams.twice]
url = "http://{provider}"
api = "anthropic"
allow_private = true
key = "k"
retry = {{ attempts = 3, base = "1ms", floor = 100000 }}
breaker = false
[upstreams.fragile]
url = "http://{provider}/v1"
api = "openai"
allow_private = true
key = "k"
retry = false
breaker = {{ min_calls = 4, open = "60s" }}
[models.budget]
targets = ["again/gpt-5-mini", "twice/claude-haiku-4-5"]
[models.chain]
targets = ["again/gpt-5-mini", "twice/claude-haiku-4-5", "openai/gpt-5-mini"]
fallback = "Not now."
[models.hurry]
targets = ["openai/gpt-5-mini", "claude/claude-haiku-4-5"]
timeout = "600ms"
[models.pair]
targets = ["openai/gpt-5-mini", "claude/claude-haiku-4-5"]
[models.tried]
targets = ["openai/gpt-5-mini", "claude/claude-haiku-4-5"]
try_for = "200ms"
[models.early]
targets = ["openai/gpt-5-mini", "claude/claude-haiku-4-5"]
commit_after = "100ms"
[models.split]
targets = [{{ to = "openai/gpt-5-mini", weight = 75 }}, {{ to = "claude/claude-haiku-4-5", weight = 25 }}]
[models.stuck]
targets = [{{ to = "openai/gpt-5-mini", weight = 50 }}, {{ to = "claude/claude-haiku-4-5", weight = 50 }}]
sticky = "caller"
[models.spent]
targets = ["keys-spent/gpt-5-mini", "claude/claude-haiku-4-5"]
[models.broken]
targets = ["fragile/gpt-5-mini", "claude/claude-haiku-4-5"]
[models.smart]
targets = ["openai/gpt-5"]
price = {{ input = "1 USD/M", output = "1000 USD/M" }}
cheaper = {{ at = "80%", to = "cheap" }}
[models.cheap]
targets = ["openai/gpt-5-mini"]
price = {{ input = "1 USD/M", output = "1 USD/M" }}
[callers.saver]
key_hash = "{saver}"
spend = {{ day = "0.1 USD" }}
"""
KEYED = """
[upstreams.keys-{name}]
url = "http://{provider}/v1"
api = "openai"
allow_private = true
keys = ["one", "two"]
"""
OPENAI, CLAUDE = "openai/gpt-5-mini", "claude/claude-haiku-4-5"


@pytest.fixture(scope="module")
def port(running: ProviderProcess, tmp_path_factory: pytest.TempPathFactory) -> Iterator[int]:
    """Run one gateway for all tests here."""
    text = upstreams(running.address, "retry = false\nbreaker = false")
    text += MODELS.format(provider=running.address, saver=hashed("key-of-saver"))
    text += "".join(KEYED.format(name=name, provider=running.address) for name in ("401", "402", "403", "429", "spent"))
    for number in range(CALLERS):
        text += f'[callers.c{number}]\nkey_hash = "{hashed(f"key-of-c{number}")}"\n'
    with served(text, tmp_path_factory.mktemp("routing")) as found:
        yield found


@pytest.fixture
async def gpt(port: int, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[openai.AsyncOpenAI]:
    """Return OpenAI's client, which tries nothing again itself."""
    monkeypatch.setenv("NO_PROXY", "*")
    async with openai.AsyncOpenAI(
        base_url=f"http://127.0.0.1:{port}/v1", api_key="key-of-c0", max_retries=0, timeout=20
    ) as client:
        yield client


@pytest.fixture
async def claude(port: int, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[anthropic.AsyncAnthropic]:
    """Return Anthropic's client, which tries nothing again itself."""
    monkeypatch.setenv("NO_PROXY", "*")
    async with anthropic.AsyncAnthropic(
        base_url=f"http://127.0.0.1:{port}/anthropic", api_key="key-of-c0", max_retries=0, timeout=20
    ) as client:
        yield client


def says(**fields: Any) -> list[Any]:
    """Return messages that hold a script."""
    return [{"role": "user", "content": f"Hello {script(**fields)}"}]


async def answered(client: openai.AsyncOpenAI, model: str, **fields: Any) -> dict[str, str]:
    """Return the headers of a whole answer."""
    got = await client.chat.completions.with_raw_response.create(model=model, messages=says(**fields))
    return dict(got.headers)


async def ask(port: int, model: str, own: str, **fields: Any) -> Got:
    """Make one chat call with a caller's key, on a connection of its own."""
    text = script(**fields).replace('"', '\\"')
    body = f'{{"model": "{model}", "messages": [{{"role": "user", "content": "{text}"}}]}}'
    lines = ("Content-Type: application/json", f"Authorization: Bearer {own}")
    return await call(port, "/v1/chat/completions", "POST", *lines, body=body.encode())


async def test_retries_and_fallbacks_share_one_budget_of_attempts(gpt: Any, provider: ProviderProcess):
    """Three attempts in all, whatever each of the two upstreams may try: two at the first, one at the second."""
    with pytest.raises(openai.InternalServerError) as failed:
        await gpt.chat.completions.create(model="budget", messages=says(status=503))
    assert failed.value.response.headers["x-seawall-model"] == "twice/claude-haiku-4-5"
    assert provider.bill()["requests"] == 3


async def test_the_budget_leaves_one_attempt_for_every_target(gpt: Any, claude: Any, provider: ProviderProcess):
    """With three targets each is asked once, and the fixed text of the last resort is one more answer, not attempt."""
    said = await gpt.chat.completions.create(model="chain", messages=says(status=503))
    assert said.choices[0].message.content == "Not now."
    assert provider.bill()["requests"] == 3
    provider.clear()
    message = await claude.messages.create(model="chain", max_tokens=9, messages=says(status=503))
    assert message.content[0].text == "Not now."
    assert provider.bill()["requests"] == 3


@pytest.mark.parametrize("stream", [False, True])
async def test_a_retry_that_helps_needs_no_other_target(gpt: Any, provider: ProviderProcess, stream: bool):
    """The second attempt at the first upstream answers."""
    made = says(status=503, times=1, key=f"again{stream}", output=2)
    got = await gpt.chat.completions.with_raw_response.create(model="budget", messages=made, stream=stream)
    assert (got.headers["x-seawall-model"], provider.bill()["requests"]) == ("again/gpt-5-mini", 2)


async def test_all_targets_share_one_deadline(gpt: Any, provider: ProviderProcess):
    """Both hang for half a minute; both are asked, and the call is over within its own 600 ms."""
    async with asyncio.timeout(15):
        with pytest.raises(openai.InternalServerError) as failed:
            await gpt.chat.completions.create(model="hurry", messages=says(delay=30))
    assert failed.value.status_code == 504
    assert provider.bill()["requests"] == 2


async def test_a_target_has_no_more_than_its_try(gpt: Any, provider: ProviderProcess):
    """The first one hangs, `try_for` ends it, and the second has the rest of the time."""
    headers = await answered(gpt, "tried", delay=0.35, output=1)
    assert (headers["x-seawall-model"], headers["x-seawall-fallback"]) == (CLAUDE, "target")
    assert provider.bill()["requests"] == 2


@pytest.mark.parametrize("trouble", [{"error_at": 0}, {"cut": 0}, {"status": 529}])
async def test_a_stream_fails_over_until_the_first_content(
    gpt: Any, claude: Any, provider: ProviderProcess, trouble: dict[str, Any]
):
    """Both SDKs see one good stream and nothing of the one that failed."""
    made = says(**trouble, times=1, key=f"gpt{trouble}", output=4)
    stream = await gpt.chat.completions.create(model="pair", messages=made, stream=True)
    assert "".join([one.choices[0].delta.content or "" async for one in stream if one.choices]) == "Sea wall and tide"
    assert stream.response.headers["x-seawall-model"] == CLAUDE
    made = says(**trouble, times=1, key=f"claude{trouble}", output=4)
    async with claude.messages.stream(model="pair", max_tokens=9, messages=made) as events:
        assert await events.get_final_text() == "Sea wall and tide"
    assert provider.bill()["requests"] == 4


@pytest.mark.parametrize("trouble", [{"error_at": 2}, {"cut": 2}])
async def test_after_the_first_content_there_is_no_going_back(
    gpt: Any, claude: Any, provider: ProviderProcess, trouble: dict[str, Any]
):
    """What came has come; then the SDK raises its own error, and no other target was asked."""
    seen = []
    stream = await gpt.chat.completions.create(model="pair", messages=says(**trouble, output=4), stream=True)
    with pytest.raises(openai.APIError):
        async for one in stream:
            seen += [choice.delta.content for choice in one.choices if choice.delta.content]
    assert seen == ["Sea ", "wall"]
    assert provider.bill()["requests"] == 1
    with pytest.raises(anthropic.APIError):
        async with claude.messages.stream(model="pair", max_tokens=9, messages=says(**trouble, output=4)) as events:
            assert [text async for text in events.text_stream] == ["never to the end"]
    assert provider.bill()["requests"] == 2


async def test_after_a_while_without_content_what_came_is_the_answer(gpt: Any, provider: ProviderProcess):
    """`commit_after`: a break that comes later is no reason to ask the second target, the stream ends in an error."""
    made = says(pace=0.6, cut=0, output=2)
    stream = await gpt.chat.completions.create(model="early", messages=made, stream=True)
    assert stream.response.headers["x-seawall-model"] == OPENAI
    with pytest.raises(openai.APIError):
        async for _ in stream:
            pass
    assert provider.bill()["requests"] == 1


async def test_weights_are_shares_of_calls(port: int, provider: ProviderProcess):
    """75 to 25 over 240 calls: within six standard deviations of it, and both of them asked.

    In turns of 40: a target whose places are all taken is passed over, which would shift the shares.
    """
    shares: Counter[str] = Counter()
    for _ in range(6):
        got = await asyncio.gather(*(ask(port, "split", "key-of-c0", output=1) for _ in range(40)))
        shares.update(one.headers["x-seawall-model"] for one in got if one.status == 200)
    assert shares.total() == 240
    assert set(shares) == {OPENAI, CLAUDE}
    assert 180 - 41 <= shares[OPENAI] <= 180 + 41


async def test_a_sticky_caller_keeps_its_target(port: int, provider: ProviderProcess):
    """Each of twelve callers is always sent to the same one of two, and not all to one."""
    first: dict[int, str] = {}
    for _ in range(4):
        for number in range(CALLERS):
            got = await ask(port, "stuck", f"key-of-c{number}", output=1)
            assert got.headers["x-seawall-model"] == first.setdefault(number, got.headers["x-seawall-model"])
    assert set(first.values()) == {OPENAI, CLAUDE}


async def test_a_sticky_caller_is_answered_by_the_other_one_when_its_own_fails(port: int, provider: ProviderProcess):
    """Keeping a target is no reason to fail with it."""
    before = (await ask(port, "stuck", "key-of-c1", output=1)).headers["x-seawall-model"]
    got = await ask(port, "stuck", "key-of-c1", status=500, times=1, key="sticky", output=1)
    assert (got.status, got.headers["x-seawall-fallback"]) == (200, "target")
    assert got.headers["x-seawall-model"] != before


async def test_a_cheaper_model_answers_before_the_cap_is_reached(port: int, provider: ProviderProcess):
    """The dear one while less than 80 % of the caller's day is used, then the other; nobody else is moved."""
    seen = []
    for _ in range(5):
        body = (
            '{"model": "smart", "max_tokens": 30, "messages": [{"role": "user", "content": "'
            + script(output=30).replace('"', '\\"')
            + '"}]}'
        )
        lines = ("Content-Type: application/json", "Authorization: Bearer key-of-saver")
        got = await call(port, "/v1/chat/completions", "POST", *lines, body=body.encode())
        seen.append((got.status, got.headers.get("x-seawall-model")))
    # 0.03 USD each: two leave room for a third, which makes it 90 %
    assert seen == [(200, "openai/gpt-5")] * 3 + [(200, OPENAI)] * 2
    other = await ask(port, "smart", "key-of-c0", output=1)
    assert other.headers["x-seawall-model"] == "openai/gpt-5"


@pytest.mark.parametrize("status", [401, 402, 403])
async def test_a_key_that_is_refused_rests_while_the_other_serves(gpt: Any, provider: ProviderProcess, status: int):
    """The call that met it is answered by the other key, and so are the next ones; nobody tries the first again."""
    model = f"keys-{status}/gpt-5-mini"
    found = [await answered(gpt, model, status=status, times=1, key=f"refused{status}", output=1)]
    found += [await answered(gpt, model, output=1) for _ in range(8)]
    assert len({headers["x-seawall-target"] for headers in found}) == 1
    assert provider.bill()["requests"] == 10


async def test_a_key_over_its_limit_rests_as_long_as_it_was_told(gpt: Any, provider: ProviderProcess):
    """429 with Retry-After of a second: the other key serves meanwhile and nobody waits; then both do again."""
    model = "keys-429/gpt-5-mini"
    loop = asyncio.get_running_loop()
    began = loop.time()
    first = await answered(gpt, model, status=429, retry_after="1", times=1, key="busy", output=1)
    serving, served_alone = first["x-seawall-target"], 0
    async with asyncio.timeout(15):
        while (target := (await answered(gpt, model, output=1))["x-seawall-target"]) == serving:
            served_alone += 1
    assert served_alone >= 20  # had the choice been free, one of 20 would have met the other key, and waited
    assert {serving, target} == {"keys-429 key 1", "keys-429 key 2"}
    assert loop.time() - began >= 1.0


async def test_when_every_key_rests_the_next_target_answers_at_once(gpt: Any, provider: ProviderProcess):
    """Both keys are told to wait for a minute: later calls ask the provider only once, at the other upstream."""
    first = await answered(gpt, "spent", status=429, retry_after="60", times=2, key="spent", output=1)
    provider.clear()
    later = await answered(gpt, "spent", output=1)
    assert [headers["x-seawall-model"] for headers in (first, later)] == [CLAUDE, CLAUDE]
    assert provider.bill()["requests"] == 1
    with pytest.raises(openai.InternalServerError) as refused:
        await gpt.chat.completions.create(model="keys-spent/gpt-5-mini", messages=says(output=1))
    assert refused.value.status_code == 503
    assert 1 <= int(refused.value.response.headers["retry-after"]) <= 60


async def test_a_target_whose_breaker_is_open_is_passed_over(gpt: Any, provider: ProviderProcess):
    """Four failures open it: from then on the first target gets no request and the other one answers."""
    for number in range(4):
        headers = await answered(gpt, "broken", status=500, times=1, key=f"breaks{number}", output=1)
        assert headers["x-seawall-model"] == CLAUDE
    provider.clear()
    for _ in range(3):
        assert (await answered(gpt, "broken", output=1))["x-seawall-model"] == CLAUDE
    assert {row["api"] for row in provider.bill()["rows"]} == {"anthropic"}
    assert provider.bill()["requests"] == 3
    with pytest.raises(openai.InternalServerError) as refused:
        await gpt.chat.completions.create(model="fragile/gpt-5-mini", messages=says(output=1))
    assert refused.value.response.json()["type"] == "urn:seawall:breaker-open"
