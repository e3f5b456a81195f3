"""The limits of LuaJIT's compiler."""

import pytest

from resty_py.vm import VM

#: Runs a loop of so many statements, and tells whether it was compiled.
IS_COMPILED = b"""
    local count, statement = ...
    local lines = {}
    for i = 1, count do
        lines[i] = statement:format(i, i)
    end
    local body = table.concat(lines, "\\n")
    local f = assert(loadstring(
        "local t, x = ... for i = 1, 300 do " .. body .. " end"))
    local compiled = false
    local function watch(what)
        compiled = compiled or what == "stop"
    end
    jit.attach(watch, "trace")
    f({}, 1)
    jit.attach(watch)
    return compiled
"""


@pytest.mark.parametrize(
    ("count", "statement"),
    [
        (1000, b"t.key = %d.5"),  # constants
        (600, b"if t[i] == %d.5 then t.a = %d end"),  # snapshots
    ],
)
def test_a_long_loop_is_compiled(count, statement):
    assert VM("luajit21").run(IS_COMPILED, count, statement)
