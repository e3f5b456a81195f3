"""Handlers that fail, in every way that they can."""

import pytest
from fault_traces import faulty, logged, statuses
from server_wire import parse, request

from resty_py.vm import FLAVOURS

pytestmark = pytest.mark.parametrize("flavour", FLAVOURS)

ABORTED = "error: lua entry thread aborted: runtime error: "
TRACE = "\nstack traceback:\ncoroutine 0:\n"

#: What fails before any output, and how the log tells of it.
FAILURES = {
    "error": ('error("boom")', "content_by_lua:6: boom"),
    "no_position": ('error("boom", 0)', "boom"),
    "number": ("error(42)", "42"),
    "table": ("error({code = 1})", "unknown reason"),
    "nil": ("error(nil)", "unknown reason"),
    "index": ("local t = nil; return t.x", "content_by_lua:6: attempt to index "),
    "pattern": ('string.find("x", "[")', "malformed pattern (missing ']')"),
    "overflow": ("local function f() return 1 + f() end f()", "stack overflow"),
    "no_module": ('require "none.such"', "module 'none.such' not found"),
    "bad_api_call": ("ngx.sleep({})", "bad argument #1 to '"),
    "after_a_wait": ('ngx.sleep(0.001) error("boom")', "content_by_lua:6: boom"),
    "in_a_coroutine": (
        (
            "error(select(2, coroutine.resume(coroutine.create(function() "
            'ngx.sleep(0.001) error("boom") end))), 0)'
        ),
        "content_by_lua:6: boom",
    ),
}


@pytest.mark.parametrize("name", FAILURES)
async def test_before_output(flavour, name, tmp_path):
    lua, said = FAILURES[name]
    async with faulty(lua, tmp_path, flavour) as server:
        (answer,) = await server.ask(request())
        assert answer.status == 500
        assert b"<h1>500 Internal Server Error</h1>" in answer.body
        assert answer["Connection"] == "close"
        (line,) = server.severe
        message, trace, _ = line.partition(TRACE)
        assert message.startswith(ABORTED)
        assert said in message
        assert trace
        assert statuses(server) == [500]


async def test_output_that_was_held_back_is_lost(flavour, tmp_path):
    lua = 'ngx.say("lost") error("boom")'
    async with faulty(lua, tmp_path, flavour) as server:
        assert await server.exchange(request()) == b""
        await logged(server, f"{ABORTED}content_by_lua:6: boom{TRACE}")
        assert statuses(server) == [200]


async def test_after_output(flavour, tmp_path):
    lua = 'ngx.say("begun") ngx.flush(true) error("boom")'
    async with faulty(lua, tmp_path, flavour) as server:
        (answer,) = parse(await server.exchange(request()))
        assert (answer.status, answer.body, answer.whole) == (200, b"begun\n", False)
        await logged(server, f"{ABORTED}content_by_lua:6: boom{TRACE}")
        assert statuses(server) == [200]


async def test_module_with_a_syntax_error(flavour, tmp_path):
    (tmp_path / "broken.lua").write_text("local x = = 1\n")
    lua = f'package.path = "{tmp_path}/?.lua;" .. package.path require "broken"'
    async with faulty(lua, tmp_path, flavour) as server:
        for _ in range(2):
            (answer,) = await server.ask(request())
            assert answer.status == 500
        first, second = server.severe
        for line in first, second:
            assert "error loading module 'broken' from file" in line
            assert "broken.lua:1: unexpected symbol near '='" in line


async def test_module_that_fails_as_it_loads(flavour, tmp_path):
    (tmp_path / "failing.lua").write_text('error("not today")\n')
    lua = f'package.path = "{tmp_path}/?.lua;" .. package.path require "failing"'
    async with faulty(lua, tmp_path, flavour) as server:
        for _ in range(2):
            (answer,) = await server.ask(request())
            assert answer.status == 500
        first, second = server.severe
        assert "failing.lua:1: not today" in first
        assert "loop or previous error loading module 'failing'" in second


async def test_spawned_thread(flavour, tmp_path):
    lua = """
        local thread = ngx.thread.spawn(function() error("boom") end)
        ngx.say(ngx.thread.wait(thread))
    """
    async with faulty(lua, tmp_path, flavour) as server:
        (answer,) = await server.ask(request("GET", "/", "Connection: close"))
        # As nginx: what error() was called with, then what it made of it.
        assert answer.body == b"falseboomcontent_by_lua:7: boom\n"
        (line,) = server.severe
        assert line.startswith(
            f"error: lua user thread aborted: runtime error: content_by_lua:7: boom"
            f"{TRACE}"
        )


async def test_entry_thread_takes_its_waiting_threads_along(flavour, tmp_path):
    lua = """
        for i = 1, 20 do
            ngx.thread.spawn(function() ngx.sleep(1000) end)
        end
        error("boom")
    """
    async with faulty(lua, tmp_path, flavour) as server:
        (answer,) = await server.ask(request())
        assert answer.status == 500


async def test_failing_timer(flavour, tmp_path):
    lua = """
        ngx.timer.at(0, function() error("boom") end)
        ngx.say("ok")
    """
    async with faulty(lua, tmp_path, flavour) as server:
        (answer,) = await server.ask(request("GET", "/", "Connection: close"))
        assert answer.body == b"ok\n"
        await logged(
            server,
            "error: lua entry thread aborted: runtime error: content_by_lua:7: boom",
        )


async def test_handler_that_closes_nothing(flavour, tmp_path):
    lua = """
        for i = 1, 5 do
            local socket = ngx.socket.tcp()
            assert(socket:connect("127.0.0.1", tonumber(ngx.var.server_port)))
        end
        error("boom")
    """
    async with faulty(lua, tmp_path, flavour) as server:
        (answer,) = await server.ask(request())
        assert answer.status == 500
