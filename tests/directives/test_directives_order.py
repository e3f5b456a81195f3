"""What follows what: handlers, threads and subrequests of one request."""

from __future__ import annotations

import pytest
from conversation import in_turn, post
from directive_pair import Pair, case

LOGS = "ngx.log(ngx.WARN, ngx.get_phase(), ' ', ngx.var.uri)"


def lua(code, *talks, more=""):
    return case(f"location / {{ content_by_lua_block {{ {code} }} }} {more}", *talks)


#: Locations that share a socket by a module of their own.
SHARES = """
location / { echo_location /open; echo_location /use; echo_location /use?close; }
location /open { content_by_lua_block {
    local sock = ngx.socket.tcp()
    package.loaded["NAME_sock"] = sock
    ngx.say(sock:connect("127.0.0.1", PORT))
} }
location /use { content_by_lua_block {
    local sock = package.loaded["NAME_sock"]
    local call = ngx.var.args == "close" and sock.close or sock.receive
    ngx.say(tostring(select(2, pcall(call, sock))))
} }
"""

#: Something to capture that takes its time.
SLOW = "location /slow { echo_sleep 0.1; echo slow; } location /x { echo x; }"

CASES = {
    # Rewriting
    "last_then_lua": case(
        "location /a { rewrite ^ /b last; rewrite_by_lua_block { ngx.exit(503) } }"
        " location /b { echo b; }", "/a"
    ),
    "changed_then_lua": case(
        "location /a { rewrite ^/a /b; rewrite_by_lua_block { ngx.exit(503) } }"
        " location /b { echo b; }", "/a"
    ),
    "break_then_lua": case(
        f"location /a {{ rewrite ^/a /b break; rewrite_by_lua_block {{ {LOGS} }}"
        " echo a; }", "/a"
    ),
    "last_in_if": case(
        "location /a { rewrite_by_lua_block { ngx.exit(503) }"
        " if ($arg_x) { rewrite ^ /b last; } }"
        " location /b { echo b; }", "/a?x=1", "/a"
    ),
    "server_lua_first": case(
        f"server_rewrite_by_lua_block {{ {LOGS} }} rewrite ^/a /b;"
        " location /b { echo b; }", "/a"
    ),
    "server_lua_before_set": case(
        "set $x 1; server_rewrite_by_lua_block { ngx.log(ngx.WARN, ngx.var.x) }"
        " location / { echo $x; }"
    ),
    # Threads
    "thread_errors": lua(
        "for _, f in ipairs { function() error('a') end,"
        " function() error('a', 0) end, function() error({}) end,"
        " function() error() end, function() error(12) end } do"
        " local t = ngx.thread.spawn(f)"
        " local found = {ngx.thread.wait(t)}"
        " ngx.say(#found, ' ', tostring(found[1]), ' ', type(found[2]), ' ',"
        " type(found[2]) ~= 'table' and tostring(found[2]), ' ', type(found[3])) end",
    ),
    "spawned_captures": lua(
        "local function f(i)"
        " ngx.say(i, ' ', ngx.location.capture('/x').body) end"
        " for i = 1, 3 do ngx.thread.spawn(f, i) ngx.say('spawned ', i) end"
        " ngx.say('end')", more=SLOW
    ),
    "spawned_refusals": lua(
        "local function f(i)"
        " ngx.say(i, ' ', ngx.location.capture('/none').status) end"
        " for i = 1, 3 do ngx.thread.spawn(f, i) end ngx.say('end')",
        more="location /none { return 404; }"
    ),
    "nested_captures": lua(
        "local function g() ngx.say('g ', ngx.location.capture('/x').body) end"
        " local function f() ngx.thread.spawn(g) ngx.say('f')"
        " ngx.say('f ', ngx.location.capture('/x').body) end"
        " ngx.thread.spawn(f) ngx.say('end')", more=SLOW
    ),
    "redirect_with_pending": lua(
        "ngx.thread.spawn(function() ngx.location.capture('/slow') end)"
        " ngx.say(tostring(select(2, pcall(ngx.redirect, '/x'))))", more=SLOW
    ),
    "exec_with_pending": lua(
        "ngx.thread.spawn(function() ngx.location.capture('/slow') end)"
        " ngx.say(tostring(select(2, pcall(ngx.exec, '/x'))))", more=SLOW
    ),
    "set_uri_with_pending": case(
        "location / { rewrite_by_lua_block {"
        " ngx.thread.spawn(function() ngx.location.capture('/slow') end)"
        " ngx.log(ngx.WARN, tostring(select(2, pcall(ngx.req.set_uri, '/x', true))))"
        f" }} echo end; }} {SLOW}"
    ),
    "wrapped_error": lua(
        "local f = coroutine.wrap(function() error('a') end)"
        " local g = coroutine.wrap(function() f() end) g()"
    ),
    "wrapped_error_in_filter": case(
        "location / { echo a; header_filter_by_lua_block {"
        " coroutine.wrap(function() error('a') end)() } }"
    ),
    # Sockets of subrequests
    "shared_socket": case(SHARES),
    # Requests
    "shorter_body": case(
        "location / { rewrite_by_lua_block { ngx.req.set_header('Content-Length', 3) }"
        " content_by_lua_block { ngx.req.read_body() ngx.say(ngx.req.get_body_data())"
        " ngx.req.set_header('Content-Length', 5) ngx.say(ngx.var.content_length) } }",
        post("/", b"hello")
    ),
    "kept_host": case(
        "location / { set $x $host; content_by_lua_block { ngx.say(ngx.var.host)"
        " ngx.req.set_header('Host', 'NEW') ngx.say(ngx.var.host, ngx.var.x) } }"
    ),
    "vars_args": lua(
        "ngx.print(ngx.location.capture('/y?a=1', {vars = {args = 'b=2'},"
        " args = {c = 3}}).body)", more="location /y { echo $args; }"
    ),
    "needed_body_of_none": case(
        "location / { lua_need_request_body on; content_by_lua_block {"
        " ngx.say(next(ngx.req.get_post_args())) } }", "/", post("/", b""),
        post("/", b"a=1")
    ),
    "no_chunk": case(
        "location / { echo -n abc; body_filter_by_lua_block {"
        " ngx.arg[1] = nil ngx.log(ngx.WARN, '[', tostring(ngx.arg[1]), ']') } }"
    ),
    "body_from_socket": case(
        "location / { content_by_lua_block { local sock = ngx.req.socket()"
        " ngx.req.init_body(2) ngx.req.append_body(sock:receive(4))"
        " ngx.req.append_body('!') ngx.req.finish_body()"
        " ngx.say(ngx.req.get_body_data() or io.open(ngx.req.get_body_file()):read(),"
        " ngx.var.content_length) } }",
        in_turn(post("/", b"four and more"), post("/", b"four"))
    ),
    "captured_without_end": lua(
        "ngx.say(tostring(ngx.location.capture('/y').truncated))",
        more="location /y { echo -n y; body_filter_by_lua_block {"
        " ngx.arg[2] = false } }"
    ),
    # What is wrong with arguments, by the name a function was called by
    "argument_names": lua(
        "local sock = ngx.socket.tcp() sock:connect('127.0.0.1', PORT)"
        " local function say(...) ngx.say(tostring((select(2, ...)))) end"
        " say(pcall(sock.receiveany, sock, 0))"
        " say(pcall(function() sock:receiveany(0) end))"
        " say(pcall(sock.receive, sock, '*x'))"
        " say(pcall(function() sock:receive('*x') end))"
        " say(pcall(sock.receiveuntil, sock, {}))"
        " say(pcall(function() sock:receiveuntil('x', 1) end))"
        " say(pcall(sock.send, sock, print))"
        " say(pcall(function() sock:send(print) end))"
        " say(pcall(sock.connect, sock, {}))"
        " say(pcall(function() sock:connect('127.0.0.1', 80, {pool_size = 0}) end))"
        " say(pcall(function() sock:setkeepalive({}) end))"
        " sock:connect('127.0.0.1', PORT, {pool = 'other'})"
        " say(pcall(sock.setkeepalive, sock, nil, 0))"
        " say(pcall(function() sock:setkeepalive(nil, -1) end))",
    ),
    # lua_code_cache off
    "modules_of_no_cache": case(
        "lua_code_cache off; location / { content_by_lua_block {"
        " local one = require 'no_cache' ngx.say(type(one), ' ', one.count())"
        " ngx.say(no_cache == one, ' ', package.loaded.no_cache == one) } }", "/", "/",
        level="error"
    ),
}  # fmt: skip

MODULE = """
module("no_cache", package.seeall)
local n = 0
function count() n = n + 1 return n .. ngx.var.uri end
"""

PAIR = Pair(
    CASES,
    http='lua_package_path "PREFIX/lua/?.lua;;";',
    files={"lua/no_cache.lua": MODULE},
)


@pytest.mark.parametrize("name", CASES)
def test_as_nginx_does(name):
    PAIR.check(name)
