"""setfenv and getfenv: the Lua 5.1 manual, section 5.1."""

import pytest

from resty_py.vm import FLAVOURS, VM, LuaError

PUC = [flavour for flavour in FLAVOURS if flavour != "luajit21"]


def test_setfenv_changes_what_a_function_sees(vm):
    assert vm.run(
        b"""
        x = "global"
        local function f() return x end
        local before = f()
        local answer = setfenv(f, {x = "own"})
        return before, f(), answer == f, x
        """
    ) == (b"global", b"own", True, b"global")


def test_getfenv_of_functions(vm):
    assert vm.run(
        b"""
        local function reads() return x end
        local function plain() end
        local env = {}
        assert(getfenv(reads) == _G and getfenv(plain) == _G)
        setfenv(reads, env)
        setfenv(plain, env)
        return getfenv(reads) == env, getfenv(plain) == env, getfenv(print) == _G
        """
    ) == (True, True, True)


def test_level_one_is_the_calling_function(vm):
    assert vm.run(
        b"""
        local keep = _G
        local function f()
            setfenv(1, {inner = "seen"})
            return inner, tostring
        end
        local inner_value, missing = f()
        return inner_value, missing, getfenv() == keep, getfenv(1) == keep
        """
    ) == (b"seen", None, True, True)


def test_level_two_is_the_callers_caller(vm):
    assert vm.run(
        b"""
        local env = {}
        local function mark() setfenv(2, env) end
        local function f()
            mark()
            y = 5
            return x
        end
        f()
        return env.y, _G.y
        """
    ) == (5, None)


@pytest.mark.parametrize("flavour", PUC)
def test_getfenv_called_in_tail_position(flavour):
    """LuaJIT does not count a function that left by a tail call."""
    assert VM(flavour).run(
        b"""
        local env = {}
        local function callers() return getfenv(2) end
        local function f()
            local _ = x
            local found = callers()
            return found
        end
        setfenv(f, env)
        return f() == env
        """
    )


def test_closures_made_before_keep_theirs_and_after_share_it(vm):
    assert vm.run(
        b"""
        x = "old"
        local function make() return function() return x end end
        local before = make()
        setfenv(make, {x = "new"})
        local after = make()
        return before(), after()
        """
    ) == (b"old", b"new")


def test_two_functions_do_not_share_what_is_set(vm):
    assert vm.run(
        b"""
        x = "global"
        local function f() return x end
        local function g() return x end
        setfenv(f, {x = "f"})
        return f(), g()
        """
    ) == (b"f", b"global")


def test_chunks_can_be_sandboxed(vm):
    assert vm.run(
        b"""
        local env = {}
        local chunk = loadstring("function f() return v end v = 3 return f()")
        local result = setfenv(chunk, env)()
        env.v = 4
        return result, env.f(), v
        """
    ) == (3, 4, None)


def test_stripped_chunk(vm):
    assert vm.run(
        b"""
        local dumped = string.dump(loadstring("return x"), true)
        local chunk = loadstring(dumped)
        x = 1
        local before = chunk()
        setfenv(chunk, {x = 2})
        local once = chunk()
        setfenv(chunk, {x = 3})
        return before, once, chunk(), getfenv(chunk).x
        """
    ) == (1, 2, 3, 3)


def test_level_zero_is_for_chunks_loaded_from_then_on(vm):
    assert vm.run(
        b"""
        local globals, load = _G, loadstring
        local env = {x = "new"}
        setfenv(0, env)
        local chunk, current = load("return x"), getfenv(0)
        setfenv(0, globals)
        return chunk(), current == env, x, load("return x")()
        """
    ) == (b"new", True, None, None)


@pytest.mark.parametrize(
    ("call", "problem"),
    [
        (b"getfenv(99)", b"invalid level"),
        (b"setfenv(99, {})", b"invalid level"),
        (b"setfenv(print, {})", b"cannot change environment of given object"),
    ],
)
def test_refusals(vm, call, problem):
    with pytest.raises(LuaError) as caught:
        vm.run(b"local x = " + call)
    assert problem.decode() in str(caught.value)


def test_debug_getfenv_and_setfenv(vm):
    assert vm.run(
        b"""
        local function f() return x end
        local env = {x = 1}
        return debug.setfenv(f, env) == f, debug.getfenv(f) == env, f()
        """
    ) == (True, True, 1)
