"""The table of raw exchanges on our own server: over a socket, and however the bytes are split."""

import pytest
from http_cases import CASES, Case

from http_raw import AFTER, Rig, parse_answers, running, talk, turns
from seawall.testing import virtual


def check(case: Case, raw: bytes) -> None:
    """Compare an exchange with its row."""
    answers = parse_answers(raw, case.methods)
    statuses = [answer.status for answer in answers if answer.status >= 200]
    assert statuses == [*case.statuses, *([] if case.closes else [200])]
    assert all(answer.complete for answer in answers)
    if case.bodies is not None:
        assert [answer.body for answer in answers][: len(case.bodies)] == list(case.bodies)
    if not case.closes:
        assert answers[-1].body == b"GET /after 0"
    assert answers[-1].headers[b"connection"] == b"close"


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
async def test_an_exchange_over_a_socket_is_answered_as_the_table_says(case: Case):
    """Status, framing, body and what becomes of the connection, one row each."""
    async with running() as (_, port):
        check(case, await talk(port, case.raw + AFTER))


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
@virtual
async def test_an_exchange_is_answered_alike_when_it_comes_byte_by_byte(case: Case):
    """Where a segment ends means nothing."""
    rig = Rig()
    for at in range(len(case.raw + AFTER)):
        if rig.transport.closing or rig.transport.ended:
            break
        rig.connection.data_received((case.raw + AFTER)[at : at + 1])
        if at % 7 == 0:
            await turns(3)
    await turns(12)
    assert rig.transport.ended or rig.transport.closing
    check(case, rig.transport.written)
    await rig.leave()
