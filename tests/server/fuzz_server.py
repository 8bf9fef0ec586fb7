"""A fuzzer for the server: mutated requests, split anywhere, against rules that hold for every input.

Run it for longer with `python tests/server/fuzz_server.py SECONDS [SEED]`; what finds a new outcome is kept in
`tests/server/corpus/` and replayed by `test_server_fuzz.py`.
"""

import asyncio
import hashlib
import random
import sys
import time
from pathlib import Path

if __name__ == "__main__":
    sys.path[:0] = [str(Path(__file__).parent), str(Path(__file__).parent.parent)]

from http_cases import CASES

from http_raw import Rig, echo, parse_answers, read_all, turns
from seawall.contracts.reply import Reply
from seawall.server import Limits
from seawall.testing import ScriptedSource, run_virtual

CORPUS = Path(__file__).parent / "corpus"
LIMITS = Limits(max_body=4096, max_header=1024, max_header_count=12)
_TOKENS = (
    b"\r\n", b"\n", b"\r", b"\0", b" ", b"\t", b":", b",", b";", b"0", b"1", b"f", b"+", b"-", b"_", b"/", b"//", b"\\",
    b"#", b"?", b"%00", b"\xff", b"\x7f", b"\x0b", b"GET ", b"HEAD ", b"POST ", b" HTTP/1.1\r\n", b" HTTP/1.0\r\n",
    b"Host: a\r\n", b"Host:", b"Content-Length: 5\r\n", b"Content-Length: 0\r\n", b"Transfer-Encoding: chunked\r\n",
    b"Transfer-Encoding:", b"Connection: close\r\n", b"Connection: keep-alive\r\n", b"Expect: 100-continue\r\n",
    b"Upgrade: h2c\r\n", b"0\r\n\r\n", b"5\r\nhello\r\n", b"\r\n\r\n", b"\r\n ", b"chunked", b"identity",
)  # fmt: skip


class Judge:
    """The handler of a fuzzed connection; notes every request it is given."""

    def __init__(self) -> None:
        self.calls: list[tuple[bytes, bytes, int]] = []

    async def __call__(self, request):
        reply = await echo(request)
        size = int(reply.body.rpartition(b" ")[2])
        self.calls.append((request.method, request.target, size))
        hosts = [value for name, value in request.headers if name == b"host"]
        assert hosts == [request.host]
        assert request.host
        assert request.target == b"*" or (request.target[:1] == b"/" and request.target[1:2] != b"/")
        assert not set(request.target) & set(b"\\# \t\r\n\0\x7f")
        assert all(name == name.lower() and b"\n" not in value for name, value in request.headers)
        names = [name for name, _ in request.headers]
        assert names.count(b"content-length") + names.count(b"transfer-encoding") <= 1
        assert request.length is None or request.length == size
        if size % 3 == 1:  # a streamed answer now and then
            return Reply(200, [], ScriptedSource([reply.body, b"!"]), None, True)
        return reply


class Early:
    """A handler that answers before it has read what comes."""

    async def __call__(self, request):
        if request.target.endswith(b"b"):
            return Reply(200, [], await read_all(request))
        return Reply(404, [], b"early")


async def exchange(pieces: list[bytes], handler) -> tuple[bytes, Rig]:
    """Feed pieces to a connection of its own and return what it wrote."""
    rig = Rig(handler, LIMITS)
    for piece in pieces:
        if rig.transport.closing or rig.transport.ended:
            break
        rig.connection.data_received(piece)
        await turns(3)
    seen = -1
    while seen != len(rig.transport.written):  # a pipeline takes as many turns as it has requests
        seen = len(rig.transport.written)
        await turns(12)
    written = rig.transport.written
    await rig.wait(200)  # whatever is open has a deadline
    assert rig.transport.lost, "a connection without a deadline"
    assert not rig.state.inflight
    assert not rig.state.members
    assert rig.reported == [], rig.reported
    return written, rig


def summary(written: bytes, judge: Judge) -> tuple[tuple[int, ...], tuple[tuple[bytes, bytes, int], ...]]:
    """Return what must not depend on how the bytes were split."""
    methods = [method for method, _, _ in judge.calls]
    finals = [answer for answer in parse_answers(written, tuple(methods)) if answer.status >= 200]
    if not all(answer.complete for answer in finals):  # the refused request behind the served ones may be a HEAD
        finals = [answer for answer in parse_answers(written, (*methods, b"HEAD")) if answer.status >= 200]
    assert all(answer.complete for answer in finals)
    served = [answer for answer in finals if answer.status == 200]
    assert len(served) == len(judge.calls), "an answer per call"
    assert all(answer.status >= 400 for answer in finals[len(served) :]), "nothing is served behind a refusal"
    assert len(finals) - len(served) <= 1, "at most one refusal"
    return tuple(answer.status for answer in finals), tuple(judge.calls)


def split(raw: bytes, chance: random.Random) -> list[bytes]:
    """Cut bytes at random places, or everywhere."""
    if chance.random() < 0.2:
        return [raw[at : at + 1] for at in range(len(raw))]
    cuts = sorted(chance.randrange(len(raw) + 1) for _ in range(chance.randrange(1, 6)))
    return [raw[a:b] for a, b in zip([0, *cuts], [*cuts, len(raw)], strict=True) if a < b]


def mutate(raw: bytes, pool: list[bytes], chance: random.Random) -> bytes:
    """Change a few places, or splice two requests."""
    for _ in range(chance.randrange(1, 5)):
        at = chance.randrange(len(raw) + 1)
        end = min(len(raw), at + chance.choice((0, 1, 1, 2, 8)))
        match chance.randrange(6):
            case 0:
                raw = raw[:at] + chance.choice(_TOKENS) + raw[at:]
            case 1:
                raw = raw[:at] + chance.choice(_TOKENS) + raw[end:]
            case 2:
                raw = raw[:at] + raw[end:]
            case 3:
                raw = raw[:at] + bytes((chance.randrange(256),)) + raw[end:]
            case 4:
                raw = raw[:at] + raw[at : at + 40] + raw[at:]
            case _:
                raw = raw[:at] + chance.choice(pool)[chance.randrange(8) :]
    return raw[:3000]


def check(raw: bytes, chance: random.Random) -> tuple[object, ...]:
    """Run one input whole, split, and against a handler that answers early; return its outcome."""
    if not raw:
        return ()

    async def run():
        whole, parts, early = Judge(), Judge(), Early()
        first = summary((await exchange([raw], whole))[0], whole)
        second = summary((await exchange(split(raw, chance), parts))[0], parts)
        assert first == second, f"{first} when whole, {second} when split"
        written, _ = await exchange(split(raw, chance), early)
        parse_answers(written) if b"HEAD" not in raw else None
        return first

    return run_virtual(run())


def seeds() -> list[bytes]:
    """Return the table's inputs and the corpus."""
    kept = [path.read_bytes() for path in sorted(CORPUS.glob("*.bin"))]
    return [case.raw[:3000] for case in CASES] + kept


def fuzz(seconds: float, seed: int) -> tuple[int, dict[tuple[object, ...], bytes]]:
    """Fuzz for a while; return how many inputs ran and the shortest input of each outcome not in the seeds."""
    chance = random.Random(seed)
    pool = seeds()
    known = {_shape(check(raw, chance)) for raw in pool}
    found: dict[tuple[object, ...], bytes] = {}
    count, until = 0, time.monotonic() + seconds
    while time.monotonic() < until:
        raw = mutate(chance.choice(pool), pool, chance)
        try:
            shape = _shape(check(raw, chance))
        except BaseException:
            print("failing input:", raw, file=sys.stderr)  # noqa: T201
            raise
        count += 1
        if shape not in known and (shape not in found or len(raw) < len(found[shape])):
            if shape not in found:
                pool.append(raw)
            found[shape] = raw
    return count, found


def _shape(outcome: tuple[object, ...]) -> tuple[object, ...]:
    if not outcome:
        return ()
    statuses, calls = outcome
    return (statuses[:3], tuple(min(size, 1) for _, _, size in calls[:2]))


def shrink(raw: bytes) -> bytes:
    """Return a shorter input with the same outcome: what can be left out is."""
    chance = random.Random(0)
    shape = _shape(check(raw, chance))
    for size in (256, 64, 16, 4, 1):
        at = 0
        while at < len(raw):
            shorter = raw[:at] + raw[at + size :]
            if _shape(check(shorter, chance)) == shape:
                raw = shorter
            else:
                at += size
    return raw


def main() -> None:
    """Fuzz and keep what is new."""
    count, found = fuzz(float(sys.argv[1]), int(sys.argv[2]) if len(sys.argv) > 2 else 1)
    CORPUS.mkdir(exist_ok=True)
    for raw in map(shrink, found.values()):
        (CORPUS / f"{hashlib.sha256(raw).hexdigest()[:16]}.bin").write_bytes(raw)
    print(f"{count} inputs, {len(found)} new outcomes")  # noqa: T201


if __name__ == "__main__":
    asyncio.set_event_loop(None)
    main()
