"""Worker.run: Lua called from Python, its results, errors and cancellation."""

from __future__ import annotations

import pytest
import trio
from lua_worker import each_variant, open_rig
from peers import open_peers

from resty_py import LuaError


@each_variant
async def test_results(variant, tmp_path):
    async with open_rig(variant, tmp_path) as rig:
        assert await rig.run("return") is None
        assert await rig.run("return nil") is None
        assert await rig.run("return nil, nil") == (None, None)
        assert await rig.run("return 1, 'a', true") == (1, b"a", True)
        assert await rig.run("return {1, {2, x = {3}}}") == [1, {1: 2, b"x": [3]}]
        assert await rig.run("ngx.sleep(0) return {}") == {}
        assert await rig.run("return 'a\\0\\255'") == b"a\0\xff"


@each_variant
async def test_arguments(variant, tmp_path):
    arguments = (None, True, 7, 1.5, "é", b"\xff", [1, [2]], {"a": {"b": 1}})
    async with open_rig(variant, tmp_path) as rig:
        got = await rig.run("return select('#', ...), ...", *arguments)
        assert got[0] == len(arguments)
        assert got[1:5] == (None, True, 7, 1.5)
        assert got[5:] == ("é".encode(), b"\xff", [1, [2]], {b"a": {b"b": 1}})
        with pytest.raises(TypeError, match="object cannot be given to Lua"):
            await rig.run("return 1", object())
        assert await rig.run("return 1") == 1


@each_variant
async def test_functions_of_modules(variant, tmp_path):
    (tmp_path / "some-mod.lua").write_text(
        "return {f = function(...) ngx.sleep(0) return select('#', ...), ... end}"
    )
    async with open_rig(variant, tmp_path, path=(tmp_path,)) as rig:
        assert await rig.run("some-mod:f", 1, None) == (2, 1, None)
        with pytest.raises(LuaError, match="module 'some-mod' has no function 'g'"):
            await rig.run("some-mod:g")
        with pytest.raises(LuaError, match="module 'nowhere' not found"):
            await rig.run("nowhere:f")


@each_variant
async def test_errors(variant, tmp_path):
    async with open_rig(variant, tmp_path) as rig:
        with pytest.raises(LuaError, match=r"^\(run\):1: boom é\nstack traceback"):
            await rig.run("error('boom é')")
        with pytest.raises(LuaError, match=r"^late"):
            await rig.run("ngx.sleep(0.001) error('late', 0)")
        with pytest.raises(LuaError, match=r"^\(run\):2: .*near"):
            await rig.run("\nthis is not Lua")
        with pytest.raises(LuaError, match="^told"):
            await rig.run(
                "error(setmetatable({}, {__tostring = function() return 'told' end}))"
            )
        with pytest.raises(LuaError, match="error object is not a string"):
            await rig.run(
                "error(setmetatable({}, {__tostring = function() error('x') end}))"
            )
        with pytest.raises(ValueError, match="nested too deep"):
            await rig.run("local t = {} t.t = t return t")
        assert await rig.run("return 'alive'") == b"alive"
        assert rig.worker.stats()["jobs"] == 0


@each_variant
async def test_answers_when_its_last_thread_has_ended(variant, tmp_path):
    async with open_rig(variant, tmp_path) as rig:
        await rig.run("done = false")
        assert (
            await rig.run(
                "ngx.thread.spawn(function() ngx.sleep(0.01) done = true end) return 1"
            )
            == 1
        )
        assert await rig.run("return done") is True
        assert await rig.run("ngx.exit(0)") is None
        assert (
            await rig.run(
                "ngx.thread.spawn(function() ngx.exit(0) end) ngx.sleep(100) return 1"
            )
            is None
        )


@each_variant
async def test_jobs_run_side_by_side(variant, tmp_path, autojump_clock):
    async with open_rig(variant, tmp_path) as rig:
        order = []

        async def job(seconds):
            order.append(await rig.run("ngx.sleep((...)) return (...)", seconds))

        async with trio.open_nursery() as nursery:
            for seconds in (3, 1, 2):
                nursery.start_soon(job, seconds)
        assert order == [1, 2, 3]
        assert trio.current_time() < 3.1


@each_variant
async def test_cancelling_kills_threads_and_closes_sockets(variant, tmp_path):
    async with open_peers() as places, open_rig(variant, tmp_path) as rig:
        await rig.run("state = ''")
        before = rig.worker.stats()
        async with trio.open_nursery() as nursery:
            nursery.start_soon(
                rig.run,
                """
                local sock = ngx.socket.tcp()
                sock:connect("127.0.0.1", (...))
                ngx.thread.spawn(function() sock:receive() state = "thread" end)
                state = "waiting"
                ngx.sleep(1000)
                state = "entry"
                """,
                places["puppet"],
            )
            while await rig.run("return state") != b"waiting":
                pass
            assert rig.worker.stats()["descriptors"] == before["descriptors"] + 1
            nursery.cancel_scope.cancel()
        assert await rig.run("return state") == b"waiting"
        assert rig.worker.stats() == before


@each_variant
async def test_cancelled_before_it_began(variant, tmp_path):
    async with open_rig(variant, tmp_path) as rig:
        await rig.run("begun = false")
        with trio.CancelScope() as scope:
            scope.cancel()
            await rig.run("ngx.sleep(0.001) begun = true")
        await rig.run("ngx.sleep(0.01)")
        assert await rig.run("return begun") is False
        assert rig.worker.stats()["jobs"] == 0


@each_variant
async def test_stopping_waits_for_jobs(variant, tmp_path, autojump_clock):
    async with open_rig(variant, tmp_path) as rig:
        async with trio.open_nursery() as nursery:
            nursery.start_soon(rig.run, "ngx.sleep(5)")
            await rig.run("ngx.sleep(1)")
            rig.worker.stop()
            await rig.worker.wait_stopped()
        assert trio.current_time() == pytest.approx(5, abs=0.01)
        with pytest.raises(trio.ClosedResourceError, match="the worker has stopped"):
            await rig.run("return 1")


@each_variant
async def test_stopping_at_once_fails_jobs(variant, tmp_path):
    async with open_rig(variant, tmp_path) as rig:
        failed = trio.Event()

        async def job():
            with pytest.raises(trio.ClosedResourceError):
                await rig.run("ngx.sleep(1000)")
            failed.set()

        async with trio.open_nursery() as nursery:
            nursery.start_soon(job)
            await rig.run("return 1")
            rig.worker.stop_now()
            await failed.wait()
    rig.worker.stop()
    rig.worker.stop_now()
