"""resty.core and its modules, by the names that libraries take from them."""

import pytest
from app_server import serving

from resty_py.vm import FLAVOURS, LUALIB

pytestmark = pytest.mark.parametrize("flavour", FLAVOURS)

MODULES = sorted(path.stem for path in (LUALIB / "resty" / "core").glob("*.lua"))

#: What is there by OpenResty's names, beside the API of ngx.
NAMES = {
    "base": "allows_subsystem clear_tab get_errmsg_ptr get_request get_size_ptr "
    "get_string_buf get_string_buf_size new_tab ref_in_table set_string_buf_size",
    "ctx": "get_ctx_table",
    "misc": "register_ngx_magic_key_getter register_ngx_magic_key_setter",
    "regex": "check_buf_size collect_captures destroy_compiled_regex "
    "is_regex_cache_empty re_match_compile re_sub_compile set_buf_grow_ratio",
    "request": "set_req_header",
    "response": "bypass_if_checks set_resp_header set_resp_status",
    "time": "monotonic_msec monotonic_time",
    "utils": "str_replace_char",
}


async def test_modules_load(flavour):
    lua = f"""
        require "resty.core"
        for name in ("{" ".join(MODULES)}"):gmatch("%S+") do
            local module = require("resty.core." .. name)
            assert((module.version or module._VERSION) == "0.1.25", name)
        end
        ngx.say(require("resty.core").version)
    """
    async with serving(lua, flavour) as app:
        assert await app.say() == ["0.1.25"]


@pytest.mark.parametrize("module", NAMES)
async def test_names(flavour, module):
    lua = f"""
        local module = require "resty.core.{module}"
        for name in ("{NAMES[module]}"):gmatch("%S+") do
            assert(type(module[name]) == "function", name)
        end
        ngx.say("all")
    """
    async with serving(lua, flavour) as app:
        assert await app.say() == ["all"]


async def test_base(flavour):
    lua = """
        local base = require "resty.core.base"
        ngx.say(base.FFI_OK, base.FFI_ERROR, base.FFI_AGAIN, base.FFI_BUSY,
                base.FFI_DONE, base.FFI_DECLINED, base.FFI_NO_REQ_CTX,
                base.FFI_BAD_CONTEXT)
        local t = base.new_tab(4, 4)
        t.x = 1
        base.clear_tab(t)
        ngx.say(next(t), base.get_request() ~= nil, base.get_string_buf_size())
        ngx.say(base.ref_in_table(t, "one"), base.ref_in_table(t, "two"), t[2],
                base.ref_in_table(t, nil))
        t[0], t[1] = 1, 0
        ngx.say(base.ref_in_table(t, "three"), t[1], t[0])
        ngx.say(base.allows_subsystem("stream", "http"))
        ngx.say(pcall(base.allows_subsystem, "stream"))
    """
    async with serving(lua, flavour) as app:
        assert await app.say() == [
            "0-1-2-3-4-5-100-101",
            "niltrue4096",
            "12two-1",
            "1three0",
            "",
            "falseunsupported subsystem: http",
        ]
        source = b"return require('resty.core.base').get_request()"
        assert app.worker.vm.run(source) is None


async def test_c_memory(flavour):
    lua = """
        local base = require "resty.core.base"
        local has_ffi, ffi = pcall(require, "ffi")
        if not has_ffi then
            ngx.say((select(2, pcall(base.get_string_buf, 10))))
            return
        end
        local size = base.get_size_ptr()
        size[0] = 5
        local buffer = base.get_string_buf(10)
        ngx.say(base.get_size_ptr() == size, tonumber(size[0]))
        ngx.say(base.get_string_buf(10) == buffer,
                base.get_string_buf(10, true) == buffer,
                ffi.sizeof(buffer), ffi.sizeof(base.get_string_buf(9999)))
        base.set_string_buf_size(100)
        ngx.say(base.get_string_buf_size(), ffi.sizeof(base.get_string_buf(1)))
        ngx.say(base.get_errmsg_ptr()[0] == nil, ffi.sizeof("ngx_str_t"))
        local larger, size, place = require("resty.core.regex").check_buf_size(
            buffer, 10, buffer + 3, 3, 15)
        ngx.say(ffi.sizeof(larger), size, place == larger + 3)
    """
    async with serving(lua, flavour) as app:
        if FLAVOURS[flavour].has_ffi:
            expected = ["true5", "truefalse40969999", "100100", "true16", "10020true"]
        else:
            missing = "get_string_buf needs the FFI of LuaJIT (--lua luajit21), which "
            version = FLAVOURS[flavour].language
            expected = [f"{missing}{version} does not have"]
        assert await app.say() == expected


async def test_ctx(flavour):
    lua = """
        local get = require("resty.core.ctx").get_ctx_table
        local mine = {}
        ngx.say(get(mine) == mine, get() == mine, ngx.ctx == mine)
    """
    async with serving(lua, flavour) as app:
        assert await app.say() == ["truetruetrue"]


async def test_magic_keys(flavour):
    lua = """
        local misc = require "resty.core.misc"
        local kept
        misc.register_ngx_magic_key_getter("answer", function() return 42 end)
        misc.register_ngx_magic_key_setter("answer", function(v) kept = v end)
        ngx.answer = "six"
        ngx.say(ngx.answer, kept)
    """
    async with serving(lua, flavour) as app:
        assert await app.say() == ["42six"]


async def test_headers(flavour):
    lua = """
        local set = require("resty.core.request").set_req_header
        set("X-One", "1", true)
        set("X-One", "2", false)
        set("X-One", "3", true)
        set("X-One", "4")
        local put = require("resty.core.response").set_resp_header
        put(nil, "X-Two", "1")
        put(nil, "X-Two", "2", true)
        ngx.say(table.concat(ngx.req.get_headers()["X-One"], " "))
        ngx.say(table.concat(ngx.header["X-Two"], " "))
    """
    async with serving(lua, flavour) as app:
        assert await app.say() == ["3 4", "1 2"]


async def test_time_and_utils(flavour):
    lua = """
        local time = require "resty.core.time"
        local begin = time.monotonic_msec()
        ngx.sleep(0.02)
        local spent = time.monotonic_msec() - begin
        ngx.say(spent >= 19 and spent < 5000, begin % 1 == 0)
        ngx.say(math.abs(time.monotonic_time() * 1000 - begin) < 5000)
        local replace = require("resty.core.utils").str_replace_char
        ngx.say(replace("a_b_c", "_", "-"), replace("abc", "_", "-"),
                replace("a.b", ".", "%"))
    """
    async with serving(lua, flavour) as app:
        assert await app.say() == ["truetrue", "true", "a-b-cabca%b"]


async def test_regex(flavour):
    lua = """
        local regex = require "resty.core.regex"
        ngx.say(regex.is_regex_cache_empty(), regex.no_pcre)
        ngx.re.find("abc", "b", "o")
        ngx.say(regex.is_regex_cache_empty())
        local re, err = regex.re_match_compile("(a", "")
        ngx.say(re, err ~= nil)
        regex.destroy_compiled_regex((regex.re_match_compile("(a)", "")))
        ngx.say(pcall(regex.set_buf_grow_ratio, "x"))
    """
    async with serving(lua, flavour) as app:
        assert await app.say() == [
            "truefalse",
            "false",
            "niltrue",
            "falseratio is not a number",
        ]
