"""``ngx.run_worker_thread``: functions in threads and VMs of their own."""

from __future__ import annotations

import pytest
import trio
from hypothesis import given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st
from lua_worker import PATIENCE, Variant, each_variant, open_rig

from resty_py.shared_dict import SharedDict
from resty_py.vm import VM, to_lua

JOBS = """
local M = {}

function M.echo(...)
    return ...
end

function M.count(...)
    return select("#", ...)
end

function M.fail(what)
    error(what, 0)
end

function M.give_function()
    return {deep = {print}}
end

-- Says that it is here, and ends when the other is.
function M.meet(own, other)
    local seen = ngx.shared.seen
    seen:set(own, true)
    while not seen:get(other) do
        if seen:get("stop") then
            return "stopped"
        end
    end
    return own
end

function M.api()
    local names = {}
    for name in pairs(ngx) do
        names[name] = true
    end
    return names
end

function M.require(name)
    return type(require(name)) == "table"
end

-- Whether time goes on while nothing but Lua runs, and what kind it is of.
function M.tell_time()
    local start = ngx.now()
    ngx.update_time()
    repeat until ngx.now() > start
    return ngx.time() >= math.floor(start), #ngx.today(),
           #ngx.localtime(), #ngx.utctime(), ngx.get_phase()
end

function M.use_api()
    local seen = ngx.shared.seen
    seen:set("short", 1, 0.001)
    local stale
    repeat
        stale = seen:get("short") == nil
    until stale
    return ngx.encode_base64("hello"), ngx.md5("a"),
           ngx.re.match("hello, 1234", "[0-9]+")[0], ngx.escape_uri("a b"),
           ngx.config.subsystem, ngx.decode_args("a=1").a, ngx.null == nil,
           require("ngx") == ngx
end

M.value = 1

return M
"""

CALL = "local run = ngx.run_worker_thread "


@pytest.fixture
def modules(tmp_path):
    (tmp_path / "jobs.lua").write_text(JOBS)
    (tmp_path / "nothing.lua").write_text("return 5")
    (tmp_path / "broken.lua").write_text("error('it is broken', 0)")
    return {"path": (tmp_path,)}


def shared():
    return {"seen": SharedDict("64k")}


@each_variant
async def test_arguments_and_results(variant, tmp_path, modules):
    async with open_rig(variant, tmp_path, **modules) as rig:
        got = await rig.run(
            CALL
            + """
            return run("default", "jobs", "echo", 1, nil, "x\\0y", {a = {1, 2.5}},
                       true, nil)
            """
        )
        assert got == (True, 1, None, b"x\0y", {b"a": [1, 2.5]}, True, None)
        assert await rig.run(
            CALL
            + """
            local _, null, list = run("default", "jobs", "echo", ngx.null, {ngx.null})
            return null == ngx.null, list[1] == ngx.null,
                   select(2, run("default", "jobs", "count", nil, nil))
            """
        ) == (True, True, 2)


FAULTS = {
    "'default'": b"expecting at least 3 arguments",
    "print, 'jobs', 'echo'": b"threadpool should be a string",
    "'none', 'jobs', 'echo'": b"thread pool none not found",
    "'default', {}, 'echo'": b"module name should be a string",
    "'default', 'jobs', {}": b"function name should be a string",
    "'default', 'nothing', 'echo'": b"invalid lua module",
    "'default', 'jobs', 'value'": b"invalid function",
    "'default', 'broken', 'echo', print": b"it is broken",
    "'default', 'jobs', 'echo', print": (
        b"unsupported Lua type: LUA_TFUNCTION in the argument"
    ),
    "'default', 'jobs', 'echo', {a = {b = coroutine.create(print)}}": (
        b"unsupported Lua type: LUA_TTHREAD in the argument"
    ),
    "'default', 'jobs', 'echo', newproxy()": (
        b"unsupported Lua type: LUA_TUSERDATA in the argument"
    ),
    "'default', 'jobs', 'echo', loop": (
        b"suspicious circular references, table depth exceed max depth: 100 in "
        b"the argument"
    ),
    "'default', 'jobs', 'give_function'": (
        b"unsupported Lua type: LUA_TFUNCTION in the return value"
    ),
    "'default', 'jobs', 'fail', 'oh'": b"oh",
    "'default', 'jobs', 'fail', {}": b"",
}


@each_variant
async def test_errors(variant, tmp_path, modules):
    async with open_rig(variant, tmp_path, **modules) as rig:
        calls = ",".join(f"{{run({arguments})}}" for arguments in FAULTS)
        got = await rig.run(
            f"{CALL} local loop = {{}} loop[1] = loop return {{{calls}}}"
        )
        assert got == [[False, text] for text in FAULTS.values()]
        # No VM is lost.
        ok, err = await rig.run(CALL + "return run('default', 'missing', 'echo')")
        assert not ok
        assert err.startswith(b"module 'missing' not found:")
        with pytest.raises(Exception, match="no request found"):
            rig.worker.vm.run(b"ngx.run_worker_thread('default', 'jobs', 'echo')")


async def test_no_thread_can_be_had(tmp_path, modules, monkeypatch):
    async def fail(*_args, **_options):
        raise RuntimeError("can't start new thread")

    async with open_rig(Variant("luajit21"), tmp_path, **modules) as rig:
        call = CALL + "return run('default', 'jobs', 'echo', 1)"
        with monkeypatch.context() as patch:
            patch.setattr(trio.to_thread, "run_sync", fail)
            assert await rig.run(call) == (False, b"internal error")
        assert await rig.run(call) == (True, 1)
        (line,) = rig.errors()
        assert "a thread or its Lua VM cannot be made" in line


@each_variant
async def test_tables_are_copied_as_they_are(variant, tmp_path, modules):
    """Without their metatables' leave."""
    async with open_rig(variant, tmp_path, **modules) as rig:
        assert await rig.run(
            CALL
            + """
            local given = setmetatable({1, 2}, {__pairs = error})
            return run("default", "jobs", "echo", given)
            """
        ) == (True, [1, 2])


@each_variant
async def test_threads_run_at_the_same_time(variant, tmp_path, modules):
    """Each ends only when the other has begun; the worker goes on meanwhile."""
    async with open_rig(variant, tmp_path, shared_dicts=shared(), **modules) as rig:
        got = await rig.run(
            CALL
            + """
            local spawn, wait = ngx.thread.spawn, ngx.thread.wait
            local function meet(own, other)
                return run("default", "jobs", "meet", own, other)
            end
            local one = spawn(meet, "a", "b")
            ngx.sleep(0.01)
            local other = spawn(meet, "b", "a")
            return {wait(one)}, {wait(other)}
            """
        )
        assert got == ([True, True, b"a"], [True, True, b"b"])


@each_variant
async def test_what_is_there(variant, tmp_path, modules):
    async with open_rig(variant, tmp_path, shared_dicts=shared(), **modules) as rig:
        _, names = await rig.run(CALL + "return run('default', 'jobs', 'api')")
        wanted = b"re shared config encode_args hmac_sha1 quote_sql_str null ERR OK"
        assert set(wanted.split()) <= set(names)
        # What waits, or belongs to a request, is not.
        unwanted = b"sleep socket thread timer var req ctx say exit run_worker_thread"
        assert not set(unwanted.split()) & set(names)
        assert await rig.run(CALL + "return run('default', 'jobs', 'use_api')") == (
            True,
            b"aGVsbG8=",
            b"0cc175b9c0f1b6a831c399e269772661",
            b"1234",
            b"a%20b",
            b"http",
            b"1",
            False,
            True,
        )


@each_variant
async def test_time(variant, tmp_path, modules):
    async with open_rig(variant, tmp_path, **modules) as rig:
        told = await rig.run(CALL + "return run('default', 'jobs', 'tell_time')")
        assert told == (True, True, 10, 19, 19, b"init")


@each_variant
async def test_libraries(variant, tmp_path, modules):
    there = ("cjson", "cjson.safe", "resty.sha256", "resty.core.base", "ngx.re")
    async with open_rig(variant, tmp_path, **modules) as rig:
        code = CALL + "return run('default', 'jobs', 'require', ...)"
        for name in (*there, "resty.signal", "ngx.base64", "tablepool"):
            assert await rig.run(code, name) == (True, True)
        ok, err = await rig.run(code, "ngx.pipe")
        assert not ok
        assert b"cannot run in a thread of ngx.run_worker_thread" in err


async def test_a_killed_light_thread_leaves_the_function_alone(tmp_path, modules):
    async with open_rig(
        Variant("luajit21"), tmp_path, shared_dicts=shared(), **modules
    ) as rig:
        got = await rig.run(
            CALL
            + """
            local thread = ngx.thread.spawn(function()
                run("default", "jobs", "meet", "a", "b")
            end)
            local seen = ngx.shared.seen
            while not seen:get("a") do
                ngx.sleep(0.001)
            end
            local killed = ngx.thread.kill(thread)
            return killed, run("default", "jobs", "meet", "b", "a")
            """
        )
        assert got == (1, True, b"b")
        assert rig.errors() == []


async def test_the_worker_does_not_wait_for_what_runs(tmp_path, modules):
    dicts = shared()
    with trio.fail_after(PATIENCE):
        async with open_rig(
            Variant("luajit21"), tmp_path, shared_dicts=dicts, **modules
        ) as rig:
            await rig.run(
                """
                ngx.timer.at(0, function()
                    ngx.run_worker_thread("default", "jobs", "meet", "a", "b")
                end)
                while not ngx.shared.seen:get("a") do
                    ngx.sleep(0.001)
                end
                """
            )
    dicts["seen"].set("stop", True)


VALUES = st.recursive(
    st.none()
    | st.sampled_from([0.0, -0.0, float("inf"), float("-inf")])
    | st.booleans()
    | st.binary(max_size=9)
    | st.floats(allow_nan=False)
    | st.integers(-(2**53), 2**53),
    lambda inner: st.lists(inner.filter(lambda value: value is not None), max_size=4),
    max_leaves=8,
)


@pytest.mark.parametrize("flavour", ["luajit21", "lua51", "lua54"])
def test_whatever_is_packed_is_unpacked(flavour):
    vm = VM(flavour, {"null": {}})
    copy = vm.require("resty_py.thread.copy")
    same = vm.run(
        b"""
        local copy = ...
        local function same(a, b)
            if type(a) ~= "table" then
                return a == b and (a ~= 0 or 1 / a == 1 / b)
                    and (not math.type or math.type(a) == math.type(b))
            end
            for i = 1, #a do
                if not same(a[i], b[i]) then
                    return false
                end
            end
            return #a == #b
        end
        return function(value)
            return same(value, (copy.unpack((copy.pack(value)))))
        end
    """,
        copy,
    )

    @given(VALUES)
    @hypothesis_settings(max_examples=60, deadline=None)
    def check(value):
        assert vm.call(same, to_lua(vm, value))

    check()
