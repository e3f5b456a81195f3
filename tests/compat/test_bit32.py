"""The module bit32 where nothing else has it, against Lua 5.2's own."""

from __future__ import annotations

import functools

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from resty_py.vm import FLAVOURS, VM
from resty_py.vm.paths import FALLBACKS

NUMBERS = st.integers(-(2**33), 2**33) | st.sampled_from([0, 2**31, 2**32 - 1, -1])
SHIFTS = st.integers(-40, 40)

CALLS = st.one_of(
    st.tuples(st.sampled_from(["band", "bor", "bxor", "btest"]), NUMBERS, NUMBERS),
    st.tuples(
        st.sampled_from(["lshift", "rshift", "arshift", "lrotate", "rrotate"]),
        NUMBERS,
        SHIFTS,
    ),
    st.tuples(st.just("bnot"), NUMBERS),
    st.tuples(st.sampled_from(["band", "bor", "bxor", "btest"])),
    st.tuples(st.just("extract"), NUMBERS, st.integers(0, 16), st.integers(1, 16)),
    st.tuples(
        st.just("replace"), NUMBERS, NUMBERS, st.integers(0, 16), st.integers(1, 16)
    ),
)


@functools.cache
def call_of(flavour):
    path = FALLBACKS / "bit32.lua"
    source = f"local b = dofile('{path}')"
    if flavour == "reference":
        flavour, source = "lua52", "local b = bit32"
    run = b" return function(name, ...) return b[name](...) end"
    return VM(flavour).run(source.encode() + run)


@pytest.mark.parametrize("flavour", FLAVOURS)
def test_as_lua_52_does(flavour):
    @given(CALLS)
    @settings(max_examples=80, deadline=None)
    def check(call):
        name, *numbers = call
        ours, theirs = (
            call_of(one)(name.encode(), *numbers) for one in (flavour, "reference")
        )
        assert ours == theirs

    check()


@pytest.mark.parametrize("flavour", FLAVOURS)
def test_it_is_found_last(flavour):
    source = b"return type(require('bit32').band), bit32 == nil"
    kind, is_no_global = VM(flavour).run(source)
    assert kind == b"function"
    assert is_no_global == (flavour not in ("lua52",))


@pytest.mark.parametrize("flavour", ["luajit21", "lua54"])
def test_fields_lie_within_a_number(flavour):
    for arguments in ((1, -1, 1), (1, 0, 0), (1, 30, 3), (1, 32)):
        for one in (flavour, "reference"):
            with pytest.raises(Exception, match=r"bit|bad argument"):
                call_of(one)(b"extract", *arguments)
