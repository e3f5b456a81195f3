"""UDP cosockets on unix domain sockets, and bound to an address of their own."""

from __future__ import annotations

import socket

import trio
from lua_worker import each_variant, open_rig
from peers import echo_datagrams, open_peers


@each_variant
async def test_unix_peer(variant, tmp_path):
    path = str(tmp_path / "udp.sock")
    with trio.socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as sock:
        await sock.bind(path)
        async with trio.open_nursery() as nursery, open_rig(variant, tmp_path) as rig:
            nursery.start_soon(echo_datagrams, sock)
            results = await rig.run(
                """
                local sock = ngx.socket.udp()
                return sock:setpeername("unix:" .. (...)), sock:send("hello"),
                    sock:receive(), sock:close()
                """,
                path,
            )
            nursery.cancel_scope.cancel()
    assert results == (1, 1, b"hello", 1)


@each_variant
async def test_bound(variant, tmp_path):
    with trio.socket.socket(type=socket.SOCK_DGRAM) as sock:
        await sock.bind(("127.0.0.1", 0))
        async with open_rig(variant, tmp_path) as rig:
            results = await rig.run(
                """
                local sock = ngx.socket.udp()
                local bound, bad, err = sock:bind("127.0.0.2"), sock:bind("x")
                return bound, bad, err, sock:setpeername("127.0.0.1", (...)),
                    sock:send("hello")
                """,
                sock.getsockname()[1],
            )
            data, (address, _) = await sock.recvfrom(100)
    assert results == (True, None, b"bad address", 1, 1)
    assert (data, address) == (b"hello", "127.0.0.2")


@each_variant
async def test_a_receiver_killed_in_a_pause_closes_its_socket(variant, tmp_path):
    async with open_peers() as places, open_rig(variant, tmp_path) as rig:
        assert await rig.run(
            """
            local sock = ngx.socket.udp()
            sock:setpeername("127.0.0.1", (...))
            sock:send("twice")
            sock:receive()
            ngx.sleep(0.01)
            local spend = require("resty_py.scheduler").spend
            local thread = ngx.thread.spawn(function()
                for _ = 1, 256 do spend() end
                sock:receive()
            end)
            assert(ngx.thread.kill(thread))
            return sock:send("x")
            """,
            places["udp"],
        ) == (None, b"closed")
