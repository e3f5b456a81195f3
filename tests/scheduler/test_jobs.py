"""Worker.run: Lua that a program asks for, and what becomes of it."""

from __future__ import annotations

import pytest
import trio
from lua_worker import each_variant, open_rig
from peers import open_peers

import resty_py
from resty_py import LuaError


@each_variant
async def test_results(variant, tmp_path):
    async with open_rig(variant, tmp_path) as rig:
        assert await rig.run("return") is None
        assert await rig.run("return nil") is None
        assert await rig.run("return 1, nil, 'x'") == (1, None, b"x")
        assert await rig.run("return 'a\\0b', true, 1.5") == (b"a\0b", True, 1.5)
        assert await rig.run("return {1, {2, {k = false}}}") == [1, [2, {b"k": False}]]
        assert await rig.run("return {}") == {}
        assert await rig.run("return 1, ngx.null, {k = ngx.null}") == (
            1,
            None,
            {b"k": None},
        )
        given = ("text", b"\xff", None, [1, "x"], {"k": [True]})
        assert await rig.run("return ...", *given) == (
            b"text",
            b"\xff",
            None,
            [1, b"x"],
            {b"k": [True]},
        )


@each_variant
async def test_errors(variant, tmp_path):
    async with open_rig(variant, tmp_path) as rig:
        for code, text in [
            ("\nerror('bang')", r"^\(run\):2: bang\nstack traceback:"),
            ("error('bare', 0)", r"^bare\n"),
            ("ngx.sleep(0) error('late', 0)", r"^late\n"),
            ("x =", r"^\(run\):1: .*<eof>"),
            ("no.such.module:f", r"module 'no\.such\.module' not found:\n"),
            ("ngx.semaphore:nope", "has no function 'nope'"),
        ]:
            with pytest.raises(LuaError, match=text):
                await rig.run(code)
        with pytest.raises(TypeError, match="object cannot be given to Lua"):
            await rig.run("return ...", object())
        assert await rig.run("return 'still here'") == b"still here"
        assert rig.worker.stats()["jobs"] == 0


@each_variant
async def test_module_and_function(variant, tmp_path):
    (tmp_path / "my").mkdir()
    (tmp_path / "my" / "mod.lua").write_text(
        "return {add = function(a, b) ngx.sleep(0) return a + b end}"
    )
    async with open_rig(variant, tmp_path, path=(tmp_path,)) as rig:
        assert await rig.run("my.mod:add", 2, 3) == 5


@each_variant
async def test_cancelling_kills_the_threads(variant, tmp_path, autojump_clock):
    async with open_rig(variant, tmp_path) as rig:
        with trio.move_on_after(1) as scope:
            await rig.run(
                """
                ngx.thread.spawn(function() ngx.sleep(2) spawned = "ran" end)
                ngx.sleep(2)
                entry = "ran"
                """
            )
        assert scope.cancelled_caught
        assert await rig.run("ngx.sleep(5) return entry, spawned") == (None, None)
        # The next round: the job that just answered is over by then.
        await rig.run("ngx.sleep(0)")
        stats = rig.worker.stats()
        assert (stats["jobs"], stats["threads"], stats["deadlines"]) == (0, 0, 0)


@each_variant
async def test_many_at_once(variant, tmp_path, autojump_clock):
    async with open_rig(variant, tmp_path) as rig:
        results = {}

        async def one(i):
            results[i] = await rig.run("ngx.sleep((...) % 7) return (...) * 2", i)

        async with trio.open_nursery() as nursery:
            for i in range(300):
                nursery.start_soon(one, i)
        assert results == {i: i * 2 for i in range(300)}


@each_variant
async def test_stop_lets_jobs_finish_then_refuses(variant, tmp_path, autojump_clock):
    async with open_rig(variant, tmp_path) as rig:
        done = []

        async def long():
            done.append(await rig.run("ngx.sleep(100) return 'finished'"))

        async with trio.open_nursery() as nursery:
            nursery.start_soon(long)
            await trio.testing.wait_all_tasks_blocked()
            rig.worker.stop()
        assert done == [b"finished"]
        await rig.worker.wait_stopped()
        with pytest.raises(trio.ClosedResourceError):
            await rig.run("return 1")


@each_variant
async def test_odd_errors_and_results(variant, tmp_path):
    told = "error(setmetatable({}, {__tostring = function() return 'told' end}))"
    mute = "error(setmetatable({}, {__tostring = function() error('x') end}))"
    async with open_rig(variant, tmp_path) as rig:
        with pytest.raises(LuaError, match=r"^told"):
            await rig.run(told)
        with pytest.raises(LuaError, match=r"^error object is not"):
            await rig.run(mute)
        with pytest.raises(LuaError, match="boom é"):
            await rig.run("error('boom é')")
        with pytest.raises(ValueError, match="nested too deep"):
            await rig.run("local t = {} t.t = t return t")
        assert rig.worker.stats()["jobs"] == 0


@each_variant
async def test_answers_when_its_last_thread_has_ended(variant, tmp_path):
    async with open_rig(variant, tmp_path) as rig:
        answer = await rig.run(
            "ngx.thread.spawn(function() ngx.sleep(0.01) done = true end) return 1"
        )
        assert answer == 1
        assert await rig.run("return done") is True
        assert await rig.run("ngx.exit(0)") is None
        assert (
            await rig.run(
                "ngx.thread.spawn(function() ngx.exit(0) end) ngx.sleep(100) return 1"
            )
            is None
        )


@each_variant
async def test_cancelling_closes_sockets(variant, tmp_path):
    async with open_peers() as places, open_rig(variant, tmp_path) as rig:
        await rig.run("ngx.sleep(0)")
        before = rig.worker.stats()
        async with trio.open_nursery() as nursery:
            nursery.start_soon(
                rig.run,
                """
                local sock = ngx.socket.tcp()
                sock:connect("127.0.0.1", (...))
                state = "waiting"
                ngx.sleep(1000)
                """,
                places["puppet"],
            )
            while await rig.run("return state") != b"waiting":
                pass
            assert rig.worker.stats()["descriptors"] == before["descriptors"] + 1
            nursery.cancel_scope.cancel()
        await rig.settles_to(before)


@each_variant
async def test_cancelled_before_it_has_waited(variant, tmp_path):
    async with open_rig(variant, tmp_path) as rig:
        await rig.run("ngx.sleep(0)")
        before = rig.worker.stats()
        with trio.CancelScope() as scope:
            scope.cancel()
            await rig.run("ngx.sleep(1000)")
        await rig.settles_to(before)


@each_variant
async def test_stopping_at_once_fails_jobs(variant, tmp_path):
    async with open_rig(variant, tmp_path) as rig:

        async def job():
            with pytest.raises(trio.ClosedResourceError):
                await rig.run("ngx.sleep(1000)")

        async with trio.open_nursery() as nursery:
            nursery.start_soon(job)
            await rig.run("return 1")
            rig.worker.stop_now()
    rig.worker.stop()
    rig.worker.stop_now()


async def test_open_worker_raises_what_its_block_raises():
    with pytest.raises(KeyError, match="mine"):
        async with resty_py.open_worker():
            raise KeyError("mine")
    with pytest.raises(LuaError, match="bang"):
        async with resty_py.open_worker() as worker:
            await worker.run("error('bang')")
    with pytest.raises(ValueError, match="unknown Lua flavour"):
        async with resty_py.open_worker(flavour="lua99"):
            pass
