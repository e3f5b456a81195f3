"""The modules socket and ssl where luasocket and luasec are not installed."""

from __future__ import annotations

import functools
import time

import pytest
import trio
from lua_worker import Variant, each_variant, open_rig

from resty_py import LuaError
from resty_py.vm.paths import FALLBACKS

#: Before what the system may have installed.
FIRST = {"path": (FALLBACKS,)}


async def answer(stream):
    """Say in capitals what comes; end at an empty line."""
    async with stream:
        async for data in stream:
            await stream.send_all(data.upper())
            if data.endswith(b"\n\n"):
                return


serve = functools.partial(trio.serve_tcp, answer, 0, host="127.0.0.1")


@each_variant
async def test_clients(variant, tmp_path):
    async with (
        open_rig(variant, tmp_path, **FIRST) as rig,
        trio.open_nursery() as tasks,
    ):
        listeners = await tasks.start(serve)
        port = listeners[0].socket.getsockname()[1]
        assert await rig.run(
            """
            local socket = require "socket"
            local client = assert(socket.connect("127.0.0.1", ...))
            client:settimeout(5)
            local sent = {client:send("one\\n"), client:send("xtwo\\nx", 2, 5)}
            local said = {client:receive(), client:receive(2), client:receive("*l")}
            client:send("three\\n")
            said[4] = client:receive(4, "in")
            said[5] = client:receive("l")
            client:settimeout(0)
            local late = {client:receive()}
            client:settimeout(nil)
            client:send("\\n\\n")
            local rest = client:receive("a")
            return sent, said, late, rest, client:close()
            """,
            port,
        ) == (
            [4, 5],
            [b"ONE", b"TW", b"O", b"inTH", b"REE"],
            {2: b"timeout", 3: b""},
            b"\n\n",
            1,
        )
        tasks.cancel_scope.cancel()


async def test_a_refusal(tmp_path):
    async with open_rig(Variant("luajit21"), tmp_path, **FIRST) as rig:
        assert await rig.run(
            """
            local socket = require "socket"
            local try = socket.newtry(function() ngx.ctx.finalized = true end)
            local connect = socket.protect(function(port)
                return try(socket.connect("127.0.0.1", port))
            end)
            local ok, err = connect(1)
            return ok, err, ngx.ctx.finalized, socket.skip(1, "a", "b")
            """
        ) == (None, b"connection refused", True, b"b")


@each_variant
async def test_time_does_not_stop_others(variant, tmp_path):
    async with open_rig(variant, tmp_path, **FIRST) as rig:
        began, waited, others = await rig.run(
            """
            local socket = require "socket"
            local others = 0
            ngx.thread.spawn(function()
                others = others + 1
                ngx.sleep(0.001)
                others = others + 1
            end)
            local begin = socket.gettime()
            socket.sleep(0.05)
            return begin, socket.gettime() - begin, others
            """
        )
        assert abs(began - time.time()) < 5
        assert waited > 0.04
        assert others == 2


@each_variant
async def test_what_is_not_there(variant, tmp_path):
    async with open_rig(variant, tmp_path, **FIRST) as rig:
        for call in ("socket.bind()", "socket.select()", "socket.tcp():accept()"):
            name = call.replace("socket.tcp()", "tcp").partition("(")[0]
            with pytest.raises(
                LuaError, match=f"{name}.* is not supported by resty-py"
            ):
                await rig.run(f"local socket = require 'socket' {call}")
        with pytest.raises(LuaError, match="only clients of luasec"):
            await rig.run("require('ssl').wrap({}, {mode = 'server'})")


def test_installed_libraries_come_first():
    from resty_py.vm import FLAVOURS
    from resty_py.vm.paths import package_path

    for flavour in FLAVOURS.values():
        places = package_path(flavour).split(";")
        assert places.index(f"{FALLBACKS}/?.lua") > places.index(
            "/usr/share/lua/5.1/?.lua"
        )
