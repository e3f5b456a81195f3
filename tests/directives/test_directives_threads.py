"""thread_pool, lua_worker_thread_vm_pool_size, and ngx.run_worker_thread in them."""

from __future__ import annotations

import pytest
from directive_pair import Pair, case

JOBS = r"""
local M = {}

function M.echo(...)
    return ...
end

function M.fail(what)
    error(what)
end

function M.give_function()
    return {deep = {print}}
end

-- Says that it is here, and ends when it is told to.
function M.stay(name)
    local things = ngx.shared.things
    things:set(name .. " is here", true)
    while not things:get(name .. " leaves") do end
    things:set(name .. " left", true)
    return name
end

function M.try(name, ...)
    local f = ngx[name] or ngx.re[name] or ngx.config[name]
    return type(f) == "function" and f(...) or f
end

function M.dict(method, ...)
    local things = ngx.shared.things
    return things[method](things, ...)
end

M.value = 1

return M
"""

FILES = {
    "lua/jobs.lua": JOBS,
    "lua/number.lua": "return 5\n",
    "lua/broken.lua": "error('it is broken', 0)\n",
    "lua/wrong.lua": "local = 1\n",
}

#: Says what each of some calls answers.
SAY = """
    local run = ngx.run_worker_thread
    local function say(...)
        local texts = {}
        for i = 1, select("#", ...) do
            texts[i] = tostring((select(i, ...)))
        end
        ngx.say((table.concat(texts, " "):gsub("\\n.*", "")))
    end
    local circle = {}
    circle.again = circle
"""


def calls(*arguments, **more):
    lines = (f"say(run({one}))" for one in arguments)
    return case(
        f"location / {{ content_by_lua_block {{ {SAY} {' '.join(lines)} }} }}", **more
    )


CASES = {
    "values": calls(
        "'one', 'jobs', 'echo', 1, 'a', true, nil, 2.5, -0.0, 1e300, nil",
        "'one', 'jobs', 'echo', ngx.null, 'a\\\\0b', 2^53",
        "'one', 'jobs', 'echo'",
    ),
    "tables": case(
        f"""location / {{ content_by_lua_block {{ {SAY}
            local given = {{1, "b", {{c = {{true}}}}, [2.5] = "f"}}
            local _, got = run("one", "jobs", "echo",
                               setmetatable(given, {{__index = {{d = 1}}}}))
            say(got ~= given, got[1], got[2], got[3].c[1], got[2.5], got.d)
        }} }}"""
    ),
    "what_is_wrong": calls(
        "", "'one'", "'one', 'jobs'", "{}, 'jobs', 'echo'", "'none', 'jobs', 'echo'",
        "'default', 'jobs', 'echo'", "'one', {}, 'echo'", "'one', 'jobs', {}",
        "'one', 'number', 'echo'", "'one', 'jobs', 'value'", "'one', 'jobs', 'none'",
        "'one', 'broken', 'echo', print", "'one', 'wrong', 'echo'",
        "'one', 'missing', 'echo'", "1, 2, 3",
    ),
    "what_cannot_be_copied": calls(
        "'one', 'jobs', 'echo', print", "'one', 'jobs', 'echo', {a = {io.stdout}}",
        "'one', 'jobs', 'echo', coroutine.create(say)",
        "'one', 'jobs', 'echo', {[print] = 1}", "'one', 'jobs', 'echo', newproxy()",
        "'one', 'jobs', 'echo', 1LL", "'one', 'jobs', 'echo', circle",
        "'one', 'jobs', 'give_function'",
    ),
    "depth": case(
        f"""location / {{ content_by_lua_block {{ {SAY}
            for depth = 97, 101 do
                local nested = {{}}
                for _ = 2, depth do nested = {{nested}} end
                say(depth, (run("one", "jobs", "echo", nested)))
            end
        }} }}"""
    ),
    "errors": calls(
        "'one', 'jobs', 'fail', 'oh'", "'one', 'jobs', 'fail', 5",
        "'one', 'jobs', 'fail', {}", "'one', 'jobs', 'fail', true",
    ),
    "what_is_there": calls(
        *(f"'one', 'jobs', 'try', {one}" for one in (
            "'encode_args', {a = 1}", "'encode_base64', 'a'", "'decode_base64', 'YQ=='",
            "'md5', 'a'", "'crc32_short', 'a'", "'crc32_long', 'a'", "'subsystem'",
            "'quote_sql_str', 'a\\\\n'", "'find', 'ab', 'b'", "'sub', 'ab', 'b', 'c'",
            "'gsub', 'abab', 'b', 'c', 'jo'",
        ))
    ),
    "shared": calls(
        *(f"'one', 'jobs', 'dict', {one}" for one in (
            "'set', 'a', 1", "'incr', 'a', 2", "'get', 'a'", "'add', 'a', 1",
            "'replace', 'none', 1", "'lpush', 'l', 'x'", "'llen', 'l'", "'ttl', 'a'",
            "'get', nil",
        ))
    ),
    "phases": case(
        f"""
        set_by_lua_block $a {{ return tostring(select(2, pcall(
            ngx.run_worker_thread, "one", "jobs", "echo"))) }}
        rewrite_by_lua_block {{ {SAY}
            ngx.ctx.a = select(2, run("one", "jobs", "echo", "rewrite")) }}
        access_by_lua_block {{ {SAY}
            ngx.ctx.b = select(2, run("one", "jobs", "echo", "access")) }}
        location / {{
            content_by_lua_block {{ ngx.say(ngx.ctx.a, ngx.ctx.b, ngx.var.a)
                ngx.timer.at(0, function()
                    ngx.log(ngx.WARN, "in timer: ",
                            ngx.run_worker_thread("one", "jobs", "echo", "x")) end)
                ngx.sleep(0.1) }}
            log_by_lua_block {{ ngx.log(ngx.WARN, "in log: ",
                pcall(ngx.run_worker_thread, "one", "jobs", "echo")) }}
        }}"""
    ),
    "no_vm_left": case(
        f"""location / {{ content_by_lua_block {{ {SAY}
            local things = ngx.shared.things
            local thread = ngx.thread.spawn(function()
                return run("one", "jobs", "stay", "vm")
            end)
            say(run("one", "jobs", "echo", 1))
            say(run("one", "missing", "echo", print))
            say(run("full", "jobs", "echo", 1))
            things:set("vm leaves", true)
            say(ngx.thread.wait(thread))
            say(run("full", "jobs", "echo", 1))
            say(run("one", "jobs", "echo", 1))
        }} }}"""
    ),
    # What was begun is done although nobody waits for it any more.
    "killed": case(
        f"""location / {{ content_by_lua_block {{ {SAY}
            local things = ngx.shared.things
            local thread = ngx.thread.spawn(function()
                return run("one", "jobs", "stay", "killed")
            end)
            say(ngx.thread.kill(thread))
            say(run("one", "jobs", "echo", 1))
            things:set("killed leaves", true)
            for _ = 1, 100 do
                if things:get("killed left") then break end
                ngx.sleep(0.01)
            end
            ngx.sleep(0.05)
            say(things:get("killed left"), run("one", "jobs", "echo", 1))
        }} }}"""
    ),
    "exit": case(
        f"""location / {{ content_by_lua_block {{ {SAY}
            ngx.thread.spawn(function() return run("one", "jobs", "stay", "exit") end)
            ngx.say("before")
            ngx.exit(200)
        }} }}
        location /after {{ content_by_lua_block {{ {SAY}
            local things = ngx.shared.things
            things:set("exit leaves", true)
            for _ = 1, 100 do
                if things:get("exit left") then break end
                ngx.sleep(0.01)
            end
            ngx.sleep(0.05)
            say(things:get("exit left"), run("one", "jobs", "echo", 1))
        }} }}""", "/", "/after",
    ),
}  # fmt: skip

PAIR = Pair(
    CASES,
    main="thread_pool one threads=2; thread_pool full threads=1 max_queue=0;",
    http="""
        lua_worker_thread_vm_pool_size 1;
        lua_shared_dict things 100k;
        lua_package_path '$prefix/lua/?.lua;;';
    """,
    files=FILES,
    settle=0.3,
)


@pytest.mark.parametrize("name", CASES)
def test_as_nginx_does(name):
    PAIR.check(name)
    assert "HTTP/1.1 200 OK" in PAIR.actual(name).answers[0]


#: A pool whose only thread may keep nobody waiting.
FULL = Pair(
    {
        "overflow": case(
            f"""location / {{ content_by_lua_block {{ {SAY}
            local things = ngx.shared.things
            local thread = ngx.thread.spawn(function()
                return run("full", "jobs", "stay", "full")
            end)
            while not things:get("full is here") do ngx.sleep(0.001) end
            say(run("full", "jobs", "echo", 1))
            say(run("one", "jobs", "echo", 1))
            things:set("full leaves", true)
            say(ngx.thread.wait(thread))
            say(run("full", "jobs", "echo", 1))
        }} }}"""
        )
    },
    main="thread_pool full threads=1 max_queue=0; thread_pool one threads=1;",
    http="""
        lua_worker_thread_vm_pool_size 3;
        lua_shared_dict things 100k;
        lua_package_path '$prefix/lua/?.lua;;';
    """,
    files=FILES,
)


def test_a_full_queue():
    """Where nginx says what ngx_thread_task_post says, and then frees too much."""
    (answer,) = FULL.actual("overflow").answers
    assert [line for line in answer if line.startswith(("true", "false"))] == [
        "false ngx_thread_task_post failed",
        "true 1",
        "true true full",
        "true 1",
    ]
    overflow = 'error: thread pool "full" queue overflow: 0 tasks waiting'
    assert overflow in FULL.rest("luajit21")
