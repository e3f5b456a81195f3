"""Cosockets that connect by name: several addresses, failures, kills."""

from __future__ import annotations

import contextlib
import socket

import dns.message
import dns.rrset
import pytest
import trio
from lua_worker import each_variant, open_rig
from peers import open_peers, unaccepting_port

#: Name -> IPv4 addresses; anything else does not exist, "silent" gets no answer.
ZONE = {
    "one.test": ["127.0.0.1"],
    "second.test": ["127.0.0.2", "127.0.0.3", "127.0.0.1"],
    "refused.test": ["127.0.0.2"],
    "slow.test": ["127.0.0.4", "127.0.0.5"],
    "silent.test": None,
}


async def answer_queries(sock):
    while True:
        wire, client = await sock.recvfrom(4096)
        query = dns.message.from_wire(wire)
        name = query.question[0].name.to_text(omit_final_dot=True)
        if ZONE.get(name, []) is None:
            continue
        response = dns.message.make_response(query)
        if name not in ZONE:
            response.set_rcode(3)
        elif query.question[0].rdtype == 1:
            response.answer = [
                dns.rrset.from_text(f"{name}.", 60, "IN", "A", *ZONE[name])
            ]
        await sock.sendto(response.to_wire(), client)


@contextlib.asynccontextmanager
async def open_named_rig(variant, folder, *settings):
    with trio.socket.socket(type=socket.SOCK_DGRAM) as sock:
        await sock.bind(("127.0.0.1", 0))
        async with (
            trio.open_nursery() as nursery,
            open_peers() as places,
            open_rig(
                variant,
                folder,
                *settings,
                resolvers=(f"127.0.0.1:{sock.getsockname()[1]}",),
            ) as rig,
        ):
            nursery.start_soon(answer_queries, sock)
            yield rig, places
            nursery.cancel_scope.cancel()


@contextlib.contextmanager
def refusing(port):
    """Keep the port of the other addresses from being a client's own."""
    with contextlib.ExitStack() as stack:
        for host in ("127.0.0.2", "127.0.0.3"):
            sock = stack.enter_context(socket.socket())
            sock.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            with contextlib.suppress(OSError):  # another client has it
                sock.bind((host, port))
        yield


TALK = """
local name, port = ...
local sock = ngx.socket.tcp()
local ok, err = sock:connect(name, port)
if not ok then return ok, err end
sock:send("say hello\\\\n\\n")
return ok, sock:receive()
"""


@each_variant
@pytest.mark.parametrize("name", ["one.test", "second.test", "ONE.test"])
async def test_connects(variant, tmp_path, name):
    async with open_named_rig(variant, tmp_path) as (rig, places):
        with refusing(places["puppet"]):
            assert await rig.run(TALK, name, places["puppet"]) == (1, b"hello")


@each_variant
async def test_by_libc_where_no_resolver_is_set(variant, tmp_path):
    async with open_peers() as places, open_rig(variant, tmp_path) as rig:
        assert await rig.run(TALK, "localhost", places["puppet"]) == (1, b"hello")


@each_variant
async def test_failures(variant, tmp_path):
    async with open_named_rig(variant, tmp_path) as (rig, at):
        not_found = b"nosuch.test could not be resolved (3: Host not found)"
        assert await rig.run(TALK, "nosuch.test", at["puppet"]) == (None, not_found)
        refused = (None, b"connection refused")
        with refusing(at["puppet"]):
            assert await rig.run(TALK, "refused.test", at["puppet"]) == refused
        for name in ("1.2.3", "127.0.0.256", "7"):
            unknown = f"{name} could not be resolved (3: Host not found)".encode()
            assert await rig.run(TALK, name, at["puppet"]) == (None, unknown)
        (line,) = rig.errors()
        assert line.startswith("error: connect() failed (111: Connection refused)")


@each_variant
async def test_resolver_timeout(variant, tmp_path):
    async with open_named_rig(variant, tmp_path, "resolver_timeout=20ms") as (rig, at):
        timed_out = b"silent.test could not be resolved (110: Operation timed out)"
        assert await rig.run(TALK, "silent.test", at["puppet"]) == (None, timed_out)


@each_variant
async def test_a_kill_while_resolving(variant, tmp_path):
    async with open_named_rig(variant, tmp_path) as (rig, places):
        before = rig.worker.stats()
        results = await rig.run(
            """
            local port = ...
            local options = {pool = "few", pool_size = 1, backlog = 0}
            local sock = ngx.socket.tcp()
            local thread = ngx.thread.spawn(function()
                sock:connect("silent.test", port, options)
            end)
            local other = ngx.socket.tcp()
            local full, err = other:connect("127.0.0.1", port, options)
            ngx.thread.kill(thread)
            return full, err, other:connect("127.0.0.1", port, options),
                sock:connect("one.test", port)
            """,
            places["puppet"],
        )
        assert results == (None, b"too many waiting connect operations", 1, 1)
        while rig.worker.stats()["tasks"]:
            await trio.lowlevel.checkpoint()
        assert rig.worker.stats()["descriptors"] == before["descriptors"]


@each_variant
async def test_udp(variant, tmp_path):
    async with open_named_rig(variant, tmp_path) as (rig, places):
        assert await rig.run(
            """
            local sock = ngx.socket.udp()
            local found, err = sock:setpeername("nosuch.test", 53)
            assert(sock:setpeername("one.test", (...)))
            sock:send("datagram")
            return err, sock:receive()
            """,
            places["udp"],
        ) == (b"nosuch.test could not be resolved (3: Host not found)", b"datagram")


@each_variant
async def test_no_other_address_is_tried_after_a_timeout(variant, tmp_path):
    async with open_named_rig(variant, tmp_path) as (rig, _):
        with (
            unaccepting_port("127.0.0.4") as port,
            unaccepting_port("127.0.0.5", port),
        ):
            assert await rig.run(
                """
                local sock = ngx.socket.tcp()
                sock:settimeout(20)
                return sock:connect("slow.test", (...))
                """,
                port,
            ) == (None, b"timeout")
        (line,) = rig.errors()
        assert "connect timed out" in line
