"""Small content handlers with a request each, for nginx and us to answer alike.

A case is Lua text; ``--- request`` in it begins the request, in which ``URI``
stands for the case's own path. Without one it is asked by a plain GET. ``try``
and ``show`` are there for all of them.
"""

from __future__ import annotations

from dataclasses import dataclass

PRELUDE = r"""
local function dump(v)
    if type(v) == "table" then
        local keys, pieces = {}, {}
        for k in pairs(v) do keys[#keys + 1] = k end
        table.sort(keys, function(a, b) return tostring(a) < tostring(b) end)
        for _, k in ipairs(keys) do
            pieces[#pieces + 1] = tostring(k) .. "=" .. dump(v[k])
        end
        return "{" .. table.concat(pieces, ",") .. "}"
    elseif type(v) == "string" then
        return '"' .. v:gsub("[^ -~]", function(c)
            return string.format("\\%03d", c:byte())
        end) .. '"'
    end
    return tostring(v)
end
local function show(...)
    local pieces = {}
    for i = 1, select("#", ...) do pieces[i] = dump((select(i, ...))) end
    ngx.say(table.concat(pieces, " "))
end
local function try(f, ...) show(pcall(f, ...)) end
""".replace("\n", " ")

GET = "GET URI HTTP/1.1\nHost: test\nConnection: close\n\n"


@dataclass(frozen=True)
class Case:
    """A handler and the request that it answers."""

    name: str
    lua: str
    request: bytes


def parse_cases(text: str) -> list[Case]:
    """Return the cases of *text*: ``=== name`` begins each."""
    return [_parse(block) for block in text.split("\n=== ")[1:]]


def _parse(block: str) -> Case:
    name, _, rest = block.partition("\n")
    lua, _, request = rest.partition("\n--- request\n")
    text = (request or GET).replace("URI", f"/{name}")
    if "\n\n" not in text:
        text = text.rstrip("\n") + "\n\n"
    head, _, body = text.partition("\n\n")
    body = body.rstrip("\n").replace("\\r\\n", "\r\n")
    data = head.replace("\n", "\r\n") + "\r\n\r\n" + body
    return Case(name, PRELUDE + lua, data.encode("latin-1"))


CASES = parse_cases(r"""
=== negative_zero
ngx.say(-0.0, {-0.0, math.ceil(-0.5)}) ngx.log(ngx.ERR, -0.0)
=== header_plain
ngx.header["X-Foo"] = "bar" ngx.header.x_number = 3.5 ngx.header.x_bool = true
ngx.header[5] = "five"
show(ngx.header.x_foo, ngx.header["X-FOO"], ngx.header.x_number, ngx.header[5])
show(ngx.header.nothing)
=== header_table
local values = {1, 2} ngx.header.bar = values
ngx.header.foo = {"a", 2, "c"} show(ngx.header.foo, type(values[1]))
=== header_keeps_first_name
ngx.header.Foo = "1" ngx.header.FOO = "2" ngx.say("x")
=== header_known_takes_last_name
ngx.header.etag = "1" ngx.header.ETAG = "2" ngx.say("x")
=== header_override_multi
ngx.header.foo = {"a", "b"} ngx.header.bar = "x" ngx.header.Foo = "z"
show(ngx.header.foo)
=== header_clear
ngx.header.a = "1" ngx.header.b = {"1", "2"} ngx.header.c = "3"
ngx.header.a = nil ngx.header.B = {} ngx.header.c = ""
show(ngx.header.a, ngx.header.b, ngx.header.c)
=== header_single_builtins
ngx.header.server = {"1", "2"} ngx.header.etag = {"a", "b"}
ngx.header.expires = {"m", "n"} ngx.header.content_range = {"p", "q"}
ngx.header.www_authenticate = {"r", "s"} ngx.header.refresh = {"t", "u"}
ngx.header.content_encoding = {"v", "w"} ngx.header.accept_ranges = {"a", "b"}
show(ngx.header.server, ngx.header.etag)
=== header_single_builtins_cleared
ngx.header.etag = {"a", ""} ngx.header.refresh = "x" ngx.header.connection = nil
require "ngx.resp".add_header("Refresh", "")
show(ngx.header.etag, ngx.header.refresh, ngx.header.connection)
=== header_multi_builtins
ngx.header.cache_control = {"a", "b"} ngx.header.link = {"c", "d"}
ngx.header.set_cookie = {"e=1", "f=2"} ngx.header.location = {"/a", "/b"}
show(ngx.header.cache_control, ngx.header.location)
=== header_splitting
ngx.header.foo = "a\r\nb: c\0d\te\127\200" ngx.header["x\r\ny: z"] = "q"
ngx.header['a "(),/:;<=>?@[\\]{}\255z'] = "w" show(ngx.header.foo)
=== header_underscores
ngx.header.x_y_z = "1" show(ngx.header["x-y-z"], ngx.header["X_Y-z"])
=== header_function_value
ngx.header.foo = {false, true} show(ngx.header.foo)
=== content_type
ngx.header.content_type = "text/html; charset=utf-8" show(ngx.header["Content-Type"])
=== content_type_nil
ngx.header.content_type = nil show(ngx.header.content_type)
=== content_type_empty
ngx.header["Content-Type"] = "" show(ngx.header.content_type)
=== content_type_table
ngx.header.content_type = {"text/a", "text/b"} show(ngx.header.content_type)
=== content_type_default
show(ngx.header.content_type) show(ngx.header.content_type)
=== content_length
ngx.header.content_length = 6 ngx.print("abcdef")
=== content_length_bad
try(function() ngx.header.content_length = "6x" end)
try(function() ngx.header.content_length = -1 end)
=== content_length_cleared
ngx.header.content_length = 600 ngx.header.content_length = nil
show(ngx.header.content_length)
=== content_length_read
ngx.header.Content_Length = "3" show(ngx.header.content_length)
=== last_modified
ngx.header.last_modified = "Thu, 18-Nov-10 11:27:35 GMT"
show(ngx.header.last_modified)
=== last_modified_garbage
ngx.header.last_modified = "garbage" show(ngx.header.last_modified)
=== header_after_send
ngx.say("x") ngx.header.foo = "1" show(ngx.header.foo, ngx.headers_sent)
=== header_after_buffering
ngx.say("x") ngx.header.foo = "1" ngx.status = 404 show(ngx.headers_sent)
--- request
GET URI HTTP/1.0
=== resp_get_headers
ngx.header.foo = {"1", "2"} ngx.header.Bar = "x"
local h = ngx.resp.get_headers() show(h) show(h.Foo, h.FOO, h.x_nothing, h["Bar"])
=== resp_get_headers_raw
ngx.header.foo = {"1", "2"} ngx.header.Bar = "x" show(ngx.resp.get_headers(0, true))
local h = ngx.resp.get_headers(nil, true) show(h.bar, h.Bar)
=== resp_get_headers_sent
ngx.say("x") show(ngx.resp.get_headers())
=== resp_get_headers_length
ngx.header.content_length = 300 show(ngx.resp.get_headers())
=== resp_get_headers_max
for i = 1, 5 do ngx.header["x" .. i] = i end
show(ngx.resp.get_headers(3)) show(ngx.resp.get_headers(0))
show(ngx.resp.get_headers(1)) show(ngx.resp.get_headers(-1))
=== resp_get_headers_many
for i = 1, 120 do ngx.header["x" .. i] = i end
local h, err = ngx.resp.get_headers() local n = 0 for _ in pairs(h) do n = n + 1 end
show(n, err)
=== resp_get_headers_bad
try(function() ngx.resp.get_headers("x") end)
=== status_read
show(ngx.status) ngx.status = 201 show(ngx.status)
=== status_string
ngx.status = "403" show(ngx.status)
=== status_unknown
ngx.status = 777 ngx.say("x")
=== status_204
ngx.status = 204 show(ngx.say("x"))
=== status_304
ngx.status = 304 ngx.header.foo = "1" show(ngx.say("x"))
=== status_101
ngx.status = 101 ngx.say("x")
=== status_after_send
ngx.say("x") ngx.status = 404 show(ngx.status)
=== status_09
show(ngx.status, ngx.req.http_version())
--- request
GET URI
=== exit_200
ngx.exit(200)
=== exit_201
ngx.exit(201)
=== exit_204
ngx.exit(204)
=== exit_299
ngx.exit(299)
=== exit_304
ngx.exit(304)
=== status_304_with_type
ngx.status = 304 ngx.header.content_type = "text/x" ngx.header.content_length = 3
ngx.send_headers()
=== status_100
ngx.status = 100 ngx.say("x")
=== status_205
ngx.status = 205 ngx.say("x")
=== exit_in_nested_thread
ngx.thread.spawn(function()
    ngx.thread.spawn(function() ngx.exit(403) end) ngx.log(ngx.ERR, "not reached")
end) ngx.log(ngx.ERR, "not reached")
=== exit_ok
ngx.header.foo = "1" ngx.exit(ngx.OK)
=== exit_error
ngx.exit(ngx.ERROR)
=== exit_declined
ngx.exit(ngx.DECLINED)
=== exit_444
ngx.exit(444)
=== exit_408
ngx.exit(408)
=== exit_499
ngx.exit(499)
=== exit_101
ngx.exit(101)
=== exit_999
ngx.exit(999)
=== exit_fraction
ngx.exit(404.7)
=== exit_404_with_headers
ngx.header.foo = "bar" ngx.header.content_type = "text/x" ngx.header.etag = "1"
ngx.header.content_length = 5 ngx.header.last_modified = "x" ngx.exit(404)
=== exit_status_wins
ngx.status = 403 ngx.exit(200)
=== exit_code_wins
ngx.status = 403 ngx.exit(404)
=== exit_204_wins
ngx.status = 500 ngx.exit(204)
=== exit_after_output
ngx.say("x") ngx.exit(404)
=== exit_after_same_status
ngx.status = 404 ngx.say("x") ngx.exit(404)
=== exit_200_after_output
ngx.say("x") ngx.exit(200)
=== flush_refuses
ngx.say("x") for _, wait in ipairs {1, "x", {}} do
    show(pcall(function() return (ngx.flush(wait)) end))
end
show(pcall(function() return (ngx.flush(nil)) end))
=== exit_444_after_flush
ngx.say("x") ngx.flush() ngx.exit(444)
=== exit_10_buffered
ngx.say("x") ngx.exit(500)
--- request
GET URI HTTP/1.0
=== exit_in_pcall
pcall(function() ngx.exit(403) end) ngx.say("not reached")
=== exit_in_coroutine
coroutine.wrap(function() ngx.exit(403) end)() ngx.say("not reached")
=== exit_in_thread
ngx.thread.spawn(function() ngx.exit(403) end) ngx.say("not reached")
=== exit_refused
try(function() ngx.exit(ngx.AGAIN) end) try(function() ngx.exit(ngx.DONE) end)
=== exit_head
ngx.exit(404)
--- request
HEAD URI HTTP/1.1
Host: test
Connection: close
=== redirect
ngx.redirect("/foo")
=== redirect_301
ngx.redirect("http://other/y?z=\200", 301)
=== redirect_303
ngx.header.foo = "bar" ngx.redirect("foo", 303)
=== redirect_307
ngx.redirect("/foo?a b", 307)
=== redirect_308
ngx.redirect("/foo", 308)
=== redirect_refused
try(function() ngx.redirect("/foo", 200) end) try(function() ngx.redirect() end)
try(function() ngx.redirect({}) end) try(function() ngx.redirect("/", {}) end)
=== redirect_unsafe
local ok, err = pcall(function() ngx.redirect("/a\r\n\"\200b") end) ngx.say(err)
=== redirect_after_output
ngx.say("x") try(function() ngx.redirect("/foo") end)
=== redirect_in_pcall
pcall(ngx.redirect, "/foo") ngx.say("not reached")
=== on_abort_off
show(ngx.on_abort(function() end))
=== get_headers
show(ngx.req.get_headers())
local h = ngx.req.get_headers() show(h.HOST, h.x_a, h["X-A"], h["x_A"], h.none)
--- request
GET URI HTTP/1.1
Host: test
X-A: 1
x-b: 2
X-a: 3
Connection: close
=== get_headers_raw
local h = ngx.req.get_headers(0, true) show(h) show(h["x-a"], h["X-A"], h.x_a)
--- request
GET URI HTTP/1.1
Host: test
X-A: 1
Connection: close
=== get_headers_max
show(ngx.req.get_headers(2)) show(ngx.req.get_headers(4)) show(ngx.req.get_headers(0))
show(ngx.req.get_headers(-1))
--- request
GET URI HTTP/1.1
Host: test
X-A: 1
X-B: 1
Connection: close
=== get_headers_10
show(ngx.req.get_headers())
--- request
GET URI HTTP/1.0
=== set_header
ngx.req.set_header("X-A", "9") ngx.req.set_header("X-New", {"a", 2})
ngx.req.set_header("X-Number", 5) ngx.req.set_header("X_Under", "u")
show(ngx.req.get_headers()) show(ngx.req.get_headers(0, true))
show(ngx.var.http_x_a, ngx.var.http_x_new ~= nil, ngx.var.http_x_number)
show(ngx.var.http_x_under)
--- request
GET URI HTTP/1.1
Host: test
X-A: 1
x-a: 2
Connection: close
=== set_header_clears
ngx.req.set_header("X-A", nil) ngx.req.set_header("X-B", {})
ngx.req.set_header("X-C", "") ngx.req.clear_header("x-d")
show(ngx.req.get_headers()) show(ngx.var.http_x_a, ngx.var.http_x_b)
--- request
GET URI HTTP/1.1
Host: test
X-A: 1
X-B: 1
X-C: 1
X-D: 1
X-A: 2
Connection: close
=== set_header_escapes
ngx.req.set_header("X-A\r\nB: c", "d\r\ne: f\0") show(ngx.req.get_headers())
=== set_header_single
ngx.req.set_header("User-Agent", {"a", "b"}) ngx.req.set_header("Cookie", {"a", "b"})
show(ngx.req.get_headers())
=== set_header_refused
try(function() ngx.req.set_header(nil, "x") end)
local function bare(f) local _, err = pcall(f) show(err:match(".*: (.*)")) end
bare(function() ngx.req.set_header("Content-Length", "x") end)
bare(function() ngx.req.set_header("Host", "a/b") end)
=== set_header_host
ngx.req.set_header("Host", "Other.Example:81") show(ngx.var.host, ngx.var.http_host)
ngx.req.clear_header("Host") show(ngx.var.http_host)
=== set_header_connection
ngx.req.set_header("Connection", "close") show(ngx.var.http_connection)
--- request
GET URI HTTP/1.1
Host: test
=== set_header_09
ngx.req.set_header("X-A", "1") show(ngx.req.get_headers())
--- request
GET URI
=== raw_header
ngx.say(ngx.req.raw_header(), "|", ngx.req.raw_header(true), "|")
ngx.req.set_header("X-A", "9") ngx.say(ngx.req.raw_header(true))
--- request
GET URI?a=b HTTP/1.1
Host: test
X-A:   1  x
Connection: close
=== http_version
show(ngx.req.http_version())
=== http_version_10
show(ngx.req.http_version())
--- request
GET URI HTTP/1.0
=== method
show(ngx.req.get_method()) ngx.req.set_method(ngx.HTTP_POST)
show(ngx.req.get_method(), ngx.var.request_method, ngx.var.request)
for _, m in ipairs {"GET", "PUT", "DELETE", "OPTIONS", "MKCOL", "COPY",
    "MOVE", "PROPFIND", "PROPPATCH", "LOCK", "UNLOCK", "PATCH", "TRACE"} do
    ngx.req.set_method(ngx["HTTP_" .. m]) show(ngx.req.get_method())
    ngx.req.set_method(ngx.HTTP_GET)
end
=== method_refused
try(function() ngx.req.set_method("GET") end)
try(function() ngx.req.set_method(3) end)
=== method_unknown
show(ngx.req.get_method(), ngx.var.request_method)
--- request
FOO_BAR URI HTTP/1.1
Host: test
Connection: close
=== method_head
show(ngx.say("x"))
--- request
HEAD URI HTTP/1.1
Host: test
Connection: close
=== method_set_head
ngx.req.set_method(ngx.HTTP_HEAD) ngx.say("x")
=== is_internal
show(ngx.req.is_internal(), ngx.is_subrequest) ngx.req.set_uri("/other")
show(ngx.req.is_internal())
=== start_time
local t = ngx.req.start_time() show(t <= ngx.now(), t > ngx.now() - 10, type(t))
=== uri_args
show(ngx.req.get_uri_args()) show(ngx.var.args, ngx.var.query_string, ngx.var.is_args)
--- request
GET URI?a=1&b&c=&a=2&=x&d=%20+%zz HTTP/1.1
Host: test
Connection: close
=== uri_args_none
show(ngx.req.get_uri_args()) show(ngx.var.args, ngx.var.is_args)
local t = {x = 1} show(ngx.req.get_uri_args(10, t) == t, t)
=== uri_args_empty
show(ngx.req.get_uri_args()) show(ngx.var.args, ngx.var.is_args)
--- request
GET URI? HTTP/1.1
Host: test
Connection: close
=== uri_args_max
show(ngx.req.get_uri_args(2)) show(ngx.req.get_uri_args(0))
show(ngx.req.get_uri_args(3))
--- request
GET URI?a=1&b=2&c=3 HTTP/1.1
Host: test
Connection: close
=== uri_args_table
local t = {old = 1} local got = ngx.req.get_uri_args(0, t) show(got == t, t)
--- request
GET URI?a=1&b=2&a=3 HTTP/1.1
Host: test
Connection: close
=== set_uri_args
ngx.req.set_uri_args("a=b c\1&d") show(ngx.var.args, ngx.req.get_uri_args())
ngx.req.set_uri_args(32) show(ngx.var.args)
ngx.req.set_uri_args({a = "x y"}) show(ngx.var.args)
ngx.req.set_uri_args({a = {1, true, "z"}}) show(ngx.var.args)
ngx.req.set_uri_args({}) show(ngx.var.args, ngx.var.is_args)
=== set_uri_args_refused
try(function() ngx.req.set_uri_args() end)
try(function() ngx.req.set_uri_args(true) end)
try(function() ngx.req.set_uri_args({a = print}) end)
try(function() ngx.req.set_uri_args({[1] = 1}) end)
=== set_uri
ngx.req.set_uri("/a b") show(ngx.var.uri, ngx.var.request_uri, ngx.var.document_uri)
=== set_uri_refused
try(function() ngx.req.set_uri() end) try(function() ngx.req.set_uri("") end)
try(function() ngx.req.set_uri({}) end) try(function() ngx.req.set_uri("/a", 1) end)
try(function() ngx.req.set_uri("/a", true) end)
=== set_uri_unsafe
local ok, err = pcall(function() ngx.req.set_uri("/a\1\"b") end) ngx.say(err)
ngx.req.set_uri("/a\1b", false, true) show(ngx.var.uri)
=== body
ngx.req.read_body() show(ngx.req.get_body_data(), ngx.req.get_body_file())
show(ngx.req.get_post_args()) show(ngx.var.request_body, ngx.var.content_length)
ngx.req.read_body() show(ngx.req.get_body_data())
--- request
POST URI HTTP/1.1
Host: test
Content-Length: 11
Connection: close

a=1&b&a=2&c
=== body_chunked
ngx.req.read_body() show(ngx.req.get_body_data(), ngx.var.content_length)
--- request
POST URI HTTP/1.1
Host: test
Transfer-Encoding: chunked
Connection: close

3\r\nabc\r\n0\r\n\r\n
=== body_none
show(ngx.req.get_body_data()) ngx.req.read_body()
show(ngx.req.get_body_data(), ngx.req.get_body_file(), ngx.req.get_post_args())
=== body_unread
show(ngx.req.get_body_data(), ngx.var.request_body)
try(function() ngx.req.get_post_args() end)
--- request
POST URI HTTP/1.1
Host: test
Content-Length: 3
Connection: close

a=1
=== body_arguments
try(function() ngx.req.read_body(1) end) try(function() ngx.req.discard_body(1) end)
try(function() ngx.req.get_body_file(1) end)
try(function() ngx.req.get_post_args(1, 2) end)
try(function() ngx.req.set_body_data() end) try(function() ngx.req.append_body() end)
try(function() ngx.req.finish_body(1) end) try(function() ngx.req.init_body(1, 2) end)
try(function() ngx.req.set_body_file() end)
try(function() ngx.req.set_body_data({}) end)
=== body_post_args_max
ngx.req.read_body() show(ngx.req.get_post_args(2)) show(ngx.req.get_post_args(0))
show(ngx.req.get_post_args(3))
try(function() ngx.req.get_post_args("x") end)
--- request
POST URI HTTP/1.1
Host: test
Content-Length: 11
Connection: close

a=1&b=2&c=3
=== body_discard
ngx.req.discard_body() show(ngx.req.get_body_data()) ngx.req.read_body()
show(ngx.req.get_body_data(), ngx.req.get_post_args())
--- request
POST URI HTTP/1.1
Host: test
Content-Length: 3
Connection: close

a=1
=== body_set_data
try(function() ngx.req.set_body_data("x") end)
ngx.req.read_body() ngx.req.set_body_data("hello")
show(ngx.req.get_body_data(), ngx.var.http_content_length, ngx.var.content_length)
ngx.req.set_body_data("") show(ngx.req.get_body_data(), ngx.var.http_content_length)
ngx.req.set_body_data(12) show(ngx.req.get_body_data())
--- request
POST URI HTTP/1.1
Host: test
Content-Length: 3
Connection: close

a=1
=== body_set_data_none
try(function() ngx.req.set_body_data("x") end) ngx.req.read_body()
ngx.req.set_body_data("hello") show(ngx.req.get_body_data(), ngx.var.content_length)
=== body_init
try(function() ngx.req.init_body() end) ngx.req.read_body()
try(function() ngx.req.init_body(-1) end)
ngx.req.init_body() ngx.req.append_body("hel") ngx.req.append_body("lo")
ngx.req.finish_body() show(ngx.req.get_body_data(), ngx.var.content_length)
--- request
POST URI HTTP/1.1
Host: test
Content-Length: 3
Connection: close

a=1
=== body_init_file
ngx.req.read_body() ngx.req.init_body(3) ngx.req.append_body("hel")
ngx.req.append_body("lo") ngx.req.finish_body()
show(ngx.req.get_body_data(), ngx.var.content_length)
local f = io.open(ngx.req.get_body_file()) show(f:read("*a")) f:close()
show(ngx.req.get_post_args())
=== body_init_missing
ngx.req.read_body() try(function() ngx.req.append_body("x") end)
try(function() ngx.req.finish_body() end)
=== body_set_file
try(function() ngx.req.set_body_file("/etc/hostname") end) ngx.req.read_body()
try(function() ngx.req.set_body_file("/no/such/file") end)
try(function() ngx.req.set_body_file("/etc/hostname", 1) end)
ngx.req.set_body_file("/etc/hostname") show(ngx.req.get_body_data())
show(ngx.req.get_body_file(), ngx.var.content_length ~= "0")
=== body_too_large
ngx.req.read_body() ngx.say("not reached")
--- request
POST URI HTTP/1.1
Host: test
Content-Length: 99999999
Connection: close

=== body_bad_chunk
ngx.req.read_body() ngx.say("not reached")
--- request
POST URI HTTP/1.1
Host: test
Transfer-Encoding: chunked
Connection: close

zz\r\n
=== keepalive_unread_body
ngx.say("x")
--- request
POST URI HTTP/1.1
Host: test
Content-Length: 3

abc
=== var_request
show(ngx.var.request, ngx.var.request_method, ngx.var.request_uri, ngx.var.uri)
show(ngx.var.document_uri, ngx.var.args, ngx.var.query_string, ngx.var.is_args)
show(ngx.var.server_protocol, ngx.var.scheme, ngx.var.host, ngx.var.http_host)
show(ngx.var.https, ngx.var.content_type, ngx.var.content_length, ngx.var.pipe)
show(ngx.var.Request_Method, ngx.var.HTTP_HOST)
--- request
GET URI?x=1 HTTP/1.1
Host: Test:8080
Connection: close
=== var_absolute
show(ngx.var.request_uri, ngx.var.uri, ngx.var.host, ngx.var.http_host)
--- request
GET http://Other:81URI?x HTTP/1.1
Host: test
Connection: close
=== var_10
show(ngx.var.server_protocol, ngx.var.http_host)
--- request
GET URI HTTP/1.0
=== var_09
show(ngx.var.server_protocol, ngx.var.status)
--- request
GET URI
=== var_headers
show(ngx.var.http_x_a, ngx.var.http_user_agent, ngx.var.http_cookie, ngx.var.http_none)
show(ngx.var.content_type, ngx.var.content_length, ngx.var.http_content_type)
show(ngx.var.http_)
--- request
POST URI HTTP/1.1
Host: test
X-A: 1
User-Agent: me
Cookie: a=1
Cookie: b=2
Content-Type: text/x
Content-Length: 0
Connection: close
=== var_args
show(ngx.var.arg_a, ngx.var.arg_b, ngx.var.arg_c, ngx.var.arg_d, ngx.var.arg_e)
show(ngx.var.arg_x, ngx.var.arg_, ngx.var.arg_xa, ngx.var["arg_a"], ngx.var.ARG_A)
--- request
GET URI?xa=0&A=1%20x&b&c=&a=2&d==&e=5 HTTP/1.1
Host: test
Connection: close
=== var_cookies
show(ngx.var.cookie_a, ngx.var.cookie_b, ngx.var.cookie_c, ngx.var.cookie_none)
show(ngx.var.cookie_d, ngx.var.cookie_upper, ngx.var.cookie_ab)
--- request
GET URI HTTP/1.1
Host: test
Cookie: ab=0; a=1; b = 2 ; c=; d=x,y
Cookie: UPPER=u; a=9
Connection: close
=== var_client
show(ngx.var.remote_addr, #ngx.var.binary_remote_addr, ngx.var.server_addr)
show(tonumber(ngx.var.remote_port) > 0, tonumber(ngx.var.server_port) > 0)
show(ngx.var.connection_requests, tonumber(ngx.var.connection) > 0, ngx.var.server_name)
=== var_times
show(ngx.var.msec:find("^%d+%.%d%d%d$"), ngx.var.request_time:find("^%d+%.%d%d%d$"))
show(ngx.var.time_local:find("^%d%d/%a%a%a/%d%d%d%d:%d%d:%d%d:%d%d [+-]%d%d%d%d$"))
show(ngx.var.time_iso8601:find("^%d%d%d%d%-%d%d%-%d%dT%d%d:%d%d:%d%d[+-]%d%d:%d%d$"))
show(ngx.var.connection_time:find("^%d+%.%d%d%d$"), #ngx.var.request_id)
show(ngx.var.request_id:find("^%x+$"))
show(ngx.var.nginx_version:find("^%d+%.%d+%.%d+$") ~= nil, tonumber(ngx.var.pid) > 0)
=== var_sizes
show(ngx.var.bytes_sent, ngx.var.body_bytes_sent, ngx.var.request_length)
ngx.say("x") ngx.flush(true) show(ngx.var.body_bytes_sent)
show(ngx.var.bytes_sent - ngx.var.body_bytes_sent > 100)
=== var_request_length
ngx.req.read_body() show(ngx.var.request_length)
--- request
POST URI HTTP/1.1
Host: test
Content-Length: 3
Connection: close

abc
=== var_request_length_chunked
ngx.req.read_body() show(ngx.var.request_length)
--- request
POST URI HTTP/1.1
Host: test
Transfer-Encoding: chunked
Connection: close

3\r\nabc\r\n0\r\n\r\n
=== var_response
show(ngx.var.status, ngx.var.sent_http_content_type, ngx.var.sent_http_x_a)
ngx.header.x_a = {"1"} ngx.status = 201 ngx.say("x")
show(ngx.var.status, ngx.var.sent_http_content_type, ngx.var.sent_http_x_a)
show(ngx.var.sent_http_connection, ngx.var.sent_http_transfer_encoding)
show(ngx.var.sent_http_content_length)
=== var_response_length
ngx.header.content_length = 300 ngx.header.location = "/x" ngx.header.etag = "e"
show(ngx.var.sent_http_content_length, ngx.var.sent_http_location)
show(ngx.var.sent_http_etag)
=== var_user
show(ngx.var.remote_user)
--- request
GET URI HTTP/1.1
Host: test
Authorization: Basic dXNlcjpwYXNz
Connection: close
=== var_user_bad
show(ngx.var.remote_user)
--- request
GET URI HTTP/1.1
Host: test
Authorization: Basic dXNlcg==
Connection: close
=== var_unknown
show(ngx.var.foo, ngx.var[9], ngx.var[0], ngx.var[-1], ngx.var[""])
show(ngx.var.remote_user, ngx.var.request_body, ngx.var.request_body_file)
try(function() return ngx.var[true] end) try(function() return ngx.var[nil] end)
=== var_write
ngx.var.args = "a=1" show(ngx.var.args, ngx.req.get_uri_args())
ngx.var.args = 5 show(ngx.var.args) ngx.var.Args = nil show(ngx.var.args)
=== var_write_refused
try(function() ngx.var.uri = "/x" end) try(function() ngx.var.foo = "/x" end)
try(function() ngx.var.Foo = "/x" end) try(function() ngx.var.query_string = "x" end)
try(function() ngx.var.http_x = "x" end) try(function() ngx.var[1] = "x" end)
try(function() ngx.var.request_method = "POST" end)
=== ctx
show(ngx.ctx) ngx.ctx.a = 1 show(ngx.ctx.a) ngx.ctx = {b = 2} show(ngx.ctx.a, ngx.ctx.b)
local ok, err = pcall(function() ngx.ctx = 1 end) show(ok, err:match("ctx should.*"))
=== log_lines
local t = setmetatable({}, {__tostring = function() return "T" end})
ngx.log(ngx.ERR, "a", 1, 1.5, nil, true, ngx.null, t)
local function g() ngx.log(ngx.ERR, "in g") end g()
local o = {m = function() ngx.log(ngx.ERR, "m") end} o.m() o:m()
pcall(function() ngx.log(ngx.ERR, "in pcall") end) pcall(ngx.log, ngx.ERR, "pcall")
ngx.thread.spawn(function() ngx.log(ngx.ERR, "spawned") end) ngx.thread.spawn(g)
local co = coroutine.create(g) coroutine.resume(co) coroutine.wrap(function() g() end)()
ngx.log(ngx.ERR) ngx.log(4.7, "fraction") ngx.log(ngx.DEBUG, print)
ngx.log(ngx.WARN, "not shown") ngx.log(ngx.ALERT, "alert")
local function h() return ngx.log(ngx.ERR, "tail") end h() ngx.say("x")
=== log_metamethod
local s = setmetatable({}, {__index = function() ngx.log(ngx.ERR, "index") end})
local _ = s.x ngx.say("x")
=== log_refused
try(function() ngx.log() end) try(function() ngx.log("x") end)
try(function() ngx.log(9, "x") end) try(function() ngx.log(-1, "x") end)
try(function() ngx.log(ngx.ERR, {}) end)
try(function() ngx.log(ngx.ERR, "a", print) end)
=== log_print
print("a", 1, nil, true) print() ngx.say("x")
=== runtime_error
error("oops")
=== runtime_error_in_function
local function g() error("oops") end
local function f() g() end
f()
=== runtime_error_table
error({})
=== runtime_error_nil
error(nil)
=== runtime_error_tostring
error(setmetatable({}, {__tostring = function() return "text" end}))
=== say_refused
try(function() ngx.say({}, {a = 1}) end) try(function() ngx.print(print) end)
try(function() ngx.print({1, {print}}) end)
try(function() ngx.say(1, nil, io.stdout) end)
=== runtime_error_after_output
ngx.say("x") ngx.flush(true) error("oops")
=== phase
show(ngx.get_phase(), ngx.config.subsystem, ngx.worker.exiting())
show(type(ngx.worker.pid()), ngx.worker.id(), ngx.worker.count())
show(ngx.config.prefix():match("^/.*/$") ~= nil)
show(require "ngx" == ngx, require "ndk" == ndk, ngx.shared, ngx.shared.dict)
=== timer_context
local names = {"get_headers", "get_uri_args", "get_method", "http_version",
    "raw_header", "get_post_args", "get_body_data", "get_body_file", "discard_body"}
ngx.timer.at(0, function()
    local bad = {}
    local function note(name, f, ...)
        local ok, err = pcall(f, ...)
        if ok or not tostring(err):find("API disabled in the ", 1, true) then
            bad[#bad + 1] = name .. ": " .. tostring(err)
        end
    end
    for _, name in ipairs(names) do note(name, ngx.req[name]) end
    note("set_header", ngx.req.set_header, "a", "b") note("say", ngx.say, "x")
    note("redirect", ngx.redirect, "/") note("read_body", ngx.req.read_body)
    note("status", function() return ngx.status end)
    note("set status", function() ngx.status = 3 end)
    note("headers_sent", function() return ngx.headers_sent end)
    note("header", function() return ngx.header.x end)
    note("set header", function() ngx.header.x = 1 end)
    note("var", function() return ngx.var.uri end)
    note("set var", function() ngx.var.args = 1 end)
    note("resp", ngx.resp.get_headers)
    done = table.concat(bad, ";") .. ngx.get_phase() .. tostring(ngx.ctx.x)
    ngx.exit(5)
end)
while not done do ngx.sleep(0.01) end ngx.say(done) done = nil
""")
