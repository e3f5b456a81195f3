"""Large transfers through the smallest buffers, both ways."""

from __future__ import annotations

import pytest
from lua_worker import each_variant, open_rig
from peers import digest, open_peers, pattern

SIZE = 8 * 1024 * 1024


@pytest.fixture(scope="module")
def data():
    return pattern(SIZE)


@each_variant
async def test_upload(variant, tmp_path, data):
    async with open_peers() as places, open_rig(variant, tmp_path) as rig:
        sent, answer, sndbuf = await rig.run(
            """
            local port, data = ...
            local sock = ngx.socket.tcp()
            sock:connect("127.0.0.1", port)
            sock:setoption("sndbuf", 1)
            sock:send("digest " .. #data .. "\\n")
            return sock:send(data), sock:receive(), sock:getoption("sndbuf")
            """,
            places["puppet"],
            data,
        )
    assert (sent, answer.decode()) == (SIZE, digest(data))
    assert sndbuf < 10_000


@each_variant
@pytest.mark.parametrize("way", ["size", "all", "any", "until", "lines"])
async def test_download(variant, tmp_path, data, way):
    size = SIZE if way in ("size", "all") else SIZE // 16
    async with (
        open_peers() as places,
        open_rig(variant, tmp_path, "lua_socket_buffer_size=1") as rig,
    ):
        answer = await rig.run(
            """
            local port, size, way = ...
            local sock = ngx.socket.tcp()
            sock:connect("127.0.0.1", port)
            sock:setoption("rcvbuf", 4096)
            sock:send("trickle\\nflood " .. size .. "\\nfin\\n")
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
                ["until"] = function() all(sock:receiveuntil("\\250\\249"), "\\250\\249") end,
                lines = function() all(function() return sock:receive() end, "\\n") end,
            }
            readers[way]()
            return ngx.md5(table.concat(pieces))
            """,
            places["puppet"],
            size,
            way,
        )
    expected = data[:size]
    if way == "lines":
        expected = expected.replace(b"\r", b"")
    assert answer.decode() == digest(expected)


@each_variant
async def test_both_ways_at_once(variant, tmp_path, data):
    size = SIZE // 4
    async with open_peers() as places, open_rig(variant, tmp_path) as rig:
        got = await rig.run(
            """
            local port, data = ...
            local sock = ngx.socket.tcp()
            sock:connect("127.0.0.1", port)
            sock:setoption("sndbuf", 1)
            local reader = ngx.thread.spawn(function()
                return ngx.md5(sock:receive(#data)), sock:receive()
            end)
            sock:send("trickle\\nflood " .. #data .. "\\ndigest " .. #data .. "\\n")
            local sent = sock:send(data)
            return sent, ngx.thread.wait(reader)
            """,
            places["puppet"],
            data[:size],
        )
    expected = digest(data[:size]).encode()
    assert got == (size, True, expected, expected)
