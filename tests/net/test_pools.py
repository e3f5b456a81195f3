"""Pools of idle connections: what only time and the worker's end show.

How they are filled, emptied and queued for: tests/net/cases/keepalive.lua.
"""

from __future__ import annotations

import contextlib

import pytest
import trio
from lua_worker import each_variant, open_rig
from peers import open_peers

from resty_py import LuaError

OPEN = """
local function open(options)
    local sock = ngx.socket.tcp()
    local ok, err = sock:connect("127.0.0.1", PORT, options)
    return ok and sock, err
end
"""


@contextlib.asynccontextmanager
async def open_pooling_rig(variant, folder, *settings):
    async with open_peers() as places, open_rig(variant, folder, *settings) as rig:
        await rig.run("PORT = ...", places["puppet"])
        yield rig


async def until_descriptors(rig, count):
    """Wait until the worker has *count* descriptors open."""
    with trio.fail_after(10):
        while rig.worker.stats()["descriptors"] != count:
            await trio.lowlevel.checkpoint()


@each_variant
async def test_idle_connections_outlive_requests_and_are_reused(variant, tmp_path):
    async with open_pooling_rig(variant, tmp_path) as rig:
        get = OPEN + (
            "local sock = open() ngx.print(sock:getreusedtimes()) sock:setkeepalive()"
        )
        bodies = [(await rig.get(get)).body for _ in range(3)]
        assert bodies == ["0", "1", "2"]


@each_variant
async def test_sockets_not_given_back_close_with_their_request(variant, tmp_path):
    async with open_pooling_rig(variant, tmp_path) as rig:
        before = rig.worker.stats()["descriptors"]
        await rig.run(OPEN + "for _ = 1, 5 do open() end")
        assert rig.worker.stats()["descriptors"] == before
        with pytest.raises(LuaError):
            await rig.run(OPEN + "open() ngx.sleep(0) error('x')")
        assert rig.worker.stats()["descriptors"] == before


@each_variant
async def test_idle_timeout(variant, tmp_path):
    async with open_pooling_rig(
        variant, tmp_path, "lua_socket_keepalive_timeout=20ms"
    ) as rig:
        before = rig.worker.stats()["descriptors"]
        await rig.run(OPEN + "open():setkeepalive() open():setkeepalive(10000)")
        await rig.run(OPEN + "local a, b = open(), open() a:setkeepalive() b:close()")
        assert rig.worker.stats()["descriptors"] == before + 1
        await until_descriptors(rig, before)
        assert rig.worker.stats()["deadlines"] == 0


@each_variant
async def test_the_default_size_is_the_settings(variant, tmp_path):
    async with open_pooling_rig(variant, tmp_path, "lua_socket_pool_size=2") as rig:
        before = rig.worker.stats()["descriptors"]
        await rig.run(
            OPEN
            + """
            local socks = {}
            for i = 1, 5 do socks[i] = open() end
            for i = 1, 5 do socks[i]:setkeepalive() end
            """
        )
        assert rig.worker.stats()["descriptors"] == before + 2


@each_variant
async def test_a_peer_that_leaves_or_speaks_is_dropped(variant, tmp_path):
    async with open_pooling_rig(variant, tmp_path) as rig:
        before = rig.worker.stats()["descriptors"]
        for command in ("close", "reset", "say hello"):
            await rig.run(
                OPEN
                + "local sock = open() sock:send(... .. '\\n') sock:setkeepalive()",
                command,
            )
            await until_descriptors(rig, before)
        assert await rig.run(OPEN + "return open():getreusedtimes()") == 0
        assert rig.errors() == []


@each_variant
async def test_stopping_closes_idle_ones_and_keeps_none(variant, tmp_path):
    async with open_pooling_rig(variant, tmp_path) as rig:
        before = rig.worker.stats()["descriptors"]
        await rig.run(OPEN + "open():setkeepalive(0)")
        async with trio.open_nursery() as nursery:
            nursery.start_soon(
                rig.run,
                OPEN
                + """
                local sock = open({pool = "other"})
                stopping = true
                while stopping do ngx.sleep(0.001) end
                assert(sock:setkeepalive() == 1)
                """,
            )
            await until_descriptors(rig, before + 2)
            rig.worker.stop()
            await until_descriptors(rig, before + 1)
            nursery.start_soon(rig.run, "stopping = false")
            await rig.worker.wait_stopped()
        assert rig.worker.stats()["descriptors"] == before


@each_variant
async def test_what_was_handed_to_a_killed_connect_goes_on(variant, tmp_path):
    async with open_pooling_rig(variant, tmp_path) as rig:
        before = rig.worker.stats()["descriptors"]
        results = await rig.run(
            OPEN
            + """
            local options = {pool = "p", pool_size = 1, backlog = 2}
            local function waiter()
                return ngx.thread.spawn(function()
                    local sock, err = open(options)
                    return sock and sock:getreusedtimes(), err, sock
                end)
            end
            -- Killed between the hand-over and its resumption: an idle
            -- connection first, the room for a new one then.
            local holder = open(options)
            local first, second = waiter(), waiter()
            holder:setkeepalive()
            ngx.thread.kill(first)
            local _, reused, _, sock = ngx.thread.wait(second)
            local third, fourth = waiter(), waiter()
            sock:close()
            ngx.thread.kill(third)
            local _, anew, _, other = ngx.thread.wait(fourth)
            return reused, anew, other:close()
            """
        )
        assert results == (1, 0, 1)
        assert rig.worker.stats()["descriptors"] == before


@each_variant
async def test_a_request_that_ends_leaves_the_queue(variant, tmp_path, autojump_clock):
    async with open_pooling_rig(variant, tmp_path) as rig:
        options = "{pool = 'p', pool_size = 1, backlog = 1}"
        results = await rig.run(
            OPEN
            + f"""
            local holder = open({options})
            ngx.timer.at(0, function()
                ngx.thread.spawn(function() open({options}) end)
                ngx.exit(0)
            end)
            ngx.sleep(1)
            local waiter = ngx.thread.spawn(function() return open({options}) end)
            ngx.sleep(1)
            local third, err = open({options})
            holder:close()
            local ok, sock = ngx.thread.wait(waiter)
            return third, err, ok, sock and sock:close()
            """
        )
        assert results == (None, b"too many waiting connect operations", True, 1)
