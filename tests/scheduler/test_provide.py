"""Worker.provide: a program's coroutine functions, called from Lua."""

from __future__ import annotations

import errno
import logging

import trio
from lua_worker import each_variant, open_rig

from resty_py import HostError

CALL = "return require('resty_py.host').call(...)"


@each_variant
async def test_answers(variant, tmp_path, autojump_clock):
    async def echo(*args):
        await trio.sleep(3600)
        return args

    async def one(value):
        return {"got": [value]}

    async with open_rig(variant, tmp_path) as rig:
        rig.worker.provide("echo", echo)
        rig.worker.provide("one", one)
        assert await rig.run(CALL, "echo", 1, "x", None, [True]) == (
            1,
            b"x",
            None,
            [True],
        )
        assert await rig.run(CALL, "echo") is None
        assert await rig.run(CALL, "one", 7) == {b"got": [7]}


@each_variant
async def test_failures(variant, tmp_path, caplog):
    async def refuse():
        raise HostError("not today")

    async def os_error():
        raise OSError(errno.ECONNREFUSED, "whatever")

    async def defect():
        raise KeyError("secret")

    async def wrong():
        return object()

    async with open_rig(variant, tmp_path) as rig:
        for function in (refuse, os_error, defect, wrong):
            rig.worker.provide(function.__name__, function)
        assert await rig.run(CALL, "refuse") == (None, b"not today")
        assert await rig.run(CALL, "os_error") == (None, b"connection refused")
        with caplog.at_level(logging.ERROR):
            assert await rig.run(CALL, "defect") == (None, b"internal error")
            assert await rig.run(CALL, "wrong") == (None, b"internal error")
        assert [r.exc_info[0] for r in caplog.records] == [KeyError, TypeError]
        unknown = (None, b'no function "nope" is provided')
        assert await rig.run(CALL, "nope") == unknown
        assert rig.worker.stats()["tasks"] == 0


@each_variant
async def test_killing_the_thread_cancels_the_task(variant, tmp_path):
    begun, cancelled = trio.Event(), trio.Event()

    async def forever():
        begun.set()
        try:
            await trio.sleep_forever()
        except trio.Cancelled:
            cancelled.set()
            raise

    async with open_rig(variant, tmp_path) as rig:
        rig.worker.provide("forever", forever)
        async with trio.open_nursery() as nursery:
            nursery.start_soon(rig.run, CALL, "forever")
            await begun.wait()
            nursery.cancel_scope.cancel()
        with trio.fail_after(10):
            await cancelled.wait()
        assert await rig.run("return 'still here'") == b"still here"
