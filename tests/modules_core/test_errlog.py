"""ngx.errlog: lines written raw, and lines captured by lua_capture_error_log."""

import re

import pytest
from app_server import serving

from resty_py.server.capture import Capture
from resty_py.vm import FLAVOURS

each_flavour = pytest.mark.parametrize("flavour", FLAVOURS)

_LINE = re.compile(r"^[\d/]{10} [\d:]{8} \[error\] \d+#\d+: \*1 ")


@each_flavour
async def test_without_capture(flavour):
    lua = """
        local errlog = require "ngx.errlog"
        ngx.say(errlog.get_sys_filter_level())
        ngx.say(errlog.get_logs())
        ngx.say(errlog.set_filter_level(ngx.ERR))
        ngx.say(errlog.set_filter_level())
    """
    async with serving(lua, flavour, level="warn") as app:
        assert await app.say() == [
            "5",
            'nildirective "lua_capture_error_log" is not set',
            'nildirective "lua_capture_error_log" is not set',
            'nilmissing "level" argument',
        ]


@each_flavour
async def test_raw_lines(flavour):
    lua = """
        local errlog = require "ngx.errlog"
        errlog.raw_log(ngx.WARN, "as it is")
        errlog.raw_log(ngx.DEBUG, "not kept")
        ngx.say(pcall(errlog.raw_log, "x", "y"))
        ngx.say(pcall(errlog.raw_log, 1, 2))
        ngx.say(pcall(errlog.raw_log, 9, "y"))
    """
    async with serving(lua, flavour) as app:
        assert await app.say() == [
            "falsebad argument #1 to 'raw_log' (must be a number)",
            "falsebad argument #2 to 'raw_log' (must be a string)",
            "falsebad log level",
        ]
        app.worker.vm.run(b"require('ngx.errlog').raw_log(ngx.ERR, 'plain')")
        assert "warn: as it is, client: 127.0.0.1, server: " in app.log
        assert "error: plain\n" in app.log
        assert "not kept" not in app.log


@each_flavour
async def test_captured_lines(flavour):
    lua = """
        local errlog = require "ngx.errlog"
        ngx.log(ngx.ERR, "one")
        ngx.log(ngx.WARN, "two")
        ngx.log(ngx.DEBUG, "below the log's level")
        errlog.set_filter_level(ngx.ERR)
        ngx.log(ngx.WARN, "three")
        ngx.log(ngx.ERR, "four")
        ngx.say(errlog.set_filter_level(9))
        local logs = errlog.get_logs(1)
        ngx.say(#logs, " ", logs[1], " ", math.abs(logs[2] - ngx.now()) < 60)
        ngx.say(logs[3])
        local into = {"x", "x", "x", "x", "x", "x", "x"}
        ngx.say(errlog.get_logs(nil, into) == into, #into, " ", into[4])
        ngx.say(into[3]:match("two"), into[6]:match("four"))
        ngx.say(#errlog.get_logs())
    """
    async with serving(lua, flavour) as app:
        app.worker.logs.capture(4096)
        said = await app.say()
        assert said[0] == "nilbad log level: 9"
        assert said[1] == "3 4 true"
        assert _LINE.match(said[2])
        assert ": one, client: 127.0.0.1, server: " in said[2]
        assert said[3:] == ["true6 4", "twofour", "0"]


def lines(capture):
    return [line for _, _, line in iter(capture.take, None)]


def test_the_oldest_lines_go():
    capture = Capture(100)
    for text in (b"one" * 4, b"two" * 4, b"three" * 4, b"four" * 4):
        capture.add(4, 1.0, text)
    assert lines(capture) == [b"two" * 4, b"three" * 4, b"four" * 4]
    capture.add(4, 1.0, b"x" * 85)
    assert lines(capture) == []
    capture.add(4, 1.0, b"x" * 84)
    assert lines(capture) == [b"x" * 84]


def test_what_is_captured():
    capture = Capture(1000)
    capture.level = 4
    capture.add(5, 1.0, b"warn")
    capture.add(4, 1.23456, b"error")
    assert capture.take() == (4, 1.234, b"error")
    assert capture.take() is None
