"""ngx.req: arguments and URI, on every flavour."""

import pytest
from app_server import body, serving

from resty_py.vm import FLAVOURS

pytestmark = pytest.mark.parametrize("flavour", FLAVOURS)

SHOW = """
    local function show(t, ...)
        local pieces = {}
        for name, value in pairs(t) do
            if type(value) == "table" then
                for i, v in ipairs(value) do value[i] = tostring(v) end
                value = table.concat(value, "|")
            end
            pieces[#pieces + 1] = name .. "=" .. tostring(value)
        end
        table.sort(pieces)
        ngx.say(table.concat(pieces, ","), ...)
    end
"""


async def _said(lua, flavour, target="/", data=None):
    async with serving(SHOW + lua, flavour) as app:
        if data is None:
            return (await app.get(target)).decode().splitlines()
        head = (
            f"POST {target} HTTP/1.1\r\nHost: x\r\nContent-Length: {len(data)}\r\n\r\n"
        )
        return body(await app.request(head.encode() + data)).decode().splitlines()


async def test_uri_args(flavour):
    lua = "show(ngx.req.get_uri_args())"
    assert await _said(lua, flavour, "/?a=1&b&c=&a=%32&=x&d+e=%zz") == [
        "a=1|2,b=true,c=,d e=%zz"
    ]
    assert await _said(lua, flavour) == [""]


async def test_a_maximum_truncates_uri_args(flavour):
    lua = "show(ngx.req.get_uri_args(2)) show(ngx.req.get_uri_args(0))"
    assert await _said(lua, flavour, "/?a=1&b=2&c=3") == [
        "a=1,b=2truncated",
        "a=1,b=2,c=3",
    ]


async def test_a_table_of_the_caller_s_is_cleared_and_filled(flavour):
    lua = 'local t = {"old"} local got = ngx.req.get_uri_args(0, t) show(got, got == t)'
    assert await _said(lua, flavour, "/?a=1") == ["a=1true"]
    assert await _said(lua, flavour) == ["true"]


async def test_set_uri_args_takes_strings_numbers_and_tables(flavour):
    lua = """
        ngx.req.set_uri_args("a=b c&d") ngx.say(ngx.var.args)
        ngx.req.set_uri_args(5) ngx.say(ngx.var.args)
        ngx.req.set_uri_args({a = {"1", true}}) ngx.say(ngx.var.args)
        ngx.req.set_uri_args("") ngx.say(ngx.var.args, ngx.var.is_args)
        ngx.say(pcall(ngx.req.set_uri_args, print))
    """
    *said, refusal = await _said(lua, flavour)
    assert said == ["a=b%20c&d", "5", "a=1&a", ""]
    wanted = "(string, number, or table expected, but got function)"
    assert refusal.endswith(f"bad argument #1 to 'set_uri_args' {wanted}")


async def test_set_uri(flavour):
    lua = """
        ngx.req.set_uri("/a b") ngx.say(ngx.var.uri, " ", ngx.var.request_uri)
        ngx.say(pcall(ngx.req.set_uri, "")) ngx.say(pcall(ngx.req.set_uri, "/\\1"))
        ngx.req.set_uri("/\\1", false, true) ngx.say(#ngx.var.uri)
        ngx.say(pcall(ngx.req.set_uri, "/a", true))
    """
    first, empty, unsafe, binary, jump = await _said(lua, flavour, "/x?y")
    assert first == "/a b /x?y"
    assert empty.endswith("attempt to use zero-length uri")
    assert unsafe.endswith(
        'unsafe byte "0x01" in uri "/\\x01" (maybe you want to set the '
        "'binary' argument?)"
    )
    assert binary == "2"
    assert jump.endswith("API disabled in the context of content_by_lua*")


async def test_post_args(flavour):
    lua = """
        ngx.req.read_body()
        show(ngx.req.get_post_args()) show(ngx.req.get_post_args(2))
    """
    said = await _said(lua, flavour, data=b"a=1&b&a=2")
    assert said == ["a=1|2,b=true", "a=1,b=truetruncated"]
    assert await _said(lua, flavour) == ["", ""]


async def test_post_args_need_a_body_that_was_read(flavour):
    lua = "ngx.say(pcall(ngx.req.get_post_args))"
    refusal = "no request body found; maybe you should turn on lua_need_request_body?"
    assert (await _said(lua, flavour, data=b"a=1"))[0].endswith(refusal)


async def test_post_args_are_not_read_from_a_file(flavour):
    lua = "ngx.req.read_body() ngx.say(ngx.req.get_post_args())"
    said = await _said(lua, flavour, data=b"a=" + b"x" * 20000)
    assert said == ["nilrequest body in temp file not supported"]
