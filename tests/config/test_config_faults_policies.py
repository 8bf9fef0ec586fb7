"""One row for each fault of an upstream's keys, policies and routes, with its exact line."""

import pytest
from configs import faults, upstream

ROWS = [
    (
        upstream('key = "a"', 'keys = ["b"]'),
        'upstreams.a.keys: cannot stand beside key, got a list (for example ["${API_KEY_1}", "${API_KEY_2}"])',
    ),
    (
        upstream('keys = ["planted", ""]'),
        'upstreams.a.keys[1]: must be a key without control characters and blanks, got *** (for example "${API_KEY}")',
    ),
    (
        upstream('keys = "planted"'),
        'upstreams.a.keys: must be a list, got *** (for example ["${API_KEY_1}", "${API_KEY_2}"])',
    ),
    (upstream('kye = "planted"'), "upstreams.a.kye: is unknown, did you mean key?"),
    (
        upstream('key = "***"'),
        'upstreams.a.key: must be the value and not its mask, got *** (for example "${API_KEY}")',
    ),
    (
        upstream('check = "GET /x/*"'),
        'upstreams.a.check: must be one method and one path, got "GET /x/*" (for example "GET /status")',
    ),
    (
        upstream('proxy = "https://p.example"'),
        (
            'upstreams.a.proxy: must be an http:// address without a path, got "https://p.example" '
            '(for example "http://proxy.lan:3128")'
        ),
    ),
    (
        upstream('region = "us-east-1"'),
        'upstreams.a.region: needs api = "bedrock", got "us-east-1" (for example "us-east-1")',
    ),
    (
        upstream('api = "bedrock"'),
        'upstreams.a.region: is needed with api = "bedrock" (for example "us-east-1")',
    ),
    (
        upstream('api = "bedrock"', 'region = "mars-1"'),
        'upstreams.a.region: must be a region that has Bedrock, got "mars-1" (for example "us-east-1")',
    ),
    (
        upstream('url = "https://a.example"', 'api = "openai"', 'breaker = { slow_after = "1s" }'),
        (
            "upstreams.a.breaker.slow_after: cannot be set with api, answers of models take their time, "
            'got "1s" (for example "4s")'
        ),
    ),
    (
        upstream('breaker = { slow_rate = "10%" }'),
        'upstreams.a.breaker: slow_rate needs slow_after (for example slow_after = "4s")',
    ),
    (upstream("retry = { attempts = 0 }"), "upstreams.a.retry.attempts: must be at least 1, got 0 (for example 3)"),
    (
        upstream('retry = { on = ["500", "nope"] }'),
        (
            "upstreams.a.retry.on[1]: must be one of connect, reset, timeout, 408, 425, 429, 500, 502, 503, 504, "
            'got "nope" (for example "connect")'
        ),
    ),
    (upstream('retry = "no"'), 'upstreams.a.retry: must be a table, got "no" (for example { attempts = 3 })'),
    (upstream("rate = true"), 'upstreams.a.rate: is needed (for example "600/h")'),
    (
        upstream('rate = "fast"'),
        'upstreams.a.rate: must be a rate above zero, got "fast" (for example "60/min", "5/s", "600/h")',
    ),
    (upstream("concurrency = 0"), "upstreams.a.concurrency: must be at least 1, got 0 (for example 8)"),
    (
        upstream('hedge = { after = "100us" }'),
        (
            'upstreams.a.hedge.after: must be a percentile or a duration of at least 1ms, got "100us" '
            '(for example "p95", "200ms")'
        ),
    ),
    (
        upstream('hedge = { after = "0s" }'),
        (
            'upstreams.a.hedge.after: must be a percentile or a duration of at least 1ms, got "0s" '
            '(for example "p95", "200ms")'
        ),
    ),
    (
        upstream('fallback = { body = "x", json = 1 }'),
        'upstreams.a.fallback: body cannot stand beside json (for example body = "closed for now")',
    ),
    (
        upstream('targets = [{ url = "https://b.example" }]', 'fallback = { targets = ["b.example", "c"] }'),
        'upstreams.a.fallback.targets[1]: must be the label of a target, got "c" (for example "backup")',
    ),
    (
        upstream() + '\n[[upstreams.a.routes]]\nmatch = "GET /x"\nfallback = { targets = ["c"] }',
        'upstreams.a.routes[0].fallback.targets[0]: must be the label of a target, got "c" (for example "backup")',
    ),
    (
        upstream('price = "1 EUR"'),
        'upstreams.a.price: must be an amount in USD, got "1 EUR" (for example "0.50 USD")',
    ),
    (
        upstream('price = { header = "x-cost", pointer = "/cost" }'),
        'upstreams.a.price.pointer: cannot stand beside header, got "/cost" (for example "/usage/cost")',
    ),
    (
        upstream('price = { pointer = "cost" }'),
        'upstreams.a.price.pointer: must be a JSON pointer, got "cost" (for example "/current")',
    ),
    (
        upstream() + '\n[[upstreams.a.routes]]\ntimeout = "5s"',
        'upstreams.a.routes[0].match: is needed (for example "GET /v1/items/*")',
    ),
    (
        upstream() + '\n[[upstreams.a.routes]]\nmatch = "GET /x"\n[[upstreams.a.routes]]\nmatch = "GET /x"',
        (
            "upstreams.a.routes[1].match: must differ from every other route's, "
            'got "GET /x" (for example "GET /v1/items/*")'
        ),
    ),
    (
        upstream()
        + '\n[[upstreams.a.routes]]\nmatch = "GET /x"\n[[upstreams.a.routes]]\nmatch = "GET /y"\nname = "x"\n'
        '[[upstreams.a.routes]]\nmatch = "GET /z"\nname = "x"',
        'upstreams.a.routes[2].name: must differ from every other route\'s, got "x" (for example "GET /v1/items/*")',
    ),
]


@pytest.mark.parametrize(("text", "line"), ROWS, ids=[line.partition(":")[0] for _, line in ROWS])
def test_a_fault_is_one_line_with_path_rule_value_and_example(text: str, line: str) -> None:
    """Each wrong setting has exactly its own line, and no secret in it."""
    assert faults(text) == [line]
    assert "planted" not in line or "key_hash" in line
