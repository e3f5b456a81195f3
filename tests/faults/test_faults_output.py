"""Clients that do not take what is sent, handlers that do not read what came."""

from pathlib import Path

import pytest
import trio
from fault_traces import eventually, faulty, logged, statuses
from server_wire import chunked, parse, request
from trio.testing import MockClock

from resty_py.vm import FLAVOURS

pytestmark = pytest.mark.parametrize("flavour", FLAVOURS)

MIB = 1048576

#: Prints 160 MiB, far more than all buffers on the way hold.
FLOOD = """
local piece = ("x"):rep(65536)
for i = 1, 2560 do
    if not ngx.print(piece) then return end
end
"""

#: Prints 10 MiB.
TEN_MIB = FLOOD.replace("2560", "160")


@pytest.fixture
def clock():
    """Time passes at once, where all wait for it."""
    return MockClock(autojump_threshold=0.01)


def _resident():
    """Return the bytes of memory that this process has resident."""
    status = Path("/proc/self/status").read_text()
    (line,) = (line for line in status.splitlines() if line.startswith("VmRSS"))
    return int(line.split()[1]) * 1024


class TestSlowReaders:
    """The handler makes more than the client takes."""

    async def test_get_all_of_10_mib(self, flavour, tmp_path):
        async with faulty(TEN_MIB, tmp_path, flavour) as server:
            async with server.client(buffer=4096) as peer:
                await peer.send(request("GET", "/", "Connection: close"))
                (answer,) = parse(await peer.rest())
            assert answer.whole
            assert len(answer.body) == 10 * MIB

    async def test_cost_no_memory_and_hold_nobody_up(self, flavour, tmp_path):
        async with faulty(FLOOD, tmp_path, flavour) as server:
            before = _resident()
            async with server.client(buffer=4096) as slow:
                await slow.send(request())
                await slow.until(b"\r\n\r\n")
                for _ in range(5):
                    (answer,) = await server.ask(
                        request("GET", "/next", "Connection: close")
                    )
                    assert answer.body == b"next\n"
                    await slow.exactly(65536)
                assert _resident() - before < 64 * MIB
            await eventually(lambda: statuses(server) == [200])


async def test_client_that_never_reads(flavour, tmp_path, clock):
    async with faulty(FLOOD, tmp_path, flavour, send_timeout="60s") as server:
        start = trio.current_time()
        async with server.client(buffer=4096) as peer:
            await peer.send(request())
            await logged(
                server, "info: client timed out (110: Connection timed out), client: "
            )
            assert trio.current_time() - start == pytest.approx(60, abs=3)
            await eventually(lambda: statuses(server) == [200])


async def test_client_that_never_reads_what_is_complete(flavour, tmp_path, clock):
    lua = f'ngx.print(("x"):rep({8 * MIB}))'
    async with (
        faulty(lua, tmp_path, flavour, send_timeout="60s") as server,
        server.client(buffer=4096) as peer,
    ):
        await peer.send(request())
        await logged(
            server, "info: client timed out (110: Connection timed out), client: "
        )
        await eventually(lambda: server.worker.stats()["connections"] == 0)


class TestUnreadBodies:
    """The handler answers and never asks for the body."""

    LAST = request("GET", "/next", "Connection: close")

    async def test_next_request_in_the_same_segment(self, flavour, tmp_path):
        async with faulty("ngx.say(1)", tmp_path, flavour) as server:
            data = request("POST", "/", body=b"GET /x HTTP/1.1\r\n\r\n") + self.LAST
            first, second = await server.ask(data)
            assert (first.body, second.body) == (b"1\n", b"next\n")

    async def test_next_request_on_a_kept_connection(self, flavour, tmp_path):
        async with (
            faulty("ngx.say(1)", tmp_path, flavour) as server,
            server.client() as peer,
        ):
            for _ in range(3):
                await peer.send(request("POST", "/", body=b"x" * 100_000))
                assert (await peer.answer()).body == b"1\n"
            await peer.send(self.LAST)
            assert (await peer.answer()).body == b"next\n"

    async def test_chunked_body(self, flavour, tmp_path):
        head = request("POST", "/", "Transfer-Encoding: chunked")
        async with faulty("ngx.say(1)", tmp_path, flavour) as server:
            data = head + chunked(*[b"x" * 4096] * 20) + self.LAST
            first, second = await server.ask(data)
            assert (first.body, second.body) == (b"1\n", b"next\n")

    async def test_body_of_10_mib(self, flavour, tmp_path):
        settings = {"client_max_body_size": "0"}
        async with (
            faulty("ngx.say(1)", tmp_path, flavour, **settings) as server,
            server.client() as peer,
        ):
            await peer.send(request("POST", "/", body=b"x" * 10 * MIB))
            assert (await peer.answer()).body == b"1\n"
            await peer.send(self.LAST)
            assert (await peer.answer()).body == b"next\n"

    async def test_body_that_is_too_large(self, flavour, tmp_path):
        async with faulty("ngx.say(1)", tmp_path, flavour) as server:
            async with server.client() as peer:
                await peer.send(request("POST", "/", body=b"x" * 2 * MIB))
                (answer,) = parse(await peer.rest())
            assert answer.status == 413
            (line,) = server.severe
            assert line.startswith(
                "error: client intended to send too large body: 2097152 bytes, client: "
            )
