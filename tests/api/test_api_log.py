"""ngx.log, print and the guard of globals, on every flavour."""

import pytest
from app_server import serving

from resty_py.vm import FLAVOURS

pytestmark = pytest.mark.parametrize("flavour", FLAVOURS)

CLIENT = ', client: 127.0.0.1, server: , request: "GET / HTTP/1.1", host: "test"\n'


async def _log(lua, flavour, level="info"):
    async with serving(lua, flavour, level) as app:
        await app.get()
        return app.log


@pytest.mark.parametrize(
    ("lua", "line"),
    [
        ('ngx.log(ngx.ERR, "a")', "error: [lua] content_by_lua:1: a"),
        ('\n\nngx.log(ngx.WARN, "a")', "warn: [lua] content_by_lua:3: a"),
        (
            'local function f() ngx.log(ngx.ERR, "a") end f()',
            "error: [lua] content_by_lua:1: f(): a",
        ),
        (
            'local o = {m = function() ngx.log(ngx.ERR, "a") end} o:m()',
            "error: [lua] content_by_lua:1: m(): a",
        ),
        (
            'ngx.thread.spawn(function() ngx.log(ngx.ERR, "a") end)',
            "error: [lua] content_by_lua:1: a",
        ),
        (
            'coroutine.wrap(function() ngx.log(ngx.ERR, "a") end)()',
            "error: [lua] content_by_lua:1: a",
        ),
        (
            'pcall(function() ngx.log(ngx.ERR, "a") end)',
            "error: [lua] content_by_lua:1: a",
        ),
        ('print("a", 1)', "notice: [lua] content_by_lua:1: a1"),
    ],
)
async def test_a_line_says_where_it_was_written(flavour, lua, line):
    assert line + CLIENT in await _log(lua, flavour)


@pytest.mark.parametrize(
    ("arguments", "text"),
    [
        ('"a", 1, 1.5, 2 * 1.5, true, nil, "b"', "a11.53truenilb"),
        ("ngx.null", "null"),
        ('setmetatable({}, {__tostring = function() return "T" end})', "T"),
        ("", ""),
        ('"a\\nb"', "a\nb"),
    ],
)
async def test_what_arguments_become(flavour, arguments, text):
    separator = ", " if arguments else ""
    log = await _log(f"ngx.log(ngx.ERR{separator}{arguments})", flavour)
    assert f"error: [lua] content_by_lua:1: {text}{CLIENT}" in log


@pytest.mark.parametrize(
    ("arguments", "refusal"),
    [
        ("", "bad argument #1 to 'log' (number expected, got no value)"),
        ("'x'", "bad argument #1 to 'log' (number expected, got string)"),
        ("9", "bad argument #1 to 'log' (bad log level: 9)"),
        (
            "ngx.ERR, {}",
            "bad argument #1 to 'log' (expected table to have __tostring metamethod)",
        ),
        (
            "ngx.ERR, 'a', true, print",
            "(string, number, boolean, or nil expected, got function)",
        ),
    ],
)
async def test_what_is_refused(flavour, arguments, refusal):
    lua = f"ngx.say(pcall(function() ngx.log({arguments}) end))"
    async with serving(lua, flavour) as app:
        assert (await app.say())[0].endswith(refusal)


async def test_what_is_not_kept_is_not_looked_at(flavour):
    lua = "ngx.log(ngx.INFO, {}, print) print({}) ngx.say(1)"
    async with serving(lua, flavour, "warn") as app:
        assert await app.say() == ["1"]
        assert app.log == ""


async def test_a_timer_s_line(flavour):
    lua = """
        local done
        ngx.timer.at(0, function() ngx.log(ngx.ERR, "in timer") done = true end)
        while not done do ngx.sleep(0) end
    """
    async with serving(lua, flavour) as app:
        await app.get()
        where = f"context: ngx.timer, client: 127.0.0.1, server: 127.0.0.1:{app.port}"
        assert f"error: [lua] content_by_lua:3: in timer, {where}\n" in app.log


async def test_outside_of_requests(flavour):
    async with serving("ngx.say(1)", flavour) as app:
        app.worker.vm.run(b'ngx.log(ngx.ERR, "outside")', name="@/path/file.lua")
        assert "error: [lua] file.lua:1: outside\n" in app.log


async def test_a_new_global_is_logged_once(flavour):
    lua = "foo = (foo or 0) + 1 ngx.say(foo)"
    async with serving(lua, flavour) as app:
        assert await app.say() == ["1"]
        assert await app.say() == ["2"]
        warning = (
            "warn: [lua] _G write guard:12: __newindex(): writing a global Lua "
            "variable ('foo') which may lead to race conditions between concurrent "
            "requests, so prefer the use of 'local' variables\nstack traceback:\n"
        )
        assert app.log.count(warning) == 1
        assert "\tcontent_by_lua:1: in main chunk, client: " in app.log


async def test_a_global_of_no_request_is_not_logged(flavour):
    async with serving("ngx.say(bar)", flavour) as app:
        app.worker.vm.run(b"bar = 1")
        assert await app.say() == ["1"]
        assert "bar" not in app.log
