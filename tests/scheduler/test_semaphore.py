"""ngx.semaphore: who gets what, and when."""

from __future__ import annotations

import pytest
import trio
from lua_worker import each_variant, open_client, open_rig

BEGIN = """
local semaphore = require "ngx.semaphore"
local order = {}
local function waiter(sem, name, seconds)
    return ngx.thread.spawn(function()
        local ok, err = sem:wait(seconds)
        order[#order + 1] = name .. " " .. tostring(ok) .. " " .. tostring(err)
    end)
end
"""


@each_variant
async def test_first_come_first_served(variant, tmp_path, autojump_clock):
    async with open_rig(variant, tmp_path) as rig:
        order = await rig.run(
            BEGIN
            + """
            local sem = semaphore.new()
            for i = 1, 4 do waiter(sem, "w" .. i, 10) end
            sem:post(3)
            order[#order + 1] = "posted"
            ngx.sleep(1)
            order[#order + 1] = "slept"
            sem:post()
            ngx.sleep(1)
            return order
            """
        )
    assert order == [
        b"posted",
        b"w1 true nil",
        b"w2 true nil",
        b"w3 true nil",
        b"slept",
        b"w4 true nil",
    ]


@each_variant
async def test_timeout(variant, tmp_path, autojump_clock):
    async with open_rig(variant, tmp_path) as rig:
        begin = trio.current_time()
        results = await rig.run(
            """
            local sem = require("ngx.semaphore").new(1)
            local results = {}
            for i, seconds in ipairs {0, 0, 3600} do
                local ok, err = sem:wait(seconds)
                results[i] = tostring(ok) .. " " .. tostring(err)
            end
            return results
            """
        )
        assert trio.current_time() - begin == pytest.approx(3600, abs=0.01)
    assert results == [b"true nil", b"nil timeout", b"false timeout"]


@each_variant
async def test_count(variant, tmp_path, autojump_clock):
    async with open_rig(variant, tmp_path) as rig:
        counts = await rig.run(
            BEGIN
            + """
            local sem = semaphore.new(2)
            local counts = {sem:count()}
            local function note() counts[#counts + 1] = sem:count() end
            sem:wait(1) note()
            sem:wait(1) note()
            for i = 1, 3 do waiter(sem, i, i) note() end
            ngx.sleep(1.5) note()
            sem:post(4) note()
            ngx.sleep(0.1) note()
            return counts
            """
        )
    # Two of three still wait after 1.5 s; four posts serve both.
    assert counts == [2, 1, 0, -1, -2, -3, -2, 2, 2]


@each_variant
async def test_a_killed_waiter_gives_way(variant, tmp_path, autojump_clock):
    async with open_rig(variant, tmp_path) as rig:
        order, count = await rig.run(
            BEGIN
            + """
            local sem = semaphore.new()
            local first = waiter(sem, "first", 10)
            waiter(sem, "second", 10)
            ngx.thread.kill(first)
            sem:post(1)
            ngx.sleep(0.1)
            return order, sem:count()
            """
        )
    assert (order, count) == ([b"second true nil"], 0)


@each_variant
async def test_a_waiter_killed_with_its_grant_gives_it_back(
    variant, tmp_path, autojump_clock
):
    # "killer" is granted first and runs first: "victim" is granted and queued.
    async with open_rig(variant, tmp_path) as rig:
        order, taken, count = await rig.run(
            BEGIN
            + """
            local sem = semaphore.new()
            local victim
            local killer = ngx.thread.spawn(function()
                victim = ngx.thread.spawn(function()
                    ngx.sleep(1)
                    sem:wait(10)
                    order[#order + 1] = "victim runs"
                end)
                sem:wait(10)
                ngx.thread.kill(victim)
                order[#order + 1] = "killed"
            end)
            ngx.sleep(2)
            sem:post(2)
            ngx.sleep(1)
            return order, sem:wait(0), sem:count()
            """
        )
    assert (order, taken, count) == ([b"killed"], True, 0)


@each_variant
async def test_across_requests(variant, tmp_path, autojump_clock):
    app = """
    sem = sem or require("ngx.semaphore").new()
    if ngx.var.uri == "/wait" then
        waits = true
        ngx.say(tostring(sem:wait(1000)))
    else
        sem:post(1)
        ngx.say("posted")
    end
    """
    async with open_rig(variant, tmp_path) as rig:
        port = rig.serve(app)
        async with (
            await open_client(port) as one,
            await open_client(port) as other,
        ):
            await one.send(b"GET /wait HTTP/1.1\r\nHost: x\r\n\r\n")
            # No reading before the waiter waits: the clock would jump.
            while not await rig.run("return waits"):
                await trio.lowlevel.checkpoint()
            assert (await other.get("/post")).body == "posted\n"
            assert (await one.answer()).body == "true\n"


@each_variant
async def test_nobody_overtakes_a_waiter(variant, tmp_path, autojump_clock):
    async with open_rig(variant, tmp_path) as rig:
        order = await rig.run(
            BEGIN
            + """
            local sem = semaphore.new()
            waiter(sem, "waiter", 5)
            sem:post(1)
            local ok, err = sem:wait(0)
            order[#order + 1] = "poster " .. tostring(ok) .. " " .. tostring(err)
            ngx.sleep(0.1)
            return order
            """
        )
    assert order == [b"poster nil timeout", b"waiter true nil"]


@each_variant
async def test_waiting_needs_a_yieldable_phase_posting_does_not(
    variant, tmp_path, autojump_clock
):
    async with open_rig(variant, tmp_path) as rig:
        count = await rig.run(
            """
            local sem = require("ngx.semaphore").new()
            ngx.timer.at(1, function() sem:post(2) end)
            assert(sem:wait(2))
            return sem:count()
            """
        )
    assert count == 1
