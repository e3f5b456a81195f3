"""ngx.req: headers and what else the head says, on every flavour."""

import pytest
from app_server import body, serving

from resty_py.vm import FLAVOURS

pytestmark = pytest.mark.parametrize("flavour", FLAVOURS)

SHOW = """
    local function show(t)
        local pieces = {}
        for name, value in pairs(t) do
            pieces[#pieces + 1] = name .. "="
                .. (type(value) == "table" and table.concat(value, "|") or value)
        end
        table.sort(pieces)
        ngx.say(table.concat(pieces, ","))
    end
"""


async def _said(lua, flavour, *headers, **settings):
    async with serving(SHOW + lua, flavour, **settings) as app:
        return await app.say(*headers)


async def test_names_are_lower_case_and_repeats_are_arrays(flavour):
    lua = "show(ngx.req.get_headers())"
    said = await _said(lua, flavour, "X-A: 1", "x-b: 2", "x-a: 3")
    assert said == ["host=test,x-a=1|3,x-b=2"]


async def test_reading_takes_any_case_and_underscores(flavour):
    lua = """
        local h = ngx.req.get_headers()
        ngx.say(h["X-Foo"], h.x_foo, h.X_FOO, h["x-foo"], h.X_none)
    """
    assert await _said(lua, flavour, "X-Foo: 1") == ["1111nil"]


async def test_raw_names(flavour):
    lua = 'local h = ngx.req.get_headers(0, true) show(h) ngx.say(h["x-foo"])'
    assert await _said(lua, flavour, "X-Foo: 1") == ["Host=test,X-Foo=1", "nil"]


async def test_a_maximum_truncates(flavour):
    lua = """
        ngx.say(select(2, ngx.req.get_headers(2)))
        ngx.say(select("#", ngx.req.get_headers(3)))
        local h, err = ngx.req.get_headers() ngx.say(err)
        h, err = ngx.req.get_headers(0) ngx.say(err)
    """
    headers = [f"X-{i}: {i}" for i in range(2)]
    assert (await _said(lua, flavour, *headers))[:2] == ["truncated", "1"]
    headers = [f"X-{i}: {i}" for i in range(100)]
    assert (await _said(lua, flavour, *headers))[2:] == ["truncated", "nil"]


async def test_each_call_gives_a_table_of_its_own(flavour):
    lua = "ngx.req.get_headers().host = nil show(ngx.req.get_headers())"
    assert await _said(lua, flavour) == ["host=test"]


async def test_set_header_replaces_all_of_the_name(flavour):
    lua = """
        ngx.req.set_header("X-A", "9") ngx.req.set_header("X-New", {"a", 2})
        show(ngx.req.get_headers()) ngx.say(ngx.var.http_x_a, ngx.var.http_x_new)
    """
    said = await _said(lua, flavour, "x-a: 1", "X-A: 2")
    assert said == ["host=test,x-a=9,x-new=a|2", "9a, 2"]


async def test_changes_are_the_request_s_own(flavour):
    lua = """
        if ngx.var.arg_change then ngx.req.set_header("X-A", "changed") end
        ngx.say(ngx.var.http_x_a)
    """
    async with serving(lua, flavour) as app:
        lines = "HTTP/1.1\r\nHost: test\r\nX-A: sent\r\n\r\n"
        for target, seen in ("/", "sent"), ("/?change=1", "changed"), ("/", "sent"):
            answer = await app.request(f"GET {target} {lines}".encode())
            assert body(answer).decode() == seen + "\n"


async def test_clear_header_and_what_else_clears(flavour):
    lua = """
        ngx.req.clear_header("x-a") ngx.req.set_header("X-B", nil)
        ngx.req.set_header("X-C", {}) ngx.req.set_header("X-D", "")
        show(ngx.req.get_headers())
    """
    said = await _said(lua, flavour, "X-A: 1", "X-A: 2", "X-B: 3", "X-C: 4", "X-D: 5")
    assert said == ["host=test"]


async def test_a_new_host_is_the_host(flavour):
    lua = """
        ngx.req.set_header("Host", "Other:81") ngx.say(ngx.var.host, ngx.var.http_host)
        ngx.say(pcall(ngx.req.set_header, "Host", "a/b"))
        ngx.log(ngx.ERR, "x")
    """
    async with serving(lua, flavour) as app:
        first, second = await app.say()
        assert first == "otherOther:81"
        assert second.endswith("failed to set header")
        assert 'host: "Other:81"' in app.log


async def test_header_bytes_are_escaped(flavour):
    lua = r'ngx.req.set_header("A\r\nB", "c\r\nd") show(ngx.req.get_headers())'
    assert await _said(lua, flavour) == ["a%0d%0ab=c%0D%0Ad,host=test"]


async def test_raw_header_is_what_came(flavour):
    head = b"GET /?a HTTP/1.1\r\nHost: x\r\nX-A:  1 \r\nX-a: 2\r\n\r\n"
    lua = "ngx.req.clear_header('X-A') ngx.print(ngx.req.raw_header(ngx.var.arg_n))"
    async with serving(lua, flavour) as app:
        assert body(await app.request(head)) == head
        short = head.replace(b"/?a", b"/?n=1")
        assert body(await app.request(short)) == head.partition(b"\r\n")[2]


async def test_raw_header_of_a_pipelined_request(flavour):
    head = b"GET /%d HTTP/1.1\r\nHost: x\r\n\r\n"
    async with serving("ngx.print(ngx.req.raw_header())", flavour) as app:
        answers = await app.request(head % 1 + head % 2)
        assert answers.count(head % 1) == answers.count(head % 2) == 1


@pytest.mark.parametrize(
    ("line", "version"),
    [("GET /", "0.9"), ("GET / HTTP/1.0", "1"), ("GET / HTTP/1.1", "1.1")],
)
async def test_http_version(flavour, line, version):
    async with serving("ngx.say(ngx.req.http_version())", flavour) as app:
        answer = await app.request(f"{line}\r\nHost: x\r\n\r\n".encode())
        assert version in answer.decode().splitlines()


async def test_methods_by_number(flavour):
    lua = """
        ngx.say(ngx.req.get_method()) ngx.req.set_method(ngx.HTTP_PUT)
        ngx.say(ngx.req.get_method(), ngx.var.request_method)
        ngx.say(pcall(ngx.req.set_method, "GET")) ngx.say(pcall(ngx.req.set_method, 3))
    """
    first, second, third, fourth = await _said(lua, flavour)
    assert (first, second) == ("GET", "PUTPUT")
    assert third.endswith("bad method number")
    assert fourth.endswith("unsupported HTTP method: 3")


async def test_the_request_is_internal_once_its_uri_is_set(flavour):
    lua = """
        ngx.say(ngx.req.is_internal(), ngx.is_subrequest)
        ngx.req.set_uri("/x") ngx.say(ngx.req.is_internal())
    """
    assert await _said(lua, flavour) == ["falsefalse", "true"]


async def test_start_time_is_when_the_head_came(flavour):
    lua = """
        local before = ngx.now() ngx.sleep(0.002) ngx.update_time()
        ngx.say(ngx.req.start_time() <= before, ngx.req.start_time() < ngx.now())
    """
    assert await _said(lua, flavour) == ["truetrue"]
