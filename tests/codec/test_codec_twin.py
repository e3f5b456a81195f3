from __future__ import annotations

import pytest

from resty_py.vm import FLAVOURS, VM

HALF = b"""
local twin = require("resty_py.codec.twin")("escaping")
local has_ffi = pcall(require, "ffi")
if has_ffi and twin == require "resty_py.codec.ffi.escaping" then
    return "ffi"
elseif twin == require "resty_py.codec.portable.escaping" then
    return "portable"
end
"""


@pytest.mark.parametrize(("flavour", "traits"), FLAVOURS.items())
def test_ffi_where_there_is_one(flavour, traits):
    expected = b"ffi" if traits.has_ffi else b"portable"
    assert VM(flavour).run(HALF) == expected


def test_no_ffi_where_nothing_is_compiled():
    assert VM("luajit21").run(b"jit.off()" + HALF) == b"portable"
