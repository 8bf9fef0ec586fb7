"""memory.soft: work is refused above it and taken again well below it."""

import asyncio

from shelf_entries import entry

from seawall.app.pressure import Pressure
from seawall.app.shelves import Shelves
from seawall.contracts.clock import Clock
from seawall.contracts.events import Notice
from seawall.contracts.wheel import Wheel
from seawall.pipeline.states import States
from seawall.testing import Recorder, virtual


@virtual
async def test_work_is_refused_above_the_bound_and_taken_again_below_it() -> None:
    """Each change is told once; a value between relief and bound changes nothing."""
    loop = asyncio.get_running_loop()
    told: list[bool] = []
    events = Recorder()
    resident = 100
    pressure = Pressure(100, lambda: resident, Wheel(Clock(loop.time), loop), told.append, events, lambda: False)
    pressure.start()
    steps = [
        (101, [True]),
        (150, [True]),
        (98, [True]),
        (94, [True, False]),
        (100, [True, False]),
        (101, [True, False, True]),
    ]
    for now, expected in steps:
        resident = now
        await asyncio.sleep(1.5)
        assert told == expected
    assert [event.level for event in events.of(Notice)] == ["warning", "info", "warning"]
    pressure.stop()
    resident = 1
    await asyncio.sleep(5)
    assert told == [True, False, True]


@virtual
async def test_caches_shrink_before_work_is_refused() -> None:
    """Each second half of what is kept goes; only when nothing is left is work refused."""
    loop = asyncio.get_running_loop()
    told: list[bool] = []
    shelves = Shelves(1 << 20, States())
    for number in range(8):
        shelves.entries.put(b"u", (b"", bytes([number])), (), entry())
    pressure = Pressure(100, lambda: 200, Wheel(Clock(loop.time), loop), told.append, Recorder(), shelves.shed)
    pressure.start()
    kept = [len(shelves.entries)]
    while not told:
        await asyncio.sleep(1.01)
        kept.append(len(shelves.entries))
    pressure.stop()
    assert kept[:4] == [4, 2, 1, 0]
    assert told == [True]
    assert shelves.entries.most == 1 << 20
