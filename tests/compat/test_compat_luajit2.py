"""luajit2's table functions; each expectation was seen on OpenResty's luajit2."""

import pytest

NAMES = ["new", "clear", "nkeys", "isarray", "isempty", "clone"]


@pytest.mark.parametrize("name", NAMES)
def test_requiring_enters_the_function_in_table(vm, name):
    vm.run(b"table[...] = nil", name.encode())
    assert vm.run(f"local f = require 'table.{name}' return f == table.{name}".encode())


def test_new(vm):
    assert vm.run(
        b"""
        local new = require "table.new"
        local t = new(4, 2)
        t[1], t.x = 1, 2
        return #t, t.x, next(new(0, 0)), next(new(1.5, 2.5)), next(new(-1, 0))
        """
    ) == (1, 2, None, None, None)


def test_clear_keeps_the_metatable(vm):
    assert vm.run(
        b"""
        local clear = require "table.clear"
        local meta = {__newindex = function() error("asked") end}
        local t = setmetatable({1, 2, a = 1}, meta)
        local answer = clear(t)
        return answer, next(t), #t, getmetatable(t) == meta
        """
    ) == (None, None, 0, True)


@pytest.mark.parametrize(
    ("table", "count"),
    [("{}", 0), ("{1, nil, 3}", 2), ("{1, a = 2, b = 3}", 3), ("{false}", 1)],
)
def test_nkeys(vm, table, count):
    assert vm.run(f"return (require 'table.nkeys')({table})".encode()) == count


@pytest.mark.parametrize(
    ("table", "answer"),
    [
        ("{}", True),
        ("{1, 2}", True),
        ("{1, nil, 3}", True),
        ("{[1] = 1, [3] = 3}", True),
        ("{[0] = 1}", True),
        ("{[-1] = 1}", True),
        ("{[1000000] = 1}", True),
        ("{a = 1}", False),
        ("{1, a = 1}", False),
        ("{[1.5] = 1}", False),
        ("{['1'] = 1}", False),
    ],
)
def test_isarray(vm, table, answer):
    assert vm.run(f"return (require 'table.isarray')({table})".encode()) is answer


def test_isarray_after_a_deletion(vm):
    assert vm.run(b"local t = {1, a = 2} t.a = nil return (require 'table.isarray')(t)")


@pytest.mark.parametrize(
    ("table", "answer"),
    [("{}", True), ("{nil}", True), ("{false}", False), ("{a = 1}", False)],
)
def test_isempty(vm, table, answer):
    assert vm.run(f"return (require 'table.isempty')({table})".encode()) is answer


def test_clone_is_shallow_and_drops_the_metatable(vm):
    assert vm.run(
        b"""
        local clone = require "table.clone"
        local inner = {}
        local t = setmetatable({1, a = inner}, {__pairs = error})
        local copy = clone(t)
        return copy ~= t, copy[1], copy.a == inner, getmetatable(copy)
        """
    ) == (True, 1, True, None)


@pytest.mark.parametrize("name", ["clear", "nkeys", "isarray", "isempty", "clone"])
@pytest.mark.parametrize("value", ["nil", "5"])
def test_only_tables(vm, name, value):
    source = f"local _ = (require 'table.{name}')({value})"
    ok, problem = vm.run(b"return pcall(loadstring(...))", source.encode())
    assert not ok
    assert b"(table expected, got " in problem
