"""The ngx functions of time, and ngx.null; the rest of the codec API is in
test_codec_differential.py, where the real nginx answers."""

from __future__ import annotations

import os
import subprocess
import sys
import textwrap
from pathlib import Path

import pytest
from codec_vm import VARIANTS, CodecVM, codec_vm
from openresty_eval import OpenResty, OurVM

from resty_py.host import null
from resty_py.vm import FLAVOURS, VM

each_variant = pytest.mark.parametrize("variant", VARIANTS, ids=str)
each_flavour = pytest.mark.parametrize("flavour", FLAVOURS)

# Version directories of compiled modules; 5.5 has none in Debian.
LUA_VERSIONS = {
    "luajit21": "5.1",
    "lua51": "5.1",
    "lua52": "5.2",
    "lua53": "5.3",
    "lua54": "5.4",
}


def call(vm, name):
    return vm.run(b"local ngx, name = ... return ngx[name]()", name)


@each_variant
@pytest.mark.parametrize(
    ("wall", "now", "time"),
    [
        (1290079655.1239, 1290079655.123, 1290079655),
        (1290079655.001, 1290079655.001, 1290079655),
        (1290079655.999, 1290079655.999, 1290079655),
        (1290079656, 1290079656, 1290079656),
    ],
)
def test_now_has_milliseconds_and_time_has_none(variant, wall, now, time):
    vm = codec_vm(variant)
    vm.clock[b"wall"] = wall
    assert call(vm, b"now") == now
    assert call(vm, b"time") == time


@each_variant
# In 2038 a second is a float's power of two, with the coarsest fractions.
@pytest.mark.parametrize("second", [b"1290079655", b"2147483655"])
def test_every_millisecond_is_kept(variant, second):
    source = b"""
    local ngx, clock, second = ...
    for ms = 0, 999 do
        clock.wall = tonumber(second .. (".%03d"):format(ms))
        assert(ngx.now() == clock.wall, ms)
    end
    """
    vm = codec_vm(variant)
    vm.run(source, vm.clock, second)


@each_variant
def test_update_time_reads_the_clock(variant):
    source = b"""
    local ngx, clock = ...
    clock.wall = 1
    clock.refresh = function() clock.wall = 2 end
    local before = ngx.now()
    ngx.update_time()
    clock.refresh = function() end
    return before, ngx.now(), ngx.update_time()
    """
    vm = codec_vm(variant)
    assert vm.run(source, vm.clock) == (1, 2)


@each_variant
def test_civil_time_in_utc(variant):
    vm = codec_vm(variant)
    vm.clock[b"wall"] = 1290079655.5
    assert call(vm, b"utctime") == b"2010-11-18 11:27:35"


def test_civil_time_as_the_real_nginx(tmp_path_factory, monkeypatch):
    """In a zone with half an hour, on both sides."""
    names = ["localtime", "today", "utctime"]
    folder = tmp_path_factory.mktemp("nginx")
    with OpenResty(folder, {"TZ": "Asia/Kolkata"}) as real:
        wall, *expected = real.evaluate(
            ["ngx.time()", *(f"ngx.{name}()" for name in names)]
        )
    source = textwrap.dedent(
        """
        import sys
        sys.path[:0] = sys.argv[2:]
        from codec_vm import VARIANTS, CodecVM
        from openresty_eval import OurVM
        for variant in VARIANTS:
            vm = CodecVM(variant)
            vm.clock[b"wall"] = float(sys.argv[1])
            print(*OurVM(vm).evaluate(
                ["ngx.localtime()", "ngx.today()", "ngx.utctime()"]), sep=";")
        """
    )
    answer = subprocess.run(
        [sys.executable, "-c", source, wall, *sys.path],
        env={**os.environ, "TZ": "Asia/Kolkata"},
        capture_output=True,
        check=True,
        text=True,
    )
    assert answer.stdout.splitlines() == [";".join(expected)] * len(VARIANTS)


@each_variant
def test_decode_base64mime(variant):
    # Newer than the real nginx beside; its README says what it does.
    ours = OurVM(codec_vm(variant))
    assert ours.evaluate(
        [
            "ngx.decode_base64mime('aG\\nVs bG8=')",
            "ngx.decode_base64mime('a')",
            "ngx.decode_base64mime(1)",
        ]
    ) == ['"hello"', "nil", "error: expression:1: string argument only"]


@each_flavour
def test_null_is_a_null_light_userdata(flavour):
    vm = VM(flavour, {"null": null.functions(FLAVOURS[flavour])})
    source = b"""
    local null = require "resty_py.api.null"
    return type(null), tostring(null), null == require "resty_py.api.null",
           require("resty_py.native").null
    """
    kind, text, same, host = vm.run(source)
    assert kind == b"userdata"
    # What "%p" makes of NULL differs from one C library to another.
    assert text in (b"userdata: NULL", b"userdata: (nil)", b"userdata: 0x0")
    assert same is True
    assert host is None


@each_flavour
def test_null_is_userdata_even_without_lua_s_c_api(flavour):
    vm = VM(flavour)
    source = b"""
    package.loaded["string.buffer"] = {decode = function() end}
    local null = require "resty_py.api.null"
    collectgarbage()
    collectgarbage()
    return type(null), null and true, null == require "resty_py.api.null"
    """
    assert vm.run(source) == (b"userdata", True, True)


@each_flavour
def test_an_extension_that_hides_its_symbols(flavour, monkeypatch):
    class Hidden:
        def __init__(self, path):
            assert Path(path).exists()

    monkeypatch.setattr(null.ctypes, "PyDLL", Hidden)
    assert null.functions(FLAVOURS[flavour]) == {}


def test_the_host_refuses_what_is_no_coroutine():
    set_upvalue = null.functions(FLAVOURS["lua54"])["set_upvalue"]
    for text in (b"", b"thread: ", b"table: 0x55", b"thread: 0x55 "):
        with pytest.raises(ValueError, match="not the text of a coroutine"):
            set_upvalue(text)


CJSON_NULL = """
import ctypes, sys
sys.path[:0] = sys.argv[3:]
from resty_py.host import null
from resty_py.vm import FLAVOURS, VM
flavour = FLAVOURS[sys.argv[1]]
host = {"null": null.functions(flavour)}
# Compiled modules take Lua's C API from the process.
ctypes.CDLL(sys.modules[f"lupa.{flavour.name}"].__file__, ctypes.RTLD_GLOBAL)
print(VM(flavour, host).run(b'''
package.cpath = ...
package.loaded.cjson, package.preload.cjson = nil, nil
local cjson = package.loadlib(..., "luaopen_cjson")()
local null = require "resty_py.api.null"
return cjson.null == null, cjson.encode({null})
''', sys.argv[2].encode()))
"""


@pytest.mark.parametrize("flavour", LUA_VERSIONS)
def test_null_is_the_null_of_a_compiled_cjson(flavour):
    module = Path(f"/usr/lib/x86_64-linux-gnu/lua/{LUA_VERSIONS[flavour]}/cjson.so")
    if not module.exists():
        if os.environ.get("CI") == "true":
            pytest.fail(f"{module} is not installed")
        pytest.skip(f"{module} is not installed")
    # A process takes the compiled modules of one flavour only.
    answer = subprocess.run(
        [sys.executable, "-c", CJSON_NULL, flavour, str(module), *sys.path],
        capture_output=True,
        check=True,
        text=True,
    )
    assert answer.stdout == "(True, b'[null]')\n"


@each_variant
def test_install_leaves_other_fields_alone(variant):
    source = b"""
    local ngx = {var = 1}
    require("resty_py.api.constants").install(ngx)
    require("resty_py.api.codec").install(ngx)
    return ngx.var, ngx.HTTP_OK, ngx.null ~= nil, ngx.md5("")
    """
    assert CodecVM(variant).vm.run(source) == (
        1,
        200,
        True,
        b"d41d8cd98f00b204e9800998ecf8427e",
    )
