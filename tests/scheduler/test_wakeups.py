"""A parked light thread is woken once, whatever comes at the same time."""

from __future__ import annotations

from lua_worker import each_variant, open_rig


@each_variant
async def test_kill_in_the_turn_of_the_deadline(variant, tmp_path, autojump_clock):
    # Both sleep to the same instant: the killer, armed first, runs while its
    # victim is already queued.
    async with open_rig(variant, tmp_path) as rig:
        result = await rig.run(
            """
            local victim
            local ran = 0
            local entry = coroutine.running()
            ngx.thread.spawn(function()
                local killer_of = {}
                victim = ngx.thread.spawn(function() ngx.sleep(2) ran = ran + 1 end)
                ngx.sleep(2)
                killer_of.result = {ngx.thread.kill(victim)}
            end)
            local mine = ngx.thread.spawn(function() ngx.sleep(2) ran = ran + 10 end)
            ngx.sleep(1)
            local ok = ngx.thread.kill(mine)
            local again, err = ngx.thread.kill(mine)
            ngx.sleep(3)
            return ran, ok, again, err
            """
        )
        # The first victim was armed before its killer, so it ran; the other
        # was killed a second before its time.
        assert result == (1, 1, None, b"already waited or killed")
        assert not rig.errors()


@each_variant
async def test_a_thread_killed_while_queued_does_not_run(
    variant, tmp_path, autojump_clock
):
    async with open_rig(variant, tmp_path) as rig:
        ran, ok, err = await rig.run(
            """
            local ran = false
            local sem = require("ngx.semaphore").new()
            local first = ngx.thread.spawn(function() sem:wait(1) end)
            local victim = ngx.thread.spawn(function()
                sem:wait(9)
                ran = true
            end)
            sem:post(2)
            -- Resumed in the turn in which both were woken.
            ngx.thread.wait(first)
            ngx.thread.kill(victim)
            local ok, err = ngx.thread.wait(victim)
            ngx.sleep(10)
            return ran, ok, err
            """
        )
        assert (ran, ok, err) == (False, None, b"already waited or killed")
        assert not rig.errors()


@each_variant
async def test_a_grant_at_the_instant_of_the_timeout(variant, tmp_path, autojump_clock):
    async with open_rig(variant, tmp_path) as rig:
        wakes, total = await rig.run(
            """
            local sem = require("ngx.semaphore").new()
            local wakes, taken = 0, 0
            for _ = 1, 3 do
                ngx.thread.spawn(function()
                    local ok = sem:wait(1)
                    wakes = wakes + 1
                    if ok then taken = taken + 1 end
                end)
            end
            ngx.timer.at(1, function() sem:post(3) end)
            ngx.sleep(5)
            return wakes, taken + sem:count()
            """
        )
        # Each woke once, and no resource was lost or made.
        assert (wakes, total) == (3, 3)
        assert not rig.errors()


@each_variant
async def test_wait_answers_once_for_two_that_end_together(
    variant, tmp_path, autojump_clock
):
    async with open_rig(variant, tmp_path) as rig:
        assert await rig.run(
            """
            local function sleeper(name)
                return ngx.thread.spawn(function() ngx.sleep(1) return name end)
            end
            local a, b = sleeper("a"), sleeper("b")
            local results = {}
            for i = 1, 2 do
                local _, name = ngx.thread.wait(a, b)
                results[i] = name
                if name == "a" then a = b else b = a end
            end
            local ok, err = ngx.thread.wait(a)
            return results, ok, err
            """
        ) == ([b"a", b"b"], None, b"already waited or killed")
