"""Sleeps and timers on a virtual clock: a day takes milliseconds."""

from __future__ import annotations

import time

import pytest
import trio
from lua_worker import each_variant, open_rig

from resty_py import LuaError

DAY = 86400


@each_variant
async def test_a_day_of_sleep(variant, tmp_path, autojump_clock):
    async with open_rig(variant, tmp_path) as rig:
        begin, began = trio.current_time(), time.monotonic()
        slept = await rig.run(
            "local begin = ngx.now() ngx.sleep(86400) return ngx.now() - begin"
        )
        assert slept == pytest.approx(DAY, abs=0.002)
        assert trio.current_time() - begin == pytest.approx(DAY, abs=0.002)
        assert time.monotonic() - began < 5


@each_variant
async def test_a_year_of_sleep(variant, tmp_path, autojump_clock):
    """Longer than an int counts milliseconds."""
    async with open_rig(variant, tmp_path) as rig:
        slept = await rig.run(
            "local begin = ngx.now() ngx.sleep(31536000) return ngx.now() - begin"
        )
    assert slept == pytest.approx(365 * DAY, abs=0.002)


@each_variant
async def test_a_day_of_timers(variant, tmp_path, autojump_clock):
    async with open_rig(variant, tmp_path) as rig:
        minutes, hours = await rig.run(
            """
            local minutes, hours = 0, 0
            ngx.timer.every(60, function() minutes = minutes + 1 end)
            ngx.timer.every(3600, function() hours = hours + 1 end)
            ngx.sleep(86400.5)
            return minutes, hours
            """
        )
        assert (minutes, hours) == (1440, 24)


@each_variant
async def test_sleeps_end_by_due_time_then_by_begin(variant, tmp_path, autojump_clock):
    seconds = [3, 1, 2, 1, 0.5, 3, 0.001, 2, 1]
    async with open_rig(variant, tmp_path) as rig:
        order = await rig.run(
            """
            local order = {}
            for i, seconds in ipairs((...)) do
                ngx.thread.spawn(function()
                    ngx.sleep(seconds)
                    order[#order + 1] = i
                end)
            end
            ngx.sleep(4)
            return order
            """,
            seconds,
        )
    assert order == sorted(range(1, 10), key=lambda i: (seconds[i - 1], i))


@each_variant
async def test_a_sleep_is_never_short_and_cut_to_milliseconds(
    variant, tmp_path, autojump_clock
):
    async with open_rig(variant, tmp_path) as rig:
        for asked, least in [
            (0.001, 0.001),
            (0.0019, 0.001),
            (1.0005, 1),
            ("0.5", 0.5),
        ]:
            begin = trio.current_time()
            await rig.run("ngx.sleep((...))", asked)
            assert 0 <= trio.current_time() - begin - least < 0.0005


@each_variant
async def test_time_counts_from_now_after_the_worker_was_idle(
    variant, tmp_path, autojump_clock
):
    async def late():
        await trio.sleep(1000)

    async with open_rig(variant, tmp_path) as rig:
        rig.worker.provide("late", late)
        await trio.sleep(1000)
        begin = trio.current_time()
        await rig.run("ngx.sleep(5)")
        assert trio.current_time() - begin == pytest.approx(5, abs=0.001)
        await rig.run("require('resty_py.host').call('late') ngx.sleep(5)")
        assert trio.current_time() - begin == pytest.approx(1010, abs=0.001)


@each_variant
async def test_every_may_overlap_itself(variant, tmp_path, autojump_clock):
    async with open_rig(variant, tmp_path) as rig:
        begun, most, pending = await rig.run(
            """
            local begun, most = 0, 0
            ngx.timer.every(1, function()
                begun = begun + 1
                most = math.max(most, ngx.timer.running_count())
                ngx.sleep(2.5)
            end)
            ngx.sleep(10.5)
            return begun, most, ngx.timer.pending_count()
            """
        )
        assert (begun, most, pending) == (10, 3, 1)
        assert rig.worker.stats()["running_timers"] == 2


@each_variant
async def test_timer_arguments_and_context(variant, tmp_path, autojump_clock):
    async with open_rig(variant, tmp_path) as rig:
        seen = await rig.run(
            """
            local seen
            local function note(...)
                local ok, err = pcall(ngx.say, "x")
                seen = {select("#", ...), (...), select(2, ...), tostring(ok), err,
                        ngx.get_phase()}
            end
            assert(ngx.timer.at(5, note, "a", 7, nil) == 1)
            ngx.sleep(6)
            return seen
            """
        )
    assert seen[:3] == [4, False, b"a"]
    assert seen[-3] == b"false"
    assert seen[-2] == b"API disabled in the context of ngx.timer"
    assert seen[-1] == b"timer"


@each_variant
async def test_0_delay_waits_for_its_maker_to_wait(variant, tmp_path, autojump_clock):
    async with open_rig(variant, tmp_path) as rig:
        order = await rig.run(
            """
            local order = {}
            local function note(name)
                return function() order[#order + 1] = name end
            end
            ngx.timer.at(0, note("first"))
            ngx.timer.at(0.001, note("later"))
            ngx.timer.at(0, note("second"))
            order[#order + 1] = "maker"
            ngx.sleep(0.01)
            return order
            """
        )
    assert order == [b"maker", b"first", b"second", b"later"]


@each_variant
async def test_a_failing_timer_is_logged_and_over(variant, tmp_path, autojump_clock):
    async with open_rig(variant, tmp_path) as rig:
        await rig.run(
            """
            ngx.timer.at(1, function() ngx.sleep(1) error("bang", 0) end)
            ngx.timer.at(1, function()
                ngx.thread.spawn(function() ngx.sleep(1) error("user", 0) end)
            end)
            ngx.sleep(3)
            """
        )
        assert rig.worker.stats()["running_timers"] == 0
        first = [line.partition("\n")[0] for line in rig.errors()]
    # The context comes at the end of the line, behind the traceback.
    assert first == [
        "error: lua entry thread aborted: runtime error: bang",
        "error: lua user thread aborted: runtime error: user",
    ]


@each_variant
async def test_running_limit(variant, tmp_path, autojump_clock):
    async with open_rig(variant, tmp_path, "lua_max_running_timers=2") as rig:
        begun = await rig.run(
            """local begun = 0
            for _ = 1, 4 do
                ngx.timer.at(1, function() begun = begun + 1 ngx.sleep(5) end)
            end
            ngx.sleep(2)
            return begun
            """
        )
        assert begun == 2
        refusal = (
            "alert: lua failed to run timer with function defined at =(run):3: "
            "2 lua_max_running_timers are not enough"
        )
        assert rig.errors() == [refusal, refusal]
        await rig.run("ngx.sleep(5) ngx.timer.at(0, function() end) ngx.sleep(0)")
        assert len(rig.errors()) == 2


@each_variant
async def test_pending_limit(variant, tmp_path, autojump_clock):
    async with open_rig(variant, tmp_path, "lua_max_pending_timers=2") as rig:
        results = await rig.run(
            """
            local function nop() end
            local results = {}
            for i = 1, 3 do
                local ok, err = ngx.timer.at(i, nop)
                results[i] = err or ok
            end
            results[4] = ngx.timer.pending_count()
            ngx.sleep(1.5)
            results[5] = ngx.timer.every(1, nop)
            return results
            """
        )
        assert results == [1, 1, b"too many pending timers", 2, 1]


@each_variant
async def test_exit_runs_pending_timers_prematurely(variant, tmp_path, autojump_clock):
    async with open_rig(variant, tmp_path) as rig:
        await rig.run(
            """
            order = {}
            local function note(name)
                return function(premature)
                    order[#order + 1] = name .. " " .. tostring(premature)
                end
            end
            ngx.timer.at(1000, note("late"))
            ngx.timer.every(7, note("every"))
            ngx.timer.at(10, function(premature)
                note("maker")(premature)
                local ok, err = ngx.timer.at(1, note("never"))
                order[#order + 1] = tostring(ok) .. " " .. err
                ok, err = ngx.timer.every(1, note("never"))
                order[#order + 1] = tostring(ok) .. " " .. err
                ngx.timer.at(0, function(premature)
                    note("zero")(premature)
                    ngx.sleep(100)
                    note("slept")(premature)
                    ngx.log(ngx.ERR, table.concat(order, ", "))
                end)
            end)
            """
        )
        begin = trio.current_time()
        rig.worker.stop()
        await rig.worker.wait_stopped()
        assert trio.current_time() - begin == pytest.approx(100, abs=0.01)
        (line,) = rig.errors()
        assert (
            "every true, maker true, nil process exiting, nil process exiting, "
            "late true, zero false, slept false" in line
        )


@each_variant
async def test_a_timer_may_outlive_its_request(variant, tmp_path, autojump_clock):
    async with open_rig(variant, tmp_path) as rig:
        answer = await rig.get(
            """
            ngx.timer.at(0, function() ngx.log(ngx.ERR, "from the timer") end)
            ngx.say("ok")
            """
        )
        assert answer.body == "ok\n"
        await rig.run("ngx.sleep(0.01)")
        (line,) = rig.errors()
    assert "from the timer, context: ngx.timer, client: 127.0.0.1, server: 127" in line


@each_variant
@pytest.mark.parametrize(
    ("call", "error"),
    [
        ("timer.at(0/0, print)", "number expected, got nan"),
        ("timer.every(0/0, print)", "number expected, got nan"),
        ("timer.every(-1, print)", "delay cannot be negative"),
        ("sleep(0/0)", "invalid sleep duration"),
        ("sleep(1/0)", "invalid sleep duration"),
    ],
)
async def test_no_number_and_no_interval(variant, tmp_path, call, error):
    async with open_rig(variant, tmp_path) as rig:
        with pytest.raises(LuaError, match=error):
            await rig.run(f"ngx.{call}")
        assert rig.worker.stats()["deadlines"] == 0
