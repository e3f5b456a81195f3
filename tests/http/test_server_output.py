"""When output leaves, and what holds it back, on every flavour.

How it is framed is compared with nginx in test_server_differential.
"""

import socket
from pathlib import Path

import pytest
import trio
from server_wire import command, open_peer, parse, patience, request, wire
from trio.testing import MockClock

from resty_py.vm import FLAVOURS

pytestmark = pytest.mark.parametrize("flavour", FLAVOURS)

MEGABYTE = 1 << 20


@pytest.fixture
def clock():
    return MockClock(autojump_threshold=0.01)


async def _arrivals(lua, tmp_path, flavour, *, version="1.1", **settings):
    """Return what *lua* put out by the second of its arrival, without the head."""
    async with (
        wire(lua, tmp_path, flavour, **settings) as server,
        server.client() as peer,
    ):
        start = trio.current_time()
        await peer.send(request("GET", "/", "Connection: close", version=version))
        arrivals, seen = {}, b""
        async for chunk in peer.stream:
            first = not seen
            seen += chunk
            body = seen.partition(b"\r\n\r\n")[2] if first else chunk
            second = round(trio.current_time() - start)
            arrivals[second] = arrivals.get(second, b"") + body
        return arrivals


async def test_small_output_waits_for_the_end(flavour, tmp_path, clock):
    lua = "ngx.say('a') ngx.sleep(1) ngx.say('b') ngx.sleep(1)"
    assert await _arrivals(lua, tmp_path, flavour) == {
        2: b"2\r\na\n\r\n2\r\nb\n\r\n0\r\n\r\n"
    }


async def test_a_flush_sends_what_there_is(flavour, tmp_path, clock):
    lua = """
        ngx.say('a') ngx.flush() ngx.sleep(1)
        ngx.say('b') ngx.flush(true) ngx.sleep(1)
    """
    assert await _arrivals(lua, tmp_path, flavour) == {
        0: b"2\r\na\n\r\n",
        1: b"2\r\nb\n\r\n",
        2: b"0\r\n\r\n",
    }


async def test_a_flush_sends_the_head_alone(flavour, tmp_path, clock):
    lua = "ngx.send_headers() ngx.flush() ngx.sleep(1)"
    assert await _arrivals(lua, tmp_path, flavour) == {0: b"", 1: b"0\r\n\r\n"}


async def test_eof_ends_the_answer_while_the_handler_goes_on(flavour, tmp_path, clock):
    lua = "ngx.say('a') ngx.eof() ngx.sleep(2)"
    assert await _arrivals(lua, tmp_path, flavour) == {0: b"2\r\na\n\r\n0\r\n\r\n"}


async def test_the_next_request_waits_for_the_handler_behind_eof(
    flavour, tmp_path, clock
):
    lua = "ngx.say('a') ngx.eof() ngx.sleep(2)"
    async with wire(lua, tmp_path, flavour) as server, server.client() as peer:
        start = trio.current_time()
        for moment in 0, 2, 4:
            await peer.send(request())
            await peer.answer()
            assert trio.current_time() - start == pytest.approx(moment, abs=0.5)


async def test_postpone_output(flavour, tmp_path, clock):
    lua = """
        ngx.send_headers() ngx.flush()
        for _ = 1, 3 do ngx.print(('x'):rep(400)) ngx.sleep(1) end
    """
    piece = b"190\r\n" + b"x" * 400 + b"\r\n"
    arrivals = await _arrivals(lua, tmp_path, flavour, postpone_output="800")
    assert arrivals == {0: b"", 1: piece * 2, 3: piece + b"0\r\n\r\n"}


async def test_no_postpone_output(flavour, tmp_path, clock):
    lua = "ngx.print('a') ngx.sleep(1) ngx.print('b')"
    arrivals = await _arrivals(lua, tmp_path, flavour, postpone_output="0")
    assert arrivals == {0: b"1\r\na\r\n", 1: b"1\r\nb\r\n0\r\n\r\n"}


async def test_http_10_is_buffered_whatever_is_flushed(flavour, tmp_path, clock):
    lua = "ngx.say('a') ngx.flush() ngx.sleep(1) ngx.say('b')"
    assert await _arrivals(lua, tmp_path, flavour, version="1.0") == {1: b"a\nb\n"}


async def test_http_10_without_buffering(flavour, tmp_path, clock):
    lua = "ngx.say('a') ngx.flush() ngx.sleep(1) ngx.say('b')"
    arrivals = await _arrivals(
        lua, tmp_path, flavour, version="1.0", lua_http10_buffering="off"
    )
    assert arrivals == {0: b"a\n", 1: b"b\n"}


# A client that does not read -----------------------------------------------


# No two pieces are alike: some flavours keep equal strings once.
FLOOD = """
    for i = 1, 1024 do
        local ok, err = ngx.print(("%04d"):format(i):rep(16384))
        if not ok then
            ngx.log(ngx.WARN, "print: ", err)
            break
        end
    end
"""
EITHER = f"if ngx.var.uri == '/small' then ngx.say('small') return end {FLOOD}"


def _most_resident(pid):
    """Return how many bytes of memory the process *pid* has had at most."""
    status = Path(f"/proc/{pid}/status").read_text()
    return int(status.partition("VmHWM:")[2].split()[0]) * 1024


async def _drain(peer):
    total = 0
    with patience():
        async for chunk in peer.stream:
            total += len(chunk)
    return total


@pytest.mark.alone
async def test_a_slow_reader_costs_little_memory_and_nobody_time(flavour, tmp_path):
    app = tmp_path / "app.lua"
    app.write_text(EITHER)
    with command(app, "--lua", flavour) as (address, pid):
        async with open_peer(address) as slow, open_peer(address) as other:
            await other.send(request("GET", "/small"))
            await other.answer()
            before = _most_resident(pid)
            await slow.send(request("GET", "/", "Connection: close"))
            head = await slow.until(b"\r\n\r\n")
            assert head.startswith(b"HTTP/1.1 200 OK\r\n")
            for _ in range(100):
                await other.send(request("GET", "/small"))
                assert (await other.answer()).body == b"small\n"
            framing = 1024 * len(b"10000\r\n\r\n") + len(b"0\r\n\r\n")
            rest = len(slow.data) + await _drain(slow)
            assert rest == 64 * MEGABYTE + framing
            # Pieces on their way and garbage, not the response.
            assert _most_resident(pid) - before < 16 * MEGABYTE


def _logged(folder):
    """Return status and size in the only line of the access log."""
    (line,) = (folder / "access.log").read_text().splitlines()
    return line.split('"')[2].split()


async def test_send_timeout(flavour, tmp_path, clock):
    async with (
        wire(FLOOD, tmp_path, flavour) as server,
        server.client(buffer=4096) as slow,
    ):
        start = trio.current_time()
        await slow.send(request())
        await trio.testing.wait_all_tasks_blocked()
        server.worker.stop()
        await server.worker.wait_stopped()
        assert trio.current_time() - start == pytest.approx(60, abs=1)
        timed_out, refused = (line.partition(", client: ")[0] for line in server.log)
        assert timed_out == "info: client timed out (110: Connection timed out)"
        assert refused.endswith("print: nginx output filter error")
        await slow.until(b"\r\n\r\n")
        received = await slow.rest()
    assert _logged(tmp_path) == ["200", str(len(received))]


LARGE = "ngx.header.content_length = 2^24 ngx.print(('x'):rep(2^24))"


async def test_send_timeout_of_an_answer_that_is_complete(flavour, tmp_path, clock):
    async with (
        wire(LARGE, tmp_path, flavour) as server,
        server.client(buffer=4096) as slow,
    ):
        start = trio.current_time()
        await slow.send(request())
        await trio.testing.wait_all_tasks_blocked()
        server.worker.stop()
        await server.worker.wait_stopped()
        assert trio.current_time() - start == pytest.approx(60, abs=1)
        (line,) = server.log
        assert line.startswith("info: client timed out (110: Connection timed out), ")
        await slow.until(b"\r\n\r\n")
        received = await slow.rest()
        assert len(received) < 16 * MEGABYTE
    assert _logged(tmp_path) == ["200", str(len(received))]


async def test_an_answer_is_logged_when_it_has_left(flavour, tmp_path, clock):
    lua = "ngx.print(('x'):rep(500000)) ngx.log(ngx.WARN, 'done')"
    access_log = tmp_path / "access.log"
    async with (
        wire(lua, tmp_path, flavour, send_buffer=16384) as server,
        server.client(buffer=16384) as slow,
    ):
        await slow.send(request())
        await trio.sleep(30)
        assert len(server.log) == 1
        assert access_log.read_text() == ""
        await slow.answer()
        await trio.sleep(2)
        assert len(access_log.read_text().splitlines()) == 1
    framing = len(b"7a120\r\n\r\n0\r\n\r\n")
    assert _logged(tmp_path) == ["200", str(500_000 + framing)]


async def test_an_answer_that_is_lost_is_logged(flavour, tmp_path, clock):
    lua = "ngx.print(('x'):rep(500000)) ngx.log(ngx.WARN, 'done')"
    async with (
        wire(lua, tmp_path, flavour, send_buffer=16384) as server,
        server.client(buffer=16384) as slow,
    ):
        await slow.send(request("GET", "/", "Connection: close"))
        await trio.sleep(61)
        assert len(server.log) == 2
        await slow.until(b"\r\n\r\n")
        received = await slow.rest()
    assert _logged(tmp_path) == ["200", str(len(received))]


async def test_a_reader_that_is_slow_but_reads_is_served(flavour, tmp_path, clock):
    async with (
        wire(LARGE, tmp_path, flavour) as server,
        server.client(buffer=4096) as slow,
    ):
        await slow.send(request("GET", "/", "Connection: close"))
        await slow.until(b"\r\n\r\n")
        for _ in range(16):
            await trio.sleep(50)
            await slow.exactly(MEGABYTE)
        assert await slow.rest() == b""


async def reset_amid_response(server):
    """Have a client read a head and reset, and the worker finish and stop."""
    async with server.client(buffer=4096) as slow:
        await slow.send(request())
        await slow.until(b"\r\n\r\n")
        _reset(slow)
    server.worker.stop()
    with patience():
        await server.worker.wait_stopped()


async def test_a_client_that_resets_ends_a_handler_that_prints(flavour, tmp_path):
    async with wire(FLOOD, tmp_path, flavour) as server:
        await reset_amid_response(server)
        assert server.severe == []
        assert "warn: [lua] content_by_lua:5: print: nginx output filter error" in (
            line.partition(",")[0] for line in server.log
        )


FLUSH = """
    ngx.print(("x"):rep(2^24))
    local ok, err = ngx.flush(true)
    ngx.log(ngx.WARN, "flush: ", ok, " ", err)
"""


async def test_flush_tells_that_the_client_has_left(flavour, tmp_path):
    async with wire(FLUSH, tmp_path, flavour) as server:
        await reset_amid_response(server)
        failed, told = (line.partition(", client: ")[0] for line in server.log)
        assert failed == "info: send() failed (104: Connection reset by peer)"
        assert told.endswith("flush: nil client aborted")


AFTERWARDS = """
    ngx.print(("x"):rep(2^24))
    ngx.flush(true)
    local told = {}
    for _, f in ipairs {ngx.say, ngx.print} do
        local ok, err = f("x")
        told[#told + 1] = tostring(ok) .. " " .. tostring(err)
    end
    ngx.log(ngx.WARN, "then: ", table.concat(told, ", "))
"""


async def test_nothing_is_taken_for_a_client_that_has_left(flavour, tmp_path):
    async with wire(AFTERWARDS, tmp_path, flavour) as server:
        await reset_amid_response(server)
        failed = "nil nginx output filter error"
        told = server.log[-1].partition(", client: ")[0]
        assert told.endswith(f"then: {failed}, {failed}")


async def test_flush_tells_that_the_client_does_not_read(flavour, tmp_path, clock):
    async with (
        wire(FLUSH, tmp_path, flavour) as server,
        server.client(buffer=4096) as slow,
    ):
        await slow.send(request())
        await trio.testing.wait_all_tasks_blocked()
        server.worker.stop()
        await server.worker.wait_stopped()
        assert server.log[-1].partition(", client: ")[0].endswith("flush: nil timeout")


def _reset(peer):
    raw = peer.stream.socket
    raw.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, b"\1\0\0\0\0\0\0\0")
    raw.close()


async def test_pipelined_requests_wait_for_a_slow_reader(flavour, tmp_path):
    lua = "ngx.print(('x'):rep(2^22))"
    async with (
        wire(lua, tmp_path, flavour) as server,
        server.client(buffer=4096) as slow,
    ):
        await slow.send(request() * 3 + request("GET", "/", "Connection: close"))
        sizes = [len(answer.body) for answer in parse(await slow.rest())]
        assert sizes == [4 * MEGABYTE] * 4
