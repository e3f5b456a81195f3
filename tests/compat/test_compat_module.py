"""module and package.seeall: the Lua 5.1 manual, section 5.3."""

import pytest

from resty_py.vm import LuaError


def test_module_fills_its_table(vm, tmp_path):
    (tmp_path / "shapes.lua").write_bytes(
        b"""
        local tostring = tostring
        local before = function() return x end
        module(...)
        x = 4
        function area() return x * x end
        function _M.name() return _NAME, _PACKAGE, before() end
        """
    )
    assert vm.run(
        b"""
        package.path = ... .. "/?.lua"
        local shapes = require "shapes"
        local name, package_name, outside = shapes.name()
        return shapes.area(), shapes == package.loaded.shapes, shapes == _G.shapes,
            shapes._M == shapes, name, package_name, outside
        """,
        str(tmp_path).encode(),
    ) == (16, True, True, True, b"shapes", b"", None)


def test_dots_nest_under_the_globals(vm):
    assert vm.run(
        b"""
        local function define()
            module("one.two.three")
            value = 5
        end
        define()
        return one.two.three.value, one.two.three._PACKAGE,
            package.loaded["one.two.three"].value
        """
    ) == (5, b"one.two.", 5)


def test_seeall_reads_globals(vm):
    assert vm.run(
        b"""
        local function define()
            module("seeing", package.seeall)
            text = tostring(12)
        end
        define()
        return seeing.text, rawget(seeing, "tostring"), seeing.print == print
        """
    ) == (b"12", None, True)


def test_module_twice_continues(vm):
    assert vm.run(
        b"""
        local function first() module("twice") a = 1 end
        local function second() module("twice") b = a + 1 end
        first()
        second()
        return twice.a, twice.b
        """
    ) == (1, 2)


def test_options_are_called_with_the_module(vm):
    assert vm.run(
        b"""
        local seen
        local function define() module("opted", function(m) seen = m end) end
        define()
        return seen == opted
        """
    )


def test_name_conflict(vm):
    with pytest.raises(LuaError, match="name conflict for module 'taken'"):
        vm.run(b"taken = 5 local function f() module('taken') end f()")
