"""ngx.exit, ngx.redirect, ngx.on_abort on every flavour."""

import socket

import pytest
import trio
from app_server import PATIENCE, body, header, serving, split

from resty_py.vm import FLAVOURS

pytestmark = pytest.mark.parametrize("flavour", FLAVOURS)

GET = b"GET / HTTP/1.1\r\nHost: test\r\n\r\n"


async def _answer(lua, flavour, request=GET):
    async with serving(lua, flavour) as app:
        return await app.request(request)


@pytest.mark.parametrize(
    ("lua", "line"),
    [
        ("ngx.exit(403)", "HTTP/1.1 403 Forbidden"),
        ("ngx.status = 201 ngx.exit(200)", "HTTP/1.1 201 Created"),
        ("ngx.exit(204)", "HTTP/1.1 204 No Content"),
        ("ngx.exit(ngx.OK)", "HTTP/1.1 200 OK"),
        ("ngx.status = 500 ngx.exit(404)", "HTTP/1.1 404 Not Found"),
        ("(function() ngx.exit(404) end)()", "HTTP/1.1 404 Not Found"),
    ],
)
async def test_exit_ends_the_request_with_a_status(flavour, lua, line):
    answer = await _answer(lua + ' ngx.log(ngx.ERR, "not reached")', flavour)
    assert split(answer)[0][0] == line


@pytest.mark.parametrize(
    "code",
    ["ngx.ERROR", "444", "499", "408", "ngx.DECLINED", "1e10", "2^31", "0/0", "1/0"],
)
async def test_exit_cuts_the_connection(flavour, code):
    assert await _answer(f"ngx.exit({code})", flavour, GET + GET) == b""


@pytest.mark.parametrize(
    "lua",
    [
        "pcall(ngx.exit, 403) ngx.say(1)",
        "pcall(function() pcall(ngx.exit, 403) end) ngx.say(1)",
        "coroutine.wrap(function() ngx.exit(403) end)() ngx.say(1)",
        "ngx.thread.spawn(function() ngx.exit(403) end) ngx.say(1)",
        "ngx.thread.spawn(function() ngx.sleep(0) ngx.exit(403) end) ngx.sleep(9)",
    ],
)
async def test_nothing_runs_after_exit(flavour, lua):
    async with serving(lua, flavour) as app:
        assert split(await app.request(GET))[0][0] == "HTTP/1.1 403 Forbidden"
        assert "[error]" not in app.log
        assert "error: " not in app.log


async def test_exit_after_output_finishes_the_response(flavour):
    async with serving('ngx.say("x") ngx.exit(404)', flavour) as app:
        answers = await app.request(GET + GET)
        assert answers.count(b"HTTP/1.1 200 OK") == 2
        assert answers.count(b"2\r\nx\n\r\n0\r\n\r\n") == 2
        message = "attempt to set status 404 via ngx.exit after sending out the"
        assert f"error: {message} response status 200, client: " in app.log


@pytest.mark.parametrize("code", ["ngx.AGAIN", "ngx.DONE"])
async def test_codes_that_exit_refuses(flavour, code):
    lua = f"ngx.say(pcall(ngx.exit, {code}))"
    refusal = b"bad argument to 'ngx.exit': does not accept NGX_AGAIN or NGX_DONE\n"
    assert body(await _answer(lua, flavour)).endswith(refusal)


async def test_exit_in_a_timer_ends_the_timer(flavour):
    lua = """
        local started, reached = false, {}
        local function reach(name) reached[#reached + 1] = name end
        ngx.timer.at(0, function()
            ngx.thread.spawn(function() ngx.sleep(9) reach("thread") end)
            started = true
            ngx.exit(500)
            reach("timer")
        end)
        while not started or ngx.timer.running_count() > 0 do ngx.sleep(0) end
        ngx.say(#reached)
    """
    async with serving(lua, flavour) as app:
        assert await app.say() == ["0"]
        assert "error: " not in app.log


@pytest.mark.parametrize(
    ("code", "line"),
    [
        ("", "302 Moved Temporarily"),
        (", 301", "301 Moved Permanently"),
        (", 303", "303 See Other"),
        (", 307", "307 Temporary Redirect"),
        (", 308", "308 Permanent Redirect"),
    ],
)
async def test_redirect(flavour, code, line):
    lua = f'pcall(ngx.redirect, "/to?a=1"{code}) ngx.log(ngx.ERR, "not reached")'
    answer = await _answer(lua, flavour)
    assert split(answer)[0][0] == f"HTTP/1.1 {line}"
    assert header(answer, "location") == ["/to?a=1"]
    assert header(answer, "content-type") == ["text/html"]


async def test_redirect_refuses_what_could_split_the_response(flavour):
    lua = r'ngx.say(pcall(ngx.redirect, "/a\r\nb: c"))'
    refusal = b'unsafe byte "0x0d" in redirect uri "/a\\x0D\\x0Ab: c"\n'
    assert body(await _answer(lua, flavour)).endswith(refusal)


async def test_redirect_refuses_other_codes_and_late_calls(flavour):
    lua = 'ngx.say(pcall(ngx.redirect, "/", 200)) ngx.say(pcall(ngx.redirect, "/"))'
    lines = body(await _answer(lua, flavour)).decode().splitlines()
    assert "only ngx.HTTP_MOVED_TEMPORARILY, " in lines[0]
    late = "attempt to call ngx.redirect after sending out the headers"
    assert lines[1].endswith(late)


# A handler's cosocket tells by its end when the handler has ended.
HOLD = """
    local sock = ngx.socket.tcp()
    sock:connect("127.0.0.1", tonumber(ngx.var.arg_port))
"""


class _Watched:
    """A request whose handler holds a connection to the test."""

    def __init__(self, app):
        self._app = app

    async def __aenter__(self):
        self._listener = (await trio.open_tcp_listeners(0, host="127.0.0.1"))[0]
        port = self._listener.socket.getsockname()[1]
        self.client = await trio.open_tcp_stream("127.0.0.1", self._app.port)
        target = f"GET /?port={port} HTTP/1.1\r\nHost: test\r\n\r\n"
        await self.client.send_all(target.encode())
        self.held = await self._listener.accept()
        return self

    async def __aexit__(self, *_exc):
        for stream in (self.client, self.held, self._listener):
            await trio.aclose_forcefully(stream)

    async def reset(self):
        """Let the client end its connection by a reset."""
        at_once = b"\1\0\0\0\0\0\0\0"
        self.client.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, at_once)
        await trio.aclose_forcefully(self.client)

    async def said(self):
        """Return what the handler sends until its end."""
        data = b""
        with trio.fail_after(PATIENCE):
            async for chunk in self.held:
                data += chunk
        return data


async def test_a_client_that_leaves_ends_the_handler(flavour):
    lua = HOLD + 'ngx.sleep(60) sock:send("not reached")'
    async with serving(lua, flavour, lua_check_client_abort="on") as app:
        async with _Watched(app) as watched:
            await watched.client.send_eof()
            assert await watched.said() == b""
            assert await watched.client.receive_some() == b""
        assert "info: client prematurely closed connection, client: " in app.log


async def test_a_client_that_resets_ends_the_handler(flavour):
    lua = HOLD + 'ngx.sleep(60) sock:send("not reached")'
    async with (
        serving(lua, flavour, lua_check_client_abort="on") as app,
        _Watched(app) as watched,
    ):
        await watched.reset()
        assert await watched.said() == b""


async def test_on_abort_is_called_once_and_the_handler_goes_on(flavour):
    lua = (
        HOLD
        + """
        ngx.on_abort(function() sock:send("called ") end)
        sock:receive(1)
        sock:send("goes on")
    """
    )
    async with (
        serving(lua, flavour, lua_check_client_abort="on") as app,
        _Watched(app) as watched,
    ):
        await watched.client.send_eof()
        assert await watched.held.receive_some() == b"called "
        await watched.reset()
        await watched.held.send_all(b"!")
        assert await watched.said() == b"goes on"


async def test_exit_in_on_abort_ends_the_request(flavour):
    lua = (
        HOLD + 'ngx.on_abort(function() ngx.exit(499) end) ngx.sleep(60) sock:send("x")'
    )
    async with (
        serving(lua, flavour, lua_check_client_abort="on") as app,
        _Watched(app) as watched,
    ):
        await watched.client.send_eof()
        assert await watched.said() == b""


async def test_an_error_in_on_abort_is_logged(flavour):
    lua = (
        HOLD
        + """
        local gone
        ngx.on_abort(function() gone = true error("oops") end)
        while not gone do ngx.sleep(0.001) end
    """
    )
    async with serving(lua, flavour, lua_check_client_abort="on") as app:
        async with _Watched(app) as watched:
            await watched.client.send_eof()
            assert await watched.said() == b""
        assert "error: lua user thread aborted: runtime error: " in app.log


async def test_the_next_request_hides_that_the_client_left(flavour):
    lua = (
        HOLD
        + """
        sock:receive(1) sock:send("served")
    """
    )
    async with (
        serving(lua, flavour, lua_check_client_abort="on") as app,
        _Watched(app) as watched,
    ):
        await watched.client.send_all(GET)
        await watched.client.send_eof()
        await watched.held.send_all(b"!")
        assert await watched.said() == b"served"


async def test_without_the_setting_nobody_watches(flavour):
    lua = HOLD + 'ngx.say(ngx.on_abort(function() end)) sock:receive(1) sock:send("x")'
    async with serving(lua, flavour) as app, _Watched(app) as watched:
        await watched.client.send_eof()
        await watched.held.send_all(b"!")
        assert await watched.said() == b"x"
        assert (
            b"nillua_check_client_abort is off" in await watched.client.receive_some()
        )


async def test_on_abort_answers(flavour):
    lua = """
        ngx.say(pcall(ngx.on_abort))
        ngx.say(ngx.on_abort(function() end))
        ngx.say(ngx.on_abort(function() end))
    """
    async with serving(lua, flavour, lua_check_client_abort="on") as app:
        refused, first, second = await app.say()
        assert refused.endswith("bad argument #1 to 'on_abort' (Lua function expected)")
        assert (first, second) == ("1", "nilduplicate call")
