"""`seawall spend` against a running gateway."""

import asyncio
from decimal import Decimal
from pathlib import Path

import orjson
import pytest

from seawall.app import App
from seawall.cli.spend import spend
from seawall.config import Tree, load
from spend_rows import row


@pytest.fixture
def settings(tmp_path: Path) -> Tree:
    """Return settings with a ledger in SQLite."""
    file = tmp_path / "seawall.toml"
    file.write_text(
        f'[server]\nlisten = "127.0.0.1:0"\n[ledger]\nurl = "sqlite://{tmp_path}/ledger.db"\n'
        '[upstreams.a]\nurl = "https://a.example"\n'
    )
    return load(file, {})


async def shown(settings: Tree, capsys: pytest.CaptureFixture[str], *args: str, rows: int = 2) -> tuple[int, str, str]:
    """Run the command against a gateway that has spent; return exit code, output and errors."""
    async with App(settings, log_fd=2) as app:
        for number in range(rows):
            app.runtime.ledger.write(row(number, caller=f"c{number}", cost=Decimal(number + 1)))
        url = f"http://{app.addresses[0]}"
        code = await asyncio.to_thread(spend, url, *args)
    out, err = capsys.readouterr()
    return code, out, err


async def test_a_table_has_a_line_for_each_key_and_one_for_all(settings: Tree, capsys: pytest.CaptureFixture[str]):
    """Money with every digit, the dearest first."""
    code, out, _ = await shown(settings, capsys, "caller,day", "", "", "table")
    lines = out.splitlines()
    assert code == 0
    assert lines[0].split() == ["caller", "day", "calls", "input", "output", "usd", "estimated"]
    assert [line.split()[0] for line in lines[1:]] == ["c1", "c0", "total"]
    assert lines[-1].split()[-2:] == ["3", "0"]


async def test_csv_and_json_are_for_programs(settings: Tree, capsys: pytest.CaptureFixture[str]):
    """The same numbers."""
    _, out, _ = await shown(settings, capsys, "caller", "", "", "csv")
    assert out.splitlines()[1] == "c1,1,10,5,2,0"
    _, out, _ = await shown(settings, capsys, "caller", "2027-01-01", "2027-02-01T00:00Z", "json")
    assert orjson.loads(out)["calls"] == 2  # the ledger outlived the first gateway, and a row written again counts once


async def test_what_cannot_be_asked_is_told(settings: Tree, capsys: pytest.CaptureFixture[str]):
    """A moment that is none, a column that is none, no gateway."""
    code, _, err = await shown(settings, capsys, "caller", "yesterday", "", "table")
    assert code == 2
    assert "2026-11-25" in err
    code, _, err = await shown(settings, capsys, "colour", "", "", "table")
    assert code == 1
    assert "caller, user, upstream" in err
    assert await asyncio.to_thread(spend, "http://127.0.0.1:1", "caller", "", "", "table") == 1
    assert "No gateway answers" in capsys.readouterr().err
