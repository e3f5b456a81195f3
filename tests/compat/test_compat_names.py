"""Every flavour has the names of Lua 5.1, LuaJIT 2.1 and OpenResty's LuaJIT."""

import pytest

from resty_py.vm import FLAVOURS, VM

# The Lua 5.1 manual, section 5, and the functions 5.1 keeps from 5.0.
LUA51 = {
    "_G": "assert collectgarbage dofile error gcinfo getfenv getmetatable ipairs "
    "load loadfile loadstring module newproxy next pairs pcall print rawequal "
    "rawget rawset require select setfenv setmetatable tonumber tostring type "
    "unpack xpcall",
    "coroutine": "create resume running status wrap yield",
    "package": "cpath loaded loaders loadlib path preload seeall",
    "string": "byte char dump find format gfind gmatch gsub len lower match rep "
    "reverse sub upper",
    "table": "concat foreach foreachi getn insert maxn remove sort",
    "math": "abs acos asin atan atan2 ceil cos cosh deg exp floor fmod frexp huge "
    "ldexp log log10 max min mod modf pi pow rad random randomseed sin sinh sqrt "
    "tan tanh",
    "io": "close flush input lines open output popen read stderr stdin stdout "
    "tmpfile type write",
    "os": "clock date difftime execute exit getenv remove rename setlocale time "
    "tmpname",
    "debug": "debug getfenv gethook getinfo getlocal getmetatable getregistry "
    "getupvalue setfenv sethook setlocal setmetatable setupvalue traceback",
}

# LuaJIT's "Extensions" page: what it takes from later Luas; its bit library.
LUAJIT = {
    "_G": "rawlen",
    "coroutine": "isyieldable",
    "debug": "getuservalue setuservalue",
    "package": "searchers searchpath",
    "table": "move pack unpack",
    "bit": "arshift band bnot bor bswap bxor lshift rol ror rshift tobit tohex",
}

# The modules that OpenResty's luajit2 preloads.
LUAJIT2 = {
    "table": "new clear nkeys isarray isempty clone",
    "thread": "exdata exdata2",
}


def full_names(*tables):
    return [
        f"{library}.{name}"
        for table in tables
        for library, names in table.items()
        for name in names.split()
    ]


@pytest.mark.parametrize("name", full_names(LUA51, LUAJIT))
def test_name_is_there(name, all_vms):
    for flavour, vm in all_vms.items():
        assert vm.run(f"return {name} ~= nil".encode()), flavour


@pytest.mark.parametrize("name", full_names(LUAJIT2))
def test_module_can_be_required(name, all_vms):
    for flavour, vm in all_vms.items():
        assert vm.run(b"return type(require(...))", name.encode()) == b"function", (
            flavour
        )


def test_jit_is_only_on_luajit(all_vms):
    for flavour, vm in all_vms.items():
        assert vm.run(b"return jit ~= nil") is (flavour == "luajit21")


def test_shim_leaks_no_global(all_vms):
    known = {*LUA51, *LUAJIT, *LUA51["_G"].split(), *LUAJIT["_G"].split()}
    # What flavours have beyond 5.1, and what every Lua has.
    known |= {"_G", "_VERSION", "jit", "bit32", "utf8", "warn"}
    for flavour, vm in all_vms.items():
        names = vm.run(
            b"""
            local names = {}
            for name in pairs(_G) do names[#names + 1] = name end
            return table.concat(names, " ")
            """
        )
        assert set(names.decode().split()) <= known, flavour


@pytest.fixture(scope="module")
def all_vms():
    return {flavour: VM(flavour) for flavour in FLAVOURS}
