"""tostring and tonumber: the Lua 5.1 manual, section 5.1."""

import pytest


@pytest.mark.parametrize(
    ("number", "text"),
    [
        ("3.0", b"3"),
        ("10 / 2", b"5"),
        ("-0.5", b"-0.5"),
        ("0.1", b"0.1"),
        ("1 / 3", b"0.33333333333333"),
        ("2 ^ 53", b"9.007199254741e+15"),
        ("1e15", b"1e+15"),
        ("1e100", b"1e+100"),
        ("100", b"100"),
        ("math.huge", b"inf"),
        ("-math.huge", b"-inf"),
    ],
)
def test_tostring_of_numbers(vm, number, text):
    """Lua 5.1 writes a number as "%.14g"."""
    assert vm.run(f"return tostring({number})".encode()) == text


def test_tostring_of_other_values(vm):
    assert vm.run(
        b"""
        local object = setmetatable({}, {__tostring = function() return "me" end})
        return tostring(nil), tostring(true), tostring("x"), tostring(object),
            tostring({}):match("^table: ") ~= nil
        """
    ) == (b"nil", b"true", b"x", b"me", True)


@pytest.mark.parametrize(
    ("arguments", "value"),
    [
        ("'10'", 10),
        ("' 0x10 '", 16),
        ("'1e1'", 10),
        ("'x'", None),
        ("''", None),
        ("{}", None),
        ("nil", None),
        ("'10', 10", 10),
        ("'10.5', 10", 10.5),
        ("12, 10", 12),
        ("'ff', 16", 255),
        ("'0xff', 16", 255),
        ("' 0XFF ', 16", 255),
        ("10, 16", 16),
        ("'zz', 36", 1295),
        ("'8', 8", None),
        ("'1 0', 2", None),
    ],
)
def test_tonumber(vm, arguments, value):
    assert vm.run(f"return (tonumber({arguments}))".encode()) == value
