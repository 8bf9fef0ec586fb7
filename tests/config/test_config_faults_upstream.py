"""One row for each fault of where an upstream is, with its exact line."""

import pytest
from configs import faults, upstream

ROWS = [
    ("[upstreams.a]", 'upstreams.a.url: is needed (for example "https://api.example.com")'),
    (
        '[upstreams."a b"]\nurl = "https://a.example"',
        'upstreams."a b": must be a name of letters, digits and . _ : - (for example "weather")',
    ),
    (
        upstream(name="api"),
        'upstreams.api: needs a mount, its name is the gateway\'s own (for example mount = "/my-api")',
    ),
    (
        upstream('mount = "/v1/x"'),
        'upstreams.a.mount: must be a path that is not one of the gateway\'s own, got "/v1/x" (for example "/weather")',
    ),
    (
        upstream('mount = "/x"', 'host = "x.lan"'),
        'upstreams.a.host: cannot stand beside mount, got "x.lan" (for example "weather.home.lan")',
    ),
    (
        upstream('mount = "/b"') + "\n" + upstream(name="b"),
        'upstreams.b.mount: must differ from that of upstreams.a, /b (for example "/weather")',
    ),
    (
        upstream('host = "X.lan"') + "\n" + upstream('host = "x.lan"', name="b"),
        'upstreams.b.host: must differ from that of upstreams.a, host x.lan (for example "weather.home.lan")',
    ),
    (
        upstream('host = "x.lan:80"'),
        'upstreams.a.host: must be a host name without a port, got "x.lan:80" (for example "weather.home.lan")',
    ),
    (
        upstream('url = "https://a.example"', 'targets = [{ url = "https://b.example" }]'),
        "upstreams.a.targets: cannot stand beside url, got a list (for example [])",
    ),
    (
        upstream('targets = [{ url = "https://b.example" }, { url = "https://b.example/x" }]'),
        'upstreams.a.targets[1].label: must be a label of its own (for example "eu")',
    ),
    (
        upstream('targets = [{ url = "https://b.example", weight = 0 }]'),
        "upstreams.a.targets[0].weight: must be above 0, got 0 (for example 1.0)",
    ),
    (upstream('balance = "failover"'), 'upstreams.a.balance: needs targets, got "failover" (for example "weighted")'),
    (upstream('sticky = "caller"'), 'upstreams.a.sticky: needs targets, got "caller" (for example "caller")'),
    (
        upstream('url = "https://planted:planted@a.example"'),
        (
            'upstreams.a.url: must hold no user and password; use headers = { Authorization = "…" }, '
            'got "https://***@a.example" (for example "https://api.example.com/v1")'
        ),
    ),
    (
        upstream('url = "https://a.example?key=planted"'),
        (
            'upstreams.a.url: must hold no query and no fragment, got "https://a.example?***" '
            '(for example "https://api.example.com/v1")'
        ),
    ),
    (
        upstream('url = "http://192.168.1.20"'),
        (
            'upstreams.a.url: needs allow_private = true, its address is private, got "http://192.168.1.20" '
            '(for example "https://api.example.com")'
        ),
    ),
    (
        upstream('targets = [{ url = "http://[::1]" }]'),
        (
            'upstreams.a.targets[0].url: needs allow_private = true, its address is private, got "http://[::1]" '
            '(for example "https://api.example.com")'
        ),
    ),
    (
        upstream('headers = { Host = "planted" }'),
        (
            "upstreams.a.headers.Host: cannot be set: Host and framing headers are made by the gateway, got *** "
            '(for example "X-Api-Key")'
        ),
    ),
    (
        upstream('headers = { "transfer-Encoding" = "planted" }'),
        (
            "upstreams.a.headers.transfer-Encoding: cannot be set: Host and framing headers are made by the gateway, "
            'got *** (for example "X-Api-Key")'
        ),
    ),
    (
        upstream('headers = { "a b" = "planted" }'),
        'upstreams.a.headers."a b": must be a header name (for example "X-Api-Key")',
    ),
    (
        upstream('headers = { X-A = "planted\\r\\nx: y" }'),
        (
            "upstreams.a.headers.X-A: must be a header value without control characters and outer blanks, got *** "
            '(for example "${API_KEY}")'
        ),
    ),
    (
        upstream('headers = { x-a = "1", X-A = "2" }'),
        'upstreams.a.headers.X-A: stands twice, names are case-insensitive: x-a, got *** (for example "X-Api-Key")',
    ),
]


@pytest.mark.parametrize(("text", "line"), ROWS, ids=[line.partition(":")[0] for _, line in ROWS])
def test_a_fault_is_one_line_with_path_rule_value_and_example(text: str, line: str) -> None:
    """Each wrong setting has exactly its own line, and no secret in it."""
    assert faults(text) == [line]
    assert "planted" not in line or "key_hash" in line
