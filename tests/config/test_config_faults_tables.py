"""One row for each fault of models, callers, schedules and stores, with its exact line."""

import pytest
from configs import faults, upstream

ROWS = [
    (
        '[models.m]\ntargets = ["gpt"]',
        'models.m.targets[0]: must be an upstream and one of its models, got "gpt" (for example "openai/gpt-5-mini")',
    ),
    (
        "[models.m]\ntargets = []",
        'models.m.targets: must not be empty, got [] (for example ["openai/gpt-5-mini", "claude/claude-sonnet-4-5"])',
    ),
    ('[models.m]\ntargets = ["o/gpt"]', 'models.m.targets[0]: must name an upstream, there is no o, got "o/gpt"'),
    (
        upstream(name="o") + '\n[models.m]\ntargets = ["o/gpt"]',
        'models.m.targets[0]: must name an upstream with api, o has none, got "o/gpt"',
    ),
    (
        upstream('url = "https://o.example"', 'api = "openai"', name="o")
        + '\n[models.m]\ntargets = ["o/gpt"]\ncheaper = { at = "80%", to = "m" }',
        'models.m.cheaper.to: must be another alias of [models], got "m" (for example "fast")',
    ),
    (
        upstream('url = "https://o.example"', 'api = "openai"', name="o")
        + '\n[models.m]\ntargets = [{ to = "o/a", weight = 1 }, "o/b"]',
        'models.m.targets[1]: must have a weight for every target or for none, got "o/b" (for example 90)',
    ),
    (
        upstream('url = "https://o.example"', 'api = "openai"', name="o")
        + '\n[models.m]\ntargets = ["o/a"]\nprice = { input = "0.15 USD", output = "1 USD/M" }',
        'models.m.price.input: must be a price per million tokens in USD, got "0.15 USD" (for example "0.15 USD/M")',
    ),
    ("[callers.k]", 'callers.k.key_hash: is needed (for example "sha256:9f86…0a08", as `seawall keys new` prints it)'),
    (
        '[callers.k]\nkey_hash = "planted"',
        (
            "callers.k.key_hash: must be sha256: and 64 hex digits, as `seawall keys new` prints it, got *** "
            '(for example "sha256:9f86…0a08")'
        ),
    ),
    (
        f'[callers.k]\nkey_hash = ["sha256:{"1" * 64}", "sw-planted"]',
        (
            "callers.k.key_hash[1]: must be sha256: and 64 hex digits, as `seawall keys new` prints it, got *** "
            '(for example "sha256:9f86…0a08")'
        ),
    ),
    *(
        (
            f'[callers.k]\nkey_hash = "sha256:{"1" * 64}"\nper_user = {{ header = "{name}" }}',
            (
                f'callers.k.per_user.header: must name the user and hold no key, got "{name}" '
                '(for example "X-Seawall-User")'
            ),
        )
        for name in ("Authorization", "cookie", "X-Api-Key", "x-seawall-key", "Proxy-Authorization")
    ),
    (
        f'[callers.anonymous]\nkey_hash = "sha256:{"1" * 64}"',
        (f'callers.anonymous.key_hash: cannot be set, [callers.anonymous] is who has no key, got "sha256:{"1" * 64}"'),
    ),
    (
        f'[callers.k]\nkey_hash = "sha256:{"1" * 64}"\n[callers.l]\nkey_hash = "sha256:{"1" * 64}"',
        f'callers.l.key_hash: must differ from that of callers.k, got "sha256:{"1" * 64}"',
    ),
    (
        f'[callers.k]\nkey_hash = "sha256:{"1" * 64}"\nupstreams = ["x"]',
        'callers.k.upstreams[0]: must be a name of [upstreams], got "x"',
    ),
    (
        "[callers.anonymous]\nconcurrency = 0",
        "callers.anonymous.concurrency: must be at least 1, got 0 (for example 4)",
    ),
    (
        '[spend]\ntimezone = "Mars/Olympus"',
        'spend.timezone: must be a time zone of the tz database, got "Mars/Olympus" (for example "Europe/Berlin")',
    ),
    (
        '[spend]\nunknown_price = "cheap"',
        'spend.unknown_price: must be refuse, free or a price per million tokens, got "cheap" (for example "1 USD/M")',
    ),
    ('[spend]\nday = "-1 USD"', 'spend.day: must be an amount in USD, got "-1 USD" (for example "0.50 USD")'),
    (
        upstream() + '\n[schedules.s]\ncall = "GET /a/x"',
        'schedules.s.every: is needed, or cron (for example "15m")',
    ),
    (
        upstream() + '\n[schedules.s]\ncall = "GET /a/x"\nevery = "1s"\ncron = "* * * * *"',
        'schedules.s.cron: cannot stand beside every, got "* * * * *" (for example "*/15 * * * *")',
    ),
    (
        upstream() + '\n[schedules.s]\ncall = "GET /a/x"\nevery = "1s"\nselect = "/x"',
        'schedules.s.select: needs publish, got "/x" (for example "/current")',
    ),
    (
        upstream() + '\n[schedules.s]\ncall = "HEAD /a/x"\nevery = "1s"\npublish = "p"',
        (
            'schedules.s.call: cannot be HEAD where publish is set, its answer has no body, got "HEAD /a/x" '
            '(for example "GET /weather/now")'
        ),
    ),
    (
        upstream() + '\n[schedules.s]\ncall = "GET /a/x"\ncron = "0 6 31 2,4 *"',
        ('schedules.s.cron: must have a day that its months have, got "0 6 31 2,4 *" (for example "0 6 1 * *")'),
    ),
    (
        upstream() + '\n[schedules.s]\ncall = "GET /b/x"\nevery = "1s"',
        'schedules.s.call: must lead to the mount of an upstream, got "GET /b/x"',
    ),
    (
        upstream() + '\n[schedules.s]\ncall = "GET a"\nevery = "1s"',
        (
            'schedules.s.call: must be GET, HEAD or POST and a path below a mount, got "GET a" '
            '(for example "GET /weather/v1/forecast")'
        ),
    ),
    (
        '[state]\nurl = "mysql://u:planted@h/x?p=planted"',
        'state.url: must be an address of memory://, redis://, rediss://, got *** (for example "redis://127.0.0.1:6379/0")',
    ),
    ("[ledger]\npool = { min = 6 }", "ledger.pool.min: must be at most pool.max, got 6 (for example 1)"),
    (
        '[alerts]\nslack = "hooks/planted"',
        'alerts.slack: must be an http:// or https:// address, got *** (for example "${ALERT_WEBHOOK_URL:-}")',
    ),
    (
        '[trace]\notlp = "http://u:planted@h"',
        (
            'trace.otlp: must be an http:// or https:// address without a password, got "http://***@h" '
            '(for example "http://127.0.0.1:4318")'
        ),
    ),
]


@pytest.mark.parametrize(("text", "line"), ROWS, ids=[line.partition(":")[0] for _, line in ROWS])
def test_a_fault_is_one_line_with_path_rule_value_and_example(text: str, line: str) -> None:
    """Each wrong setting has exactly its own line, and no secret in it."""
    assert faults(text) == [line]
    assert "planted" not in line or "key_hash" in line
