"""What of Python Lua can reach: host functions, and nothing behind them."""

from __future__ import annotations

import errno
import logging
import math

import pytest

from resty_py.vm import DEFECT, FLAVOURS, VM, HostError, LuaError, find_flavour

# Walks everything reachable from where a user can begin and looks for values
# that are neither Lua's own nor of a C library of Lua's.
WALK = b"""
local seen, queue, found = {[_G] = true}, {_G}, {}

local function note(value)
    local kind = type(value)
    -- Every Python object has a metatable; 5.1's mark of a module that is
    -- being loaded has none.
    if kind == "userdata" and debug.getmetatable(value) ~= nil
        and io.type(value) == nil then
        found[#found + 1] = value
    end
    if (kind == "table" or kind == "function" or kind == "userdata")
        and not seen[value] then
        seen[value] = true
        queue[#queue + 1] = value
    end
end

note(require "resty_py.native")
note(package.loaded)
note(debug.getmetatable(""))
local i = 1
while queue[i] do
    local value = queue[i]
    note(debug.getmetatable(value))
    if type(value) == "table" then
        for k, v in next, value do
            note(k)
            note(v)
        end
    end
    i = i + 1
end
return #found, i
"""

# Follows upvalues and the registry too, and reads attributes of what it finds.
DIG = b"""
local seen, queue, found, readable = {}, {}, 0, {}

local function note(value)
    local kind = type(value)
    if (kind == "table" or kind == "function" or kind == "userdata")
        and not seen[value] then
        seen[value] = true
        queue[#queue + 1] = value
    end
end

local function read(object)
    for _, name in ipairs {"__class__", "__globals__", "__init__", "__self__"} do
        local ok, value = pcall(function() return object[name] end)
        if ok and value ~= nil then
            readable[#readable + 1] = name
        end
    end
end

note(require "resty_py.native")
note(debug.getregistry())
local i = 1
while queue[i] do
    local value = queue[i]
    note(debug.getmetatable(value))
    if type(value) == "table" then
        for k, v in next, value do
            note(k)
            note(v)
        end
    elseif type(value) == "function" then
        for n = 1, 60 do
            local name, v = debug.getupvalue(value, n)
            if not name then break end
            note(v)
        end
    elseif io.type(value) == nil then
        found = found + 1
        read(value)
    end
    i = i + 1
end
return found, table.concat(readable, " ")
"""


def raises(error):
    def host_function(*_args):
        raise error

    return host_function


HOST = {
    "t": {
        "echo": lambda *args: args,
        "nothing": lambda: None,
        "several": lambda: (1, b"two", None, True),
        "refused": lambda: (None, b"no"),
        "host_error": raises(HostError("not today")),
        "os_error": raises(OSError(errno.ECONNREFUSED, "whatever")),
        "os_error_text": raises(OSError("plain text")),
        "defect": raises(KeyError("secret")),
    }
}


@pytest.fixture(params=FLAVOURS, scope="module")
def vm(request):
    return VM(request.param, HOST)


def call(vm, name, *args):
    source = f'return require("resty_py.native").t.{name}(...)'
    return vm.run(source.encode(), *args)


def test_no_python_table(vm):
    assert vm.run(
        b"return python == nil and package.loaded.python == nil"
        b" and not pcall(require, 'python')"
    )


def test_host_functions_are_plain_functions(vm):
    kinds = vm.run(
        b"""
        local what = {}
        for _, f in pairs(require("resty_py.native").t) do
            what[type(f) .. " " .. tostring(debug.getmetatable(f))
                 .. " " .. debug.getinfo(f, "S").what] = true
        end
        return next(what), next(what, (next(what)))
        """
    )
    assert kinds == (b"function nil Lua", None)


def test_no_python_object_is_reachable(vm):
    found, visited = vm.run(WALK)
    assert found == 0
    assert visited > 100


def test_what_the_debug_library_finds_has_no_attributes(vm):
    found, readable = vm.run(DIG)
    assert found > 0
    assert readable == b""


def test_attributes_of_python_objects_are_refused(vm):
    with pytest.raises((AttributeError, LuaError), match="not reachable from Lua"):
        vm.run(b"return (...).__class__", vm.flavour)


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("nothing", None),
        ("several", (1, b"two", None, True)),
        ("refused", (None, b"no")),
        ("host_error", (None, b"not today")),
        ("os_error", (None, b"connection refused", errno.ECONNREFUSED)),
        ("os_error_text", (None, b"plain text")),
    ],
)
def test_answers(vm, name, expected):
    assert call(vm, name) == expected


@pytest.mark.parametrize("value", [b"\0\xff", 0, -1.5, math.inf, True, False])
def test_plain_values_cross(vm, value):
    assert call(vm, "echo", value) == value


def test_a_defect_is_a_string_error_and_logged(vm, caplog):
    with caplog.at_level(logging.ERROR, "resty_py.host"):
        ok, kind, text = vm.run(
            b"local ok, err = pcall(require('resty_py.native').t.defect)"
            b" return ok, type(err), err"
        )
    assert (ok, kind) == (False, b"string")
    assert b"KeyError: 'secret'" in text
    assert DEFECT not in text
    (record,) = caplog.records
    assert record.exc_info[0] is KeyError


def test_an_uncaught_defect_is_a_lua_error(vm, caplog):
    with pytest.raises(LuaError, match="KeyError: 'secret'"):
        call(vm, "defect")
    assert caplog.records


def test_unknown_flavour():
    with pytest.raises(ValueError, match='unknown Lua flavour "lua99"') as caught:
        VM("lua99")
    for name in FLAVOURS:
        assert name in str(caught.value)
    assert find_flavour().name in FLAVOURS
