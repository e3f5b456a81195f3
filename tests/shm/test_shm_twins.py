"""Both halves of shared dictionaries on one memory.

Two zones get the same operations: one from Python alone, the other from Python
and LuaJIT by turns. Every answer is the same, and so is every byte of memory but
the mutex: what one half writes the other reads, and does as it would.
"""

from __future__ import annotations

import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, rule
from shm_vm import LuaZone, PythonZone

from resty_py.shm.check import find_faults
from resty_py.shm.mutex import SIZE
from resty_py.shm.zone import ADD, REPLACE, SAFE, Zone

KEYS = st.sampled_from(
    [b"k%d" % i for i in range(12)] + [b"long" * 60, b"\0", b"n" * 1990]
)
TEXTS = st.sampled_from([0, 1, 7, 8, 9, 50, 200, 900, 1800, 2500, 4090, 9000]).map(
    lambda size: b"v" * size
)
NUMBERS = st.sampled_from([0.0, 1.0, -3.5, 2.0**40])
VALUES = TEXTS | NUMBERS | st.booleans()
TTLS = st.sampled_from([0, 0, 0, 1, 20, 500])
OPERATIONS = st.sampled_from([0, 0, 0, ADD, REPLACE, SAFE, ADD | SAFE])


class Twins(RuleBasedStateMachine):
    """Operations on a pair of zones."""

    capacity = 40_000

    def __init__(self):
        super().__init__()
        self.pure, self.mixed = (Zone(b"zone", self.capacity) for _ in range(2))
        self.reference = PythonZone(self.pure)
        self.halves = {"lua": LuaZone(self.mixed), "python": PythonZone(self.mixed)}
        self.now = 1_000_000

    def both(self, half, name, *args):
        expected = self.reference.call(self.now, name, *args)
        actual = self.halves[half].call(self.now, name, *args)
        assert actual == expected, (half, name, args)

    halves_of = st.sampled_from(["lua", "python"])

    @rule(
        half=halves_of,
        op=OPERATIONS,
        key=KEYS,
        value=VALUES,
        ttl=TTLS,
        flags=st.sampled_from([0, 0, 5, -(2**31)]),
    )
    def store(self, half, op, key, value, ttl, flags):
        self.both(half, "store", op, key, value, ttl, flags)

    @rule(half=halves_of, key=KEYS)
    def delete(self, half, key):
        self.both(half, "store", 0, key, None, 0, 0)

    @rule(
        half=halves_of,
        op=st.sampled_from([0, SAFE]),
        key=KEYS,
        old=st.none() | TEXTS,
        new=st.none() | TEXTS,
        ttl=TTLS,
    )
    def swap(self, half, op, key, old, new, ttl):
        self.both(half, "swap", op, key, old, new, ttl)

    @rule(half=halves_of, key=KEYS, stale=st.booleans())
    def get(self, half, key, stale):
        self.both(half, "get", key, stale)

    @rule(half=halves_of, key=KEYS, by=NUMBERS, init=st.none() | NUMBERS, ttl=TTLS)
    def incr(self, half, key, by, init, ttl):
        self.both(half, "incr", key, by, init, ttl)

    @rule(half=halves_of, key=KEYS, ttl=TTLS)
    def expire(self, half, key, ttl):
        self.both(half, "expire", key, ttl)
        self.both(half, "ttl", key)

    @rule(half=halves_of, key=KEYS, value=TEXTS | NUMBERS, left=st.booleans())
    def push(self, half, key, value, left):
        self.both(half, "push", key, value, left)

    @rule(half=halves_of, key=KEYS, left=st.booleans())
    def pop(self, half, key, left):
        self.both(half, "pop", key, left)
        self.both(half, "llen", key)

    @rule(half=halves_of)
    def flush_all(self, half):
        self.both(half, "flush_all")

    @rule(half=halves_of, most=st.sampled_from([0, 1, 3]))
    def flush_expired(self, half, most):
        self.both(half, "flush_expired", most)

    @rule(half=halves_of, most=st.sampled_from([0, 1, 3]))
    def keys(self, half, most):
        self.both(half, "keys", most)

    @rule(passed=st.sampled_from([1, 20, 1000]))
    def wait(self, passed):
        self.now += passed

    @rule()
    def repair(self):
        for zone in (self.pure, self.mixed):
            with zone.lock:
                zone.repair()

    @invariant()
    def same_memory(self):
        pure, mixed = self.pure.memory.octets, self.mixed.memory.octets
        assert pure[SIZE:] == mixed[SIZE:]

    def teardown(self):
        assert find_faults(self.mixed) == []


class RoomyTwins(Twins):
    """The same where everything fits."""

    capacity = 400_000


class CrampedTwins(Twins):
    """The same where hardly anything does."""

    capacity = 12_288


for machine in (Twins, RoomyTwins, CrampedTwins):
    machine.TestCase.settings = settings(
        max_examples=30, stateful_step_count=50, deadline=None
    )

TestTwins = Twins.TestCase
TestRoomyTwins = RoomyTwins.TestCase
TestCrampedTwins = CrampedTwins.TestCase


@pytest.mark.parametrize("half", [LuaZone, PythonZone])
def test_a_swap_for_which_there_is_no_memory_changes_nothing(half):
    zone = Zone(b"zone", 40_000)
    calls = half(zone)
    number = 0
    while calls.call(0, "swap", SAFE, b"%d" % number, None, b"v" * 100, 0) is None:
        number += 1
    assert calls.call(0, "swap", SAFE, b"0", b"v" * 100, b"w" * 1000, 0) == b"no memory"
    assert calls.call(0, "get", b"0", False)[1] == b"v" * 100
    assert calls.call(0, "swap", SAFE, b"0", b"v" * 100, b"w" * 100, 0) is None
    assert find_faults(zone) == []
