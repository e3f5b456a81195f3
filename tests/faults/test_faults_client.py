"""Clients that leave, at every stage of a request."""

import pytest
import trio
from fault_traces import close, eventually, faulty, logged, reset, statuses
from server_wire import request

from resty_py.vm import FLAVOURS

pytestmark = [
    pytest.mark.parametrize("flavour", FLAVOURS),
    pytest.mark.parametrize("leave", [close, reset]),
]

GATE = 'require("resty_py.host").call("gate") '

CLOSED = "client prematurely closed connection"
RESET = "recv() failed (104: Connection reset by peer)"

WAITING = {
    close: "info: client closed connection while waiting for request",
    reset: f"info: {RESET} while waiting for request",
}
READING = {close: CLOSED, reset: RESET}
LEFT = {close: CLOSED, reset: f"{CLOSED} (104: Connection reset by peer)"}


async def test_before_a_request(flavour, leave, tmp_path):
    async with faulty("", tmp_path, flavour) as server:
        async with server.client() as peer:
            await leave(peer)
        await logged(server, WAITING[leave])
        assert statuses(server) == []


async def test_between_requests(flavour, leave, tmp_path):
    closed = "info: client 127.0.0.1 closed keepalive connection"
    said = {close: closed, reset: f"{closed} (104: Connection reset by peer)"}
    async with faulty("ngx.say(1)", tmp_path, flavour) as server:
        async with server.client() as peer:
            await peer.send(request())
            await peer.answer()
            await leave(peer)
        await logged(server, said[leave])
        assert statuses(server) == [200]


@pytest.mark.parametrize(
    ("part", "activity"),
    [(b"GET / HT", "request line"), (b"GET / HTTP/1.1\r\nHo", "request headers")],
)
async def test_in_a_head(flavour, leave, part, activity, tmp_path):
    async with faulty("", tmp_path, flavour) as server:
        async with server.client() as peer:
            await peer.send(part)
            await eventually(lambda: server.worker.stats()["connections"])
            await trio.testing.wait_all_tasks_blocked()
            await leave(peer)
        await logged(server, f"info: {READING[leave]} while reading client {activity}")
        assert statuses(server) == [400]


async def test_in_a_body(flavour, leave, tmp_path):
    lua = 'ngx.log(ngx.WARN, "reading") ngx.req.read_body() ngx.log(ngx.ERR, "read")'
    async with faulty(lua, tmp_path, flavour) as server:
        async with server.client() as peer:
            await peer.send(request("POST", "/", "Content-Length: 10") + b"12345")
            await logged(server, ": reading")
            await leave(peer)
        await logged(server, f"info: {READING[leave]}")
        await eventually(lambda: statuses(server) == [400])
        assert server.severe == []


@pytest.mark.parametrize(
    "framing", ["Content-Length: 10", "Transfer-Encoding: chunked"]
)
async def test_in_a_body_that_is_thrown_away(flavour, leave, framing, tmp_path):
    lua = f'ngx.req.discard_body() ngx.log(ngx.WARN, "discarding") {GATE} ngx.say(1)'
    gate = trio.Event()
    async with faulty(lua, tmp_path, flavour) as server:
        server.worker.provide("gate", gate.wait)
        async with server.client() as peer:
            await peer.send(request("POST", "/", framing) + b"5\r\n12")
            await logged(server, ": discarding")
            await leave(peer)
        if leave is reset:
            await logged(server, f"info: {RESET}, client: ")
        gate.set()
        await eventually(lambda: statuses(server) == [200])
        assert server.severe == []


async def test_in_the_rest_of_a_body_behind_the_answer(flavour, leave, tmp_path):
    async with faulty("ngx.say(1)", tmp_path, flavour) as server:
        async with server.client() as peer:
            await peer.send(request("POST", "/", "Content-Length: 10") + b"12345")
            await peer.answer()
            await leave(peer)
        if leave is reset:
            await logged(server, f"info: {RESET}, client: ")
        assert statuses(server) == [200]
        assert not any("while logging" in line for line in server.log)


async def test_in_a_body_that_it_was_told_to_send(flavour, leave, tmp_path):
    """No page is made that nobody reads: what counts is the invitation alone."""
    head = request("POST", "/", "Content-Length: 10", "Expect: 100-continue")
    async with faulty("ngx.req.read_body()", tmp_path, flavour) as server:
        async with server.client() as peer:
            await peer.send(head)
            await peer.until(b"\r\n\r\n")
            await leave(peer)
        await eventually(lambda: statuses(server) == [400])
    assert ' 400 25 "-"' in (tmp_path / "access.log").read_text()


async def test_while_a_handler_waits(flavour, leave, tmp_path):
    lua = 'ngx.log(ngx.WARN, "waiting") ngx.sleep(1000)'
    settings = {"lua_check_client_abort": "on"}
    async with faulty(lua, tmp_path, flavour, **settings) as server:
        async with server.client() as peer:
            await peer.send(request())
            await logged(server, ": waiting")
            await leave(peer)
        await logged(server, f"info: {LEFT[leave]}, client: ")
        await eventually(lambda: statuses(server) == [499])
        assert server.severe == []


async def test_while_a_handler_waits_that_wants_to_know(flavour, leave, tmp_path):
    lua = """
        ngx.on_abort(function()
            ngx.log(ngx.ERR, "gone")
            ngx.exit(499)
        end)
        ngx.log(ngx.WARN, "waiting")
        ngx.sleep(1000)
    """
    settings = {"lua_check_client_abort": "on"}
    async with faulty(lua, tmp_path, flavour, **settings) as server:
        async with server.client() as peer:
            await peer.send(request())
            await logged(server, ": waiting")
            await leave(peer)
        await eventually(lambda: statuses(server) == [499])
        (line,) = server.severe
        assert ": gone, client: " in line


async def test_while_a_handler_waits_that_is_not_to_know(flavour, leave, tmp_path):
    lua = (
        f'ngx.log(ngx.WARN, "held") {GATE} ngx.log(ngx.WARN, "went on") ngx.say("late")'
    )
    gate = trio.Event()
    async with faulty(lua, tmp_path, flavour) as server:
        server.worker.provide("gate", gate.wait)
        async with server.client() as peer:
            await peer.send(request())
            await logged(server, ": held")
            await leave(peer)
        await trio.testing.wait_all_tasks_blocked()
        assert statuses(server) == []
        gate.set()
        await logged(server, ": went on")
        await eventually(lambda: statuses(server) == [200])


async def test_while_threads_and_timers_run(flavour, leave, tmp_path):
    lua = """
        for i = 1, 10 do
            ngx.thread.spawn(function() ngx.sleep(1000) end)
        end
        local socket = ngx.socket.udp()
        socket:setpeername("127.0.0.1", 9)
        ngx.timer.at(0, function() ngx.log(ngx.WARN, "timer") end)
        ngx.sleep(1000)
    """
    settings = {"lua_check_client_abort": "on"}
    async with faulty(lua, tmp_path, flavour, **settings) as server:
        async with server.client() as peer:
            await peer.send(request())
            await logged(server, ": timer")
            assert server.worker.stats()["threads"] >= 11
            await leave(peer)
        await eventually(lambda: statuses(server) == [499])


async def test_while_the_response_is_sent(flavour, leave, tmp_path):
    lua = """
        local piece = ("x"):rep(65536)
        for i = 1, 160 do
            local ok, err = ngx.print(piece)
            if ok then ok, err = ngx.flush(true) end
            if not ok then ngx.log(ngx.WARN, "not sent: ", err) return end
        end
    """
    async with faulty(lua, tmp_path, flavour) as server:
        async with server.client(buffer=4096) as peer:
            await peer.send(request())
            await peer.until(b"\r\n\r\n")
            await leave(peer)
        await logged(server, ": not sent: ")
        await eventually(lambda: statuses(server) == [200])
        await logged(server, "info: send() failed (104: Connection reset by peer), ")


async def test_after_a_handler_is_done_and_not_all_is_sent(flavour, leave, tmp_path):
    lua = 'ngx.print(("x"):rep(8388608))'
    async with faulty(lua, tmp_path, flavour) as server:
        async with server.client(buffer=4096) as peer:
            await peer.send(request())
            await peer.until(b"\r\n\r\n")
            await leave(peer)
        await eventually(lambda: statuses(server) == [200])
