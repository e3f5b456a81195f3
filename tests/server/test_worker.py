"""What a worker leaves behind: nothing."""

import os
import socket

import pytest
from lua_worker import FREE_PORT, each_variant, open_rig

import resty_py
from resty_py.server.listeners import open_listener


def descriptors():
    return len(os.listdir("/proc/self/fd"))


@each_variant
async def test_it_closes_every_descriptor(variant, tmp_path):
    with open_listener(FREE_PORT) as target:
        before = descriptors()
        async with open_rig(variant, tmp_path) as rig:
            port = rig.serve("ngx.say('hello')")
            assert await rig.run(
                """
                udp = ngx.socket.udp()
                udp:setpeername("127.0.0.1", ...)
                local idle = ngx.socket.tcp()
                assert(idle:connect("127.0.0.1", ...))
                assert(idle:setkeepalive())
                return true
                """,
                target.address.port,
            )
            await rig.get("ngx.say('hello')")
        assert descriptors() == before
    with pytest.raises(ConnectionRefusedError):
        socket.create_connection(("127.0.0.1", port))


async def test_one_that_is_closed_twice(tmp_path):
    async with resty_py.open_worker(error_log=tmp_path / "error.log") as worker:
        pass
    worker.close()
