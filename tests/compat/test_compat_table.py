"""table and rawlen: the Lua 5.1, 5.2 and 5.3 manuals."""

import pytest


def test_unpack(vm):
    assert vm.run(b"return unpack({1, nil, 3}, 1, 3)") == (1, None, 3)
    assert vm.run(b"return table.unpack({1, 2, 3}, 2)") == (2, 3)
    assert vm.run(b"return select('#', unpack({}))") == 0


def test_pack(vm):
    assert vm.run(
        b"local t = table.pack(nil, 2, nil) return t.n, t[1], t[2], t[3]"
    ) == (3, None, 2, None)
    assert vm.run(b"return table.pack().n") == 0


@pytest.mark.parametrize(
    ("arguments", "expected"),
    [
        ("1, 3, 2", b"1,1,2,3,5"),
        ("2, 5, 1", b"2,3,4,5,5"),
        ("1, 0, 3", b"1,2,3,4,5"),
        ("1, 5, 1", b"1,2,3,4,5"),
        ("4, 5, 6", b"1,2,3,4,5,4,5"),
    ],
)
def test_move_within_a_table(vm, arguments, expected):
    assert (
        vm.run(
            f"""
        local t = {{1, 2, 3, 4, 5}}
        assert(table.move(t, {arguments}) == t)
        return table.concat(t, ",")
        """.encode()
        )
        == expected
    )


def test_move_to_another_table(vm):
    assert (
        vm.run(
            b"""
        local target = {"a"}
        assert(table.move({1, 2}, 1, 2, 2, target) == target)
        return table.concat(target, ",")
        """
        )
        == b"a,1,2"
    )


def test_getn_and_maxn(vm):
    assert vm.run(
        b"""
        return table.getn({1, 2}), table.maxn({1, 2, [10] = 1}),
            table.maxn({[1.5] = 1, x = 2}), table.maxn({[-1] = 1})
        """
    ) == (2, 10, 1.5, 0)


def test_foreach(vm):
    assert vm.run(
        b"""
        local sum = 0
        local nothing = table.foreach({a = 1, b = 2, 3}, function(key, value)
            sum = sum + value
        end)
        return sum, nothing, table.foreach({a = 7}, function(k, v) return k .. v end)
        """
    ) == (6, None, b"a7")


def test_foreachi(vm):
    assert vm.run(
        b"""
        local seen = ""
        local answer = table.foreachi({"a", "b", "c", x = 1}, function(i, value)
            seen = seen .. i .. value
            if i == 2 then return "stopped" end
        end)
        return seen, answer
        """
    ) == (b"1a2b", b"stopped")


def test_rawlen(vm):
    assert vm.run(
        b"""
        local object = setmetatable({1, 2}, {__len = function() return 99 end})
        return rawlen(object), rawlen("abc")
        """
    ) == (2, 3)
