"""Events and deadlines of one batch: what the poller and the clock say at once.

Pairs of UDP sockets make events within one run of Lua: what one sends the other
has at once, with no peer in between.
"""

from __future__ import annotations

import socket

from lua_worker import each_variant, open_rig

PAIRS = """
local ports = ...
local readers, writers = {}, {}
for i = 1, #ports, 2 do
    local reader, writer = ngx.socket.udp(), ngx.socket.udp()
    assert(reader:bind("127.0.0.1", ports[i]))
    assert(writer:bind("127.0.0.1", ports[i + 1]))
    assert(reader:setpeername("127.0.0.1", ports[i + 1]))
    assert(writer:setpeername("127.0.0.1", ports[i]))
    readers[#readers + 1], writers[#writers + 1] = reader, writer
end

local function burn(seconds)
    ngx.update_time()
    local begin = ngx.now()
    repeat ngx.update_time() until ngx.now() - begin >= seconds
end
"""


def free_ports(number):
    """Return ports that were free just now."""
    socks = [socket.socket(type=socket.SOCK_DGRAM) for _ in range(number)]
    for sock in socks:
        sock.bind(("127.0.0.1", 0))
    ports = [sock.getsockname()[1] for sock in socks]
    for sock in socks:
        sock.close()
    return ports


@each_variant
async def test_data_wins_over_a_deadline_and_wakes_once(variant, tmp_path):
    async with open_rig(variant, tmp_path) as rig:
        data, slept = await rig.run(
            PAIRS
            + """
            -- All that follows happens in one round.
            ngx.sleep(0)
            local thread = ngx.thread.spawn(function()
                readers[1]:settimeout(5)
                local data = readers[1]:receive()
                local begin = ngx.now()
                ngx.sleep(0.05)
                return data, ngx.now() - begin
            end)
            -- The deadline passes, and data comes, before anybody looks.
            burn(0.01)
            writers[1]:send("data")
            local _, data, slept = ngx.thread.wait(thread)
            return data, slept
            """,
            free_ports(2),
        )
    assert data == b"data"
    assert slept >= 0.049


@each_variant
async def test_events_wake_in_the_order_they_came(variant, tmp_path):
    async with open_rig(variant, tmp_path) as rig:
        order = await rig.run(
            PAIRS
            + """
            local order, threads = {}, {}
            for i, reader in ipairs(readers) do
                threads[i] = ngx.thread.spawn(function()
                    reader:receive()
                    order[#order + 1] = i
                end)
            end
            for _, i in ipairs {3, 1, 4, 2, 5} do writers[i]:send("x") end
            for i = 1, 5 do ngx.thread.wait(threads[i]) end
            return order
            """,
            free_ports(10),
        )
    assert order == [3, 1, 4, 2, 5]


@each_variant
async def test_a_descriptor_closed_in_a_batch_gets_none_of_its_events(
    variant, tmp_path
):
    """A new socket with the number of a closed one is not woken by old events."""
    async with open_rig(variant, tmp_path) as rig:
        first, second, err = await rig.run(
            PAIRS
            + """
            local second, err
            local a = ngx.thread.spawn(function()
                local data = readers[1]:receive()
                -- In the same batch readers[2] has an event waiting.
                readers[2]:close()
                local sock = ngx.socket.udp()
                sock:setpeername("127.0.0.1", ports[1])
                sock:settimeout(30)
                second, err = sock:receive()
                return data
            end)
            writers[1]:send("x")
            writers[2]:send("y")
            local _, first = ngx.thread.wait(a)
            return first, second, err
            """,
            free_ports(4),
        )
    assert (first, second, err) == (b"x", None, b"timeout")
