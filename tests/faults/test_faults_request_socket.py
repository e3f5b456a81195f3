"""Clients that leave while their request socket is read or written.

After each nothing is left over and the next client is served.
"""

from __future__ import annotations

import socket
import struct

import pytest
import trio
from lua_worker import each_variant, open_client, open_rig

POST = b"POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 100\r\n\r\n0123456789"

FIN, RST = "fin", "rst"

each_way = pytest.mark.parametrize("way", [FIN, RST])


async def leave(client, way):
    """Close the connection with FIN or RST."""
    if way == RST:
        linger = struct.pack("ii", 1, 0)
        client.stream.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, linger)
    await trio.aclose_forcefully(client.stream)


async def until(rig, state):
    """Wait until the app has set the global ``state``."""
    with trio.fail_after(10):
        while await rig.run("return state") != state.encode():
            pass


async def check_next(rig, before):
    """Check that nothing is left and that the next client is served."""
    await rig.settles_to(before)
    assert (await rig.get("ngx.print('next')")).body == "next"
    assert not [line for line in rig.errors() if "runtime error" in line]


@each_way
@each_variant
@pytest.mark.parametrize(
    "read", ["receive(90)", "receive('*l')", "receiveuntil('x')()"]
)
async def test_a_body_is_read(variant, tmp_path, way, read):
    app = f"""
        local sock = ngx.req.socket()
        sock:receive(10)
        state = "reading"
        local data, err, partial = sock:{read}
        state = tostring(data) .. " " .. err .. " " .. partial
        """
    async with open_rig(variant, tmp_path) as rig:
        port = rig.serve(app)
        before = rig.worker.stats()
        client = await open_client(port)
        await client.send(POST)
        await until(rig, "reading")
        await leave(client, way)
        error = "client aborted" if way == FIN else "connection reset by peer"
        await until(rig, f"nil {error} ")
        await check_next(rig, before)


@each_variant
async def test_a_raw_socket_is_read(variant, tmp_path):
    app = """
        local sock = ngx.req.socket(true)
        sock:send("ready")
        local line = sock:receive()
        local data, err, partial = sock:receive("*a")
        state = line .. " " .. data
        """
    async with open_rig(variant, tmp_path) as rig:
        port = rig.serve(app)
        before = rig.worker.stats()
        client = await open_client(port)
        await client.send(b"GET / HTTP/1.1\r\nHost: x\r\n\r\n")
        assert await client.stream.receive_some() == b"ready"
        await client.send(b"line\nrest")
        await leave(client, FIN)
        await until(rig, "line rest")
        await check_next(rig, before)


@each_way
@each_variant
async def test_a_raw_socket_is_written(variant, tmp_path, way):
    app = """
        local sock = ngx.req.socket(true)
        local chunk = ("x"):rep(1000000)
        local sent, err
        state = "writing"
        repeat sent, err = sock:send(chunk) until not sent
        state = err
        """
    async with open_rig(variant, tmp_path) as rig:
        port = rig.serve(app)
        before = rig.worker.stats()
        client = await open_client(port)
        await client.send(b"GET / HTTP/1.1\r\nHost: x\r\n\r\n")
        await client.stream.receive_some(10)
        # Data that was not read makes even a polite close a reset.
        await leave(client, way)
        await until(rig, "connection reset by peer")
        await check_next(rig, before)
