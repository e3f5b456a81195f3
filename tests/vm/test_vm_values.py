"""Copies of values between a program and Lua."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from resty_py.vm import FLAVOURS, VM, from_lua, to_lua

# What every flavour's numbers hold exactly.
NUMBERS = st.integers(-(2**53), 2**53) | st.floats(allow_nan=False)
SCALARS = st.booleans() | NUMBERS | st.binary(max_size=40)
KEYS = st.binary(min_size=1, max_size=8)
# An empty Lua table comes back as a dict: it has no elements to tell by.
VALUES = st.recursive(
    SCALARS,
    lambda inner: (
        st.lists(inner, min_size=1, max_size=5) | st.dictionaries(KEYS, inner)
    ),
    max_leaves=20,
)


@pytest.fixture(params=FLAVOURS, scope="module")
def vm(request):
    return VM(request.param)


@pytest.fixture(scope="module")
def echo(vm):
    return vm.load(b"return ...", "=echo")


@given(value=VALUES)
@settings(deadline=None, max_examples=60)
def test_round_trip(vm, echo, value):
    assert from_lua(vm.call(echo, to_lua(vm, value))) == value


@given(text=st.text())
@settings(deadline=None, max_examples=30)
def test_text_becomes_utf8(vm, echo, text):
    assert vm.call(echo, to_lua(vm, text)) == text.encode()


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        (None, None),
        ([], {}),
        ({}, {}),
        ((1, 2), [1, 2]),
        ([1, None, 3], {1: 1, 3: 3}),
        ({1: b"a", 2: b"b"}, [b"a", b"b"]),
        ({2: b"b"}, {2: b"b"}),
        ({"k": {"n": [True]}}, {b"k": {b"n": [True]}}),
    ],
)
def test_copies(vm, echo, value, expected):
    assert from_lua(vm.call(echo, to_lua(vm, value))) == expected


@pytest.mark.parametrize("value", [object(), {1, 2}, 1j, [print], {"a": object()}])
def test_other_types_are_refused(vm, value):
    with pytest.raises(TypeError, match="cannot be given to Lua"):
        to_lua(vm, value)


def test_lua_sees_tables_of_its_own(vm):
    given = to_lua(vm, {"list": [1, "x"], "flag": True})
    assert (
        vm.run(
            b"local t = ... return type(t) == 'table' and #t.list == 2"
            b" and t.list[2] == 'x' and t.flag == true and getmetatable(t) == nil",
            given,
        )
        is True
    )


def test_a_table_within_itself_ends(vm):
    with pytest.raises(ValueError, match="nested too deep"):
        from_lua(vm.run(b"local t = {} t.t = t return t"))


@pytest.mark.parametrize(
    "value", [{float("nan"): 1}, {"a": [{float("nan"): 1}]}], ids=str
)
def test_no_number_is_no_key(vm, value):
    with pytest.raises(ValueError, match="NaN cannot be a key"):
        to_lua(vm, value)


@pytest.mark.parametrize("nest", [lambda x: [x], lambda x: {"k": x}, lambda x: (x,)])
def test_what_nests_too_deep_is_refused(vm, nest):
    value = 1
    for _ in range(10_000):
        value = nest(value)
    with pytest.raises(ValueError, match="nested too deep"):
        to_lua(vm, value)


@pytest.mark.parametrize(
    ("code", "what"),
    [
        (b"return print", "a Lua function"),
        (b"return {a = {function() end}}", "a Lua function"),
        (b"return io.stdout", "Lua userdata"),
        (b"return coroutine.create(function() end)", "a Lua coroutine"),
        (b"return {[{}] = 1}", "a table as a key"),
        (b"return {[print] = 1}", "a Lua function"),
    ],
)
def test_live_objects_are_refused(vm, code, what):
    with pytest.raises(TypeError, match=f"^{what} cannot be given to Python$"):
        from_lua(vm.run(code))
