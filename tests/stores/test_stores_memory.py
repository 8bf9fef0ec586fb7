"""Kept answers in memory: bounded by bytes, the longest unused going first (semantics 7.9)."""

from dataclasses import dataclass

import pytest
from hypothesis import given
from hypothesis import strategies as st

from seawall.stores import MemoryEntries
from seawall.stores.memory import OVERHEAD

SLOT = (b"", b"")
COST = 100 + OVERHEAD + 1


@dataclass(frozen=True, eq=False)
class Entry:
    size: int = 100


def test_what_was_put_is_found_until_it_is_dropped():
    """By URI and slot; another slot is another answer."""
    store: MemoryEntries[Entry] = MemoryEntries(10 * COST)
    one, two = Entry(), Entry()
    assert store.put(b"a", SLOT, (), one)
    assert store.put(b"a", (b"", b"v"), (b"foo",), two)
    assert store.get(b"a", SLOT) is one
    assert store.get(b"a", (b"", b"v")) is two
    assert store.get(b"a", (b"x", b"")) is None
    assert store.get(b"b", SLOT) is None
    assert list(store.names(b"a")) == [(), (b"foo",)]
    store.drop(b"a", SLOT)
    store.drop(b"a", SLOT)
    assert store.get(b"a", SLOT) is None
    assert list(store.names(b"a")) == [(b"foo",)]
    store.drop(b"a", (b"", b"v"))
    assert list(store.names(b"a")) == []
    assert (len(store), store.used) == (0, 0)


def test_a_set_of_names_stays_while_one_answer_varies_by_it():
    """Two variants, one dropped."""
    store: MemoryEntries[Entry] = MemoryEntries(10 * COST)
    store.put(b"a", (b"", b"1"), (b"foo",), Entry())
    store.put(b"a", (b"", b"2"), (b"foo",), Entry())
    store.drop(b"a", (b"", b"1"))
    assert list(store.names(b"a")) == [(b"foo",)]


def test_the_longest_unused_goes_first():
    """A `get` counts as use; what is put again takes the old one's place."""
    store: MemoryEntries[Entry] = MemoryEntries(3 * COST)
    for uri in (b"a", b"b", b"c"):
        store.put(uri, SLOT, (), Entry())
    store.get(b"a", SLOT)
    store.put(b"b", SLOT, (), Entry())
    store.put(b"d", SLOT, (), Entry())
    assert [uri for uri in (b"a", b"b", b"c", b"d") if store.get(uri, SLOT)] == [b"a", b"b", b"d"]
    assert store.evicted == 1


def test_what_is_too_large_is_not_kept_and_replaces_nothing_by_nothing_else():
    """What stood there is gone, since it is old; the rest stays."""
    store: MemoryEntries[Entry] = MemoryEntries(3 * COST)
    store.put(b"a", SLOT, (), Entry())
    store.put(b"b", SLOT, (), Entry())
    assert not store.put(b"a", SLOT, (), Entry(10_000))
    assert store.get(b"a", SLOT) is None
    assert store.get(b"b", SLOT) is not None


def test_reservations_count_and_make_room():
    """What is on its way in is within the bound too."""
    store: MemoryEntries[Entry] = MemoryEntries(3 * COST)
    for uri in (b"a", b"b", b"c"):
        store.put(uri, SLOT, (), Entry())
    assert store.hold(COST + 1)
    assert len(store) == 1
    assert not store.hold(2 * COST)
    assert len(store) == 1
    store.release(COST + 1)
    assert (store.held, store.used) == (0, COST)


def test_purging_takes_every_answer_of_a_uri():
    """Across scopes and variants, and nothing else."""
    store: MemoryEntries[Entry] = MemoryEntries(10 * COST)
    store.put(b"a", SLOT, (), Entry())
    store.put(b"a", (b"x", b"v"), (b"foo",), Entry())
    store.put(b"b", SLOT, (), Entry())
    assert store.purge(b"a") == 2
    assert store.purge(b"a") == 0
    assert len(store) == 1
    assert store.clear() == 1
    assert (store.clear(), store.used) == (0, 0)


def test_a_lowered_bound_is_put_in_force():
    """When memory is short."""
    store: MemoryEntries[Entry] = MemoryEntries(10 * COST)
    for uri in (b"a", b"b", b"c"):
        store.put(uri, SLOT, (), Entry())
    store.most = COST
    store.shrink()
    assert len(store) == 1


def test_items_are_a_copy():
    """Calls go on while a page lists them."""
    store: MemoryEntries[Entry] = MemoryEntries(10 * COST)
    entry = Entry()
    store.put(b"a", SLOT, (), entry)
    items = store.items()
    store.put(b"b", SLOT, (), Entry())
    listed = {}
    for uri, answers in items:
        listed[uri] = dict(answers)
        store.purge(uri)
    assert listed[b"a"] == {SLOT: entry}
    assert len(store) == 0


uris = st.sampled_from([b"a", b"bb", b"ccc"])
slots = st.tuples(st.sampled_from([b"", b"x"]), st.sampled_from([b"", b"v", b"w"]))
operations = st.one_of(
    st.tuples(st.just("put"), uris, slots, st.integers(0, 3000)),
    st.tuples(st.just("get"), uris, slots),
    st.tuples(st.just("drop"), uris, slots),
    st.tuples(st.just("purge"), uris),
    st.tuples(st.just("hold"), st.integers(0, 3000)),
    st.tuples(st.just("release")),
)


@given(st.lists(operations, max_size=40))
def test_the_books_always_agree(steps):
    """Bytes, counts, names and order, whatever happens in whatever order; never above the bound."""
    store: MemoryEntries[Entry] = MemoryEntries(6000)
    held: list[int] = []
    for name, *args in steps:
        if name == "put":
            uri, slot, size = args
            entry = Entry(size)
            kept = store.put(uri, slot, (slot[1],) if slot[1] else (), entry)
            assert (store.get(uri, slot) is entry) == kept
        elif name == "hold":
            if store.hold(args[0]):
                held.append(args[0])
        elif name == "release":
            if held:
                store.release(held.pop())
        else:
            getattr(store, name)(*args)
        listed = {(uri, slot): entry for uri, answers in store.items() for slot, entry in answers.items()}
        cost = sum(
            entry.size + len(uri) + len(slot[0]) + len(slot[1]) + OVERHEAD for (uri, slot), entry in listed.items()
        )
        assert (store.used, store.held, len(store)) == (cost, sum(held), len(listed))
        assert store.used + store.held <= store.most
        for uri in (b"a", b"bb", b"ccc"):
            assert set(store.names(uri)) == {(slot[1],) if slot[1] else () for known, slot in listed if known == uri}


@pytest.mark.parametrize("keys", [40_000, pytest.param(1_000_000, marks=pytest.mark.verify)])
def test_many_distinct_keys_stay_within_the_bound_and_memory_follows_it(keys: int):
    """Accounted bytes never pass it, and the process grows by at most 1.35 times of it."""
    import subprocess
    import sys

    script = """
import gc, sys
from seawall.policies.cache.key import vary_names
from seawall.policies.cache.settings import CacheSettings
from seawall.policies.cache.directives import response_directives
from seawall.policies.cache.storable import Arrived, make
from seawall.stores import MemoryEntries

def resident():
    with open("/proc/self/statm") as file:
        return int(file.read().split()[1]) * 4096

def pair(name, value):
    return (bytes(bytearray(name)), bytes(bytearray(value)))

settings = CacheSettings()
most = 32 << 20
store = MemoryEntries(most)
gc.collect()
before = resident()
peak = 0
for number in range(int(sys.argv[1])):
    headers = [
        pair(b"date", b"Thu, 01 Jan 2026 00:00:00 GMT"), pair(b"cache-control", b"max-age=60"),
        pair(b"content-type", b"application/json"), pair(b"etag", b'"%d"' % number),
    ]
    head = Arrived(200, headers, 0.0, 0.0, 1767225600.0)
    entry = make(head, response_directives(headers, ()), b"%01500d" % number, b"", settings)
    store.put(b"api\\0/v1/things/%d?x=1" % number, (b"127.0.0.1:8080 http ", b""), (), entry)
    assert store.used + store.held <= most
    if number % 1000 == 0:
        peak = max(peak, resident())
print((peak - before) / most, len(store), store.used / most)
"""
    done = subprocess.run([sys.executable, "-c", script, str(keys)], capture_output=True, text=True, check=True)
    grown, count, used = map(float, done.stdout.split())
    assert grown <= 1.35, done.stdout
    assert used > 0.95
    assert count > 1000
