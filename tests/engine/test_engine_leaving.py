"""Clients that end their side before a body that nobody wants is there."""

import sys
from pathlib import Path

import pytest

for folder in ("faults", "http"):
    sys.path.append(str(Path(__file__).parents[1] / folder))

from fault_traces import faulty, statuses  # noqa: E402
from server_wire import parse, request  # noqa: E402


@pytest.mark.parametrize("sent", [b"", b"12345"])
async def test_discarding_is_no_error(sent, tmp_path):
    lua = "ngx.req.discard_body() ngx.say('discarded')"
    async with faulty(lua, tmp_path, "luajit21") as server:
        async with server.client() as peer:
            await peer.send(request("POST", "/", "Content-Length: 10") + sent)
            await peer.end()
            (answer,) = parse(await peer.rest())
            assert (answer.status, answer.body) == (200, b"discarded\n")
        assert statuses(server) == [200]
        assert server.severe == []
