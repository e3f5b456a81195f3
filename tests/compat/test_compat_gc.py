"""collectgarbage's options of Lua 5.1 and 5.2, and gcinfo."""

import pytest


@pytest.mark.parametrize("option", [b"setpause", b"setstepmul"])
def test_tuning_returns_the_previous_value(vm, option):
    """5.5 keeps these in a coarse float format; 400 and 100 are exact."""
    assert (
        vm.run(
            b"""
        collectgarbage(..., 400)
        local before = collectgarbage(..., 100)
        collectgarbage(..., 200)
        return before
        """.replace(b"...", b"(...)"),
            option,
        )
        == 400
    )


def test_isrunning(vm):
    assert vm.run(
        b"""
        local at_first = collectgarbage("isrunning")
        collectgarbage("stop")
        local stopped = collectgarbage("isrunning")
        collectgarbage("restart")
        return at_first, stopped, collectgarbage("isrunning")
        """
    ) == (True, False, True)


def test_the_other_options(vm):
    assert vm.run(
        b"""
        return collectgarbage(), collectgarbage("collect"),
            collectgarbage("count") > 1, type(collectgarbage("step", 1))
        """
    ) == (0, 0, True, b"boolean")


def test_gcinfo_counts_kilobytes(vm):
    assert vm.run(
        b"return math.abs(gcinfo() - collectgarbage('count')) < 10, gcinfo() % 1"
    ) == (True, 0)
