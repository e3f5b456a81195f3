"""Tracebacks cross pcall: on 5.1 as where the language does it itself."""

import time

import pytest

from resty_py.vm import VM

PARKED = b"""
local function inmost() coroutine.yield() end
local function middle() pcall(inmost) return 1 end
local function outmost() pcall(middle) return 1 end
local co = coroutine.create(outmost)
coroutine.resume(co)
"""


def lines(traceback):
    """Return the line numbers of the user's frames, innermost first."""
    return [
        int(line.split(":")[1])
        for line in traceback.decode().splitlines()
        if line.startswith("\tuser:")
    ]


def test_running_function_sees_its_callers(vm):
    traceback = vm.run(
        b"""
        local traceback
        local function inmost() traceback = debug.traceback("text") end
        local function outmost() pcall(inmost) return 1 end
        coroutine.wrap(function() pcall(outmost) return 1 end)()
        return traceback
        """,
        name="=user",
    )
    assert traceback.startswith(b"text\nstack traceback:\n\tuser:3: ")
    assert lines(traceback) == [3, 4, 5]
    assert traceback.count(b"[C]: in ") == 2


def test_parked_coroutine_shows_all_frames(vm):
    traceback = vm.run(PARKED + b"return debug.traceback(co, 'text')", name="=user")
    assert traceback.startswith(b"text\nstack traceback:\n\t[C]: in ")
    assert lines(traceback) == [2, 3, 4]
    assert traceback.count(b"'pcall'") == 2


def test_parked_coroutine_without_a_message(vm):
    traceback = vm.run(PARKED + b"return debug.traceback(co)", name="=user")
    assert traceback.startswith(b"stack traceback:\n\t[C]: in ")


def test_parked_coroutine_after_a_protected_call(vm):
    traceback = vm.run(
        b"""
        local co = coroutine.create(function()
            pcall(function() local _ = nil + 1 end)
            coroutine.yield()
        end)
        coroutine.resume(co)
        return debug.traceback(co)
        """,
        name="=user",
    )
    assert lines(traceback) == [4]


def test_level_skips_frames(vm):
    assert lines(
        vm.run(PARKED + b"return debug.traceback(co, 'text', 2)", name="=user")
    ) == [3, 4]


@pytest.mark.parametrize(
    "handler",
    [b"debug.traceback", b"function(m) return (debug.traceback(m, 2)) end"],
)
def test_handler_sees_where_the_error_happened(vm, handler):
    traceback = vm.run(
        b"""
        local function inmost() error("oops") end
        local function middle() inmost() return 1 end
        return coroutine.wrap(function()
            local _, text = xpcall(middle, %s)
            return text
        end)()
        """
        % handler,
        name="=user",
    )
    assert traceback.startswith(b"user:2: oops\nstack traceback:\n\t[C]: in ")
    assert lines(traceback) == [2, 3, 5]


def test_handler_of_a_yielding_function(vm):
    traceback = vm.run(
        b"""
        local co = coroutine.wrap(function()
            local _, text = xpcall(function()
                coroutine.yield()
                error("oops")
            end, debug.traceback)
            return text
        end)
        co()
        return co()
        """,
        name="=user",
    )
    assert lines(traceback) == [5, 3]


def test_getinfo_counts_levels_across_pcall(vm):
    assert vm.run(
        b"""
        local found
        local function inmost()
            found = debug.getinfo(3, "Sl")
        end
        return coroutine.wrap(function()
            pcall(inmost)
            return found.short_src, found.currentline, debug.getinfo(9)
        end)()
        """,
        name="=user",
    ) == (b"user", 7, None)


def test_getinfo_of_the_caller_and_of_functions(vm):
    assert vm.run(
        b"""
        local line, what
        coroutine.wrap(function()
            pcall(function()
                line = debug.getinfo(1, "l").currentline
                what = debug.getinfo(print, "S").what
            end)
        end)()
        return line, what, debug.getinfo(1, "l").currentline
        """
    ) == (5, b"C", 9)


def test_message_that_is_no_text_is_handed_back(vm):
    assert vm.run(
        b"""
        local mark = {}
        return coroutine.wrap(function()
            return select(2, pcall(function()
                return debug.traceback(mark) == mark
            end))
        end)()
        """
    )


def test_long_stack_is_cut_in_the_middle():
    """5.1 shows the first twelve frames and the last ten."""
    traceback = VM("lua51").run(
        b"""
        local function deep(n)
            if n == 0 then return debug.traceback() .. "" end
            local text = deep(n - 1)
            return text
        end
        return coroutine.wrap(function()
            local _, text = pcall(deep, 40)
            return text
        end)()
        """
    )
    assert traceback.count(b"\n") == 12 + 1 + 10
    assert b"\n\t...\n" in traceback


def test_getinfo_looks_at_no_more_of_a_long_stack_than_is_asked_for():
    """A stack that has overflowed has thousands of frames: looking at all of
    them for each that is asked for took half a minute."""
    began = time.monotonic()
    vm = VM("lua51")
    found = vm.run(
        b"""
        local function deep() return 1 + deep() end
        local count = 0
        local function handler()
            for level = 2, 99 do
                count = count + debug.getinfo(level, "l").currentline
            end
        end
        coroutine.wrap(function() xpcall(deep, handler) end)()
        return count
        """,
        name="=user",
    )
    assert found == 98 * 2
    assert time.monotonic() - began < 5


def test_plain_traceback_has_no_empty_first_line(vm):
    assert vm.run(b"return (debug.traceback())").startswith(b"stack traceback:\n")
