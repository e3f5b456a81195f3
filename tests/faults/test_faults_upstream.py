"""Upstream peers that reset or close, at every stage of a cosocket.

The peers are puppets (tests/peers.py): the handler tells them what to do. The
calls' results are compared with OpenResty in tests/net; here is what remains.
"""

from contextlib import asynccontextmanager

import pytest
import trio
from fault_traces import close, eventually, faulty, reset
from peers import listening, open_peers, refused_port, serve_stream, unaccepting_port
from server_wire import Peer, request

from resty_py.vm import FLAVOURS

pytestmark = pytest.mark.parametrize("flavour", FLAVOURS)

ERROR_LINE = "error: {} failed (104: Connection reset by peer), client: "

#: Stage -> (the handler, what it says). The peer closes in good order.
CLOSES = {
    "in_a_line": ('tell "say abc" tell "close" say(peer:receive())', "nil closed abc"),
    "in_a_sized_receive": (
        'tell "say 12345" tell "close" say(peer:receive(10))',
        "nil closed 12345",
    ),
    "in_receiveuntil": (
        'tell "say 12" tell "close" say(peer:receiveuntil("--")())',
        "nil closed 12",
    ),
    "in_a_receive_of_all": (
        'tell "say 12345" tell "close" say(peer:receive("*a"))',
        "12345",
    ),
    "while_another_thread_reads": (
        """
        local thread = ngx.thread.spawn(function() return peer:receive() end)
        tell "close"
        say(ngx.thread.wait(thread))
        """,
        "true nil closed ",
    ),
}

#: The same, where it resets the connection, and the call that the log names.
RESETS = {
    "before_a_line": (
        'tell "reset" say(peer:receive())',
        "nil connection reset by peer ",
        "recv()",
    ),
    "in_a_line": (
        (
            'tell "say abc" tell "reset" ngx.sleep(0) '
            "local _, err = peer:receive() say(err)"
        ),
        "connection reset by peer",
        "recv()",
    ),
    "in_a_sized_receive": (
        (
            'tell "say abc" say(peer:receive(2)) tell "reset" '
            "local _, err = peer:receive(1000) say(err)"
        ),
        "ab\nconnection reset by peer",
        "recv()",
    ),
    "in_receiveuntil": (
        (
            'tell "say 1" local read = peer:receiveuntil("--") say(read(1)) '
            'tell "reset" local _, err = read() say(err)'
        ),
        "1\nconnection reset by peer",
        "recv()",
    ),
}

PRELUDE = """
local function say(...)
    local parts = {{...}}
    for i = 1, select("#", ...) do parts[i] = tostring(parts[i]) end
    ngx.say(table.concat(parts, " "))
end
local peer = ngx.socket.tcp()
peer:settimeout(5000)
assert(peer:connect("127.0.0.1", {port}))
local function tell(text) assert(peer:send(text .. "\\n")) end
"""


@asynccontextmanager
async def beside_peers(lua, folder, flavour):
    """Serve *lua*, which talks to a peer; the peers' ends are not counted."""
    async with open_peers() as peers:
        app = PRELUDE.format(port=peers["puppet"]) + lua
        async with faulty(app, folder, flavour) as server:
            yield server


async def _say(server):
    (answer,) = await server.ask(request("GET", "/", "Connection: close"))
    assert answer.status == 200, server.log
    return answer.body.decode().removesuffix("\n")


@pytest.mark.parametrize("stage", CLOSES)
async def test_closes(flavour, stage, tmp_path):
    lua, said = CLOSES[stage]
    async with beside_peers(lua, tmp_path, flavour) as server:
        assert (await _say(server)).rstrip() == said.rstrip()
        assert server.severe == []


@pytest.mark.parametrize("stage", RESETS)
async def test_resets(flavour, stage, tmp_path):
    lua, said, call = RESETS[stage]
    async with beside_peers(lua, tmp_path, flavour) as server:
        assert (await _say(server)).rstrip() == said.rstrip()
        (line,) = server.severe
        assert line.startswith(ERROR_LINE.format(call))


@asynccontextmanager
async def beside_script(script, lua, folder, flavour):
    """Serve *lua*, which talks to a peer that runs *script*."""
    with listening() as sock:
        app = PRELUDE.format(port=sock.getsockname()[1]) + lua
        async with trio.open_nursery() as nursery:
            serve_stream(sock, script, nursery)
            async with faulty(app, folder, flavour) as server:
                yield server
            nursery.cancel_scope.cancel()


async def test_resets_in_a_send_of_8_mib(flavour, tmp_path):
    async def script(stream):
        await stream.receive_some(1)
        await reset(Peer(stream))

    lua = 'local _, err = peer:send(("x"):rep(8388608)) say(err)'
    async with beside_script(script, lua, tmp_path, flavour) as server:
        assert await _say(server) in ("connection reset by peer", "broken pipe")
        (line,) = server.severe
        assert line.startswith("error: send() failed (")


@pytest.mark.parametrize("leave", [close, reset])
async def test_leaves_while_the_connection_is_kept(flavour, leave, tmp_path):
    gate = trio.Event()

    async def script(stream):
        await gate.wait()
        await leave(Peer(stream))

    lua = "say(peer:getreusedtimes()) assert(peer:setkeepalive(0, 5))"
    async with beside_script(script, lua, tmp_path, flavour) as server:
        idle = server.worker.stats()["descriptors"]
        assert await _say(server) == "0"
        await eventually(lambda: server.worker.stats()["descriptors"] == idle + 1)
        assert await _say(server) == "1"
        gate.set()
        await eventually(lambda: server.worker.stats()["descriptors"] == idle)
        assert await _say(server) == "0"
        assert server.severe == []


@pytest.mark.parametrize("leave", [close, reset])
async def test_leaves_right_after_the_connect(flavour, leave, tmp_path):
    async def script(stream):
        await leave(Peer(stream))

    lua = "local _, err = peer:receive() say(err)"
    said = {close: "closed", reset: "connection reset by peer"}
    async with beside_script(script, lua, tmp_path, flavour) as server:
        assert await _say(server) == said[leave]


async def test_refuses_the_connect(flavour, tmp_path):
    with refused_port() as port:
        lua = f'ngx.say(ngx.socket.tcp():connect("127.0.0.1", {port}))'
        async with faulty(lua, tmp_path, flavour) as server:
            assert await _say(server) == "nilconnection refused"
            (line,) = server.severe
            assert line.startswith(
                "error: connect() failed (111: Connection refused), client: "
            )


async def test_client_leaves_while_the_connect_hangs(flavour, tmp_path):
    with unaccepting_port() as port:
        lua = f'ngx.log(ngx.WARN, 1) ngx.socket.tcp():connect("127.0.0.1", {port})'
        settings = {"lua_check_client_abort": "on"}
        async with faulty(lua, tmp_path, flavour, **settings) as server:
            idle = server.worker.stats()["descriptors"]
            async with server.client() as peer:
                await peer.send(request())
                await eventually(
                    lambda: server.worker.stats()["descriptors"] == idle + 2
                )
            assert server.severe == []
