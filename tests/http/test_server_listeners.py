"""Where requests come in, and what the logs say of them, on every flavour.

Each field of the logs is compared with nginx in test_server_differential.
"""

import re
import socket

import pytest
import trio
from server_wire import ANY_PORT, chunked, open_peer, parse, request, wire
from trio.testing import MockClock

import resty_py
from resty_py.server import Address
from resty_py.server.listeners import open_listener
from resty_py.vm import FLAVOURS

pytestmark = pytest.mark.parametrize("flavour", FLAVOURS)

WHO = """
    ngx.log(ngx.ERR, "here")
    ngx.say(ngx.var.remote_addr, " ", #ngx.var.binary_remote_addr, " ",
            ngx.var.server_addr, " ", ngx.var.server_port)
"""

_COMBINED = re.compile(
    r'(?P<client>\S+) - - \[\d\d/\w{3}/\d{4}:\d\d:\d\d:\d\d [+-]\d{4}\] '
    r'"(?P<request>[^"]*)" (?P<status>\d{3}) (?P<size>\d+) "(?P<referer>[^"]*)" '
    r'"(?P<agent>[^"]*)"'
)  # fmt: skip


@pytest.fixture
def clock():
    return MockClock(autojump_threshold=0.01)


def _accesses(folder):
    lines = (folder / "access.log").read_text().splitlines()
    matches = [_COMBINED.fullmatch(line) for line in lines]
    return [tuple(match.groups()) for match in matches]


async def _close_on(address, *headers):
    async with open_peer(address) as peer:
        await peer.send(request("GET", "/", "Connection: close", *headers))
        return parse(await peer.rest())[0].body.decode().split()


async def test_a_unix_domain_socket(flavour, tmp_path):
    address = Address(socket.AF_UNIX, str(tmp_path / "socket"))
    async with wire(WHO, tmp_path, flavour, address) as server:
        said = await _close_on(server.address)
        assert said == ["unix:", "5", f"unix:{address.host}"]
        assert ", client: unix:, server: , request: " in server.log[0]
    size = str(len(chunked(" ".join(said).encode() + b"\n")) + 1)
    assert _accesses(tmp_path) == [("unix:", "GET / HTTP/1.1", "200", size, "-", "-")]


async def test_ipv6(flavour, tmp_path):
    address = Address(socket.AF_INET6, "::1", 0)
    async with wire(WHO, tmp_path, flavour, address) as server:
        port = str(server.address.port)
        assert await _close_on(server.address) == ["::1", "16", "::1", port]
        assert ", client: ::1, server: , request: " in server.log[0]


async def test_a_client_that_says_nothing_is_logged_with_the_listener(
    flavour, tmp_path
):
    async with wire(WHO, tmp_path, flavour) as server:
        async with server.client():
            await trio.testing.wait_all_tasks_blocked()
        await trio.testing.wait_all_tasks_blocked()
        assert server.log == [
            (
                "info: client closed connection while waiting for request, "
                f"client: 127.0.0.1, server: {server.address}"
            )
        ]


async def test_several_listeners_of_one_worker(flavour, tmp_path):
    async with wire("ngx.say('first')", tmp_path, flavour) as server:
        (tmp_path / "second.lua").write_text("ngx.say('second')")
        second = server.serve(tmp_path / "second.lua")
        for _ in range(2):
            assert await _close_on(server.address) == ["first"]
            assert await _close_on(second) == ["second"]


async def test_one_app_at_several_addresses(flavour):
    async with trio.open_nursery() as nursery:
        addresses = await nursery.start(
            lambda task_status: resty_py.serve(
                b"ngx.say(ngx.var.server_port)",
                ["127.0.0.1:0", "127.0.0.1:0", "[::1]:0"],
                flavour=flavour,
                task_status=task_status,
            )
        )
        assert len({address.port for address in addresses}) == 3
        for address in addresses:
            assert await _close_on(address) == [str(address.port)]
        nursery.cancel_scope.cancel()


async def test_more_clients_than_are_accepted_at_once(flavour, tmp_path):
    async with wire("ngx.say('hello')", tmp_path, flavour) as server:
        answers = []

        async def ask():
            answers.append(await _close_on(server.address))

        async with trio.open_nursery() as nursery:
            for _ in range(200):
                nursery.start_soon(ask)
        assert answers == [["hello"]] * 200


async def test_a_listener_that_is_no_good_any_more(flavour, tmp_path, clock):
    """It is tried twice a second, and others get their turn meanwhile."""
    log = tmp_path / "error.log"
    async with resty_py.open_worker(flavour=flavour, error_log=log) as worker:
        with open_listener(ANY_PORT) as listener:
            worker.serve(b"", listener)
            listener.shutdown(socket.SHUT_RDWR)
            await trio.sleep(1.25)
            await worker.run("ngx.sleep(0.001)")
    lines = log.read_text().splitlines()
    assert len(lines) == 3
    for line in lines:
        assert "[alert]" in line
        assert line.endswith("accept4() failed (22: Invalid argument)")


async def test_the_combined_format(flavour, tmp_path):
    async with wire("ngx.print('x')", tmp_path, flavour) as server:
        await _close_on(server.address, 'Referer: "a"\\', "User-Agent: \xe4\tb")
    assert _accesses(tmp_path) == [
        ("127.0.0.1", "GET / HTTP/1.1", "200", "11", r"\x22a\x22\x5C", r"\xE4\x09b")
    ]


async def test_the_time_in_the_access_log_is_the_workers(flavour, tmp_path, clock):
    async with wire("", tmp_path, flavour) as server, server.client() as peer:
        await peer.send(request())
        await peer.answer()
        await trio.sleep(59)
        await peer.send(request("GET", "/", "Connection: close"))
        await peer.rest()
    lines = (tmp_path / "access.log").read_text().splitlines()
    first, second = (int(line.split(":")[3][:2]) for line in lines)
    assert (second - first) % 60 == 59
