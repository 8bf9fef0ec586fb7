"""What libraries log becomes notices, without queries, and safely from any thread."""

import asyncio
import logging
import threading
from collections.abc import Iterator

import pytest

from seawall.contracts.events import Notice
from seawall.observers.bridge import Bridge

LIBRARY = logging.getLogger("some.library")


class Heard(list[Notice]):
    """Notices, and a log call made while one is told."""

    chatty = False

    def tell(self, notice: Notice) -> None:
        self.append(notice)
        if self.chatty:
            LIBRARY.error("from inside")


def record(message: str, *args: object) -> logging.LogRecord:
    """Return a warning as stdlib makes it."""
    return logging.LogRecord("some.library", logging.WARNING, __file__, 1, message, args, None)


@pytest.fixture
async def heard() -> Iterator[Heard]:
    """Return what is told while a bridge stands."""
    told = Heard()
    with Bridge(told.tell, asyncio.get_running_loop(), logging.DEBUG):
        LIBRARY.setLevel(logging.DEBUG)
        yield told
    LIBRARY.setLevel(logging.NOTSET)


async def test_a_record_becomes_a_notice_with_its_level_and_logger(heard: Heard) -> None:
    """Arguments are filled in; critical is error; stdlib's levels map to ours."""
    for level in (logging.CRITICAL, logging.ERROR, logging.WARNING, logging.INFO, logging.DEBUG):
        LIBRARY.log(level, "%s left", "upstream")
    assert [notice.level for notice in heard] == ["error", "error", "warning", "info", "debug"]
    assert heard[0] == Notice("error", "library", "upstream left", (("logger", "some.library"),))


async def test_an_exception_comes_with_its_type_and_the_end_of_its_trace(heard: Heard) -> None:
    """What happened and where."""
    try:
        raise ValueError("bad thing at https://u:p@h.example/p?token=abc")
    except ValueError:
        LIBRARY.exception("failed")
    fields = dict(heard[0].fields)
    assert fields["exception"] == "ValueError: bad thing at https://***@h.example/p?***"
    assert "test_bridge.py" in str(fields["traceback"])


@pytest.mark.parametrize(
    ("said", "written"),
    [
        ("GET https://api.example/v1?key=abc&x=1 done", "GET https://api.example/v1?*** done"),
        ('"GET /search?q=secret HTTP/1.1" 200', '"GET /search?*** HTTP/1.1" 200'),
        ("redis://user:pass@host:6379/0", "redis://***@host:6379/0"),
        ("why? because", "why? because"),
    ],
)
async def test_no_query_or_user_info_of_a_url_is_passed_on(heard: Heard, said: str, written: str) -> None:
    """A library may log a URL; its query is never written."""
    LIBRARY.warning(said)
    assert heard[0].message == written


def test_a_format_that_does_not_fit_is_passed_on_as_it_is() -> None:
    """A library's slip is no error of ours."""
    loop = asyncio.new_event_loop()
    told: list[Notice] = []
    Bridge(told.append, loop).handle(record("%d items", "no number"))
    loop.close()
    assert told[0].message == "%d items"


async def test_a_record_of_another_thread_is_told_on_the_loops_thread() -> None:
    """Observers are not thread-safe, so they are only called where they live."""
    told: asyncio.Future[tuple[Notice, int]] = asyncio.get_running_loop().create_future()
    with Bridge(lambda notice: told.set_result((notice, threading.get_ident())), asyncio.get_running_loop()):
        await asyncio.get_running_loop().run_in_executor(None, LIBRARY.warning, "from afar")
        notice, thread = await asyncio.wait_for(told, 5)
    assert (notice.message, thread) == ("from afar", threading.get_ident())


async def test_an_observer_that_logs_does_not_go_round(heard: Heard) -> None:
    """A record made while a notice is told is dropped."""
    heard.chatty = True
    LIBRARY.warning("one")
    LIBRARY.warning("two")
    assert [notice.message for notice in heard] == ["one", "two"]


async def test_after_the_bridge_is_taken_down_nothing_is_told(heard: Heard) -> None:
    """The root logger is as it was."""
    before = list(logging.getLogger().handlers)
    with Bridge(heard.tell, asyncio.get_running_loop()):
        assert len(logging.getLogger().handlers) == len(before) + 1
    assert logging.getLogger().handlers == before


def test_a_record_after_the_loop_has_ended_is_dropped() -> None:
    """A thread that outlives the loop may still log."""
    loop = asyncio.new_event_loop()
    told: list[Notice] = []
    bridge = Bridge(told.append, loop)
    loop.close()
    thread = threading.Thread(target=bridge.emit, args=(record("late"),))
    thread.start()
    thread.join()
    assert told == []
