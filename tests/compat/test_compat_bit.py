"""The library `bit`: BitOp's documentation, and LuaJIT's own beside it."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from resty_py.vm import FLAVOURS, VM

PUC = [flavour for flavour in FLAVOURS if flavour != "luajit21"]

ORACLE = VM("luajit21")
OTHERS = {flavour: VM(flavour) for flavour in PUC}


@pytest.mark.parametrize(
    ("call", "value"),
    [
        ("tobit(0xffffffff)", -1),
        ("tobit(0xffffffff + 1)", 0),
        ("tobit(2^40 + 1234)", 1234),
        ("tobit(-2^31)", -(2**31)),
        ("tobit('0x10')", 16),
        ("tohex(1)", b"00000001"),
        ("tohex(-1)", b"ffffffff"),
        ("tohex(0xffffffff)", b"ffffffff"),
        ("tohex(-1, -8)", b"FFFFFFFF"),
        ("tohex(0x21, 4)", b"0021"),
        ("tohex(0x87654321, 4)", b"4321"),
        ("tohex(255, 0)", b""),
        ("tohex(1, 20)", b"00000000000000000001"),
        ("bnot(0)", -1),
        ("bnot(0x12345678)", -305419897),
        ("bor(1, 2, 4, 8)", 15),
        ("band(0x12345678, 0xff)", 0x78),
        ("bxor(0xa5a5f0f0, 0xaa55ff00)", 0x0FF00FF0),
        ("band(0xffffffff)", -1),
        ("lshift(1, 0)", 1),
        ("lshift(1, 8)", 256),
        ("lshift(1, 40)", 256),
        ("lshift(1, 31)", -(2**31)),
        ("lshift(1, -1)", -(2**31)),
        ("rshift(256, 8)", 1),
        ("rshift(-256, 8)", 16777215),
        ("rshift(-1, 0)", -1),
        ("arshift(256, 8)", 1),
        ("arshift(-256, 8)", -1),
        ("lshift(0x87654321, 12)", 0x54321000),
        ("rol(0x12345678, 12)", 0x45678123),
        ("ror(0x12345678, 12)", 0x67812345),
        ("bswap(0x12345678)", 0x78563412),
        ("bswap(0x78563412)", 0x12345678),
        ("band(1.5, 3)", 2),
        ("band(2.5, 3)", 2),
    ],
)
def test_documented(vm, call, value):
    assert vm.run(f"return bit.{call}".encode()) == value


def test_module_can_be_required(vm):
    assert vm.run(b"return require 'bit' == bit")


@pytest.mark.parametrize("flavour", ["lua52"])
def test_bit32_is_left_alone(flavour):
    assert OTHERS[flavour].run(b"return bit32.band(-1)") == 0xFFFFFFFF


# Whole numbers within the range that the documentation defines.
NUMBERS = st.one_of(
    st.integers(-(2**51), 2**51),
    st.integers(-(2**32), 2**32),
    st.sampled_from([0, 1, -1, 2**31, -(2**31), 2**32 - 1]),
)
COUNTS = st.integers(-100, 100)


def functions(name):
    source = f"return bit.{name}".encode()
    return ORACLE.run(source), {f: vm.run(source) for f, vm in OTHERS.items()}


def agree(name, *args):
    """The flavours answer what LuaJIT does, given whole numbers or doubles."""
    oracle, others = LIBRARY[name]
    expected = oracle(*args)
    doubles = [float(arg) for arg in args]
    for flavour, function in others.items():
        assert function(*args) == expected, flavour
        assert function(*doubles) == expected, flavour


@pytest.mark.parametrize("name", ["tobit", "bnot", "bswap", "tohex"])
@given(x=NUMBERS)
def test_one_number(name, x):
    agree(name, x)


@pytest.mark.parametrize("name", ["band", "bor", "bxor"])
@given(numbers=st.lists(NUMBERS, min_size=1, max_size=5))
def test_any_number_of_numbers(name, numbers):
    agree(name, *numbers)


@pytest.mark.parametrize("name", ["lshift", "rshift", "arshift", "rol", "ror"])
@given(x=NUMBERS, count=COUNTS)
def test_number_and_count(name, x, count):
    agree(name, x, count)


@given(x=NUMBERS, digits=st.integers(-20, 20))
def test_tohex_with_digits(x, digits):
    agree("tohex", x, digits)


LIBRARY = {
    name: functions(name)
    for name in (
        "tobit", "bnot", "bswap", "tohex", "band", "bor", "bxor", "lshift",
        "rshift", "arshift", "rol", "ror",
    )
}  # fmt: skip


@pytest.mark.parametrize(
    ("call", "position"),
    [("band(nil)", 1), ("band(1, nil)", 2), ("lshift(1)", 2), ("tohex({})", 1),
     ("bswap('x')", 1), ("ror(1, {})", 2), ("bor()", 1), ("arshift(nil, 1)", 1)],
)  # fmt: skip
def test_what_is_no_number(vm, call, position):
    ok, problem = vm.run(
        f"return pcall(function() local _ = bit.{call} end)".encode(), name="=user"
    )
    name = call.partition("(")[0]
    assert not ok
    assert problem.startswith(
        f"user:1: bad argument #{position} to '{name}' (number expected, got ".encode()
    )
