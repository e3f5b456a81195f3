"""ffi.C: OpenSSL and nginx's own functions, for libraries that expect nginx."""

from __future__ import annotations

import base64
import email.utils
import re
from pathlib import Path

import pytest
from lua_worker import Variant, open_rig

from resty_py import LuaError
from resty_py.vm import FLAVOURS

LUAJIT = Variant("luajit21")

#: Where Debian's lua-nginx-string puts lua-resty-string, as nginx.aes and so on.
LIBRARY = Path("/usr/share/lua/5.1/nginx/aes.lua")

FUNCTIONS = """
    local ffi = require "ffi"
    ffi.cdef [[
    typedef struct { size_t len; unsigned char *data; } str_t;
    unsigned char *ngx_hex_dump(unsigned char *, const unsigned char *, size_t);
    intptr_t ngx_atoi(const unsigned char *, size_t);
    intptr_t ngx_hextoi(const unsigned char *, size_t);
    uintptr_t ngx_escape_uri(unsigned char *, const unsigned char *, size_t, int);
    void ngx_encode_base64(str_t *, str_t *);
    intptr_t ngx_decode_base64(str_t *, str_t *);
    void ngx_encode_base64url(str_t *, str_t *);
    long ngx_parse_http_time(unsigned char *, size_t);
    unsigned char *ngx_http_time(unsigned char *, long);
    ]]
    local C = ffi.C
    local memory = ffi.new("unsigned char[256]")
    local function written(stop)
        return ffi.string(memory, ffi.cast("unsigned char *", stop) - memory)
    end
    local function converted(name, text)
        local from = ffi.new("str_t", #text, ffi.cast("unsigned char *", text))
        local to = ffi.new("str_t", 0, memory)
        local status = C[name](to, from)
        if status ~= nil and status ~= 0 then
            return tostring(status)
        end
        return ffi.string(to.data, to.len)
    end
"""

DATE = email.utils.formatdate(1e9, usegmt=True)

CALLS = {
    "written(C.ngx_hex_dump(memory, 'a\\0\\255z', 3))": b"6100ff",
    "tostring(C.ngx_atoi('0123x', 4))": b"123LL",
    "tostring(C.ngx_atoi('9223372036854775807', 19))": b"9223372036854775807LL",
    "tostring(C.ngx_atoi('9223372036854775808', 19))": b"-1LL",
    "tostring(C.ngx_atoi('', 0))": b"-1LL",
    "tostring(C.ngx_atoi('-1', 2))": b"-1LL",
    "tostring(C.ngx_hextoi('fF', 2))": b"255LL",
    "tostring(C.ngx_hextoi('fg', 2))": b"-1LL",
    "tostring(C.ngx_escape_uri(nil, 'a b/c', 5, 0))": b"1ULL",
    "written(C.ngx_escape_uri(memory, 'a b/c', 5, 2))": b"a%20b%2Fc",
    "converted('ngx_encode_base64', 'hello?>')": base64.b64encode(b"hello?>"),
    "converted('ngx_decode_base64', 'aGVsbG8/Pg==')": b"hello?>",
    "converted('ngx_decode_base64', 'a')": b"-1LL",
    "converted('ngx_encode_base64url', '?>')": b"Pz4",
    f"tonumber(C.ngx_parse_http_time(ffi.cast('void *', '{DATE}'), {len(DATE)}))": 10
    ** 9,
    "tostring(C.ngx_parse_http_time(ffi.cast('void *', 'x'), 1))": b"-1LL",
    "written(C.ngx_http_time(memory, 1e9))": DATE.encode(),
}


async def test_functions_of_nginx(tmp_path):
    async with open_rig(LUAJIT, tmp_path) as rig:
        got = await rig.run(f"{FUNCTIONS} return {{{','.join(CALLS)}}}")
        assert got == list(CALLS.values())


#: What nginx 1.22 escapes of the printable characters, by type.
ESCAPED = [
    '"#%<>?\\^`{|}',
    '"#%&+;<>?\\^`{|}',
    "!\"#$%&'()*+,/:;<=>?@[\\]^`{|}",
    "\"#%'<>\\^`{|}",
    "\"'<>\\^`{|~",
    "%",
    "%",
]


async def test_what_ngx_escape_uri_escapes(tmp_path):
    """More than ngx.escape_uri."""
    async with open_rig(LUAJIT, tmp_path) as rig:
        got = await rig.run(
            FUNCTIONS
            + """
            local escaped = {}
            for kind = 0, 6 do
                local found = {}
                for byte = 0, 255 do
                    local char = string.char(byte)
                    if C.ngx_escape_uri(nil, char, 1, kind) ~= 0 then
                        found[#found + 1] = char
                    end
                end
                escaped[kind + 1] = table.concat(found)
            end
            return escaped
            """
        )
    low, high = bytes(range(33)), bytes(range(127, 256))
    assert got == [
        low + printable.encode() + (high if kind < 5 else b"")
        for kind, printable in enumerate(ESCAPED)
    ]


async def test_functions_of_a_request(tmp_path):
    app = """
        local ffi, base = require "ffi", require "resty.core.base"
        ffi.cdef [[
        int ngx_http_lua_ffi_req_get_method(void *);
        int ngx_http_lua_ffi_raw_log(void *, int, const char *, size_t);
        ]]
        local r = base.get_request()
        ngx.say(ffi.C.ngx_http_lua_ffi_req_get_method(r) == ngx.HTTP_GET)
        ngx.say(ffi.C.ngx_http_lua_ffi_raw_log(r, ngx.ERR, "said!", 4))
    """
    async with open_rig(LUAJIT, tmp_path) as rig:
        assert (await rig.get(app)).body == "true\n0\n"
        assert rig.errors()[0].startswith("error: said, client: 127.0.0.1")


async def test_tables_of_requests_by_number(tmp_path):
    """How libraries hand ngx.ctx over an internal redirect."""
    app = """
        local ffi, base = require "ffi", require "resty.core.base"
        ffi.cdef [[
        int ngx_http_lua_ffi_get_ctx_ref(void *);
        int ngx_http_lua_ffi_set_ctx_ref(void *, int);
        ]]
        local get, r = ffi.C.ngx_http_lua_ffi_get_ctx_ref, base.get_request()
        local tables = debug.getregistry().ngx_lua_ctx_tables
        ngx.say(get(r), " ", get(nil))
        ngx.ctx.name = "one"
        local one, kept = get(r), ngx.ctx
        ngx.ctx = {name = "two"}
        local two = get(r)
        ngx.say(one > 0, one ~= two, two == get(r), tables[one] == kept)
        ngx.say(ffi.C.ngx_http_lua_ffi_set_ctx_ref(r, one), ngx.ctx.name)
    """
    async with open_rig(LUAJIT, tmp_path) as rig:
        answer = await rig.get(app)
        assert answer.body == "-2 -100\ntruetruetruetrue\n0one\n"


def former_names():
    source = Path(__file__).parents[2] / "lualib/resty_py/clib/openssl.lua"
    return re.findall(r"^    (\w+) = (?:\{|nothing)", source.read_text(), re.M)


async def test_openssl(tmp_path):
    names = former_names()
    assert len(names) > 30
    async with open_rig(LUAJIT, tmp_path) as rig:
        loaded = await rig.run(
            'local ffi = require "ffi" return (pcall(ffi.load, "libcrypto.so.3"))'
        )
        if not loaded:
            pytest.skip("needs OpenSSL 3")
        assert await rig.run(
            """
            local ffi = require "ffi"
            ffi.cdef [[
            typedef struct evp_md_ctx_st MD_CTX;
            typedef struct evp_md_st MD;
            MD_CTX *EVP_MD_CTX_create(void);
            void EVP_MD_CTX_destroy(MD_CTX *);
            int EVP_MD_size(const MD *);
            const MD *EVP_sha256(void);
            int EVP_DigestInit_ex(MD_CTX *, const MD *, void *);
            int EVP_DigestFinal_ex(MD_CTX *, unsigned char *, unsigned int *);
            void *SSL_CTX_new(const void *);
            int OpenSSL_add_all_algorithms(void);
            ]]
            local C, out = ffi.C, ffi.new("unsigned char[64]")
            local size = ffi.new("unsigned int[1]")
            local context = ffi.gc(C.EVP_MD_CTX_create(), C.EVP_MD_CTX_destroy)
            assert(C.EVP_DigestInit_ex(context, C.EVP_sha256(), nil) == 1)
            assert(C.EVP_DigestFinal_ex(context, out, size) == 1)
            C.OpenSSL_add_all_algorithms()
            return C.EVP_MD_size(C.EVP_sha256()), size[0],
                   ffi.string(out, 4), C.SSL_CTX_new ~= nil
            """
        ) == (32, 32, b"\xe3\xb0\xc4\x42", True)
        found = await rig.run(
            """
            local ffi, names = require "ffi", ...
            local missing = {}
            for _, name in ipairs(names) do
                ffi.cdef(("int %s();"):format(name))
                if not pcall(function() return ffi.C[name] end) then
                    missing[#missing + 1] = name
                end
            end
            return table.concat(missing, " ")
            """,
            [name for name in names if name not in DECLARED],
        )
        assert found == b""


#: Declared by the test before it, with types.
DECLARED = {
    "EVP_MD_CTX_create",
    "EVP_MD_CTX_destroy",
    "EVP_MD_size",
    "OpenSSL_add_all_algorithms",
}


async def test_what_is_missing(tmp_path):
    async with open_rig(LUAJIT, tmp_path) as rig:
        assert await rig.run(
            r"""
            local ffi = require "ffi"
            ffi.cdef "int resty_py_no_such(void); extern int ngx_cycle;"
            local function said(name)
                return select(2, pcall(function() return ffi.C[name] end))
                    :gsub("^%S+ ", ""):match("[^/]+$")
            end
            return said("undeclared"), said("resty_py_no_such"):match(": (.*)"),
                   said("ngx_cycle")
            """
        ) == (
            b"missing declaration for symbol 'undeclared'",
            b"undefined symbol: resty_py_no_such",
            b"resty-py has nothing in place of nginx's symbol 'ngx_cycle'",
        )


async def test_errors_name_the_caller_s_line(tmp_path):
    async with open_rig(LUAJIT, tmp_path) as rig:
        assert await rig.run(
            """
            local C = require("ffi").C
            local function said(f)
                return (select(2, pcall(f)))
            end
            return said(function() return C[nil] end),
                   said(function() C[1] = 1 end),
                   said(function() C.resty_py_none = 1 end)
            """
        ) == (
            b"(run):6: bad argument #2 to '__index' (string expected, got nil)",
            b"(run):7: bad argument #2 to '__newindex' (string expected, got number)",
            b"(run):8: missing declaration for symbol 'resty_py_none'",
        )


async def test_types_that_lua_resty_core_declares(tmp_path):
    """A library may use them without more ado, and declare what it likes itself."""
    async with open_rig(LUAJIT, tmp_path) as rig:
        assert await rig.run(
            """
            local ffi = require "ffi"
            ffi.cdef [[
            u_char *resty_py_test(ngx_http_request_t *r, ngx_str_t *text,
                                  ngx_http_lua_ffi_str_t *other);
            typedef unsigned char u_char;
            ]]
            return ffi.sizeof("ngx_str_t"), ffi.sizeof("u_char")
            """
        ) == (16, 1)


async def test_variables_are_read_anew(tmp_path):
    async with open_rig(LUAJIT, tmp_path) as rig:
        assert await rig.run(
            """
            local ffi = require "ffi"
            ffi.cdef "extern int optind; int abs(int); enum {OURS = 7};"
            local before = ffi.C.optind
            ffi.C.optind = before + 41
            local after = ffi.C.optind
            ffi.C.optind = before
            return after - before, ffi.C.optind - before, ffi.C.abs(-3), ffi.C.OURS
            """
        ) == (41, 0, 3, 7)


@pytest.mark.parametrize(
    "flavour", [name for name, one in FLAVOURS.items() if not one.has_ffi]
)
async def test_who_has_ffi(flavour, tmp_path):
    async with open_rig(Variant(flavour), tmp_path) as rig:
        with pytest.raises(LuaError, match=r"no FFI in Lua 5.*--lua luajit21"):
            await rig.run("require 'ffi'")
        with pytest.raises(LuaError, match=r"no FFI in Lua 5.*--lua luajit21"):
            await rig.run("require 'ffi'")


CIPHERS = [
    (size, mode)
    for size in (128, 192, 256)
    for mode in ("ecb", "cbc", "cfb1", "cfb8", "cfb128", "ofb", "ctr")
    if (size, mode) != (256, "ctr")  # not declared by release 0.11
]

USE = """
    local prefix, ciphers = ...
    local aes, text = require(prefix .. ".aes"), require(prefix .. ".string")
    local said = {}
    local function say(value)
        said[#said + 1] = text.to_hex(value)
    end
    for _, one in ipairs(ciphers) do
        local size, mode = one[1], one[2]
        local cipher, key = aes.cipher(size, mode), ("k"):rep(size / 8)
        for _, object in ipairs {
            aes:new("secret", nil, cipher, aes.hash.sha256, 3),
            aes:new("secret", "saltsalt", cipher),
            aes:new(key, nil, cipher, {iv = ("i"):rep(16)}),
        } do
            local secret = object:encrypt(("hello "):rep(7))
            say(secret)
            assert(object:decrypt(secret) == ("hello "):rep(7))
        end
    end
    for _, name in ipairs {"md5", "sha1", "sha224", "sha256", "sha384", "sha512"} do
        local digest = require(prefix .. "." .. name):new()
        assert(digest:update("a") and digest:update(("b"):rep(1000)))
        say(digest:final())
        assert(digest:reset())
        say(digest:final())
    end
    assert(#require(prefix .. ".random").bytes(7, true) == 7)
    said[#said + 1] = tostring(text.atoi("0912"))
    said[#said + 1] = tostring(text.atoi("91x"))
    return said
"""


@pytest.mark.skipif(not LIBRARY.exists(), reason="needs Debian's lua-nginx-string")
async def test_lua_resty_string_and_its_twins_agree(tmp_path):
    """The library itself by FFI, and what stands in for it where there is none."""
    async with open_rig(LUAJIT, tmp_path) as rig:
        by_ffi = await rig.run(USE, "nginx", CIPHERS)
    assert len(by_ffi) == 3 * len(CIPHERS) + 14
    for flavour in ("lua51", "lua54"):
        async with open_rig(Variant(flavour), tmp_path) as rig:
            assert await rig.run(USE, "resty", CIPHERS) == by_ffi


async def test_ffi_in_a_thread(tmp_path):
    (tmp_path / "job.lua").write_text(
        """
        local ffi = require "ffi"
        ffi.cdef "unsigned char *ngx_hex_dump(unsigned char *, const char *, size_t);"
        return {dump = function(text)
            local memory = ffi.new("unsigned char[?]", 2 * #text)
            ffi.C.ngx_hex_dump(memory, text, #text)
            return ffi.string(memory, 2 * #text)
        end}
        """
    )
    async with open_rig(LUAJIT, tmp_path, path=(tmp_path,)) as rig:
        assert await rig.run(
            "return ngx.run_worker_thread('default', 'job', 'dump', 'az')"
        ) == (True, b"617a")
