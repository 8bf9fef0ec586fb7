"""Where settings come from: a file, .env beside it, variables in texts, and overrides from the environment."""

from pathlib import Path

import pytest
from configs import faults, tree, upstream

from seawall.config import load, load_with_sources, parse
from seawall.config.override import variable_of
from seawall.config.toml import parse_scalar, path_text, value_text
from seawall.contracts.errors import SettingsError
from seawall.contracts.units import Rate


def write(folder: Path, text: str, env: str | None = None) -> Path:
    """Write a settings file, and a .env beside it."""
    path = folder / "seawall.toml"
    path.write_text(text)
    if env is not None:
        (folder / ".env").write_text(env)
    return path


def test_a_variable_comes_from_dotenv_and_the_environment_wins(tmp_path: Path) -> None:
    """What is exported is meant; .env is for what is not."""
    path = write(tmp_path, '[server]\nlisten = "${HOST}:${PORT}"', "HOST=127.0.0.1\nPORT=1\n")
    assert load(path, {}).server.listen == "127.0.0.1:1"
    assert load(path, {"PORT": "2"}).server.listen == "127.0.0.1:2"


def test_a_dollar_in_dotenv_is_a_dollar(tmp_path: Path) -> None:
    """Passwords are not expanded a second time."""
    path = write(tmp_path, upstream('key = "${KEY}"'), "KEY='pa$$word${HOME}'\nNOTHING\n")
    key = load(path, {}).upstreams["a"].key
    assert key is not None
    assert key.reveal() == "pa$$word${HOME}"


def test_an_override_may_stand_in_dotenv(tmp_path: Path) -> None:
    """All variables are found in the same two places."""
    assert load(write(tmp_path, "", "SEAWALL_SERVER__DRAIN=3s\n"), {}).server.drain == 3.0


def test_windows_line_ends_and_a_byte_order_mark_are_taken(tmp_path: Path) -> None:
    """Editors write them."""
    path = tmp_path / "seawall.toml"
    path.write_bytes(b'\xef\xbb\xbf[log]\r\nlevel = "error"\r\n')
    assert load(path, {}).log.level == "error"


@pytest.mark.parametrize(
    ("make", "line"),
    [
        (lambda path: None, "cannot be read, no such file or directory, `seawall init` writes one"),
        (lambda path: path.mkdir(), "cannot be read, is a directory"),
        (lambda path: path.write_bytes(b"a = '\xff'"), "must be UTF-8 text, byte 5 is not"),
        (lambda path: path.write_bytes(b"#" * ((4 << 20) + 1)), "must be at most 4MiB"),
        (lambda path: path.write_text("a = " + "[" * 100_000), "must be TOML, it is nested too deeply"),
    ],
    ids=["missing", "folder", "bytes", "large", "deep"],
)
def test_a_file_that_cannot_be_read_is_one_fault(make: object, line: str, tmp_path: Path) -> None:
    """No traceback, whatever stands there."""
    path = tmp_path / "seawall.toml"
    make(path)  # type: ignore[operator]
    with pytest.raises(SettingsError) as caught:
        load(path, {})
    (fault,) = caught.value.faults
    assert fault.endswith(line)


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("${A}", "x"),
        ("${A:-d}", "x"),
        ("${NO:-d}", "d"),
        ("${EMPTY:-d}", "d"),
        ("${EMPTY}", ""),
        ("${NO:-}", ""),
        ("<${A}${A}>", "<xx>"),
        ("$$${A}", "$x"),
        ("$${A}", "${A}"),
        ("a$b", "a$b"),
        ("${NO:-a:-b}", "a:-b"),
    ],
)
def test_variables_are_put_into_texts(text: str, value: str) -> None:
    """`${NAME}`, its default, and the dollar itself; what a variable holds is not looked at again."""
    found = tree(f"[ledger]\nspool = '{text}'", A="x", EMPTY="").ledger.spool
    assert found == value


@pytest.mark.parametrize("text", ["${}", "${1A}", "${A", "${A:d}", "${A b}"])
def test_a_reference_written_wrongly_is_a_fault(text: str) -> None:
    """It is never taken as it stands, since it was meant as a secret most likely."""
    assert faults(f"[ledger]\nspool = '{text}'", A="x") == [
        'ledger.spool: must write ${NAME}, ${NAME:-default} or $$ (for example "${API_KEY}")'
    ]


def test_a_variable_may_stand_for_a_number_or_a_truth_value() -> None:
    """A text that is one reference becomes what the setting wants."""
    text = '[server]\nmax_inflight = "${N}"\n[state]\nrequired = "${R:-true}"\n' + upstream('concurrency = "${C}"')
    found = tree(text, N="7", C="3")
    assert (found.server.max_inflight, found.state.required) == (7, True)
    assert found.upstreams["a"].concurrency is not None
    assert found.upstreams["a"].concurrency.limit == 3


def test_a_variable_in_a_text_stays_a_text() -> None:
    """A key of digits is a key."""
    key = tree(upstream('key = "${K}"'), K="123").upstreams["a"].key
    assert key is not None
    assert key.reveal() == "123"


def test_overrides_reach_every_kind_of_value() -> None:
    """Texts, numbers, truth values, durations, short forms and switches."""
    found = tree(
        upstream('retry = { base = "50ms" }'),
        SEAWALL_SERVER__LISTEN="127.0.0.1:9",
        SEAWALL_SERVER__MAX_INFLIGHT="9",
        SEAWALL_STATE__REQUIRED="true",
        SEAWALL_SERVER__DRAIN="5",
        SEAWALL_UPSTREAMS__A__RETRY__ATTEMPTS="5",
        SEAWALL_UPSTREAMS__A__BREAKER="false",
        SEAWALL_UPSTREAMS__A__RATE="60/min",
        SEAWALL_UPSTREAMS__A__CONCURRENCY="2",
        SEAWALL_UPSTREAMS__A__KEY="$K${EY}",
    )
    one = found.upstreams["a"]
    assert (found.server.listen, found.server.max_inflight, found.server.drain) == ("127.0.0.1:9", 9, 5.0)
    assert found.state.required
    assert one.retry is not None
    assert (one.retry.attempts, one.retry.base) == (5, 0.05)
    assert one.breaker is None
    assert one.rate is not None
    assert one.rate.limit == Rate(60, 60.0)
    assert one.concurrency is not None
    assert one.concurrency.limit == 2
    assert one.key is not None
    assert one.key.reveal() == "$K${EY}"


def test_an_override_stands_for_a_variable_that_is_missing() -> None:
    """What the file says there does not matter any more."""
    key = tree(upstream('key = "${NO}"'), SEAWALL_UPSTREAMS__A__KEY="x").upstreams["a"].key
    assert key is not None
    assert key.reveal() == "x"


@pytest.mark.parametrize(
    ("variable", "line"),
    [
        ("SEAWALL_SERVER__LISTN", "names no setting, did you mean SEAWALL_SERVER__LISTEN?"),
        ("SEAWALL_SERVER__ZZZ", "names no setting, server.zzz is unknown"),
        ("SEAWALL_UPSTREAMS__B__URL", "names no setting, did you mean SEAWALL_UPSTREAMS__BB__URL?"),
        ("SEAWALL_UPSTREAMS__QQ__URL", "names no setting, upstreams.qq.url is unknown"),
        ("SEAWALL_UPSTREAMS__A__RETRI__BASE", "names no setting, did you mean SEAWALL_UPSTREAMS__A__RETRY__BASE?"),
        ("SEAWALL_UPSTREAMS__A__ROUTES", "names a table or list, only single values have an environment name"),
        ("SEAWALL_UPSTREAMS__A", "names no setting, upstreams.a is unknown"),
        ("SEAWALL_SERVER__", 'names no setting, server."" is unknown'),
        (
            "SEAWALL_UPSTREAMS__BB__RETRY__BASE",
            "cannot be put into upstreams.bb.retry, which the file gives as no table",
        ),
    ],
)
def test_an_override_that_names_no_setting_is_a_fault(variable: str, line: str) -> None:
    """A typo in the environment is told like one in the file."""
    text = upstream() + "\n" + upstream("retry = false", name="bb")
    if variable == "SEAWALL_UPSTREAMS__A":
        text = upstream(name="bb")
    assert faults(text, **{variable: "1"}) == [f"{variable}: {line}"]


def test_variables_without_a_double_underscore_are_left_alone() -> None:
    """SEAWALL_ADMIN_TOKEN is a name people use in `${…}`."""
    assert faults("", SEAWALL_ADMIN_TOKEN="x", SEAWALL_X="y") == []


def test_a_wrong_override_is_shown_by_its_variable() -> None:
    """The value may be a secret in the wrong place."""
    assert faults("", SEAWALL_SERVER__MAX_INFLIGHT="planted") == [
        'server.max_inflight: must be a whole number, got "${SEAWALL_SERVER__MAX_INFLIGHT}" (for example 512)'
    ]


def test_sources_tell_where_variables_were_put_in(tmp_path: Path) -> None:
    """Each path with a reference, as written."""
    path = write(tmp_path, upstream('key = "${K}"', 'headers = { X-A = "Bearer ${K}" }'))
    found = load_with_sources(path, {"K": "k", "SEAWALL_LOG__LEVEL": "info"})
    assert found.sources == {
        ("upstreams", "a", "key"): "${K}",
        ("upstreams", "a", "headers", "X-A"): "Bearer ${K}",
        ("log", "level"): "${SEAWALL_LOG__LEVEL}",
    }


def test_an_empty_file_is_all_defaults() -> None:
    """Nothing is needed but what one wants to call."""
    assert parse("", {}).tree.upstreams == {}


@pytest.mark.parametrize(
    ("path", "variable"),
    [
        (("server", "max_body"), "SEAWALL_SERVER__MAX_BODY"),
        (("upstreams", "a-b", "url"), None),
        (("upstreams", "A", "url"), None),
        (("upstreams", "a__b", "url"), None),
        (("upstreams", "a", "routes", 0, "match"), None),
    ],
)
def test_only_plain_names_have_an_environment_name(path: tuple[str | int, ...], variable: str | None) -> None:
    """What a shell cannot spell, or would read in two ways, has none."""
    assert variable_of(path) == variable


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("1", 1), ("1.5", 1.5), ("true", True), ('"x"', "x"), ("x", "x"), ("", ""), ("[1]", "[1]"), ("1\n2", "1\n2"),
        ("1 # x", 1), ("2020-01-01", "2020-01-01"), ("{a=1}", "{a=1}"),
    ],
)  # fmt: skip
def test_a_scalar_is_read_as_toml_reads_it(text: str, value: object) -> None:
    """Only single values; everything else stays the text it is."""
    assert parse_scalar(text) == value
    assert type(parse_scalar(text)) is type(value)


def test_paths_and_values_show_as_toml_writes_them() -> None:
    """A line of a fault can be put back into a file."""
    assert path_text(("upstreams", "a b", "routes", 0, "x")) == 'upstreams."a b".routes[0].x'
    assert value_text({"a": [1, True, "x\x7f\n"], "b": {}}) == '{ a = [1, true, "x\\u007f\\n"], b = {} }'
