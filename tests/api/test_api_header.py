"""ngx.header and ngx.resp.get_headers on every flavour."""

import pytest
from app_server import header, serving, split

from resty_py.vm import FLAVOURS

pytestmark = pytest.mark.parametrize("flavour", FLAVOURS)

GET = b"GET / HTTP/1.1\r\nHost: test\r\n\r\n"


async def _answer(lua, flavour, request=GET, **settings):
    async with serving(lua, flavour, **settings) as app:
        return await app.request(request)


async def test_underscores_are_dashes_and_case_does_not_count(flavour):
    lua = """
        ngx.header.X_Foo = "1"
        ngx.say(ngx.header["x-foo"], ngx.header.x_FOO)
    """
    async with serving(lua, flavour) as app:
        assert await app.say() == ["11"]
        assert header(await app.request(GET), "x-foo") == ["1"]


async def test_underscores_stay_where_the_setting_is_off(flavour):
    lua = 'ngx.header.x_foo = "1" ngx.say(ngx.header["x-foo"])'
    off = {"lua_transform_underscores_in_response_headers": "off"}
    answer = await _answer(lua, flavour, **off)
    assert header(answer, "x_foo") == ["1"]
    assert split(answer)[1] == b"nil\n"


async def test_an_array_is_several_lines_and_reads_as_one(flavour):
    lua = """
        ngx.header.set_cookie = {"a=1", "b=2"}
        ngx.say(table.concat(ngx.header.set_cookie, "|"))
    """
    answer = await _answer(lua, flavour)
    assert header(answer, "set-cookie") == ["a=1", "b=2"]
    assert split(answer)[1] == b"a=1|b=2\n"


async def test_numbers_are_written_as_lua_51_writes_them(flavour):
    answer = await _answer("ngx.header.a = 2 * 1.5 ngx.header.b = 1 / 4", flavour)
    assert header(answer, "a") == ["3"]
    assert header(answer, "b") == ["0.25"]


async def test_single_headers_keep_the_last_of_several_values(flavour):
    answer = await _answer('ngx.header.etag = {"1", "2"}', flavour)
    assert header(answer, "etag") == ["2"]


@pytest.mark.parametrize("gone", ["nil", "{}", "''"])
async def test_a_header_is_taken_out(flavour, gone):
    answer = await _answer(f"ngx.header.a = {{1, 2}} ngx.header.A = {gone}", flavour)
    assert header(answer, "a") == []


@pytest.mark.parametrize("gone", ["nil", "{}", "''", "{'x', ''}"])
async def test_a_server_that_does_not_say_who_it_is(flavour, gone):
    answer = await _answer(
        f"ngx.header.server = 'x' ngx.header.Server, ngx.header.Date = {gone}, nil",
        flavour,
    )
    assert header(answer, "server") == header(answer, "date") == []


async def test_a_value_cannot_begin_another_line(flavour):
    lua = r'ngx.header.a = "1\r\nb: 2\0\127" ngx.header["c: d\n"] = "\t\200"'
    answer = await _answer(lua, flavour)
    assert header(answer, "a") == ["1%0D%0Ab: 2%00%7F"]
    assert header(answer, "c%3A%20d%0A") == ["\t\xc8"]
    assert header(answer, "b") == []


async def test_connection_close_closes_after_the_response(flavour):
    lua = 'ngx.header.connection = "close" ngx.say("x")'
    answer = await _answer(lua, flavour, GET + GET)
    assert header(answer, "connection") == ["close"]
    assert answer.count(b"HTTP/1.1 200") == 1


async def test_content_type_in_place_of_the_default(flavour):
    answer = await _answer('ngx.header.content_type = "text/html" ngx.say(1)', flavour)
    assert header(answer, "content-type") == ["text/html"]
    answer = await _answer("ngx.header.content_type = nil ngx.say(1)", flavour)
    assert header(answer, "content-type") == []
    answer = await _answer("ngx.say(1)", flavour, default_type="a/b")
    assert header(answer, "content-type") == ["a/b"]
    answer = await _answer("ngx.say(1)", flavour, lua_use_default_type="off")
    assert header(answer, "content-type") == []


async def test_content_length_replaces_chunks(flavour):
    answer = await _answer('ngx.header.content_length = 2 ngx.print("ab")', flavour)
    assert header(answer, "content-length") == ["2"]
    assert header(answer, "transfer-encoding") == []
    assert answer.endswith(b"\r\n\r\nab")


async def test_an_upgrade_has_no_framing(flavour):
    lua = 'ngx.status = 101 ngx.header.upgrade = "x" ngx.print("raw")'
    answer = await _answer(lua, flavour)
    assert split(answer)[0][0] == "HTTP/1.1 101 Switching Protocols"
    assert header(answer, "connection") == ["upgrade"]
    assert header(answer, "transfer-encoding") == []
    assert answer.endswith(b"\r\n\r\nraw")


async def test_a_content_length_that_is_no_number_is_an_error(flavour):
    lua = 'ngx.say(pcall(function() ngx.header.content_length = "1x" end))'
    assert split(await _answer(lua, flavour))[1].endswith(b"failed to set header\n")


async def test_setting_after_the_headers_are_sent_is_logged(flavour):
    lua = 'ngx.say("x") ngx.header.a = "1" ngx.status = 404 ngx.say(ngx.status)'
    async with serving(lua, flavour) as app:
        answer = await app.request(GET)
        assert header(answer, "a") == []
        assert split(answer)[1] == b"x\n200\n"
        sent = "after sending out response headers"
        assert f"attempt to set ngx.header.HEADER {sent}, client: 127.0.0.1" in app.log
        assert f"attempt to set ngx.status {sent}, client: 127.0.0.1" in app.log


async def test_an_impossible_status_is_logged_and_not_taken(flavour):
    async with serving("ngx.status = 1000 ngx.say(ngx.status)", flavour) as app:
        assert await app.say() == ["0"]
        assert "error: invalid HTTP status code 1000, client: " in app.log


async def test_get_headers_of_the_response(flavour):
    lua = """
        ngx.header["X-A"] = {"1", "2"}
        local headers, err = ngx.resp.get_headers()
        local raw = ngx.resp.get_headers(0, true)
        local names = {}
        for name in pairs(headers) do names[#names + 1] = name end
        table.sort(names)
        ngx.say(table.concat(names, " "), " ", err)
        ngx.say(table.concat(headers.X_a, "|"), raw["X-A"][2], raw["x-a"])
        ngx.say(select(2, ngx.resp.get_headers(2)))
    """
    async with serving(lua, flavour) as app:
        assert await app.say() == ["connection x-a nil", "1|22nil", "truncated"]
