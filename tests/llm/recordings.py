"""The recorded answers and what must be read from each."""

import tomllib
from pathlib import Path
from typing import Any, NamedTuple

from seawall.llm.seam import Api, Operation
from seawall.llm.sse import Event, events

HERE = Path(__file__).parent / "corpus"


class Recording(NamedTuple):
    """One recorded answer.

    Attributes:
        api: whose.
        name: of its file.
        body: its bytes.
        expected: its table in `expected.toml`.
    """

    api: Api
    name: str
    body: bytes
    expected: dict[str, Any]

    @property
    def operation(self) -> Operation:
        return self.expected["operation"]

    @property
    def streams(self) -> bool:
        return self.name.endswith(".sse")

    @property
    def status(self) -> int:
        return self.expected.get("status", 200)

    @property
    def headers(self) -> list[tuple[bytes, bytes]]:
        kind = b"text/event-stream; charset=utf-8" if self.streams else b"application/json"
        return [(b"content-type", kind), (b"content-length", b"1"), (b"x-request-id", b"req_1")]

    @property
    def events(self) -> list[Event]:
        return events(self.body)


def recordings() -> list[Recording]:
    """Return every recording; a file without an entry, or an entry without a file, is an error."""
    listed = tomllib.loads((HERE / "expected.toml").read_text())
    found = [
        Recording(api, name, (HERE / api / name).read_bytes(), expected)  # type: ignore[arg-type]
        for api, files in listed.items()
        for name, expected in files.items()
    ]
    assert {(one.api, one.name) for one in found} == {
        (path.parent.name, path.name) for api in listed for path in (HERE / api).iterdir()
    }
    return found


def named(api: Api, name: str) -> Recording:
    """Return one recording."""
    return next(one for one in recordings() if (one.api, one.name) == (api, name))


def label(one: object) -> str:
    """Return a recording's name for a test's."""
    return f"{one.api}-{one.name}" if isinstance(one, Recording) else repr(one)
