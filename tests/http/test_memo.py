"""lualib/resty_py/http/memo.lua: what is asked for stays, and little else."""

import pytest

from resty_py.vm import FLAVOURS, VM


@pytest.fixture(params=FLAVOURS)
def vm(request):
    return VM(request.param)


def test_what_is_stored_is_recalled(vm):
    assert vm.run(
        b"""
        local memo = require "resty_py.http.memo"
        local m = memo.new(2)
        assert(memo.store(m, "a", 1) == 1)
        return memo.recall(m, "a"), (memo.recall(m, "b"))
        """
    ) == (1, None)


def test_what_is_asked_for_outlives_what_is_not(vm):
    assert vm.run(
        b"""
        local memo = require "resty_py.http.memo"
        local m = memo.new(2)
        memo.store(m, "kept", 1)
        memo.store(m, "lost", 2)
        for i = 1, 20 do
            memo.store(m, "new" .. i, i)
            assert(memo.recall(m, "kept") == 1)
        end
        return memo.recall(m, "kept"), (memo.recall(m, "lost"))
        """
    ) == (1, None)


def test_no_more_than_two_generations_are_kept(vm):
    count = vm.run(
        b"""
        local memo = require "resty_py.http.memo"
        local m = memo.new(10)
        for i = 1, 1000 do
            memo.store(m, i, i)
        end
        local count = 0
        for _, generation in ipairs {m.young, m.old} do
            for _ in pairs(generation) do
                count = count + 1
            end
        end
        return count
        """
    )
    assert 10 <= count <= 20
