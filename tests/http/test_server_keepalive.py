"""Connections that are kept, and how they end, on every flavour.

What the answers look like is compared with nginx in test_server_differential.
"""

import os

import pytest
import trio
from server_wire import parse, patience, request, wire
from trio.testing import MockClock

from resty_py.vm import FLAVOURS

pytestmark = pytest.mark.parametrize("flavour", FLAVOURS)

ECHO = "ngx.req.read_body() ngx.say(ngx.var.uri, ngx.req.get_body_data() or '')"
NUMBERED = [f"/{number}" for number in range(10)]


@pytest.fixture
def clock():
    return MockClock(autojump_threshold=0.01)


def _bodies(data):
    return [answer.body.decode().strip() for answer in parse(data)]


def _pipelined():
    *first, last = NUMBERED
    ahead = b"".join(request("GET", target) for target in first)
    return ahead + request("GET", last, "Connection: close")


async def test_requests_in_one_segment_are_answered_in_order(flavour, tmp_path):
    async with wire(ECHO, tmp_path, flavour) as server:
        assert _bodies(await server.exchange(_pipelined())) == NUMBERED


async def test_a_slow_answer_holds_up_those_behind_it(flavour, tmp_path, clock):
    lua = "ngx.sleep(10 - tonumber(ngx.var.uri:sub(2))) ngx.say(ngx.var.uri)"
    async with wire(lua, tmp_path, flavour) as server:
        start = trio.current_time()
        assert _bodies(await server.exchange(_pipelined())) == NUMBERED
        assert trio.current_time() - start == pytest.approx(sum(range(1, 11)), abs=0.5)


async def test_requests_that_come_byte_by_byte(flavour, tmp_path):
    async with wire(ECHO, tmp_path, flavour) as server, server.client() as peer:
        await peer.drip(_pipelined())
        assert _bodies(await peer.rest()) == NUMBERED


async def test_two_requests_cut_anywhere(flavour, tmp_path):
    post = request("POST", "/a", body=b"hello")
    data = post + request("GET", "/b", "Connection: close")
    async with wire(ECHO, tmp_path, flavour) as server:
        for cut in range(1, len(data)):
            async with server.client() as peer:
                await peer.send(data[:cut])
                await trio.testing.wait_all_tasks_blocked()
                await peer.send(data[cut:])
                assert _bodies(await peer.rest()) == ["/ahello", "/b"]


async def test_requests_one_behind_the_other(flavour, tmp_path):
    async with wire(ECHO, tmp_path, flavour) as server, server.client() as peer:
        for target in NUMBERED:
            await peer.send(request("GET", target))
            assert (await peer.answer()).body.decode() == f"{target}\n"


async def test_a_client_that_ends_its_side_gets_its_answers(flavour, tmp_path):
    async with wire(ECHO, tmp_path, flavour) as server, server.client() as peer:
        await peer.send(request("GET", "/a") + request("GET", "/b"))
        await peer.end()
        assert _bodies(await peer.rest()) == ["/a", "/b"]


async def test_keepalive_requests(flavour, tmp_path):
    async with wire(ECHO, tmp_path, flavour, keepalive_requests="3") as server:
        async with server.client() as peer:
            for number in range(3):
                await peer.send(request("GET", f"/{number}"))
                answer = await peer.answer()
                assert answer["Connection"] == (
                    "close" if number == 2 else "keep-alive"
                )
            assert await peer.rest() == b""


async def test_keepalive_timeout(flavour, tmp_path, clock):
    async with wire(ECHO, tmp_path, flavour) as server, server.client() as peer:
        for idle in 50, 70, 70:
            await trio.sleep(idle)
            await peer.send(request())
            await peer.answer()
        start = trio.current_time()
        assert await peer.rest() == b""
        assert trio.current_time() - start == pytest.approx(75, abs=0.5)
        assert server.log == []


async def test_a_silent_client_is_dropped(flavour, tmp_path, clock):
    async with wire(ECHO, tmp_path, flavour) as server, server.client() as peer:
        start = trio.current_time()
        assert await peer.rest() == b""
        assert trio.current_time() - start == pytest.approx(60, abs=0.5)
        line = "info: client timed out (110: Connection timed out) while waiting for "
        assert [entry.split("request,")[0] for entry in server.log] == [line]
    assert (tmp_path / "access.log").read_text() == ""


async def test_the_time_of_a_first_head_runs_since_accept(flavour, tmp_path, clock):
    async with wire(ECHO, tmp_path, flavour) as server, server.client() as peer:
        start = trio.current_time()
        for byte in b"GET /":
            await trio.sleep(11)
            await peer.send(bytes([byte]))
        assert await peer.rest() == b""
        assert trio.current_time() - start == pytest.approx(60, abs=0.5)
    assert '"GET /" 408 0 "-" "-"' in (tmp_path / "access.log").read_text()


async def test_the_time_of_a_later_head_runs_since_its_start(flavour, tmp_path, clock):
    async with wire(ECHO, tmp_path, flavour) as server, server.client() as peer:
        await peer.send(request())
        await peer.answer()
        await trio.sleep(70)
        start = trio.current_time()
        await peer.send(b"GET / HTTP/1.1\r\n")
        await trio.sleep(50)
        await peer.send(b"Host: t\r\n")
        assert await peer.rest() == b""
        assert trio.current_time() - start == pytest.approx(60, abs=0.5)
        assert "while reading client request headers" in server.log[0]


async def test_a_stop_closes_a_connection_that_was_to_be_kept(flavour, tmp_path):
    lua = "ngx.say('early') ngx.flush() ngx.sleep(0.01) ngx.say('late')"
    async with wire(lua, tmp_path, flavour) as server, server.client() as peer:
        await peer.send(request())
        head = await peer.until(b"early\n\r\n")
        assert b"\r\nConnection: keep-alive\r\n" in head
        server.worker.stop()
        assert await peer.rest() == b"5\r\nlate\n\r\n0\r\n\r\n"
        with patience():
            await server.worker.wait_stopped()


async def test_a_client_that_sends_on_after_its_last_request_reads_the_answer(
    flavour, tmp_path
):
    lua = "ngx.sleep(0.01) ngx.say('done')"
    async with wire(lua, tmp_path, flavour) as server, server.client() as peer:
        await peer.send(request("GET", "/", "Connection: close"))
        for _ in range(20):
            await peer.stream.send_all(request() * 1000)
        (answer,) = parse(await peer.rest())
        assert answer.body == b"done\n"


async def test_a_stop_closes_idle_clients_and_answers_the_others(flavour, tmp_path):
    lua = "ngx.sleep(0.01) ngx.say('done')"
    async with wire(lua, tmp_path, flavour) as server:
        async with server.client() as idle, server.client() as busy:
            await idle.send(request())
            await idle.answer()
            await busy.send(request())
            await trio.testing.wait_all_tasks_blocked()
            server.worker.stop()
            assert await idle.rest() == b""
            answer = parse(await busy.rest())[0]
            assert answer.body == b"done\n"
            assert answer["Connection"] == "close"
        await server.worker.wait_stopped()


async def test_bytes_that_come_with_the_deadline_do_not_lift_it(
    flavour, tmp_path, clock
):
    async with wire(ECHO, tmp_path, flavour) as server, server.client() as peer:
        await peer.send(b"GET / HTTP/1.1\r\n")
        await trio.testing.wait_all_tasks_blocked()
        os.write(peer.stream.socket.fileno(), b"X: y\r\n")
        clock.jump(61)  # no turn is in between
        start = trio.current_time()
        assert await peer.rest() == b""
        assert trio.current_time() - start < 1
