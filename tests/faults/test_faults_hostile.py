"""Lua and arguments that would take a worker down, and do not."""

from __future__ import annotations

import contextlib
import os
import signal
import socket
import subprocess
import sys

import pytest
from lua_worker import each_variant, open_rig

NESTED_SPAWNS = """
local n = 0
local function nest()
    n = n + 1
    if n < 20000 then ngx.thread.spawn(nest) end
end
nest()
ngx.sleep(0)
return n
"""

NESTED_COROUTINES = """
local function nest(n)
    return coroutine.wrap(function() return nest(n + 1) end)()
end
return pcall(nest, 1)
"""

RAISING_HOOK = """
debug.sethook(function() error("hook") end, "", 100)
for i = 1, 1000 do end
ngx.sleep(0.01)
"""

DEEP_RECURSION = "local function nest() return 1 + nest() end nest()"


@each_variant
async def test_threads_nest_as_deep_as_they_like(variant, tmp_path):
    async with open_rig(variant, tmp_path) as rig:
        assert await rig.run(NESTED_SPAWNS) == 20000


@each_variant
async def test_coroutines_nest_until_an_error(variant, tmp_path):
    async with open_rig(variant, tmp_path) as rig:
        ok, error = await rig.run(NESTED_COROUTINES)
        assert not ok
        assert b"overflow" in error


@each_variant
@pytest.mark.parametrize("source", [RAISING_HOOK, DEEP_RECURSION])
async def test_the_next_code_runs(variant, tmp_path, source):
    async with open_rig(variant, tmp_path) as rig:
        await rig.run(f"pcall(function() {source} end)")
        assert await rig.run("ngx.sleep(0.001) return 1") == 1


@each_variant
async def test_an_integer_too_large_is_refused_where_it_is_given(variant, tmp_path):
    async with open_rig(variant, tmp_path) as rig:
        for number in (2**63, -(2**70)):
            with pytest.raises(OverflowError, match="does not fit"):
                await rig.run("return ...", number)
        assert await rig.run("return ...", 2**40) == 2**40


@each_variant
async def test_a_token_that_is_in_use_is_refused(variant, tmp_path):
    source = """
    local resolve = require("resty_py.native").dns.resolve
    local first = resolve(-1, "localhost", 1)
    return first, select(2, resolve(-1, "localhost", 1))
    """
    async with open_rig(variant, tmp_path) as rig:
        assert await rig.run(source) == (True, b"the token is in use")


def test_an_endless_loop_is_ended_by_the_second_signal(tmp_path):
    app = tmp_path / "app.lua"
    app.write_text("io.stdout:write('looping\\n') io.stdout:flush() while true do end")
    command = [sys.executable, "-m", "resty_py", str(app), "--listen"]
    address = f"unix:{tmp_path}/socket"
    with subprocess.Popen([*command, address], stdout=subprocess.PIPE) as process:
        _ask_when_there(f"{tmp_path}/socket", process)
        assert process.stdout.readline() == b"looping\n"
        os.kill(process.pid, signal.SIGTERM)
        os.kill(process.pid, signal.SIGINT)
        assert process.wait(10) in (128 + signal.SIGINT, 128 + signal.SIGTERM)


def _ask_when_there(path, process):
    """Send a request to the unix socket as soon as it takes one."""
    while process.poll() is None:
        with socket.socket(socket.AF_UNIX) as client, contextlib.suppress(OSError):
            client.connect(path)
            client.sendall(b"GET / HTTP/1.1\r\nHost: t\r\n\r\n")
            return
