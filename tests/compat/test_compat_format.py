"""string.format writes on every flavour what LuaJIT's writes."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from resty_py.vm import FLAVOURS, VM


@pytest.mark.parametrize(
    ("arguments", "text"),
    [
        # 5.1 and LuaJIT cut fractions off, toward zero.
        ("'%d', 3.0", b"3"),
        ("'%d', 3.7", b"3"),
        ("'%d', -3.7", b"-3"),
        ("'%5d|%-5d|%05d', 3.5, 3.5, 3.5", b"    3|3    |00003"),
        ("'%i %u', 3.9, 3.9", b"3 3"),
        ("'%x %X %o', 255.5, 255, 8.1", b"ff FF 10"),
        ("'%c%c', 65.9, 66", b"AB"),
        ("'%d', '10'", b"10"),
        ("'%d', '3.7'", b"3"),
        # What C makes of a double beyond its integers.
        ("'%d', 2^63", b"-9223372036854775808"),
        ("'%d', -1e100", b"-9223372036854775808"),
        ("'%d', 0/0", b"-9223372036854775808"),
        ("'%x', -1", b"ffffffffffffffff"),
        ("'%X', -255", b"FFFFFFFFFFFFFF01"),
        ("'%20x', -2", b"    fffffffffffffffe"),
        ("'%x', -1.5", b"ffffffffffffffff"),
        ("'%x', 2^53", b"20000000000000"),
        # %s is tostring.
        ("'%s', 1.0", b"1"),
        ("'%s %s', 10 / 4, 10 / 5", b"2.5 2"),
        ("'%s|%5s|%-5s|', nil, true, false", b"nil| true|false|"),
        ("'%s', setmetatable({}, {__tostring = function() return 'X' end})", b"X"),
        ("'%.2s|%5.1s|', 'abc', 'abc'", b"ab|    a|"),
        ("'%.0s|%.s|', 'abc', 'abc'", b"||"),
        ("'%5s|', 2.0", b"    2|"),
        # Zero bytes are bytes.
        (r"'%s', 'a\0b'", b"a\0b"),
        (r"'<%s> %d', 'a\0b', 4.5", b"<a\0b> 4"),
        (r"'%6s|%-6s|%.2s|', 'a\0b', 'a\0b', 'a\0b'", b"   a\0b|a\0b   |a\0|"),
        (r"'%c', 0", b"\0"),
        (r"'a%cb%c', 0, 65", b"a\0bA"),
        (r"'%q', 'a\"\\'", b'"a\\"\\\\"'),
        ("'%q %q', 1, 1.5", b'"1" "1.5"'),
        # Floats, literals, leftovers.
        ("'%.3f', 2 / 3", b"0.667"),
        ("'%g %e', 1e15, 12345", b"1e+15 1.234500e+04"),
        ("'%.14g', 3.0", b"3"),
        ("'100%%'", b"100%"),
        ("'%%%d%%', 5.5", b"%5%"),
        ("'%s', 1, 2", b"1"),
        ("''", b""),
        ("5", b"5"),
        ("'%99.99f', 0", b"0." + b"0" * 99),
    ],
)
def test_format(vm, arguments, text):
    assert vm.run(f"return string.format({arguments})".encode()) == text


def test_string_method(vm):
    assert vm.run(b"return ('%d items'):format(2.5)") == b"2 items"


@pytest.mark.parametrize(
    ("arguments", "problem"),
    [
        ("'%d', {}", b"bad argument #2 to 'format' (number expected, got table)"),
        ("'%d %d', 1.5, 'x'", b"#3 to 'format' (number expected, got string)"),
        ("'%s %s', 1.5", b"#3 to 'format' ("),
        ("'%f', nil", b"(number expected, got nil)"),
        ("'%y', 1", b"'%y' to 'format'"),
        ("'%'", b"to 'format'"),
        ("'%0100d', 1", b""),
        ("nil", b"bad argument #1 to 'format' (string expected, got nil)"),
    ],
)
def test_refused(vm, arguments, problem):
    ok, message = vm.run(
        f"return pcall(function() local _ = string.format({arguments}) end)".encode(),
        name="=user",
    )
    assert not ok
    assert message.startswith(b"user:1: ")
    assert problem in message


def test_more_formats_than_are_kept(vm):
    assert (
        vm.run(
            b"""
        for i = 1, 1200 do
            assert(string.format(i .. ":%d", 1.5) == i .. ":1")
        end
        return string.format("1:%d", 2.5)
        """
        )
        == b"1:2"
    )


SPECS = ["%d", "%5d", "%-4d|", "%x", "%s", "%7s", "%-7s|", "%.2s", "%g", "%.3f", "%q"]

VALUES = st.one_of(
    st.integers(-(2**40), 2**40),
    st.floats(-1e15, 1e15, allow_nan=False).map(lambda x: round(x, 3)),
)


@given(st.lists(st.tuples(st.sampled_from(SPECS), VALUES), max_size=4))
def test_every_flavour_writes_numbers_alike(items):
    text = " ".join(spec for spec, _ in items).encode()
    values = [float(value) for _, value in items]
    written = {
        flavour: function(text, *values) for flavour, function in FORMATS.items()
    }
    assert len(set(written.values())) == 1, written


FORMATS = {flavour: VM(flavour).run(b"return string.format") for flavour in FLAVOURS}
