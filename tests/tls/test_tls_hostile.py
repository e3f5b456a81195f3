"""Peers that go wrong in the middle of TLS: nothing hangs, nothing is left over."""

from __future__ import annotations

import os

import pytest
from lua_worker import VARIANTS, each_variant, open_rig
from tls_peers import answering, cut, peer

# In the record header, the ServerHello, between records, in the certificate; and
# in the tickets that follow the handshake.
_STAGES = (0, 1, 4, 5, 6, 50, 127, 128, 140, 500)
_AFTERWARDS = (1200, 1400)

SHAKE = """
local port = ...
local sock = ngx.socket.tcp()
sock:settimeouts(5000, 5000, 5000)
assert(sock:connect("127.0.0.1", port))
local ok, err = sock:sslhandshake(false, "test.example")
if not ok then
    return err, (select(2, sock:receive()))
end
return "shaken", (select(2, sock:receive("*a")))
"""


def _descriptors():
    return len(os.listdir("/proc/self/fd"))


@pytest.mark.parametrize("reset", [False, True], ids=["fin", "rst"])
@pytest.mark.parametrize("variant", [VARIANTS[0], VARIANTS[-1]], ids=str)
async def test_the_end_at_every_stage(variant, reset, tmp_path, authority):
    async with open_rig(variant, tmp_path) as rig:
        before = rig.worker.stats()
        for stage in _STAGES:
            script = cut(authority.context(), stage, reset=reset)
            async with peer(script) as port:
                answer = await rig.run(SHAKE, port)
            assert answer == (b"handshake failed", b"closed"), stage
        for stage in _AFTERWARDS:
            script = cut(authority.context(), stage, reset=reset)
            async with peer(script) as port:
                assert await rig.run(SHAKE, port) == (b"shaken", None), stage
        await rig.settles_to(before)


@each_variant
@pytest.mark.parametrize(
    "data",
    [
        b"\0" * 100,
        b"\x16\x03\x03\xff\xff" + b"x" * 100,
        b"\x16\x03\x03\x00\x04\x02\x00\x00\x00",
        b"\x15\x03\x03\x00\x02\x01\x00",
        b"\x14\x03\x03\x00\x01\x01",
        b"SSH-2.0-OpenSSH_9.2\r\n",
    ],
    ids=["zeros", "long", "empty_hello", "close_notify", "ccs", "ssh"],
)
async def test_what_is_no_handshake(variant, data, tmp_path):
    code = "sock:settimeouts(200, 200, 200)\n"
    async with peer(answering(data)) as port:
        async with open_rig(variant, tmp_path) as rig:
            before = rig.worker.stats()
            error, _ = await rig.run(SHAKE.replace("assert", code + "assert", 1), port)
            assert error in (b"handshake failed", b"timeout")
            await rig.settles_to(before)


FAIL = """
local port, refused, count = ...
for i = 1, count do
    local sock = ngx.socket.tcp()
    if i % 3 == 0 then
        assert(not sock:connect("127.0.0.1", refused))
    else
        assert(sock:connect("127.0.0.1", port))
        local ok, err = sock:sslhandshake(nil, "test.example", i % 3 == 1)
        assert(not ok and err == "handshake failed")
    end
end
"""


def _resident():
    with open("/proc/self/statm") as file:
        return int(file.read().split()[1]) * os.sysconf("SC_PAGE_SIZE")


async def test_failures_leave_nothing(tmp_path):
    async with peer(answering(b"no TLS here\n")) as port:
        async with open_rig(VARIANTS[0], tmp_path, level="alert") as rig:
            stats = rig.worker.stats()
            await rig.run(FAIL, port, 1, 500)
            before, size = _descriptors(), _resident()
            await rig.run(FAIL, port, 1, 2000)
            await rig.settles_to(stats)
            assert _descriptors() <= before + 2
            assert _resident() - size < 4 * 1024 * 1024
