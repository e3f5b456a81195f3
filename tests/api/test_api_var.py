"""ngx.var and ngx.ctx on every flavour."""

import re

import pytest
import trio
from app_server import body, serving
from hypothesis import example, given
from hypothesis import strategies as st

from resty_py.vm import FLAVOURS, VM

each_flavour = pytest.mark.parametrize("flavour", FLAVOURS)

SHOW = """
    local function show(...)
        for _, name in ipairs {...} do ngx.say(name, "=", ngx.var[name]) end
    end
"""


async def _said(lua, flavour, request, **settings):
    async with serving(SHOW + lua, flavour, **settings) as app:
        return body(await app.request(request)).decode("latin-1").splitlines()


@each_flavour
async def test_variables_of_the_request(flavour):
    names = {
        "request": "GET /a%20b//c?x=1&Y=2 HTTP/1.1",
        "request_method": "GET",
        "request_uri": "/a%20b//c?x=1&Y=2",
        "uri": "/a b/c",
        "document_uri": "/a b/c",
        "args": "x=1&Y=2",
        "query_string": "x=1&Y=2",
        "is_args": "?",
        "arg_y": "2",
        "arg_none": "nil",
        "server_protocol": "HTTP/1.1",
        "scheme": "http",
        "https": "",
        "host": "test",
        "http_host": "Test:80",
        "http_x_foo": "1, 2",
        "http_none": "nil",
        "cookie_b": "2",
        "cookie_none": "nil",
        "http_cookie": "a=1; b=2",
        "content_type": "text/x",
        "content_length": "nil",
        "remote_addr": "127.0.0.1",
        "server_addr": "127.0.0.1",
        "connection_requests": "1",
        "pipe": ".",
        "request_body": "nil",
        "remote_user": "user",
        "Request_Method": "GET",
        "no_such_variable": "nil",
    }
    lines = [
        "GET /a%20b//c?x=1&Y=2 HTTP/1.1",
        "Host: Test:80",
        "X-Foo: 1",
        "X-Foo: 2",
        "Cookie: a=1",
        "Cookie: b=2",
        "Content-Type: text/x",
        "Authorization: Basic dXNlcjpwYXNz",
        "",
        "",
    ]
    quoted = ", ".join(f'"{name}"' for name in names)
    said = await _said(f"show({quoted})", flavour, "\r\n".join(lines).encode())
    assert dict(line.split("=", 1) for line in said) == names


@each_flavour
async def test_variables_of_the_connection(flavour):
    lua = 'show("remote_port", "server_port") ngx.say(#ngx.var.binary_remote_addr)'
    async with serving(SHOW + lua, flavour) as app:
        stream = await trio.open_tcp_stream("127.0.0.1", app.port)
        async with stream:
            await stream.send_all(b"GET / HTTP/1.0\r\n\r\n")
            answer = b"".join([chunk async for chunk in stream])
        port = stream.socket
        said = body(answer).decode().splitlines()
        assert said[1:] == [f"server_port={app.port}", "4"]
        assert re.fullmatch(r"remote_port=\d+", said[0])
        assert port is not None


@each_flavour
async def test_a_pipelined_request_says_so(flavour):
    request = b"GET / HTTP/1.1\r\nHost: x\r\n\r\n"
    async with serving("ngx.say('pipe', ngx.var.pipe)", flavour) as app:
        answers = await app.request(request + request)
        assert (answers.count(b"pipe.\n"), answers.count(b"pipep\n")) == (1, 1)


@each_flavour
async def test_variables_of_time_and_process(flavour):
    patterns = {
        "msec": r"\d+\.\d{3}",
        "request_time": r"0\.\d{3}",
        "connection_time": r"0\.\d{3}",
        "time_local": r"\d\d/[A-Z][a-z]{2}/\d{4}:\d\d:\d\d:\d\d [+-]\d{4}",
        "time_iso8601": r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d[+-]\d\d:\d\d",
        "request_id": r"[0-9a-f]{32}",
        "pid": r"\d+",
        "connection": r"\d+",
        "nginx_version": r"\d+\.\d+\.\d+",
        "hostname": r".+",
    }
    quoted = ", ".join(f'"{name}"' for name in patterns)
    lua = f"show({quoted}) ngx.say(ngx.var.request_id == ngx.var.request_id)"
    *said, same = await _said(lua, flavour, b"GET / HTTP/1.1\r\nHost: x\r\n\r\n")
    assert same == "true"
    for line in said:
        name, _, value = line.partition("=")
        assert re.fullmatch(patterns[name], value), line


@each_flavour
async def test_variables_of_the_response(flavour):
    lua = """
        ngx.header.x_foo = {"1", "2"} ngx.status = 201
        show("status", "sent_http_x_foo", "sent_http_content_type", "bytes_sent")
        ngx.flush(true)
        show("sent_http_content_type", "sent_http_transfer_encoding",
             "sent_http_connection")
        ngx.say(ngx.var.bytes_sent - ngx.var.body_bytes_sent > 100)
    """
    said = await _said(lua, flavour, b"GET / HTTP/1.1\r\nHost: x\r\n\r\n")
    assert said == [
        "status=201",
        "sent_http_x_foo=1, 2",
        "sent_http_content_type=text/plain",
        "bytes_sent=0",
        "sent_http_content_type=text/plain",
        "sent_http_transfer_encoding=chunked",
        "sent_http_connection=keep-alive",
        "true",
    ]


@each_flavour
async def test_request_length_counts_what_came(flavour):
    request = b"POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 3\r\n\r\nabc"
    chunked = (
        b"POST / HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n"
        b"3;x\r\nabc\r\n0\r\n\r\n"
    )
    lua = "ngx.req.read_body() ngx.say(ngx.var.request_length)"
    for data in request, chunked:
        said = await _said(lua, flavour, data + b"GET / HTTP/1.1\r\n")
        assert said[0] == str(len(data))


@each_flavour
async def test_args_can_be_written_and_others_cannot(flavour):
    lua = """
        ngx.var.args = "b=2" ngx.say(ngx.var.args, ngx.req.get_uri_args().b)
        ngx.var.args = nil ngx.say(ngx.var.args)
        ngx.say(pcall(function() ngx.var.uri = "/x" end))
        ngx.say(pcall(function() ngx.var.Foo = "/x" end))
        ngx.say(pcall(function() return ngx.var[{}] end))
        ngx.var.limit_rate = "5k" ngx.say(ngx.var.limit_rate)
    """
    said = await _said(lua, flavour, b"GET /?a=1 HTTP/1.1\r\nHost: x\r\n\r\n")
    assert said[:2] == ["b=22", "nil"]
    assert said[2].endswith('variable "uri" not changeable')
    assert said[3].endswith(
        'variable "foo" not found for writing; maybe it is a built-in variable that is '
        "not changeable or you forgot to use \"set $foo '';\" in the config file to "
        "define it first"
    )
    assert said[4].endswith("bad variable name")
    assert said[5] == "5120"


@each_flavour
async def test_declared_variables_and_captures(flavour):
    lua = """
        local r = require("resty_py.scheduler").current.request
        local declare = require("resty_py.request.variables").declare
        declare("foo") declare("bar")
        r.vars = {foo = "", bar = false, http_x = "declared", http_host = false}
        r.captures = {"one"}
        ngx.say("[", ngx.var.foo, "]", ngx.var.bar, ngx.var.http_x)
        ngx.say(ngx.var.http_host)
        ngx.var.Foo = 5 ngx.var.bar = "x" ngx.say(ngx.var.foo, ngx.var.bar)
        ngx.var.foo = nil ngx.say(ngx.var.foo)
        ngx.say(ngx.var[1], ngx.var[2], ngx.var[0], ngx.var[-1])
    """
    said = await _said(lua, flavour, b"GET / HTTP/1.1\r\nHost: x\r\nX: 1\r\n\r\n")
    assert said == ["[]nildeclared", "nil", "5x", "nil", "onenilnilnil"]


@each_flavour
async def test_ctx_is_one_table_per_request(flavour):
    lua = """
        ngx.say(ngx.ctx.n) ngx.ctx.n = 1
        ngx.thread.wait(ngx.thread.spawn(function() ngx.ctx.n = ngx.ctx.n + 1 end))
        ngx.say(ngx.ctx.n) ngx.ctx = {n = 9} ngx.say(ngx.ctx.n)
        ngx.say(pcall(function() ngx.ctx = 1 end))
    """
    async with serving(lua, flavour) as app:
        for _ in range(2):
            *said, refusal = await app.say()
            assert said == ["nil", "2", "9"]
            assert refusal.endswith("ctx should be a table while getting a number")


# Lookups by name ------------------------------------------------------------

_values = VM("luajit21").require("resty_py.request.named_values")
_texts = st.text(alphabet="aAbB1&=;, %", max_size=12).map(str.encode)


def _nginx_arg(args, name):
    """ngx_http_arg: the value behind the first ``NAME=`` that begins a pair."""
    for pair in args.split(b"&"):
        key, equals, value = pair.partition(b"=")
        if equals and key.lower() == name:
            return value
    return None


@example(args=b"ba=1&A=2", name=b"a")
@given(args=_texts, name=st.sampled_from([b"a", b"ab", b"b1"]))
def test_arg_finds_what_nginx_finds(args, name):
    assert _values[b"arg"](args, name) == _nginx_arg(args, name)


def _nginx_cookie(header, name):
    """ngx_http_parse_multi_header_lines, step by step."""
    start, end = 0, len(header)
    while start < end:
        if header[start : start + len(name)].lower() == name:
            at = start + len(name)
            while header[at : at + 1] == b" ":
                at += 1
            if header[at : at + 1] == b"=":
                value = header[at + 1 :].lstrip(b" ")
                return value.partition(b";")[0]
        while start < end:
            start += 1
            if header[start - 1 : start] in (b";", b","):
                break
        while header[start : start + 1] == b" ":
            start += 1
    return None


@example(header=b"x=0; a = 1", name=b"a")
@example(header=b"x=0,a=1 ;b=2", name=b"a")
@given(header=_texts, name=st.sampled_from([b"a", b"ab", b"b1"]))
def test_cookie_finds_what_nginx_finds(header, name):
    assert _values[b"cookie"](header, name) == _nginx_cookie(header, name)
