"""A light thread that never has to wait leaves the others their share."""

from __future__ import annotations

import contextlib

import pytest
import trio
from lua_worker import PATIENCE, each_variant, open_client, open_rig
from peers import listening, open_peers

pytestmark = pytest.mark.alone

# Reads bytes of a peer that always has more, until another thread says so.
FLOODED = """
local sock = ngx.socket.tcp()
assert(sock:connect("127.0.0.1", %d))
flooded = true
while not stopped do assert(sock:receive(1)) end
return "stopped"
"""


def flood(listener):
    """Send without end; a thread, so that it goes on while Lua runs."""
    with contextlib.suppress(OSError):
        peer, _ = listener.accept()
        with peer:
            while True:
                peer.sendall(bytes(1 << 20))


# Operations that never wait, until a thread that is queued has run.
SPENDING = """
local spend = require("resty_py.scheduler").spend
local ran = false
ngx.thread.spawn(function() ngx.sleep(0) ran = true end)
local operations = 0
repeat
    spend()
    operations = operations + 1
until ran or operations == 100000
return operations
"""


@each_variant
async def test_a_slice_of_operations_ends_with_a_pause(variant, tmp_path):
    async with open_rig(variant, tmp_path) as rig:
        operations = await rig.run(SPENDING)
        assert 1 < operations < 1000


@each_variant
async def test_a_flooded_reader_starves_nobody(variant, tmp_path):
    async with open_rig(variant, tmp_path) as rig, trio.open_nursery() as nursery:
        listener = listening()
        nursery.start_soon(trio.to_thread.run_sync, flood, listener)
        port = rig.serve("ngx.say('served ', tostring(flooded))")
        answers = []

        async def read():
            source = FLOODED % listener.getsockname()[1]
            answers.append(await rig.run(source))

        with trio.fail_after(PATIENCE):
            async with trio.open_nursery() as readers:
                readers.start_soon(read)
                await rig.run("while not flooded do ngx.sleep(0.001) end")
                async with await open_client(port) as client:
                    assert (await client.get()).body == "served true\n"
                await rig.run("ngx.sleep(0.01) stopped = true")
        assert answers == [b"stopped"]
        listener.close()


@each_variant
async def test_light_threads_that_only_yield_starve_nobody(variant, tmp_path):
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
                ngx.sleep(0.05)
                stop = true
                return rounds
                """
            )
            assert rounds > 3
            assert ticks > 0
            nursery.cancel_scope.cancel()


@each_variant
async def test_a_handler_that_polls_holds_up_no_client(variant, tmp_path):
    async with open_rig(variant, tmp_path) as rig:
        with trio.fail_after(PATIENCE):
            async with trio.open_nursery() as nursery:
                nursery.start_soon(
                    rig.get, "polls = true while not stop do ngx.sleep(0) end"
                )
                while not await rig.run("return polls"):
                    pass
                answer = await rig.get("ngx.print('served') stop = true")
    assert answer.body == "served"


# How often another thread runs beside operations that need not wait.
BESIDE = """
local sock = ngx.socket.{kind}()
{prepare}
local turns, stop = 0, false
ngx.thread.spawn(function()
    while not stop do turns = turns + 1 coroutine.yield() end
end)
for _ = 1, {count} do {operation} end
stop = true
return turns
"""


async def turns_beside(variant, tmp_path, place, **program):
    async with open_peers() as places, open_rig(variant, tmp_path) as rig:
        return await rig.run(BESIDE.format(**program), places[place])


@each_variant
async def test_a_writer_that_never_waits_pauses(variant, tmp_path):
    turns = await turns_beside(
        variant, tmp_path, "puppet", kind="tcp",
        prepare='sock:connect("127.0.0.1", (...))',
        count=2000, operation='assert(sock:send("say\\n"))',
    )  # fmt: skip
    assert turns >= 5


@each_variant
async def test_a_reader_of_what_has_come_already_pauses(variant, tmp_path):
    turns = await turns_beside(
        variant, tmp_path, "puppet", kind="tcp",
        prepare='sock:connect("127.0.0.1", (...)) sock:send("zeros 4000\\n")'
        " assert(sock:receive(2000))",
        count=2000, operation="assert(sock:receive(1))",
    )  # fmt: skip
    assert turns >= 5


@each_variant
async def test_a_sender_of_datagrams_pauses(variant, tmp_path):
    turns = await turns_beside(
        variant, tmp_path, "mute", kind="udp",
        prepare='sock:setpeername("127.0.0.1", (...))',
        count=1000, operation='sock:send("x")',
    )  # fmt: skip
    assert turns >= 3
