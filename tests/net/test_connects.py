"""Connections that are being made when their light thread or request ends."""

from __future__ import annotations

from lua_worker import each_variant, open_rig
from peers import open_peers


async def open_descriptors(rig):
    """Let Lua ask how many descriptors are open."""

    async def descriptors():
        return rig.worker.stats()["descriptors"]

    rig.worker.provide("descriptors", descriptors)


@each_variant
async def test_a_kill_closes_it_at_once(variant, tmp_path):
    async with open_peers() as places, open_rig(variant, tmp_path) as rig:
        await open_descriptors(rig)
        before, during, after, connected, closed = await rig.run(
            """
            local hopeless, good = ...
            local call = require("resty_py.host").call
            local sock, before = ngx.socket.tcp(), call("descriptors")
            local thread = ngx.thread.spawn(function()
                sock:connect("127.0.0.1", hopeless)
            end)
            local during = call("descriptors")
            ngx.thread.kill(thread)
            local after = call("descriptors")
            return before, during, after, sock:connect("127.0.0.1", good),
                sock:close()
            """,
            places["unaccepting"],
            places["puppet"],
        )
        assert (during, after) == (before + 1, before)
        assert (connected, closed) == (1, 1)


@each_variant
async def test_the_end_of_its_request_closes_it(variant, tmp_path):
    async with open_peers() as places, open_rig(variant, tmp_path) as rig:
        await rig.run("ngx.sleep(0)")
        before = rig.worker.stats()
        await rig.run(
            """
            local port = ...
            ngx.timer.at(0, function()
                ngx.thread.spawn(function()
                    ngx.socket.tcp():connect("127.0.0.1", port, {pool_size = 1})
                end)
                ngx.exit(0)
            end)
            ngx.sleep(0.001)
            """,
            places["unaccepting"],
        )
        await rig.settles_to(before)


@each_variant
async def test_a_timeout_closes_it(variant, tmp_path):
    async with open_peers() as places, open_rig(variant, tmp_path) as rig:
        await open_descriptors(rig)
        before, err, after = await rig.run(
            """
            local call = require("resty_py.host").call
            local sock, before = ngx.socket.tcp(), call("descriptors")
            sock:settimeout(10)
            local _, err = sock:connect("127.0.0.1", (...))
            return before, err, call("descriptors")
            """,
            places["unaccepting"],
        )
        assert (err, after) == (b"timeout", before)
