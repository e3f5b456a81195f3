"""newproxy of Lua 5.1, and the debug functions of 5.1 and 5.2."""

import pytest

from resty_py.vm import VM, LuaError


def test_proxies_are_unique(vm):
    assert vm.run(
        b"""
        return newproxy() ~= newproxy(), type(newproxy()), getmetatable(newproxy()),
            io.type(newproxy(true))
        """
    ) == (True, b"userdata", None, None)


def test_proxy_with_a_metatable(vm):
    assert vm.run(
        b"""
        local proxy = newproxy(true)
        getmetatable(proxy).__index = function(_, key) return key .. "!" end
        getmetatable(proxy).__len = function() return 7 end
        getmetatable(proxy).__call = function(_, x) return x * 2 end
        return proxy.key, #proxy, proxy(4)
        """
    ) == (b"key!", 7, 8)


def test_proxy_shares_a_proxys_metatable(vm):
    assert vm.run(
        b"""
        local first = newproxy(true)
        local second = newproxy(first)
        return getmetatable(first) == getmetatable(second), first ~= second
        """
    ) == (True, True)


def test_finalizer_set_later_is_called(vm):
    assert (
        vm.run(
            b"""
        local collected = 0
        for i = 1, 3 do
            local proxy = newproxy(true)
            getmetatable(proxy).__gc = function() collected = collected + 1 end
        end
        collectgarbage()
        collectgarbage()
        return collected
        """
        )
        == 3
    )


def test_proxy_of_something_else(vm):
    with pytest.raises(LuaError, match="boolean or proxy expected"):
        vm.run(b"local _ = newproxy({})")


def test_setmetatable_returns_its_argument(vm):
    assert vm.run(
        b"""
        local t, meta = {}, {}
        local same = debug.setmetatable(t, meta) == t and getmetatable(t) == meta
        return same, debug.setmetatable(5, nil)
        """
    ) == (True, 5)


@pytest.mark.parametrize("flavour", ["luajit21", "lua51"])
def test_uservalue_of_userdata(flavour):
    """Where 5.2's names are the shim's: they hold one table per userdata."""
    assert VM(flavour).run(
        b"""
        local proxy, held = newproxy(), {}
        debug.setuservalue(proxy, held)
        return debug.getuservalue(proxy) == held
        """
    )
