"""ngx.req.socket: bytes that come when they like, on every flavour.

What the calls return where all is there already is compared with nginx in
test_server_differential (socket_cases).
"""

import pytest
import trio
from server_wire import parse, request, wire
from trio.testing import MockClock

from resty_py.vm import FLAVOURS

pytestmark = pytest.mark.parametrize("flavour", FLAVOURS)

MEGABYTE = 1 << 20
NEXT = request("GET", "/next", "Connection: close")
UPGRADE = request("GET", "/", "Connection: Upgrade", "Upgrade: lines")

COPY = """
    if ngx.var.uri == "/next" then return ngx.say("next") end
    local sock = assert(ngx.req.socket())
    local pieces = {}
    while true do
        local data, err, partial = sock:receive(7)
        pieces[#pieces + 1] = data or partial
        if not data then
            pieces[#pieces + 1] = " " .. err
            break
        end
    end
    ngx.print(table.concat(pieces))
"""

LINES = """
    ngx.status = 101
    ngx.header.upgrade = "lines"
    ngx.send_headers()
    ngx.flush(true)
    local sock = assert(ngx.req.socket(true))
    while true do
        local line, err, partial = sock:receive()
        if not line then
            sock:send("end: " .. err .. " " .. partial)
            break
        end
        sock:send("got " .. line .. "\\n")
    end
"""


@pytest.fixture
def clock():
    return MockClock(autojump_threshold=0.01)


def _bodies(data):
    return [answer.body.decode() for answer in parse(data)]


# The body -------------------------------------------------------------------


async def test_a_body_byte_by_byte(flavour, tmp_path):
    data = request("POST", "/", body=b"0123456789" * 5) + NEXT
    async with wire(COPY, tmp_path, flavour) as server, server.client() as peer:
        await peer.drip(data)
        assert _bodies(await peer.rest()) == ["0123456789" * 5 + " closed", "next\n"]
        assert server.log == []


async def test_a_body_and_the_next_request_cut_anywhere(flavour, tmp_path):
    data = request("POST", "/", body=b"0123456789") + NEXT
    async with wire(COPY, tmp_path, flavour) as server:
        for cut in range(1, len(data)):
            async with server.client() as peer:
                await peer.send(data[:cut])
                await trio.testing.wait_all_tasks_blocked()
                await peer.send(data[cut:])
                assert _bodies(await peer.rest()) == ["0123456789 closed", "next\n"]


async def test_a_large_body(flavour, tmp_path):
    lua = """
        local sock, size, digest = ngx.req.socket(), 0, ""
        repeat
            local data, err, partial = sock:receive(65536)
            size = size + #(data or partial)
            digest = ngx.md5(digest .. (data or partial))
        until not data
        ngx.say(size)
    """
    settings = {"client_max_body_size": "0"}
    data = request("POST", "/", "Connection: close", body=b"x" * (8 * MEGABYTE + 1))
    async with wire(lua, tmp_path, flavour, **settings) as server:
        assert _bodies(await server.exchange(data)) == [f"{8 * MEGABYTE + 1}\n"]


async def test_what_is_left_of_a_body_may_come_late(flavour, tmp_path):
    lua = """
        if ngx.var.uri == "/next" then return ngx.say("next") end
        ngx.say(ngx.req.socket():receive(3))
    """
    async with wire(lua, tmp_path, flavour) as server, server.client() as peer:
        await peer.send(request("POST", "/", "Content-Length: 10") + b"0123")
        assert (await peer.answer()).body == b"012\n"
        await peer.drip(b"456789" + NEXT)
        assert _bodies(await peer.rest()) == ["next\n"]


async def test_a_body_that_does_not_come(flavour, tmp_path, clock):
    lua = """
        local sock = ngx.req.socket()
        sock:settimeout(3000)
        for _ = 1, 2 do ngx.say(select(2, sock:receive(10))) end
    """
    async with wire(lua, tmp_path, flavour) as server, server.client() as peer:
        start = trio.current_time()
        await peer.send(request("POST", "/", "Content-Length: 10"))
        assert (await peer.answer()).body == b"timeout\ntimeout\n"
        assert trio.current_time() - start == pytest.approx(6, abs=0.5)


async def test_the_default_timeout(flavour, tmp_path, clock):
    lua = "ngx.say(select(2, ngx.req.socket():receive(10)))"
    settings = {"lua_socket_read_timeout": "7s"}
    async with (
        wire(lua, tmp_path, flavour, **settings) as server,
        server.client() as peer,
    ):
        start = trio.current_time()
        await peer.send(request("POST", "/", "Content-Length: 10"))
        assert (await peer.answer()).body == b"timeout\n"
        assert trio.current_time() - start == pytest.approx(7, abs=0.5)


async def test_two_threads_do_not_read_one_socket(flavour, tmp_path):
    lua = """
        local sock = ngx.req.socket()
        local thread = ngx.thread.spawn(function() return sock:receive(9) end)
        ngx.say(select(2, sock:receive(1)))
        ngx.flush()
        ngx.say(select(2, ngx.thread.wait(thread)))
    """
    async with wire(lua, tmp_path, flavour) as server, server.client() as peer:
        await peer.send(request("POST", "/", "Content-Length: 9", "Connection: close"))
        await peer.until(b"socket busy reading\n\r\n")
        await peer.send(b"012345678")
        assert b"012345678\n" in await peer.rest()


async def test_a_handler_that_answers_while_it_reads(flavour, tmp_path):
    lua = """
        local sock = ngx.req.socket()
        for _ = 1, 3 do ngx.say(sock:receive()) ngx.flush() end
    """
    head = request("POST", "/", "Content-Length: 6", "Connection: close")
    async with wire(lua, tmp_path, flavour) as server, server.client() as peer:
        await peer.send(head)
        for line in b"a\n", b"b\n", b"c\n":
            await peer.send(line)
            await peer.until(b"\r\n2\r\n" + line)
        assert await peer.rest() == b"\r\n0\r\n\r\n"


# The raw socket -------------------------------------------------------------


async def _upgrade(peer):
    await peer.send(UPGRADE)
    head = await peer.until(b"\r\n\r\n")
    assert head.startswith(b"HTTP/1.1 101 Switching Protocols\r\n")
    assert b"\r\nupgrade: lines\r\n" in head


async def test_a_line_protocol(flavour, tmp_path):
    async with wire(LINES, tmp_path, flavour) as server, server.client() as peer:
        await _upgrade(peer)
        for _ in range(3):
            await peer.drip(b"hello\r\n")
            assert await peer.until(b"\n") == b"got hello\n"
        await peer.send(b"a\nb\nlast")
        await peer.end()
        assert await peer.rest() == b"got a\ngot b\nend: closed last"
        assert server.log == []


async def test_a_line_protocol_in_one_segment(flavour, tmp_path):
    async with wire(LINES, tmp_path, flavour) as server, server.client() as peer:
        await peer.send(UPGRADE + b"early\n")
        await peer.until(b"\r\n\r\n")
        assert await peer.until(b"\n") == b"got early\n"


async def test_a_silent_peer_of_a_raw_socket(flavour, tmp_path, clock):
    async with wire(LINES, tmp_path, flavour) as server, server.client() as peer:
        await _upgrade(peer)
        start = trio.current_time()
        await peer.send(b"part")
        assert await peer.rest() == b"end: timeout part"
        assert trio.current_time() - start == pytest.approx(60, abs=0.5)
        assert "error: lua tcp socket read timed out, client: " in server.log[0]


async def test_what_a_peer_does_not_take_holds_up_who_sends_it(flavour, tmp_path):
    lua = """
        local sock = ngx.req.socket(true)
        for _ = 1, 64 do assert(sock:send(("x"):rep(2^18))) end
    """
    async with wire(lua, tmp_path, flavour) as server:
        async with server.client(buffer=65536) as peer:
            await peer.send(request())
            await trio.testing.wait_all_tasks_blocked()
            server.worker.logs.drain()
            assert (tmp_path / "access.log").read_text() == ""
            assert len(await peer.rest()) == 16 * MEGABYTE
    assert f" 000 {16 * MEGABYTE} " in (tmp_path / "access.log").read_text()


async def test_a_peer_that_does_not_read_a_raw_socket(flavour, tmp_path, clock):
    lua = """
        local sock = ngx.req.socket(true)
        sock:settimeouts(1, 5000, 1)
        ngx.log(ngx.WARN, select(2, sock:send(("x"):rep(2^24))))
    """
    async with (
        wire(lua, tmp_path, flavour) as server,
        server.client(buffer=4096) as peer,
    ):
        start = trio.current_time()
        await peer.send(request())
        await trio.testing.wait_all_tasks_blocked()
        server.worker.stop()
        await server.worker.wait_stopped()
        assert 5 <= trio.current_time() - start < 40
        assert "lua tcp socket write timed out" in server.log[0]
        assert "timeout" in server.log[1]


async def test_both_directions_at_once(flavour, tmp_path):
    lua = """
        local sock = ngx.req.socket(true)
        local reader = ngx.thread.spawn(function()
            return #assert(sock:receive(1000000))
        end)
        assert(sock:send(("x"):rep(1000000)))
        local ok, size = ngx.thread.wait(reader)
        assert(sock:send(tostring(size)))
    """
    async with wire(lua, tmp_path, flavour) as server, server.client() as peer:
        await peer.send(request())
        async with trio.open_nursery() as nursery:
            nursery.start_soon(peer.send, b"y" * 1_000_000)
            assert await peer.exactly(1_000_000) == b"x" * 1_000_000
        assert await peer.rest() == b"1000000"


async def test_a_handler_that_fails_ends_the_connection(flavour, tmp_path):
    lua = "local sock = ngx.req.socket(true) sock:send('x') error('oops')"
    async with wire(lua, tmp_path, flavour) as server:
        assert await server.exchange(request()) == b"x"
        (line,) = server.severe
        assert line.startswith("error: lua entry thread aborted: runtime error: ")


async def test_a_peer_that_sends_on_reads_the_end(flavour, tmp_path):
    lua = "ngx.req.socket(true):send('bye')"
    async with wire(lua, tmp_path, flavour) as server, server.client() as peer:
        await peer.send(request())
        await peer.until(b"bye")
        for _ in range(20):
            await peer.stream.send_all(b"x" * 100_000)
        assert await peer.rest() == b""


async def test_a_reader_killed_in_a_pause_leaves_the_next_requests_alone(
    flavour, tmp_path, clock
):
    lua = """
        if ngx.var.uri ~= "/" then return ngx.say(ngx.var.uri) end
        local sock = ngx.req.socket()
        ngx.sleep(1)
        ngx.thread.spawn(function()
            for _ = 1, 256 do sock:receive(1) end
            sock:receive(39000)
        end)
        ngx.exit(200)
    """
    post = request("POST", "/", body=bytes(40000))
    async with wire(lua, tmp_path, flavour) as server:
        data = await server.exchange(post + request("GET", "/a") + NEXT)
    assert _bodies(data) == ["", "/a\n", "/next\n"]
