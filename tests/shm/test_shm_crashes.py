"""Dying at every single store: what the next one finds.

An operation is broken off before its first store, before its second, and so on;
then the zone is repaired. The structure must be sound, and hold what it held
before, but for the key of the operation: that has its old value or its new one,
or is gone where the value was being written over.
"""

from __future__ import annotations

import contextlib
import functools
import threading

import pytest
from shm_vm import LuaZone, PythonZone

from resty_py.shm.check import find_faults
from resty_py.shm.layout import LIST
from resty_py.shm.mutex import SIZE, Mutex
from resty_py.shm.zone import REPLACE, Zone

NOW = 1_000_000
CAPACITY = 140_000


class CrashError(Exception):
    """Stands for SIGKILL."""


class Fuse:
    """Counts stores; the one after *left* more is not done, all later ones are."""

    def __init__(self):
        self.left = None

    def burn(self):
        if self.left is None:
            return
        if self.left == 0:
            self.left = None
            raise CrashError
        self.left -= 1


class Fragile:
    """A memoryview whose stores burn a fuse."""

    def __init__(self, view, fuse):
        self._view = view
        self._fuse = fuse

    def __getitem__(self, place):
        return self._view[place]

    def __setitem__(self, place, value):
        try:
            self._fuse.burn()
        except CrashError:
            if isinstance(place, slice):
                half = len(value) // 2
                start = place.start
                self._view[start : start + half] = value[:half]
            raise
        self._view[place] = value


def make_zone():
    """Return a zone with some of everything in it, and its fuse."""
    zone, fuse = Zone(b"zone", CAPACITY), Fuse()
    memory = zone.memory
    for name in ("words", "doubles", "octets"):
        setattr(memory, name, Fragile(getattr(memory, name), fuse))
    for part in (zone._slab, zone._index, zone.entries):
        for name in ("words", "doubles", "octets"):
            if hasattr(part, f"_{name}"):
                setattr(part, f"_{name}", getattr(memory, name))
    for number in range(20):
        zone.store(0, b"text%d" % number, b"t" * (number * 9), NOW)
        zone.store(0, b"number%d" % number, float(number), NOW, 0, number)
    for number in range(4):
        zone.store(0, b"large%d" % number, b"l" * 3000 * (number + 1), NOW)
        for value in (b"a" * 50, 1.0, b"b" * 3000):
            zone.push(b"list%d" % number, value, NOW, left=False)
    zone.store(0, b"expired", b"x" * 30, NOW, 1)
    zone.push(b"over", b"x" * 30, NOW, left=True)
    zone.expire(b"over", NOW, 1)
    zone.store(0, b"large1", None, NOW)
    zone.store(0, b"text7", None, NOW)
    return zone, fuse


def content(zone):
    """Return what a zone holds, by key."""
    entries, held = zone.entries, {}
    ref = zone._index.oldest()
    while ref:
        is_list = entries.kind(ref) == LIST
        value = list(entries.nodes(ref)) if is_list else entries.value(ref)
        held[entries.key(ref)] = (value, entries.flags(ref), entries.expires(ref))
        ref = zone._index.newer(ref)
    return held


OPERATIONS = {
    "set new": (b"new", lambda z, k: z.store(0, k, b"n" * 70, NOW)),
    "set new large": (b"new", lambda z, k: z.store(0, k, b"n" * 5000, NOW)),
    "set same size": (b"text9", lambda z, k: z.store(0, k, b"n" * 81, NOW, 5, 3)),
    "set other size": (b"text9", lambda z, k: z.store(0, k, b"n" * 800, NOW)),
    "set other type": (b"number3", lambda z, k: z.store(0, k, b"12345678", NOW)),
    "set number": (b"number3", lambda z, k: z.store(0, k, 77.0, NOW)),
    "set over a list": (b"list1", lambda z, k: z.store(0, k, 77.0, NOW)),
    "set large": (b"large2", lambda z, k: z.store(0, k, b"n" * 9000, NOW)),
    "replace": (b"text3", lambda z, k: z.store(REPLACE, k, b"n", NOW)),
    "delete": (b"text3", lambda z, k: z.store(0, k, None, NOW)),
    "delete large": (b"large3", lambda z, k: z.store(0, k, None, NOW)),
    "delete list": (b"list2", lambda z, k: z.store(0, k, None, NOW)),
    "incr": (b"number5", lambda z, k: z.incr(k, 1, NOW, None)),
    "incr new": (b"new", lambda z, k: z.incr(k, 1, NOW, 5)),
    "incr expired": (b"expired", lambda z, k: z.incr(k, 1, NOW + 9, 5)),
    "get": (b"number5", lambda z, k: z.get(k, NOW)),
    "get when others expire": (b"number5", lambda z, k: z.get(k, NOW + 9)),
    "expire": (b"number5", lambda z, k: z.expire(k, NOW, 500)),
    "push left": (b"list1", lambda z, k: z.push(k, b"p" * 90, NOW, True)),
    "push right": (b"list1", lambda z, k: z.push(k, 9.0, NOW, False)),
    "push first": (b"new", lambda z, k: z.push(k, b"p" * 5000, NOW, True)),
    "push on expired": (b"over", lambda z, k: z.push(k, b"p", NOW + 9, True)),
    "pop left": (b"list1", lambda z, k: z.pop(k, NOW, True)),
    "pop right": (b"list1", lambda z, k: z.pop(k, NOW, False)),
    "pop last": (b"over", lambda z, k: z.pop(k, NOW, True)),
}

#: Operations that write over a value: the key may be gone.
TEARING = {"set same size", "set other type", "incr expired"}
#: The key is removed first.
REPLACING = {"set other size", "set over a list", "set large", "replace"}
REPLACING |= {"push on expired"}


@functools.cache
def stores_of(name):
    """Return how many stores an operation does."""
    zone, fuse = make_zone()
    fuse.left = 10**9
    OPERATIONS[name][1](zone, OPERATIONS[name][0])
    return 10**9 - fuse.left


def crash(zone, operation, key, fuse, left):
    fuse.left = left
    with pytest.raises(CrashError):
        operation(zone, key)


@pytest.mark.parametrize("name", OPERATIONS)
def test_dying_at_any_store_leaves_old_or_new(name):
    key, operation = OPERATIONS[name]
    done, _ = make_zone()
    before = content(done)
    operation(done, key)
    after = content(done)
    fates = {repr(before.get(key)), repr(after.get(key))}
    if name in TEARING | REPLACING:
        fates.add(repr(None))
    zone, fuse = make_zone()
    image = bytes(zone.memory.octets[SIZE:])
    assert stores_of(name) > 0
    for left in range(stores_of(name)):
        zone.memory.octets._view[SIZE:] = image
        crash(zone, operation, key, fuse, left)
        assert find_faults(zone) == [], left
        now = content(zone)
        fate = repr(now.pop(key, None))
        # Of a number in place, what goes with it may be new already.
        mixed = name in ("set number",) and now.keys() == before.keys() - {key}
        assert fate in fates or mixed, (left, fate)
        for other, value in now.items():
            assert before[other] == value, (left, other)
        lost = before.keys() - now.keys() - {key}
        assert lost <= {b"expired", b"over"}, left


@pytest.mark.parametrize("name", ["set other size", "delete list", "push first"])
def test_dying_in_a_repair(name):
    key, operation = OPERATIONS[name]
    zone, fuse = make_zone()
    before = content(zone)
    image = bytes(zone.memory.octets[SIZE:])
    for left in range(0, stores_of(name), 3):
        for again in range(0, 600, 23):
            zone.memory.octets._view[SIZE:] = image
            fuse.left = left
            with zone.lock:
                try:
                    _unlocked(zone, operation, key)
                except CrashError:
                    fuse.left = again
                    try:
                        zone.repair()
                    except CrashError:
                        zone.repair()
                fuse.left = None
            assert find_faults(zone) == [], (left, again)
            now = content(zone)
            for other in before.keys() - {key, b"expired", b"over"}:
                assert now[other] == before[other], (left, again, other)


class _NoLock:
    def __enter__(self):
        pass

    def __exit__(self, *_exc):
        pass


def _unlocked(zone, operation, key):
    """Do an operation on a zone whose lock is held; nobody repairs after it."""
    lock, zone.lock = zone.lock, _NoLock()
    try:
        operation(zone, key)
    finally:
        zone.lock = lock


@pytest.mark.parametrize("half", [LuaZone, PythonZone])
def test_a_repair_that_is_broken_off(half, monkeypatch):
    """Whoever was to repair begins anew, and nobody is shut out for good."""
    zone = Zone(b"zone", CAPACITY)
    calls = half(zone)
    calls.call(NOW, "store", 0, b"k", 5.0, 0, 0)
    owner = threading.Thread(target=Mutex(zone.memory.address).lock)
    owner.start()
    owner.join()

    tried = []

    def broken_off():
        tried.append(True)
        raise CrashError

    with monkeypatch.context() as patch:
        patch.setattr(zone, "repair", broken_off)
        patch.setattr(zone.lock, "_repair", broken_off)
        with contextlib.suppress(Exception):
            calls.call(NOW, "get", b"k", False)
    assert tried == [True]
    for _ in range(2):
        assert calls.call(NOW, "get", b"k", False)[1] == 5
    assert zone.repairs == 1
    assert find_faults(zone) == []


def test_eviction_loses_only_the_oldest():
    zone, fuse = make_zone()
    image = bytes(zone.memory.octets[SIZE:])
    before = list(content(zone).items())
    total = 400
    for left in range(0, total, 3):
        zone.memory.octets._view[SIZE:] = image
        fuse.left = left
        with contextlib.suppress(CrashError):
            zone.store(0, b"new", b"n" * 50000, NOW)
        fuse.left = None
        assert find_faults(zone) == [], left
        now = content(zone)
        now.pop(b"new", None)
        assert list(now.items()) == before[len(before) - len(now) :], left
