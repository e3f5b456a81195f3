"""__pairs and __ipairs: the Lua 5.2 manual, section 6.1."""

import pytest


def test_pairs_gives_next(vm):
    assert vm.run(
        b"""
        local t = {5}
        local iterate, state, key = pairs(t)
        return iterate == next, state == t, key
        """
    ) == (True, True, None)


def test_ipairs_stops_at_nil(vm):
    assert (
        vm.run(
            b"""
        local text = ""
        for i, v in ipairs({"a", "b", nil, "d"}) do text = text .. i .. v end
        return text
        """
        )
        == b"1a2b"
    )


@pytest.mark.parametrize("name", [b"pairs", b"ipairs"])
def test_metamethod_makes_the_iterator(vm, name):
    assert (
        vm.run(
            b"""
        local function iterate(state, key)
            key = (key or 0) + 1
            if key <= #state then return key, state[key] end
        end
        local object = setmetatable({}, {["__" .. ...] = function(self)
            return iterate, {"x", "y", self ~= nil and "z"}, nil
        end})
        local text = ""
        for key, value in _G[...](object) do text = text .. key .. value end
        return text
        """,
            name,
        )
        == b"1x2y3z"
    )


@pytest.mark.parametrize("name", [b"pairs", b"ipairs"])
def test_metamethod_in_a_protected_metatable(vm, name):
    assert (
        vm.run(
            b"""
        local object = setmetatable({}, {
            __metatable = "hidden",
            ["__" .. ...] = function() return "mine" end,
        })
        return (_G[...](object))
        """,
            name,
        )
        == b"mine"
    )


def test_metamethod_of_what_is_no_table(vm):
    assert vm.run(
        b"""
        local proxy = newproxy(true)
        getmetatable(proxy).__pairs = function() return next, {k = "v"} end
        for key, value in pairs(proxy) do return key, value end
        """
    ) == (b"k", b"v")


def test_metamethod_is_looked_up_raw(vm):
    assert (
        vm.run(
            b"""
        local meta = setmetatable({}, {__index = function() error("asked") end})
        local count = 0
        for _ in pairs(setmetatable({1}, meta)) do count = count + 1 end
        for _ in ipairs(setmetatable({1}, meta)) do count = count + 1 end
        return count
        """
        )
        == 2
    )


@pytest.mark.parametrize("name", ["pairs", "ipairs"])
@pytest.mark.parametrize("value", ["nil", "5"])
def test_what_cannot_be_iterated(vm, name, value):
    ok, problem = vm.run(
        f"return pcall(function() for _ in {name}({value}) do end end)".encode()
    )
    assert not ok
    kind = "nil" if value == "nil" else "number"
    if vm.flavour.name in ("lua53", "lua54", "lua55") and value == "5":
        # There ipairs indexes any value, and numbers cannot be.
        assert b"number" in problem
    else:
        assert problem.endswith(f"(table expected, got {kind})".encode())
