"""The heap of deadlines against a plain list, and what it costs."""

from __future__ import annotations

import math
import time

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from resty_py.vm import FLAVOURS, VM

HARNESS = b"""
local clock = require "resty_py.clock"
local deadlines = require "resty_py.scheduler.deadlines"

local entries = {}
local M = {next = deadlines.next, count = deadlines.count}

local function entry(id)
    entries[id] = entries[id] or deadlines.new()
    return entries[id]
end

function M.arm(id, due) deadlines.arm(entry(id), due, id) end
function M.disarm(id) deadlines.disarm(entry(id)) end
function M.drop(id) deadlines.drop(entry(id)) end

function M.reset()
    for id, found in pairs(entries) do
        deadlines.drop(found)
        entries[id] = nil
    end
end

function M.expire(now)
    local fired = {}
    clock.mono = now
    deadlines.expire(function(found) fired[#fired + 1] = found.waiter end)
    return table.concat(fired, " ")
end

-- Arms n deadlines in a scattered order, re-arms half of them later, drops
-- a quarter and expires the rest; returns how many fired.
function M.storm(n)
    local fired, list = 0, {}
    for i = 1, n do
        list[i] = deadlines.new()
        deadlines.arm(list[i], i * 7919 % n + 1, i)
    end
    for i = 1, n, 2 do deadlines.arm(list[i], n * 2, i) end
    for i = 1, n, 4 do deadlines.drop(list[i]) end
    clock.mono = n * 3
    deadlines.expire(function() fired = fired + 1 end)
    return fired
end

-- The same, counting every field that is read of a deadline.
function M.count_reads(n)
    local reads, list = 0, {}
    for i = 1, n do
        local fields = deadlines.new()
        list[i] = setmetatable({}, {
            __index = function(_, name) reads = reads + 1 return fields[name] end,
            __newindex = function(_, name, value) fields[name] = value end,
        })
        deadlines.arm(list[i], i * 7919 % n + 1, i)
    end
    clock.mono = n * 3
    deadlines.expire(function() end)
    return reads
end

return M
"""


class Deadlines:
    """The Lua module in a VM of its own."""

    def __init__(self, flavour):
        vm = VM(
            flavour,
            {"clock": {"now": lambda: (0.0, 0.0), "offset": lambda: None}},
        )
        self._lua = vm.run(HARNESS)

    def __getattr__(self, name):
        return self._lua[name.encode()]

    def fired(self, now):
        """Expire; return the names of what fired, in order."""
        return [int(name) for name in self.expire(now).split()]


class Model:
    """A list of armed deadlines, searched."""

    def __init__(self):
        self.armed = {}

    def expire(self, now):
        fired = [(due, i) for i, due in self.armed.items() if due <= now]
        for _, i in fired:
            del self.armed[i]
        return sorted(fired)


@pytest.fixture(params=FLAVOURS, scope="module")
def deadlines(request):
    return Deadlines(request.param)


@pytest.fixture(autouse=True)
def _empty(deadlines):
    deadlines.reset()


NAMES = st.integers(0, 5)
ARM = st.tuples(st.just("arm"), NAMES, st.integers(0, 12))
OPERATIONS = st.lists(
    st.one_of(
        ARM,
        ARM,
        st.tuples(st.just("disarm"), NAMES, st.just(0)),
        st.tuples(st.just("drop"), NAMES, st.just(0)),
        st.tuples(st.just("expire"), st.just(0), st.integers(0, 4)),
    ),
    min_size=8,
    max_size=60,
)


@given(operations=OPERATIONS)
@settings(deadline=None, max_examples=80)
def test_like_a_list(deadlines, operations):
    deadlines.reset()
    model, now = Model(), 0
    for operation, i, value in operations:
        if operation == "arm":
            deadlines.arm(i, now + value)
            model.armed[i] = now + value
        elif operation == "expire":
            now += value
            expected = model.expire(now)
            fired = deadlines.fired(now)
            dues = {i: due for due, i in expected}
            assert sorted(fired) == sorted(dues)
            assert [dues[i] for i in fired] == [due for due, _ in expected]
            assert deadlines.next() > now
        else:
            getattr(deadlines, operation)(i)
            model.armed.pop(i, None)
        assert deadlines.next() <= min(model.armed.values(), default=math.inf)
        assert deadlines.count() >= len(model.armed)
    assert sorted(deadlines.fired(now + 100)) == sorted(model.armed)
    assert deadlines.count() == 0
    assert deadlines.next() == math.inf


def test_equal_ones_fire_in_the_order_they_were_armed(deadlines):
    for i in range(40):
        deadlines.arm(i, 5)
    for i in range(0, 40, 3):
        deadlines.drop(i)
    for i in range(0, 40, 3):
        deadlines.arm(i, 5)
    last = list(range(0, 40, 3))
    assert deadlines.fired(5) == [i for i in range(40) if i % 3] + last


def test_arming_earlier_moves_it_up(deadlines):
    for i in range(30):
        deadlines.arm(i, 100 + i)
    for i in range(29, -1, -1):
        deadlines.arm(i, 50 + i)
        assert deadlines.next() == min(50 + i, 100)
    assert deadlines.fired(100) == list(range(30))


def test_arming_later_does_not_touch_the_heap(deadlines):
    deadlines.arm(1, 10)
    deadlines.arm(1, 20)
    assert deadlines.next() == 10
    assert deadlines.fired(10) == []
    assert deadlines.next() == 20
    assert deadlines.fired(20) == [1]


def test_disarmed_ones_lapse_in_their_time_dropped_ones_at_once(deadlines):
    deadlines.arm(1, 10)
    deadlines.arm(2, 11)
    deadlines.disarm(1)
    deadlines.drop(2)
    assert (deadlines.count(), deadlines.next()) == (1, 10)
    assert deadlines.fired(10) == []
    assert deadlines.count() == 0


def test_cost_grows_as_n_log_n(deadlines):
    n = 4096
    reads = deadlines.count_reads(n)
    # Arming compares with its parents, expiring with two children a level; a
    # comparison reads two fields.
    assert reads < 5 * n * math.log2(n)


def test_100_000_are_cheap(deadlines):
    n = 100_000
    begin = time.process_time()
    assert deadlines.storm(n) == n * 3 // 4
    assert time.process_time() - begin < 6
