"""Large transfers, and transfers through the smallest kernel buffers."""

from __future__ import annotations

import pytest
from lua_worker import each_variant, open_rig
from peers import digest, open_peers, pattern

BIG = 8 * 1024 * 1024
SMALL = 128 * 1024

#: How much through which buffers. The smallest let a few kilobytes be on
#: their way at a time, and TCP takes its time to acknowledge them.
SIZES = pytest.mark.parametrize(
    ("size", "buffer"), [(BIG, 65536), (SMALL, 1)], ids=["big", "small"]
)


@pytest.fixture(scope="module")
def data():
    return pattern(BIG)


@SIZES
@each_variant
async def test_upload(variant, tmp_path, data, size, buffer):
    async with open_peers() as places, open_rig(variant, tmp_path) as rig:
        sent, answer = await rig.run(
            """
            local port, data, buffer = ...
            local sock = ngx.socket.tcp()
            sock:connect("127.0.0.1", port)
            sock:setoption("sndbuf", buffer)
            sock:send("digest " .. #data .. "\\n")
            return sock:send(data), sock:receive()
            """,
            places["puppet"],
            data[:size],
            buffer,
        )
    assert (sent, answer.decode()) == (size, digest(data[:size]))


DOWNLOAD = """
local port, size, buffer, way = ...
local sock = ngx.socket.tcp()
sock:connect("127.0.0.1", port)
sock:send("sndbuf " .. buffer .. "\\nflood " .. size .. "\\nfin\\n")
local pieces = {}
local function all(read, glue)
    while true do
        local data, err, partial = read()
        pieces[#pieces + 1] = data or partial
        if not data then return end
        pieces[#pieces + 1] = glue
    end
end
local readers = {
    size = function() pieces[1] = sock:receive(size) end,
    all = function() pieces[1] = sock:receive("*a") end,
    any = function() all(function() return sock:receiveany(777) end) end,
    ["until"] = function() all(sock:receiveuntil("\\0\\1\\4"), "\\0\\1\\4") end,
    lines = function() all(function() return sock:receive() end, "\\n") end,
}
readers[way]()
return ngx.md5(table.concat(pieces))
"""


@SIZES
@each_variant
@pytest.mark.parametrize("way", ["size", "all", "any", "until", "lines"])
async def test_download(variant, tmp_path, data, size, buffer, way):
    if way in ("any", "until", "lines"):
        size = min(size, 512 * 1024)
    async with (
        open_peers() as places,
        open_rig(variant, tmp_path, "lua_socket_buffer_size=1") as rig,
    ):
        answer = await rig.run(DOWNLOAD, places["puppet"], size, buffer, way)
    expected = data[:size]
    if way == "lines":
        expected = expected.replace(b"\r", b"")
    assert answer.decode() == digest(expected)


@SIZES
@each_variant
async def test_both_ways_at_once(variant, tmp_path, data, size, buffer):
    data = data[: size // 2]
    async with open_peers() as places, open_rig(variant, tmp_path) as rig:
        got = await rig.run(
            """
            local port, data, buffer = ...
            local sock = ngx.socket.tcp()
            sock:connect("127.0.0.1", port)
            sock:setoption("sndbuf", buffer)
            local reader = ngx.thread.spawn(function()
                local received = sock:receive(#data)
                return ngx.md5(received)
            end)
            sock:send("sndbuf " .. buffer .. "\\necho " .. #data .. "\\n")
            local sent = sock:send(data)
            return sent, ngx.thread.wait(reader)
            """,
            places["puppet"],
            data,
            buffer,
        )
    assert got == (len(data), True, digest(data).encode())


@each_variant
async def test_a_writer_killed_in_a_pause_closes_its_socket(variant, tmp_path):
    async with open_peers() as places, open_rig(variant, tmp_path) as rig:
        assert await rig.run(
            """
            local sock = ngx.socket.tcp()
            sock:connect("127.0.0.1", (...))
            local thread = ngx.thread.spawn(function()
                while true do assert(sock:send("x")) end
            end)
            ngx.thread.kill(thread)
            return sock:send("x")
            """,
            places["puppet"],
        ) == (None, b"closed")


# Puts a send() in the place of the kernel's that takes two bytes, then fails.
BREAKS = """
local sock = ngx.socket.tcp()
assert(sock:connect("127.0.0.1", (...)))
local write_now, name, i = sock.connection.write_now, nil, 0
repeat
    i = i + 1
    name = debug.getupvalue(write_now, i)
until name == "send"
local calls = 0
debug.setupvalue(write_now, i, function()
    calls = calls + 1
    if calls == 1 then
        return 2
    end
    return nil, "broken pipe", 32
end)
return sock:send("hello")
"""


@each_variant
async def test_the_error_of_a_later_part_is_told(variant, tmp_path):
    async with open_peers() as places, open_rig(variant, tmp_path) as rig:
        assert await rig.run(BREAKS, places["puppet"]) == (None, b"broken pipe")
