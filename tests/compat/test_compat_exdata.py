"""thread.exdata: OpenResty's luajit2, where each expectation was seen."""

import pytest

MODULES = [b"thread.exdata", b"thread.exdata2"]


@pytest.mark.parametrize("module", MODULES)
def test_value_is_the_coroutines_own(vm, module):
    assert vm.run(
        b"""
        local exdata = require(...)
        local function value(x) return exdata() == x end
        exdata("main")
        local co = coroutine.wrap(function()
            local inherited = value("main")
            exdata("child")
            coroutine.yield()
            return inherited and value("child")
        end)
        co()
        local kept = value("main")
        exdata("other")
        return kept, co(), value("other")
        """,
        module,
    ) == (True, True, True)


@pytest.mark.parametrize("make", [b"wrap", b"create"])
def test_child_has_its_makers_value_from_its_making(vm, make):
    assert (
        vm.run(
            b"""
        local exdata, make = require "thread.exdata", ...
        local function start(f)
            if make == "wrap" then
                return coroutine.wrap(f)
            end
            local co = coroutine.create(f)
            return function() return select(2, coroutine.resume(co)) end
        end
        exdata("first")
        local child = start(function() return exdata() end)
        exdata("second")
        return child()
        """,
            make,
        )
        == b"first"
    )


def test_stores_are_apart(vm):
    assert vm.run(
        b"""
        local one, two = require "thread.exdata", require "thread.exdata2"
        one("1")
        two("2")
        return one(), two()
        """
    ) == (b"1", b"2")


def test_no_value_compares_equal_to_nil(vm):
    """luajit2 answers a NULL pointer, which FFI holds equal to nil."""
    assert vm.run(b"return require('thread.exdata')() == nil")


def test_setting_returns_nothing(vm):
    assert vm.run(b"return select('#', require('thread.exdata')('x'))") == 0


def test_survives_a_protected_call(vm):
    assert vm.run(
        b"""
        local exdata = require "thread.exdata"
        return coroutine.wrap(function()
            exdata("mine")
            local _, inside = pcall(function() return exdata() end)
            pcall(exdata, "changed")
            return inside, exdata()
        end)()
        """
    ) == (b"mine", b"changed")


def test_dead_coroutines_are_forgotten(vm):
    assert vm.run(
        b"""
        local exdata = require "thread.exdata"
        local seen = setmetatable({}, {__mode = "v"})
        for i = 1, 20 do
            coroutine.wrap(function()
                seen[i] = {}
                exdata(seen[i])
            end)()
        end
        collectgarbage()
        collectgarbage()
        return next(seen) == nil
        """
    )
