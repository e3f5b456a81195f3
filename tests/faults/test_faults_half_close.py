"""Clients that end their side right behind the request: it is still answered."""

import pytest
from fault_traces import eventually, faulty, statuses
from server_wire import chunked, parse, request

from resty_py.vm import FLAVOURS

pytestmark = pytest.mark.parametrize("flavour", FLAVOURS)


@pytest.mark.parametrize("watched", ["on", "off"])
@pytest.mark.parametrize(
    ("lua", "body"),
    [
        ('ngx.say("plain")', b"plain\n"),
        ("ngx.req.read_body() ngx.say(ngx.req.get_body_data())", b"hello\n"),
        ('ngx.print(("x"):rep(4194304))', b"x" * 4194304),
    ],
    ids=["plain", "body", "large"],
)
async def test_is_answered(flavour, lua, body, watched, tmp_path):
    async with faulty(lua, tmp_path, flavour, lua_check_client_abort=watched) as server:
        async with server.client() as peer:
            await peer.send(request("POST", "/", body=b"hello"))
            await peer.end()
            (answer,) = parse(await peer.rest())
            assert (answer.status, answer.body, answer.whole) == (200, body, True)
        assert statuses(server) == [200]


async def test_after_a_chunked_body(flavour, tmp_path):
    lua = "ngx.req.read_body() ngx.say(ngx.req.get_body_data())"
    head = request("POST", "/", "Transfer-Encoding: chunked")
    async with (
        faulty(lua, tmp_path, flavour) as server,
        server.client() as peer,
    ):
        await peer.send(head + chunked(b"hel", b"lo"))
        await peer.end()
        (answer,) = parse(await peer.rest())
        assert answer.body == b"hello\n"


async def test_while_the_handler_sleeps(flavour, tmp_path):
    async with faulty("ngx.sleep(0.001) ngx.say(1)", tmp_path, flavour) as server:
        async with server.client() as peer:
            await peer.send(request())
            await peer.end()
            (answer,) = parse(await peer.rest())
            assert answer.body == b"1\n"
        await eventually(lambda: statuses(server) == [200])
