"""``ngx.pipe`` and ``resty.signal``: child processes.

What is expected is what ngx_http_lua_pipe.c and lua-resty-core's ngx/pipe.lua do;
nginx without OpenResty's patches, as Debian has it, refuses to load the module.
"""

from __future__ import annotations

import gc
import os
import re
import resource
import signal
from pathlib import Path

import pytest
import trio
from lua_worker import PATIENCE, Variant, each_variant, open_client, open_rig

from resty_py import LuaError

SPAWN = """
    local spawn = require("ngx.pipe").spawn
    local function pack(...)
        return {n = select("#", ...), ...}
    end
"""

QUIET = {
    "connections": 0,
    "descriptors": 0,
    "threads": 0,
    "timers": 0,
    "running_timers": 0,
    "deadlines": 0,
    "jobs": 0,
    "tasks": 0,
}

LUAJIT = Variant("luajit21")


def is_running(pid):
    try:
        return ") Z " not in Path(f"/proc/{pid}/stat").read_text()
    except (FileNotFoundError, ProcessLookupError):
        return False


async def ended(pid):
    """Wait until a process has ended and its parent has seen to it."""
    with trio.fail_after(PATIENCE):
        while Path(f"/proc/{pid}").exists():  # noqa: ASYNC110
            await trio.sleep(0.005)


@each_variant
async def test_conversation(variant, tmp_path):
    """All that a process can be asked, in turns."""
    async with open_rig(variant, tmp_path) as rig:
        got = await rig.run(
            SPAWN
            + r"""
            local p = spawn("echo one; echo 'two\r'; echo oops >&2; cat; exit 3")
            return {
                p:stdout_read_line(), p:stdout_read_line(), p:stderr_read_line(),
                p:write("abc"), p:write({"d", "e", 6}), p:write(78),
                p:stdout_read_bytes(4), p:stdout_read_bytes(0),
                p:stdout_read_any(2), p:shutdown("stdin"), p:stdout_read_all(),
                p:stdout_read_all(), p:pid() > 1,
            }, pack(p:stdout_read_any(9)), pack(p:stderr_read_line()),
               pack(p:write("x")), pack(p:wait())
            """
        )
        assert got == (
            [
                *(b"one", b"two", b"oops", 3, 3, 2),
                *(b"abcd", b"", b"e6", True, b"78", b"", True),
            ],
            {2: b"closed", 3: b"", b"n": 3},
            {2: b"closed", 3: b"", b"n": 3},
            {2: b"closed", b"n": 2},
            {1: False, 2: b"exit", 3: 3, b"n": 3},
        )
        assert rig.errors() == []
        assert any("signal 17 (SIGCHLD) received from " in line for line in rig.log)
        await rig.settles_to(QUIET)


@each_variant
async def test_what_was_read_before_an_error_is_given(variant, tmp_path):
    """Standard error says when there is something in standard output."""
    async with open_rig(variant, tmp_path) as rig:
        assert await rig.run(
            SPAWN
            + r"""
            local p = spawn([[
                printf 'a\rb'; echo >&2
                while read line; do printf %s "$line"; echo >&2; done
            ]])
            p:set_timeouts(nil, 10, nil, 10)
            local function there(input)
                if input then
                    p:write(input .. "\n")
                end
                p:stderr_read_line()
            end
            there()
            local line = {p:stdout_read_line()}
            there("cd")
            local bytes = {p:stdout_read_bytes(5)}
            there("ef")
            local all = {p:stdout_read_all()}
            local any, wait = {p:stdout_read_any(5)}, {p:wait()}
            there("gh")
            p:shutdown("stdin")
            p:set_timeouts(nil, 5000, nil, 5000)
            return line, bytes, all, any, wait, {p:stdout_read_bytes(5)}, {p:wait()}
            """
        ) == (
            {2: b"timeout", 3: b"ab"},
            {2: b"timeout", 3: b"cd"},
            {2: b"timeout", 3: b"ef"},
            {2: b"timeout", 3: b""},
            {2: b"timeout"},
            {2: b"closed", 3: b"gh"},
            [True, b"exit", 0],
        )


OPTIONS = {
    "'echo out; echo err >&2', {merge_stderr = true}": b"out\nerr\n",
    "{'printenv', 'A'}, {environ = {'A=b=c', 'PATH=/none'}}": b"b=c\n",
    "{'printenv', 'HOME'}, {environ = {}}": os.environb.get(b"HOME", b"/") + b"\n",
    "{'echo', 1, true, 'x y'}": b"1 true x y\n",
    "{'echo\\0', 'a\\0b', '\\0', 'c'}": b"a  c\n",
    "with({'/bin/echo', '-n'}, many, many, {'x'})": b"x " * 14000 + b"x",
    "{'printenv', 'A'}, {environ = with(many_named, {'A=1'})}": b"1\n",
    "{'env'}, {environ = {'=B=2'}}": b"=B=2\n",
    "{'printenv', 'A'}, {environ = {'A=b\\0c', 'C\\0=', '\\0='}}": b"b\n",
    "'echo 1', {buffer_size = 1e12}": b"1\n",
    "'printf %s \"$0\"'": b"/bin/sh",
}


@each_variant
async def test_options(variant, tmp_path):
    async with open_rig(variant, tmp_path) as rig:
        calls = ",".join(f"spawn({call}):stdout_read_all()" for call in OPTIONS)
        assert await rig.run(
            f"""{SPAWN}
            local many, many_named = {{}}, {{}}
            for i = 1, 7000 do
                many[i], many_named[i] = "x", "x" .. i .. "="
            end
            local function with(...)
                local all = {{}}
                for _, words in ipairs {{...}} do
                    for _, word in ipairs(words) do
                        all[#all + 1] = word
                    end
                end
                return all
            end
            return {{{calls}}}
            """
        ) == list(OPTIONS.values())


async def test_a_buffer_is_what_is_read_at_once(tmp_path):
    async with open_rig(LUAJIT, tmp_path) as rig:
        assert await rig.run(
            SPAWN
            + """
            local p = spawn("printf abcdef; exec cat", {buffer_size = 4})
            return p:stdout_read_any(100), p:stdout_read_any(1),
                   p:stdout_read_any(100)
            """
        ) == (b"abcd", b"e", b"f")


@each_variant
async def test_signals(variant, tmp_path):
    async with open_rig(variant, tmp_path) as rig:
        assert await rig.run(
            SPAWN
            + """
            local signal = require "resty.signal"
            local p, q = spawn({"sleep", 1000}), spawn({"sleep", 1000})
            local r = spawn("kill -9 $$")
            return {p:kill(0), p:kill(15)}, {p:wait()}, pack(p:kill(15)),
                   pack(q:kill(1000)), {signal.kill(q:pid(), "HUP")}, {q:wait()},
                   {r:wait()}, pack(r:wait()),
                   {signal.signum("TERM"), signal.signum("NONE"), signal.signum(9)},
                   pack(signal.signum("SIGTERM")), pack(signal.kill(p:pid(), 9)),
                   pack(signal.kill(p:pid(), "NIX"))
            """
        ) == (
            [True, True],
            [False, b"signal", 15],
            {2: b"exited", b"n": 2},
            {2: b"invalid signal", b"n": 2},
            [True],
            [False, b"signal", signal.SIGHUP],
            [False, b"signal", 9],
            {2: b"exited", b"n": 2},
            [15, 0, 9],
            {2: b"unknown signal name", b"n": 2},
            {2: b"No such process", b"n": 2},
            {2: b"unknown signal name", b"n": 2},
        )


@each_variant
async def test_numbers_that_are_no_processes_and_no_signals(variant, tmp_path):
    """No odd number becomes 0, which is all of our own process group."""
    async with open_rig(variant, tmp_path) as rig:
        assert await rig.run(
            """
            local kill, got = require("resty.signal").kill, {}
            for i, pid in ipairs {0/0, 1/0, 2^70, 2^31 - 1} do
                got[i] = select(2, kill(pid, 0))
            end
            local own = ngx.worker.pid()
            for i, signal in ipairs {0/0, 1e10, -1, 1000} do
                got[4 + i] = select(2, kill(own, signal))
            end
            got[9] = kill(own + 0.5, 0.5)
            got[10] = select(2, pcall(kill, "1", 0)):match("bad.*")
            return got
            """
        ) == [
            *[b"No such process"] * 4,
            *[b"Invalid argument"] * 4,
            True,
            b"bad argument #1 to 'kill' (number expected, got string)",
        ]


@each_variant
async def test_one_at_a_time(variant, tmp_path):
    async with open_rig(variant, tmp_path) as rig:
        assert await rig.run(
            SPAWN
            + """
            local thread = ngx.thread.spawn
            local p = spawn("exec sleep 1000", {merge_stderr = true})
            local reader = thread(p.stdout_read_all, p)
            local writer = thread(function() return p:write(("x"):rep(200000)) end)
            local waiter = thread(function() return p:wait() end)
            local busy = {
                select(2, p:stdout_read_line()), select(2, p:write("x")),
                select(2, p:wait()), select(2, p:stderr_read_all()),
                select(2, p:shutdown("stderr")),
            }
            p:shutdown("stdout")
            p:shutdown("stdin")
            local ended = {pack(ngx.thread.wait(reader)),
                           pack(ngx.thread.wait(writer))}
            p:kill(9)
            return busy, ended, {ngx.thread.wait(waiter)},
                   {select(2, p:stdout_read_all()), select(2, p:shutdown("stdin"))}
            """
        ) == (
            [
                b"pipe busy reading",
                b"pipe busy writing",
                b"pipe busy waiting",
                b"merged to stdout",
                b"merged to stdout",
            ],
            [
                {1: True, 3: b"aborted", 4: b"", b"n": 4},
                {1: True, 3: b"aborted", b"n": 3},
            ],
            [True, False, b"signal", 9],
            [b"closed", b"closed"],
        )
        await rig.settles_to(QUIET)


async def test_a_killed_reader_leaves_its_data(tmp_path):
    async with open_rig(LUAJIT, tmp_path) as rig:
        assert await rig.run(
            SPAWN
            + """
            local p = spawn("echo hello; exec cat")
            local thread = ngx.thread.spawn(function() p:stdout_read_bytes(99) end)
            p:set_timeouts(nil, nil, 20)
            p:stderr_read_line()
            return ngx.thread.kill(thread), p:stdout_read_line()
            """
        ) == (1, b"hello")


async def test_large_transfers_wait(tmp_path):
    """More than pipes hold, both ways at once, without loss or order lost."""
    async with open_rig(LUAJIT, tmp_path) as rig:
        assert await rig.run(
            SPAWN
            + """
            local p, parts = spawn({"cat"}), {}
            for i = 1, 60000 do
                parts[i] = ("%06d\\n"):format(i)
            end
            local data = table.concat(parts)
            ngx.thread.spawn(function()
                assert(p:write(data) == #data)
                assert(p:shutdown("stdin"))
            end)
            return p:stdout_read_all() == data, p:wait()
            """
        ) == (True, True, b"exit", 0)


FAULTS = {
    "spawn()": "bad args arg: table expected, got nil",
    "spawn({})": "bad args arg: non-empty table expected",
    "spawn('', {buffer_size = 0})": "bad buffer_size option",
    "spawn('', {buffer_size = 0/0})": "bad buffer_size option",
    "spawn('', {environ = 1})": "bad environ option: table expected, got number",
    "spawn('', {environ = {1}})": (
        "bad value at index 1 of environ option: string expected, got number"
    ),
    "spawn('', {environ = {'A=', '=b'}})": (
        "bad value at index 2 of environ option: 'name=[value]' format expected, "
        "got '=b'"
    ),
    "spawn('', {wait_timeout = -1})": "bad wait_timeout option",
    "spawn('', {write_timeout = 2^32})": "bad write_timeout option",
    "spawn('true'):set_timeouts(1, -1)": "bad stdout_read_timeout option",
    "spawn('true'):stdout_read_bytes(-1)": "bad len argument",
    "spawn('true'):stderr_read_any(0)": "bad max argument",
    "spawn('true'):stderr_read_any('x')": "bad max argument",
    "spawn('true'):stdout_read_bytes(0/0)": "bad len argument",
    "spawn('true'):stdout_read_any(0/0)": "bad max argument",
    "spawn('true'):set_timeouts(0/0)": "bad write_timeout option",
    "spawn('true'):shutdown('x')": "bad shutdown arg: x",
    "spawn('true'):shutdown()": "bad shutdown arg: nil",
    "error(select(2, spawn('cat'):kill(0/0)))": "invalid signal",
    "error(select(2, spawn('cat'):kill(1e300)))": "invalid signal",
    "spawn('true'):kill('TERM')": "bad signal arg: number expected, got TERM",
    "spawn('cat'):write(true)": (
        "bad data arg: string, number, or table expected, got boolean"
    ),
    "spawn('true').wait({})": "not a process instance",
    "spawn('true').stdout_read_all(1)": "not a process instance",
}


@each_variant
async def test_misuse(variant, tmp_path):
    async with open_rig(variant, tmp_path) as rig:
        calls = ",".join(f"function() {call} end" for call in FAULTS)
        got = await rig.run(
            f"""{SPAWN}
            local texts = {{}}
            for i, call in ipairs {{{calls}}} do
                texts[i] = select(2, pcall(call))
            end
            return texts"""
        )
        # Each is raised at the line of the call.
        texts = [re.sub(r"^\S+:\d+: ", "@ ", text.decode()) for text in got]
        assert texts == [f"@ {text}" for text in FAULTS.values()]
        await rig.settles_to(QUIET)


async def test_a_program_that_is_not_there(tmp_path):
    async with open_rig(LUAJIT, tmp_path) as rig:
        assert await rig.run(
            SPAWN
            + """
            local p = spawn({"/no/such/program", "x"})
            return p:stdout_read_all(), p:wait()
            """
        ) == (b"", False, b"exit", 1)
        failure = "lua pipe child execvp() failed while executing /no/such/program"
        assert rig.errors() == [f"error: {failure} (2: No such file or directory)"]


@each_variant
async def test_programs_that_cannot_be_executed(variant, tmp_path):
    """A text file is one for the shell; others exit with 1."""
    script = tmp_path / "script"
    script.write_text("echo $0 $1")
    script.chmod(0o700)
    async with open_rig(variant, tmp_path) as rig:
        got = await rig.run(
            SPAWN
            + f"""
            local got, env = {{}}, {{}}
            for i, program in ipairs {{"{script}", "", "\\0", "{tmp_path}"}} do
                local p = spawn({{program, "one"}})
                got[i] = {{p:stdout_read_all(), (select(3, p:wait()))}}
            end
            for i = 1, 300000 do
                env[i] = "NAME" .. i .. "=value"
            end
            got[5] = (select(3, spawn({{"env"}}, {{environ = env}}):wait()))
            return got
            """
        )
        assert got == [[f"{script} one\n".encode(), 0], *[[b"", 1]] * 3, 1]
        assert [line[line.rindex("(") :] for line in rig.errors()] == [
            "(2: No such file or directory)",
            "(2: No such file or directory)",
            "(13: Permission denied)",
            "(7: Argument list too long)",
        ]


async def test_no_descriptors(tmp_path):
    limits = resource.getrlimit(resource.RLIMIT_NOFILE)
    async with open_rig(LUAJIT, tmp_path) as rig:
        await rig.run(SPAWN + "spawn({'true'}):wait()")
        first_free = os.dup(0)
        os.close(first_free)
        resource.setrlimit(resource.RLIMIT_NOFILE, (first_free, limits[1]))
        try:
            got = await rig.run(SPAWN + "return spawn({'true'})")
        finally:
            resource.setrlimit(resource.RLIMIT_NOFILE, limits)
        assert got == (None, b"pipe failed: Too many open files")


async def test_phases(tmp_path):
    """It can be spawned where nothing can wait; it ends with its request."""
    app = (
        SPAWN
        + """
        ngx.say(spawn({"sleep", "1000"}):pid())
    """
    )
    async with open_rig(LUAJIT, tmp_path) as rig:
        async with await open_client(rig.serve(app)) as client:
            await ended(int((await client.get()).body))
        pid = await rig.run(
            """
            local pid
            ngx.timer.at(0, function()
                pid = require("ngx.pipe").spawn({"sleep", "1000"}):pid()
            end)
            while not pid do
                ngx.sleep(0)
            end
            return pid
            """
        )
        await ended(pid)
        with pytest.raises(LuaError, match="API disabled in the current context"):
            rig.worker.vm.run(SPAWN.encode() + b"spawn('true')")
        # The listener is there still.
        await rig.settles_to(QUIET | {"descriptors": 1})


@each_variant
async def test_garbage_is_killed(variant, tmp_path):
    async with open_rig(variant, tmp_path) as rig:
        assert (
            await rig.run(
                SPAWN
                + """
            local pids = {}
            for i = 1, 3 do
                pids[i] = spawn({"sleep", "1000"}):pid()
            end
            local signal = require "resty.signal"
            for _, pid in ipairs(pids) do
                while signal.kill(pid, 0) do
                    collectgarbage()
                    ngx.sleep(0.002)
                end
            end
            return "gone"
            """
            )
            == b"gone"
        )


async def test_the_end_of_a_worker_is_theirs(tmp_path):
    async with open_rig(LUAJIT, tmp_path) as rig:
        pid = await rig.run(
            """
            ngx.timer.at(0, function()
                PROCESS = require("ngx.pipe").spawn({"sleep", "1000"})
                ngx.sleep(1000)
            end)
            while not PROCESS do
                ngx.sleep(0)
            end
            return PROCESS:pid()
            """
        )
        assert is_running(pid)
    assert not Path(f"/proc/{pid}").exists()


async def test_children_of_others_are_left_alone(tmp_path):
    async with open_rig(LUAJIT, tmp_path) as rig, trio.open_nursery() as nursery:
        other = await nursery.start(trio.run_process, ["sh", "-c", "exit 0"])
        await rig.run(SPAWN + "spawn({'true'}):wait()")
        assert await other.wait() == 0


@each_variant
async def test_nothing_is_left_of_many(variant, tmp_path):
    async with open_rig(variant, tmp_path) as rig:
        many = (
            SPAWN
            + """
            local function run(i)
                local p = spawn({"true"})
                if i % 2 == 0 then
                    p:stdout_read_all()
                    p:wait()
                end
            end
            for _ = 1, 3 do
                local threads = {}
                for i = 1, 12 do
                    threads[i] = ngx.thread.spawn(run, i)
                end
                ngx.thread.wait(unpack(threads))
            end
        """
        )
        await rig.run(many)
        await rig.settles_to(QUIET)
        gc.collect()
        before = len(os.listdir("/proc/self/fd"))
        await rig.run(many)
        await rig.settles_to(QUIET)
        assert len(os.listdir("/proc/self/fd")) == before
        children = Path(f"/proc/self/task/{os.getpid()}/children").read_text()
        assert children == ""


# The shell of lua-resty-shell, in its manner: both outputs and the exit are
# waited for by light threads at once, whatever the program does first.
SHELL = """
    local pipe = require "ngx.pipe"
    local function run(command, input, timeout, max)
        local p, err = pipe.spawn(command, {
            stdout_read_timeout = timeout, stderr_read_timeout = timeout,
            write_timeout = timeout, wait_timeout = timeout,
        })
        if not p then
            return nil, nil, nil, err
        end
        if input then
            ngx.thread.spawn(function() p:write(input) p:shutdown("stdin") end)
        end
        local function reader(name)
            local parts, size = {}, 0
            repeat
                local data, problem = p[name .. "_read_any"](p, max - size)
                if data then
                    parts[#parts + 1], size = data, size + #data
                end
            until not data or size >= max
            return table.concat(parts)
        end
        local out = ngx.thread.spawn(reader, "stdout")
        local err = ngx.thread.spawn(reader, "stderr")
        local waiter = ngx.thread.spawn(function() return p:wait() end)
        local _, ok, reason, status = ngx.thread.wait(waiter)
        if ok == nil then
            p:kill(require("resty.signal").signum("KILL"))
            return nil, nil, nil, reason
        end
        return ok, select(2, ngx.thread.wait(out)), select(2, ngx.thread.wait(err)),
               reason, status
    end
"""


@each_variant
async def test_a_shell_over_it(variant, tmp_path):
    async with open_rig(variant, tmp_path) as rig:
        assert await rig.run(
            SHELL + "return run('cat; echo e >&2; exit 2', 'in', 5000, 100)"
        ) == (False, b"in", b"e\n", b"exit", 2)
        assert await rig.run(SHELL + "return run('sleep 9', nil, 10, 9)") == (
            None,
            None,
            None,
            b"timeout",
        )


#: Lines of level debug that suites look for, in their order.
DEBUG_LINES = [
    "lua pipe spawn process:",
    "lua pipe add timer for reading: 20(ms) process:",
    "lua pipe add timer for waiting: 30(ms) process:",
    "lua pipe add timer for writing: 40(ms) process:",
    "lua pipe proc write cleanup",
    "lua pipe proc read stdout cleanup",
    "lua pipe proc wait cleanup",
    "lua pipe destroy process:",
    "lua pipe kill process:",
]


async def test_debug_lines(tmp_path):
    async with open_rig(LUAJIT, tmp_path, level="debug") as rig:
        await rig.run(
            SPAWN
            + """
            local p = spawn({"sleep", "1000"}, {write_timeout = 40})
            p:set_timeouts(nil, 20, nil, 30)
            p:stdout_read_line()
            p:wait()
            local spawn, kill = ngx.thread.spawn, ngx.thread.kill
            local data = ("x"):rep(100000)
            local writer = spawn(function() p:write(data) end)
            p:set_timeouts(nil, 0, nil, 0)
            local reader = spawn(function() p:stdout_read_line() end)
            local waiter = spawn(function() p:wait() end)
            kill(writer)
            kill(reader)
            kill(waiter)
            """
        )
        lines = [line.partition(": ")[2] for line in rig.log if "lua pipe" in line]
        assert len(lines) == len(DEBUG_LINES)
        for line, wanted in zip(lines, DEBUG_LINES, strict=True):
            assert line.startswith(wanted)
