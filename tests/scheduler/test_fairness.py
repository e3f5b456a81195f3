"""Nobody starves: threads that need not wait let others run."""

from __future__ import annotations

import trio
from lua_worker import each_variant, open_rig
from peers import open_peers


@each_variant
async def test_an_always_ready_socket_starves_no_sleeper(variant, tmp_path):
    async with open_peers() as places, open_rig(variant, tmp_path) as rig:
        reads, slept = await rig.run(
            """
            local port = ...
            local slept, reads = false, 0
            ngx.thread.spawn(function() ngx.sleep(0.001) slept = true end)
            local sock = ngx.socket.tcp()
            sock:connect("127.0.0.1", port)
            sock:send("zeros 4000000\\n")
            while not slept and reads < 1000000 do
                assert(sock:receive(4))
                reads = reads + 1
            end
            return reads, slept
            """,
            places["puppet"],
        )
    assert slept
    assert reads < 1_000_000


@each_variant
async def test_a_flood_of_datagrams_and_yields_starves_no_one(variant, tmp_path):
    async with open_rig(variant, tmp_path) as rig:
        ticks = 0

        async def tick():
            nonlocal ticks
            while True:
                await trio.lowlevel.checkpoint()
                ticks += 1

        async with trio.open_nursery() as nursery:
            nursery.start_soon(tick)
            rounds = await rig.run(
                """
                local stop, rounds = false, 0
                for _ = 1, 3 do
                    ngx.thread.spawn(function()
                        while not stop do
                            rounds = rounds + 1
                            coroutine.yield()
                        end
                    end)
                end
                ngx.sleep(0.02)
                stop = true
                return rounds
                """
            )
            assert rounds > 100
            assert ticks > 0
            nursery.cancel_scope.cancel()


@each_variant
async def test_clients_are_served_beside_a_busy_handler(variant, tmp_path):
    async with open_rig(variant, tmp_path) as rig:
        await rig.run("stop = false")
        with trio.fail_after(10):
            async with trio.open_nursery() as nursery:
                nursery.start_soon(rig.get, "while not stop do ngx.sleep(0) end")
                while await rig.run("return ngx.timer.running_count()") > 0:
                    pass
                answer = await rig.get("ngx.print('served') stop = true")
    assert answer.body == "served"


@each_variant
async def test_a_write_that_never_waits_lets_others_run(variant, tmp_path):
    async with open_peers() as places, open_rig(variant, tmp_path) as rig:
        turns = await rig.run(
            """
            local sock = ngx.socket.tcp()
            sock:connect("127.0.0.1", (...))
            local turns, stop = 0, false
            ngx.thread.spawn(function()
                while not stop do turns = turns + 1 coroutine.yield() end
            end)
            for _ = 1, 2000 do assert(sock:send("say\\n")) end
            stop = true
            return turns
            """,
            places["puppet"],
        )
    # A pause after 256 operations that did not wait.
    assert turns >= 2000 // 257
