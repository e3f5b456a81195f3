from __future__ import annotations

import hashlib
import hmac
import zlib

import pytest
from codec_vm import VARIANTS, CodecVM, Variant, codec_vm
from hypothesis import example, given
from hypothesis import strategies as st

from resty_py.host import digest

each_variant = pytest.mark.parametrize("variant", VARIANTS, ids=str)


@each_variant
@given(data=st.binary(max_size=300))
@example(data=bytes(range(256)) * 300)
def test_digests_are_those_of_hashlib(variant, data):
    codec = codec_vm(variant).codec("hash")
    assert codec["md5"](data) == hashlib.md5(data).hexdigest().encode()
    assert codec["md5_bin"](data) == hashlib.md5(data).digest()
    assert codec["sha1_bin"](data) == hashlib.sha1(data).digest()


@each_variant
@given(data=st.binary(max_size=300), key=st.binary(max_size=100))
def test_hmac_is_that_of_python(variant, data, key):
    codec = codec_vm(variant).codec("hash")
    assert codec["hmac_sha1"](key, data) == hmac.digest(key, data, "sha1")


@each_variant
@given(data=st.binary(max_size=300))
@example(data=b"\xff" * 255)
@example(data=b"\xff" * 256)
def test_crc32_is_that_of_zlib(variant, data):
    codec = codec_vm(variant).codec("hash")
    assert codec["crc32_short"](data) == zlib.crc32(data)
    assert codec["crc32_long"](data) == zlib.crc32(data)


# Loads a codec anew, with symbols that are nowhere to be found.
WITHOUT_LIBRARIES = b"""
local name = select(2, ...)
local module = "resty_py.codec.ffi." .. name
package.loaded[module] = nil
package.loaded["resty_py.codec.ffi.library"] = function()
    return setmetatable({}, {__index = function() error("no such symbol") end})
end
local codec = require(module)
local host = require("resty_py.codec.portable." .. name)
local same = true
for key, f in pairs(host) do
    same = same and codec[key] == f
end
package.loaded[module] = nil
package.loaded["resty_py.codec.ffi.library"] = nil
return same
"""


@pytest.mark.parametrize("name", [b"hash", b"base64"])
def test_without_its_libraries_the_host_computes(name):
    """A Python with OpenSSL and zlib linked into it shows no symbols."""
    vm = CodecVM(Variant("luajit21", "ffi"))
    assert vm.run(WITHOUT_LIBRARIES, name) is True


def test_a_library_that_computes_something_else_is_not_used():
    source = b"""
    local native = require "resty_py.native"
    package.loaded["resty_py.codec.ffi.hash"] = nil
    package.loaded["resty_py.codec.ffi.library"] = function()
        return setmetatable({}, {__index = function()
            return function() return 0 end
        end})
    end
    local hash = require "resty_py.codec.ffi.hash"
    return hash.md5 == native.digest.md5, hash.crc32_long == native.digest.crc32
    """
    assert CodecVM(Variant("luajit21", "ffi")).run(source) == (True, True)


def test_with_its_libraries_the_host_is_not_asked():
    source = b"""
    local hash = require "resty_py.codec.ffi.hash"
    local base64 = require "resty_py.codec.ffi.base64"
    local native = require "resty_py.native"
    return hash.md5 ~= native.digest.md5, base64.encode ~= native.base64.encode,
           hash.crc32_long ~= native.digest.crc32
    """
    assert CodecVM(Variant("luajit21", "ffi")).run(source) == (True, True, True)


def test_libraries_within_the_interpreter_are_looked_up_in_the_process():
    source = b"""
    local native = require "resty_py.native"
    native.digest.extension = function() end
    package.loaded["resty_py.codec.ffi.library"] = nil
    return require("resty_py.codec.ffi.library")("zlib") == require("ffi").C
    """
    assert CodecVM(Variant("luajit21", "ffi")).run(source) is True


def test_extension_of_a_module():
    assert digest.extension(b"no_such_module") is None
    assert digest.extension(b"sys") is None
