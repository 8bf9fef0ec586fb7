"""What libraries say through stdlib `logging`, turned into notices, so that there is one log."""

import asyncio
import logging
import re
import threading
import traceback
from collections.abc import Callable
from types import TracebackType
from typing import Self

from seawall.contracts.events import Notice

__all__ = ["Bridge"]

# a library may name a URL: its query and its user info are never written (semantics 9.3)
_QUERY = re.compile(r"(/[^\s?\"'<>]*)\?[^\s\"'<>]+")
_USER = re.compile(r"(\w://)[^/\s@\"'<>]+@")
_TAIL = 900  # characters of a traceback; its end says what happened


class Bridge(logging.Handler):
    """A handler for the root logger; a context manager that puts itself there and takes itself away.

    Args:
        tell: takes a notice, on the loop's thread.
        loop: records of other threads are handed to it.
        level: the least of stdlib's levels that is heard.
    """

    def __init__(
        self, tell: Callable[[Notice], None], loop: asyncio.AbstractEventLoop, level: int = logging.WARNING
    ) -> None:
        super().__init__(level)
        self._tell = tell
        self._loop = loop
        self._thread = threading.get_ident()
        self._telling = False

    def __enter__(self) -> Self:
        logging.getLogger().addHandler(self)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        logging.getLogger().removeHandler(self)

    def emit(self, record: logging.LogRecord) -> None:
        """Turn one record into a notice."""
        notice = _notice(record)
        if threading.get_ident() != self._thread:
            if not self._loop.is_closed():
                self._loop.call_soon_threadsafe(self._tell, notice)
        elif not self._telling:  # an observer that logs while it is told would go round for ever
            self._telling = True
            try:
                self._tell(notice)
            finally:
                self._telling = False


def _notice(record: logging.LogRecord) -> Notice:
    try:
        message = record.getMessage()
    except (TypeError, ValueError, KeyError):  # a library's format does not fit its arguments
        message = str(record.msg)
    fields: list[tuple[str, object]] = [("logger", record.name)]
    error = record.exc_info[1] if record.exc_info else None
    if error is not None:
        fields.append(("exception", _without_urls(f"{type(error).__name__}: {error}")))
        fields.append(("traceback", _without_urls("".join(traceback.format_tb(error.__traceback__)))[-_TAIL:]))
    return Notice(_level(record.levelno), "library", _without_urls(message), tuple(fields))


def _level(number: int) -> str:
    if number >= logging.ERROR:
        return "error"
    if number >= logging.WARNING:
        return "warning"
    return "info" if number >= logging.INFO else "debug"


def _without_urls(text: str) -> str:
    return _QUERY.sub(r"\1?***", _USER.sub(r"\1***@", text))
