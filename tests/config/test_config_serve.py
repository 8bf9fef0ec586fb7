"""What a valid file is refused for when it is served."""

import pytest
from configs import tree, upstream

from seawall.config import serve_faults
from seawall.config.available import NOT_YET

HASH = f'key_hash = "sha256:{"1" * 64}"'
TOKEN = 'admin_token = "0123456789abcdef"'


def refused(text: str) -> list[str]:
    """Return why a text is not served, what is not built yet left out."""
    return [fault for fault in serve_faults(tree(text)) if "not available" not in fault]


def test_the_defaults_are_served() -> None:
    """Loopback, and nothing that is not built."""
    assert serve_faults(tree(upstream() + '\n[[upstreams.a.routes]]\nmatch = "GET /x"\nrate = "1/s"')) == []


@pytest.mark.parametrize(
    ("text", "path"),
    [
        ('[jobs]\nurl = "postgresql://h/d"', "jobs"),
        ('[alerts]\nntfy = "https://ntfy.sh/x"', "alerts"),
        ('[sentry]\ndsn = "https://x@y.example/1"', "sentry"),
        ('[trace]\notlp = "http://127.0.0.1:4318"', "trace"),
    ],
)
def test_what_is_not_built_yet_is_refused_by_its_path(text: str, path: str) -> None:
    """Never ignored."""
    assert f"{path}: not available in this version" in serve_faults(tree(text))


def test_a_default_written_out_is_no_use_of_a_feature() -> None:
    """The contract writes many defaults out."""
    assert serve_faults(tree("[state]\nurl = 'memory://'\n[alerts]\nfailures = 3\n" + upstream("cache = false"))) == []


def test_every_feature_that_waits_names_a_setting() -> None:
    """A typo in the list would let something through."""
    from seawall.config.shape import type_of
    from seawall.config.tree import Tree

    for feature in NOT_YET:
        names = feature.partition("=")[0].split(".")
        path = tuple(0 if name == "*" and names[place - 1] == "routes" else name for place, name in enumerate(names))
        assert type_of(Tree, path) is not None, feature


@pytest.mark.parametrize(
    ("text", "lines"),
    [
        ('[server]\nlisten = "127.0.0.1:80"', []),
        ('[server]\nlisten = "unix:/run/x.sock"', []),
        (
            '[server]\nlisten = "0.0.0.0:80"',
            [
                (
                    "server.admin_token: is needed, server.listen is not loopback "
                    '(for example admin_token = "${SEAWALL_ADMIN_TOKEN}", or listen = "127.0.0.1:8080")'
                ),
                (
                    "callers: at least one is needed, server.listen is not loopback "
                    '(for example `seawall keys new kitchen`, or listen = "127.0.0.1:8080")'
                ),
            ],
        ),
        (f'[server]\nlisten = "fd://3"\n{TOKEN}\n[callers.k]\n{HASH}', []),
        (f'[server]\nlisten = "0.0.0.0:80"\nadmin_listen = "127.0.0.1:81"\n[callers.k]\n{HASH}', []),
        (
            '[server]\nadmin_listen = "0.0.0.0:81"',
            [
                (
                    "server.admin_token: is needed, server.admin_listen is not loopback "
                    '(for example admin_token = "${SEAWALL_ADMIN_TOKEN}", or listen = "127.0.0.1:8080")'
                )
            ],
        ),
        (
            f'[server]\nlisten = "0.0.0.0:80"\nanonymous = "yes"\n{TOKEN}\n[callers.anonymous]',
            [
                (
                    "callers.anonymous: needs limits of its own, server.listen is not loopback and anonymous is yes "
                    '(for example [callers.anonymous] rate = "60/min")'
                )
            ],
        ),
        (f'[server]\nlisten = "0.0.0.0:80"\nanonymous = "yes"\n{TOKEN}\n[callers.anonymous]\nrate = "1/s"', []),
        (
            f'[server]\nlisten = "0.0.0.0:80"\n{TOKEN}\n[callers.anonymous]\nrate = "1/s"',
            [
                (
                    "callers: at least one is needed, server.listen is not loopback "
                    '(for example `seawall keys new kitchen`, or listen = "127.0.0.1:8080")'
                )
            ],
        ),
    ],
)
def test_off_loopback_nobody_calls_or_manages_without_a_key(text: str, lines: list[str]) -> None:
    """Security 16: it refuses to start without caller keys and an admin token."""
    assert refused(text) == lines


def test_the_key_hash_of_the_sample_is_refused() -> None:
    """All zeros is nobody's key."""
    text = f'[callers.k]\nkey_hash = "sha256:{"0" * 64}"'
    assert refused(text) == ["callers.k.key_hash: must be a real hash, `seawall keys new k` prints one"]


def test_caps_that_outlive_a_day_need_a_ledger() -> None:
    """With memory they would start afresh at each start."""
    caps = '{ day = "1 USD", month = "1 USD", total = "1 USD" }'
    text = (
        f'[callers.k]\n{HASH}\nspend = {caps}\nper_user = {{ header = "X-U", spend = {caps} }}\n'
        f'[upstreams.o]\napi = "openai"\nurl = "https://a.example"\n[models.m]\ntargets = ["o/x"]\nspend = {caps}\n'
        '[spend]\nday = "1 USD"\nmonth = "1 USD"'
    )
    assert [fault.partition(":")[0] for fault in refused(text)] == [
        "spend.month", "callers.k.spend.month", "callers.k.spend.total", "callers.k.per_user.spend.month",
        "callers.k.per_user.spend.total", "models.m.spend.month", "models.m.spend.total",
    ]  # fmt: skip
    assert refused(text + '\n[ledger]\nurl = "sqlite:///x.db"') == []
