"""ngx.semaphore across requests, with time-outs and kills."""

from __future__ import annotations

import pytest
import trio
from lua_worker import PATIENCE, each_variant, open_rig

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
        order, left = await rig.run(
            """
            local sem = require("ngx.semaphore").new()
            local order = {}
            for i = 1, 9 do
                ngx.thread.spawn(function()
                    local ok, err = sem:wait(i % 3 == 0 and 1 or 100)
                    order[#order + 1] = i .. ":" .. (err or tostring(ok))
                end)
            end
            ngx.sleep(2)
            sem:post(3)
            ngx.sleep(1)
            sem:post(2)
            sem:post(2)
            ngx.sleep(1)
            return order, sem:count()
            """
        )
    timed_out = [b"3:timeout", b"6:timeout", b"9:timeout"]
    served = [b"%d:true" % i for i in (1, 2, 4, 5, 7, 8)]
    assert (order, left) == (timed_out + served, 1)


@each_variant
async def test_nobody_overtakes_who_waits(variant, tmp_path, autojump_clock):
    async with open_rig(variant, tmp_path) as rig:
        taken, first, second = await rig.run(
            """
            local sem = require("ngx.semaphore").new()
            local first
            ngx.thread.spawn(function() first = sem:wait(10) end)
            sem:post()
            local taken = sem:wait(0)
            ngx.sleep(0)
            return taken, first, sem:count()
            """
        )
    assert (taken, first, second) == (None, True, 0)


@each_variant
async def test_wakes_other_requests(variant, tmp_path):
    async with open_rig(variant, tmp_path) as rig:
        await rig.run("sem = require('ngx.semaphore').new()")
        answers = []

        async def ask():
            answers.append(await rig.get("ngx.print(tostring(sem:wait(10)))"))

        async with trio.open_nursery() as nursery:
            for _ in range(3):
                nursery.start_soon(ask)
            while await rig.run("ngx.sleep(0) return sem:count()") > -3:
                pass
            poster = await rig.get("sem:post(3) ngx.print(sem:count())")
        assert [answer.body for answer in answers] == ["true"] * 3
        assert poster.body == "0"
        assert await rig.run("return sem:count()") == 0


@each_variant
async def test_a_lost_client_leaves_the_queue(variant, tmp_path):
    async with open_rig(variant, tmp_path, "lua_check_client_abort=on") as rig:
        await rig.run("sem = require('ngx.semaphore').new()")
        with trio.move_on_after(10) as scope:
            async with trio.open_nursery() as nursery:
                nursery.start_soon(rig.get, "sem:wait(10)")
                while await rig.run("ngx.sleep(0) return sem:count()") == 0:
                    pass
                nursery.cancel_scope.cancel()
            while await rig.run("ngx.sleep(0) return sem:count()") < 0:
                pass
        assert not scope.cancelled_caught
        assert await rig.run("sem:post() return sem:wait(0), sem:count()") == (True, 0)


@each_variant
async def test_a_grant_to_a_thread_killed_meanwhile_is_given_on(
    variant, tmp_path, autojump_clock
):
    async with open_rig(variant, tmp_path) as rig:
        got = await rig.run(
            """
            local sem = require("ngx.semaphore").new()
            local got = {}
            local function waiter(name)
                return function()
                    if sem:wait(100) then got[#got + 1] = name end
                end
            end
            -- The killer is queued between the grant and who it is granted to.
            local victim
            local killer = ngx.thread.spawn(function()
                victim = ngx.thread.spawn(waiter("victim"))
                ngx.thread.spawn(waiter("next"))
                local other = require("ngx.semaphore").new()
                ngx.timer.at(1, function() other:post() sem:post() end)
                other:wait(100)
                ngx.thread.kill(victim)
            end)
            ngx.sleep(5)
            return got, sem:count()
            """
        )
    assert got == ([b"next"], 0)


@each_variant
async def test_waiting_over_and_over_keeps_nothing(variant, tmp_path, autojump_clock):
    async with open_rig(variant, tmp_path) as rig:
        before, after = await rig.run(
            """
            local sem = require("ngx.semaphore").new()
            ngx.thread.spawn(function() sem:wait(1e6) end)
            local function used()
                collectgarbage()
                collectgarbage()
                return collectgarbage("count")
            end
            for _ = 1, 100 do sem:wait(0.01) end
            local before = used()
            for _ = 1, 3000 do sem:wait(0.01) end
            local after = used()
            sem:post()
            return before, after
            """
        )
    assert after - before < 100


@each_variant
@pytest.mark.parametrize("phase", ["request", "timer", "job"])
async def test_in_every_kind_of_thread(variant, tmp_path, phase):
    code = """
        local sem = require("ngx.semaphore").new(1)
        local results = {sem:wait(1), sem:wait(0), sem:wait(0.001)}
        """
    async with open_rig(variant, tmp_path) as rig:
        if phase == "request":
            answer = await rig.get(code + "ngx.say(#results)")
            assert answer.status == 200
        elif phase == "job":
            assert await rig.run(code + "return results[1]") is True
        else:
            taken = await rig.run(
                f"""local done
                ngx.timer.at(0, function() {code} done = results[1] end)
                repeat ngx.sleep(0) until done ~= nil
                return done"""
            )
            assert taken is True


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


@each_variant
async def test_no_number_is_no_count_and_no_time(variant, tmp_path):
    async with open_rig(variant, tmp_path) as rig:
        with trio.fail_after(PATIENCE):
            posted, waited, count = await rig.run(
                """
                local sem = require("ngx.semaphore").new()
                local function fails(f)
                    return select(2, pcall(f, sem, 0/0))
                end
                return fails(sem.post), fails(sem.wait), sem:count()
                """
            )
    assert posted.endswith(b"positive number required")
    assert waited.endswith(b"no negative number")
    assert count == 0
