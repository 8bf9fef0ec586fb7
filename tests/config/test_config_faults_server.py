"""One row for each fault of the server's own tables, with its exact line."""

import pytest
from configs import faults

ROWS = [
    ("[server]\nlistn = 1", "server.listn: is unknown, did you mean listen?"),
    ("[memory]\nzzz = 1", "memory.zzz: is unknown, known are soft, buffers"),
    ("servr = 1", "servr: is unknown, did you mean server?"),
    ("server = 1", "server: must be a table, got ***"),
    ("log = 1", "log: must be a table, got 1"),
    ("upstreams = 1", "upstreams: must be a table, got ***"),
    ("[server]\nmax_inflight = 0", "server.max_inflight: must be at least 1, got 0 (for example 512)"),
    ('[server]\nmax_inflight = "7"', 'server.max_inflight: must be a whole number, got "7" (for example 512)'),
    ("[server]\nmax_inflight = true", "server.max_inflight: must be a whole number, got true (for example 512)"),
    ("[server]\nmax_inflight = 1.5", "server.max_inflight: must be a whole number, got 1.5 (for example 512)"),
    ("[server]\nlisten = 8080", 'server.listen: must be a text, got 8080 (for example "127.0.0.1:8080")'),
    (
        '[server]\nlisten = "localhost"',
        'server.listen: must be host:port, unix:/path or fd://number, got "localhost" (for example "127.0.0.1:8080")',
    ),
    (
        '[server]\nlisten = "[::zz]:80"',
        'server.listen: must be host:port, unix:/path or fd://number, got "[::zz]:80" (for example "127.0.0.1:8080")',
    ),
    (
        '[server]\nanonymous = "maybe"',
        'server.anonymous: must be one of auto, yes, no, got "maybe" (for example "auto")',
    ),
    (
        '[server]\nadmin_token = "short"',
        'server.admin_token: must be at least 16 characters long, got *** (for example "${SEAWALL_ADMIN_TOKEN}")',
    ),
    (
        "[server]\nadmin_token = 5",
        'server.admin_token: must be a text, got *** (for example "${API_KEY}")',
    ),
    (
        '[server]\nadmin_listen = "127.0.0.1:8080"',
        'server.admin_listen: must differ from server.listen, got "127.0.0.1:8080" (for example "127.0.0.1:8081")',
    ),
    (
        '[server]\norigins = ["home.example"]',
        (
            'server.origins[0]: must be scheme://host[:port] without a path, got "home.example" '
            '(for example "https://home.example")'
        ),
    ),
    (
        '[server]\nhosts = ["a b"]',
        'server.hosts[0]: must be a host name, got "a b" (for example "gateway.home.lan")',
    ),
    ('[server]\nhosts = "a"', 'server.hosts: must be a list, got "a" (for example ["gateway.home.lan"])'),
    ("[server]\ntrusted_hops = 17", "server.trusted_hops: must be at most 16, got 17 (for example 0)"),
    (
        '[server]\ntls = { certificate = "a.pem" }',
        'server.tls.key: is needed (for example "/etc/seawall/tls.key")',
    ),
    ('[server]\nmax_body = "4MB"', 'server.max_body: must be a size, got "4MB" (for example "64KiB", "16MiB")'),
    (
        '[server]\ndrain = "10sec"',
        'server.drain: must be a duration, got "10sec" (for example "250ms", "10s", "15m", "1h")',
    ),
    ('[server]\nheader_timeout = "0s"', 'server.header_timeout: must be above 0, got "0s" (for example "10s")'),
    ('[log]\nsuccess = "101%"', 'log.success: must be a share from 0% to 100%, got "101%" (for example "50%")'),
    ('[log]\nrate = "0/s"', 'log.rate: must be a rate above zero, got "0/s" (for example "60/min", "5/s", "600/h")'),
]


@pytest.mark.parametrize(("text", "line"), ROWS, ids=[line.partition(":")[0] for _, line in ROWS])
def test_a_fault_is_one_line_with_path_rule_value_and_example(text: str, line: str) -> None:
    """Each wrong setting has exactly its own line, and no secret in it."""
    assert faults(text) == [line]
    assert "planted" not in line or "key_hash" in line
