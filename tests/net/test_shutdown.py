"""Half-closing a cosocket, and methods that are still to come."""

from __future__ import annotations

import pytest
from lua_worker import each_variant, open_rig
from peers import open_peers

from resty_py import LuaError

CONNECT = """
local sock = ngx.socket.tcp()
assert(sock:connect("127.0.0.1", (...)))
"""


@each_variant
async def test_the_peer_sees_the_end_and_may_go_on(variant, tmp_path):
    async with open_peers() as places, open_rig(variant, tmp_path) as rig:
        results = await rig.run(
            CONNECT
            + """
            sock:send("digest 100\\nsay more\\\\n\\nxyz")
            local down, again, err = sock:shutdown("send"), sock:shutdown("send")
            local sent, send_err = sock:send("x")
            return down, again, err, sent, send_err, #sock:receive(), sock:close()
            """,
            places["puppet"],
        )
        # MD5 in hex: the peer took the end for the end of its data.
        assert results == (1, None, b"closed", None, b"closed", 32, 1)


@each_variant
async def test_refusals(variant, tmp_path):
    async with open_peers() as places, open_rig(variant, tmp_path) as rig:
        assert await rig.run("return ngx.socket.tcp():shutdown('send')") == (
            None,
            b"closed",
        )
        with pytest.raises(
            LuaError, match=r"^\(run\):4: bad argument #1 to 'shutdown'"
        ):
            await rig.run(CONNECT + "sock:shutdown('both')", places["puppet"])
