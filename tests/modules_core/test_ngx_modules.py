"""ngx.req, ngx.resp, ngx.process and tablepool."""

import os

import pytest
from app_server import header, serving, split

from resty_py.vm import FLAVOURS

pytestmark = pytest.mark.parametrize("flavour", FLAVOURS)

_GET = b"GET / HTTP/1.1\r\nHost: test\r\nConnection: close\r\n%b\r\n"


async def test_request_headers_are_added(flavour):
    lua = """
        local req = require "ngx.req"
        req.add_header("X-Name", "one")
        req.add_header("X-Name", {"two", 3})
        ngx.say(table.concat(ngx.req.get_headers()["x-name"], " "))
        ngx.say(pcall(req.add_header, "X-Name"))
        ngx.say(pcall(req.add_header, nil, "x"))
        ngx.say(pcall(req.add_header, "X-Name", {}))
    """
    async with serving(lua, flavour) as app:
        assert await app.say("X-Name: zero") == [
            "zero one two 3",
            "falsebad 'value' argument: string or table expected, got nil",
            "falsebad 'name' argument: string expected, got nil",
            "falsebad 'value' argument: non-empty table expected",
        ]


async def test_response_headers_are_added(flavour):
    lua = """
        local resp = require "ngx.resp"
        ngx.header["X-Name"] = "one"
        resp.add_header("X-Name", "two")
        resp.add_header("X-Name", {"three", 4})
        resp.add_header("X-Name", {})
        ngx.say(pcall(resp.add_header, "X-Name"))
    """
    async with serving(lua, flavour) as app:
        answer = await app.request(_GET % b"")
        assert header(answer, "X-Name") == ["one", "two", "three", "4"]
        assert b"falseinvalid header value\n" in answer


@pytest.mark.parametrize(
    ("call", "line"),
    [
        ("resp.set_status(404, 'Gone Fishing')", "404 Gone Fishing"),
        ("resp.set_status(299, 'a\\r\\nb')", "299 a  b"),
        ("resp.set_status(201)", "201 Created"),
        ("resp.set_status(404, 'Lost') ngx.status = 410", "410 Gone"),
        ("resp.set_status(404, 'Lost') ngx.status = 404", "404 Not Found"),
        ("resp.set_status(200, 'Fine') ngx.exit(503)", "503 Service Temporarily"),
    ],
)
async def test_status_with_a_phrase(flavour, call, line):
    lua = f"local resp = require 'ngx.resp' {call} ngx.say('body')"
    async with serving(lua, flavour) as app:
        lines, _ = split(await app.request(_GET % b""))
        assert lines[0].startswith(f"HTTP/1.1 {line}")


async def test_a_status_after_the_headers_is_logged(flavour):
    lua = "ngx.say('x') require('ngx.resp').set_status(404, 'Lost')"
    async with serving(lua, flavour) as app:
        assert (await app.request(_GET % b"")).startswith(b"HTTP/1.1 200 OK")
        assert "attempt to set ngx.status after sending out" in app.log


async def test_conditions_are_bypassed(flavour):
    lua = """
        ngx.header["ETag"] = '"v1"'
        if ngx.var.arg_bypass then
            require("ngx.resp").bypass_if_checks()
        end
        ngx.say("whole")
    """
    condition = b'If-None-Match: "v1"\r\n'
    async with serving(lua, flavour) as app:
        answer = await app.request(_GET % condition)
        assert answer.startswith(b"HTTP/1.1 304")
        bypassing = (_GET % condition).replace(b" / ", b" /?bypass=1 ")
        answer = await app.request(bypassing)
        assert answer.startswith(b"HTTP/1.1 200")
        assert b"whole" in answer


async def test_process(flavour):
    lua = """
        local process = require "ngx.process"
        ngx.say(process.type(1), " ", process.get_master_pid({}))
        ngx.say(process.enable_privileged_agent())
    """
    async with serving(lua, flavour) as app:
        assert await app.say() == [
            f"single {os.getpid()}",
            "nilAPI disabled in the current context",
        ]
        run = app.worker.vm.run
        head = b"return require('ngx.process').enable_privileged_agent"
        assert run(head + b"(10)") is True
        bad = b"bad 'connections' argument: number expected and greater than 0"
        assert run(head + b"(-1)") == (None, bad)
        assert run(head + b"('x')") == (None, bad)


async def test_a_process_ends_itself(flavour):
    lua = "require('ngx.process').signal_graceful_exit() ngx.say('bye')"
    async with serving(lua, flavour) as app:
        assert await app.say() == ["bye"]
        await app.worker.wait_stopped()


async def test_tablepool(flavour):
    lua = """
        local pool = require "tablepool"
        local one = pool.fetch("name", 2, 2)
        one.key, one[1] = "value", 1
        setmetatable(one, {})
        pool.release("name", one)
        local two = pool.fetch("name", 0, 0)
        ngx.say(one == two, next(two), getmetatable(two))
        two.key = "kept"
        pool.release("name", two, true)
        ngx.say(pool.fetch("name", 0, 0).key, next(pool.fetch("name", 0, 0)))
        ngx.say(next(pool.fetch("other", 0, 0)))
        ngx.say(pcall(pool.release, "name"))
        for i = 1, 300 do pool.release("many", {i}, true) end
        ngx.say(pool.fetch("many", 0, 0)[1])
    """
    async with serving(lua, flavour) as app:
        assert await app.say() == [
            "truenilnil",
            "keptnil",
            "nil",
            "falseobject empty",
            "200",
        ]
