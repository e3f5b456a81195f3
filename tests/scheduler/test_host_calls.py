"""Python coroutines called from Lua: Worker.provide, resty_py.host.call."""

from __future__ import annotations

import pytest
import trio
from lua_worker import each_variant, open_rig

from resty_py import HostError, LuaError

CALL = "local call = require('resty_py.host').call "


@each_variant
async def test_arguments_and_results(variant, tmp_path):
    async def echo(*args):
        await trio.lowlevel.checkpoint()
        return args

    async def one(value):
        return value

    async with open_rig(variant, tmp_path) as rig:
        rig.worker.provide("echo", echo)
        rig.worker.provide("one", one)
        got = await rig.run(CALL + "return call('echo', 1, nil, 'x', {a = {1}}, nil)")
        assert got == (1, None, b"x", {b"a": [1]}, None)
        assert await rig.run(CALL + "return select('#', call('echo'))") == 0
        assert await rig.run(CALL + "return call('one', {1, 2})") == [1, 2]


@each_variant
async def test_waits_without_blocking_others(variant, tmp_path, autojump_clock):
    async def nap(seconds):
        await trio.sleep(seconds)
        return seconds

    async with open_rig(variant, tmp_path) as rig:
        rig.worker.provide("nap", nap)
        order = await rig.run(
            CALL
            + """
            local order, threads = {}, {}
            for i, seconds in ipairs {30, 10, 20} do
                threads[i] = ngx.thread.spawn(function()
                    local slept = call("nap", seconds)
                    order[#order + 1] = slept
                end)
            end
            for _, thread in ipairs(threads) do ngx.thread.wait(thread) end
            return order
            """
        )
        assert order == [10, 20, 30]
        assert trio.current_time() < 31


@each_variant
async def test_errors(variant, tmp_path):
    async def user():
        raise HostError("no such thing")

    async def system():
        raise ConnectionRefusedError(111, "Connection refused")

    async def bug():
        raise ZeroDivisionError("oops")

    async def strange():
        return object()

    async with open_rig(variant, tmp_path) as rig:
        for function in (user, system, bug, strange):
            rig.worker.provide(function.__name__, function)
        results = await rig.run(
            CALL
            + """
            local results = {}
            for i, name in ipairs {"user", "system", "bug", "strange", "nobody"} do
                local value, err = call(name)
                results[i] = tostring(value) .. " " .. tostring(err)
            end
            return results
            """
        )
        assert results == [
            b"nil no such thing",
            b"nil connection refused",
            b"nil internal error",
            b"nil internal error",
            b'nil no function "nobody" is provided',
        ]
        first, second = rig.errors()
        assert "ZeroDivisionError: oops" in first
        assert "object cannot be given to Lua" in second
        assert rig.worker.stats()["tasks"] == 0


@each_variant
async def test_what_cannot_be_given_to_python_is_an_error(variant, tmp_path):
    async def never():
        raise AssertionError

    async with open_rig(variant, tmp_path) as rig:
        rig.worker.provide("never", never)
        with pytest.raises(LuaError, match="nested too deep"):
            await rig.run(CALL + "local t = {} t.t = t return call('never', t)")
        assert rig.worker.stats()["tasks"] == 0


@each_variant
@pytest.mark.parametrize("when", ["before it runs", "while it runs"])
async def test_killing_the_thread_cancels_the_task(variant, tmp_path, when):
    begun, ended = trio.Event(), trio.Event()

    async def forever():
        begun.set()
        try:
            await trio.sleep_forever()
        finally:
            ended.set()

    async with open_rig(variant, tmp_path) as rig:
        rig.worker.provide("forever", forever)
        await rig.run(
            CALL
            + """
            local thread = ngx.thread.spawn(function() call("forever") end)
            if (...) == "while it runs" then ngx.sleep(0.01) end
            ngx.thread.kill(thread)
            """,
            when,
        )
        while rig.worker.stats()["tasks"]:
            await trio.lowlevel.checkpoint()
        assert begun.is_set() == ended.is_set() == (when == "while it runs")


@each_variant
async def test_an_answer_that_comes_after_the_kill_is_dropped(variant, tmp_path):
    async def stubborn():
        with trio.CancelScope(shield=True):
            for _ in range(3):
                await trio.lowlevel.checkpoint()
        return "too late"

    async with open_rig(variant, tmp_path) as rig:
        rig.worker.provide("stubborn", stubborn)
        result = await rig.run(
            CALL
            + """
            local thread = ngx.thread.spawn(function() call("stubborn") end)
            ngx.sleep(0)
            ngx.thread.kill(thread)
            ngx.sleep(0.01)
            return call("stubborn")
            """
        )
        assert result == b"too late"
        assert rig.errors() == []


@each_variant
async def test_the_end_of_a_request_cancels_its_tasks(variant, tmp_path):
    ended = trio.Event()

    async def forever():
        try:
            await trio.sleep_forever()
        finally:
            ended.set()

    async with open_rig(variant, tmp_path) as rig:
        rig.worker.provide("forever", forever)
        answer = await rig.get(
            CALL
            + """
            ngx.thread.spawn(function() call("forever") end)
            ngx.sleep(0.01)
            ngx.print("done")
            ngx.exit(200)
            """
        )
        assert answer.body == "done"
        with trio.fail_after(10):
            await ended.wait()


@each_variant
async def test_what_lua_cannot_hold_harms_nobody(variant, tmp_path):
    cyclic = []
    cyclic.append(cyclic)
    answers = {"nan": {float("nan"): 1}, "cyclic": cyclic, "many": (1,) * 10_000}

    async def answer(name):
        return answers[name.decode()]

    async with open_rig(variant, tmp_path) as rig:
        rig.worker.provide("answer", answer)
        for name, value in answers.items():
            call = CALL + "return call('answer', ...)"
            assert await rig.run(call, name) == (None, b"internal error")
            with pytest.raises(ValueError, match=r"NaN|too deep|too many"):
                await rig.run("", *(value if name == "many" else [value]))
        assert len(rig.errors()) == 3
        assert await rig.run("return 1") == 1


@each_variant
async def test_live_objects_are_neither_results_nor_arguments(variant, tmp_path):
    async def never(*_args):
        raise AssertionError

    async with open_rig(variant, tmp_path) as rig:
        rig.worker.provide("never", never)
        with pytest.raises(TypeError, match="a Lua function cannot be given"):
            await rig.run("return 1, print")
        with pytest.raises(LuaError, match="a Lua function cannot be given"):
            await rig.run(CALL + "return call('never', print)")
        assert await rig.run("return 1") == 1


@each_variant
@pytest.mark.parametrize("name", ["", "nil", "{}", "true"])
async def test_what_is_no_name_is_a_bad_argument(variant, tmp_path, name):
    kind = {"": "no value", "nil": "nil", "{}": "table", "true": "boolean"}[name]
    error = rf"bad argument #1 to 'call' \(string expected, got {kind}\)"
    async with open_rig(variant, tmp_path) as rig:
        with pytest.raises(LuaError, match=error):
            await rig.run(CALL + f"return call({name})")
        assert rig.errors() == []
