"""What goes wrong in one place stays there; what has ended is let go."""

from __future__ import annotations

from lua_worker import each_variant, open_client, open_rig


@each_variant
async def test_a_failure_of_the_runtime_ends_one_connection(variant, tmp_path):
    async with open_rig(variant, tmp_path) as rig:
        await rig.run(
            """
            local entrance = require "resty_py.request.entrance"
            local conclude = entrance.conclude
            function entrance.conclude(r)
                if r.uri == "/fail" then error("broken runtime") end
                return conclude(r)
            end
            """
        )
        port = rig.serve("ngx.thread.spawn(ngx.sleep, 0.001) ngx.say('fine')")
        before = rig.worker.stats()
        async with await open_client(port) as client:
            await client.send(b"GET /fail HTTP/1.1\r\nHost: x\r\n\r\n")
            await client.read_to_end()
        async with await open_client(port) as client:
            for _ in range(2):
                assert (await client.get("/fine")).body == "fine\n"
        await rig.run("ngx.sleep(0.001)")
        assert rig.worker.stats() == before
        (line,) = rig.errors()
        assert line.startswith("alert: internal error: ")
        assert "broken runtime" in line


@each_variant
async def test_a_failure_of_the_runtime_ends_one_timer(
    variant, tmp_path, autojump_clock
):
    async with open_rig(variant, tmp_path) as rig:
        await rig.run(
            """
            local engine = require "resty_py.request.engine"
            local log_abort, broken = engine.log_abort, true
            function engine.log_abort(...)
                if broken then error("broken runtime") end
                return log_abort(...)
            end
            ngx.timer.at(0, function() ngx.sleep(0.001) error("in a timer", 0) end)
            ngx.timer.at(0.002, function() broken = false error("next timer", 0) end)
            ngx.sleep(0.01)
            """
        )
        assert rig.worker.stats()["running_timers"] == 0
        assert rig.worker.stats()["threads"] == 0
        first, second = rig.errors()
        assert "broken runtime" in first
        assert "next timer" in second


@each_variant
async def test_a_queued_call_that_fails_does_not_end_the_loop(variant, tmp_path):
    async with open_rig(variant, tmp_path) as rig:
        rig.worker._calls.put(rig.worker.vm.load(b"error('x', 0)", "=call"))
        assert await rig.run("return 1") == 1
        (line,) = rig.errors()
        assert line.startswith("error: a call into Lua failed: LuaError: x")


# What leaves a coroutine in the middle, by which others were held.
_LEAVING = (
    "ngx.thread.spawn(function() ngx.exit(200) end)",
    "local co = ngx.thread.spawn(function() ngx.sleep(100) end) ngx.exit(200)",
    "local co = ngx.thread.spawn(function() end) ngx.exit(200)",
)


@each_variant
async def test_light_threads_are_collected(variant, tmp_path):
    async with open_rig(variant, tmp_path) as rig:
        for app in _LEAVING:
            async with await open_client(rig.serve(app)) as client:
                for _ in range(20):
                    await client.get()
        left = await rig.run(
            """
            local function nop() end
            for _ = 1, 50 do
                ngx.thread.wait(ngx.thread.spawn(nop))
                ngx.thread.spawn(nop)
                ngx.thread.spawn(function() error("x") end)
                ngx.thread.kill(ngx.thread.spawn(function() ngx.sleep(100) end))
                local inner = coroutine.wrap(function() ngx.sleep(0) end)
                ngx.thread.wait(ngx.thread.spawn(inner))
            end
            for _ = 1, 4 do collectgarbage() end
            local left = 0
            for _, record in pairs(require("resty_py.scheduler").light) do
                if record ~= true then left = left + 1 end
            end
            return left
            """
        )
        # A register may still hold the last ones.
        assert left < 8


# What a request leaves behind leads to the coroutines of its light threads: the
# stack of a handler that ended before its time, its ctx, their results.
LEFT = {
    "exit": "ngx.thread.wait(t[1], t[2]) ngx.exit(200)",
    "killed": "ngx.exit(200)",
    "redirect": "ngx.redirect('/')",
    "error": "ngx.thread.wait(t[1]) error('x')",
    "ctx": "ngx.ctx.threads = t ngx.thread.wait(t[1]) ngx.say(1)",
    "results": "ngx.sleep(0.001) ngx.say(1)",
    "wrapped": """
        ngx.thread.wait(ngx.thread.spawn(function()
            local me = coroutine.running()
            pcall(coroutine.wrap(function()
                local outer = me
                error("x")
                return outer
            end))
        end))
        ngx.say(1)
    """,
}


@each_variant
async def test_requests_are_collected_with_their_light_threads(variant, tmp_path):
    async with open_rig(variant, tmp_path) as rig:
        for ending in LEFT.values():
            port = rig.serve(
                f"""
                local t = {{}}
                for i = 1, 2 do
                    t[i] = ngx.thread.spawn(function() ngx.sleep(0) return t end)
                end
                {ending}
                """
            )
            for _ in range(20):
                async with await open_client(port) as client:
                    await client.get()
        left = await rig.run(
            """
            for _ = 1, 4 do collectgarbage() end
            local left = 0
            for _, record in pairs(require("resty_py.scheduler").light) do
                if record ~= true then left = left + 1 end
            end
            return left
            """
        )
        assert left < 8


@each_variant
async def test_a_wait_that_c_kept_from_happening_is_undone(
    variant, tmp_path, autojump_clock
):
    async with open_rig(variant, tmp_path) as rig:
        log = await rig.run(
            """
            local semaphore = require "ngx.semaphore"
            local sem, log = semaphore.new(), {}
            local begin = ngx.now()
            local function refused(f, ...)
                local arguments = {...}
                local ok = pcall(string.gsub, "a", "a", function()
                    f(unpack(arguments))
                end)
                log[#log + 1] = tostring(ok)
            end
            refused(ngx.sleep, 1)
            ngx.sleep(5)
            log[#log + 1] = math.floor(ngx.now() - begin + 0.5)
            refused(sem.wait, sem, 1)
            ngx.sleep(5)
            log[#log + 1] = math.floor(ngx.now() - begin + 0.5)
            log[#log + 1] = sem:count()
            refused(coroutine.wrap(function() ngx.sleep(1) end))
            local thread = ngx.thread.spawn(function() ngx.sleep(7) return "r" end)
            refused(ngx.thread.wait, thread)
            log[#log + 1] = select(2, ngx.thread.wait(thread))
            log[#log + 1] = math.floor(ngx.now() - begin + 0.5)
            refused(coroutine.yield)
            ngx.sleep(5)
            log[#log + 1] = math.floor(ngx.now() - begin + 0.5)
            return log
            """
        )
        no = b"false"
        assert log == [no, 5, no, 10, 0, no, no, b"r", 17, no, 22]
        assert rig.worker.stats()["deadlines"] == 0
        assert rig.worker.stats()["threads"] == 0
