"""Lines of level debug that tell what Lua's machinery does."""

from __future__ import annotations

import pytest
from conversation import get, in_turn
from directive_pair import Pair, case

TELLS = r"""
location /told { content_by_lua_block {
    for line in io.lines("PREFIX/logs/debug_NAME.txt") do
        for _, pattern in ipairs(PATTERNS) do
            local found = line:match(pattern)
            if found then
                found = found:gsub("%x%x%x%x%x%x%x%x%x+", "POINTER")
                ngx.say((found:gsub("fd:%d+", "fd:N"):gsub("0x%x+", "POINTER")))
            end
        end
    end
} }"""


def told(conf, *patterns, location="/", talks=("/",)):
    """Return a case that tells which lines it has written to a log of its own."""
    table = "{" + ", ".join(f'"{pattern}"' for pattern in patterns) + "}"
    return case(
        f"location {location} {{ error_log PREFIX/logs/debug_NAME.txt debug; {conf} }}"
        + TELLS.replace("PATTERNS", table),
        *talks, "/told",
    )  # fmt: skip


def lua(code, *patterns, **more):
    return told(f"content_by_lua_block {{ {code} }}", *patterns, **more)


CONNECTS = """
    local sock = ngx.socket.tcp()
    assert(sock:connect("127.0.0.1", PORT))
"""

CASES = {
    "keepalive": lua(
        CONNECTS + "ngx.say(sock:setkeepalive(1000, 5))"
        " assert(sock:connect('127.0.0.1', PORT))"
        " ngx.say(sock:getreusedtimes(), sock:setkeepalive(0))",
        "lua tcp socket keepalive timeout.*", "lua tcp socket connection pool size.*",
        "(lua tcp socket keepalive create.*),? ?c?l?i?e?n?t?",
        "lua tcp socket get keepalive peer: using connection",
    ),
    "pool": lua(
        "local sock = ngx.socket.tcp() ngx.say(sock:connect('127.0.0.1', PORT,"
        " {pool = 'NAME', pool_size = 2, backlog = 3}))",
        "lua tcp socket connection pool size.*", "lua tcp socket keepalive create.*",
    ),
    "queued": lua(
        "local function go() local sock = ngx.socket.tcp()"
        " ngx.say(sock:connect('127.0.0.1', PORT,"
        " {pool = 'NAME', pool_size = 1, backlog = 3})) ngx.sleep(0.01)"
        " ngx.say(sock:setkeepalive()) end"
        " local a, b = ngx.thread.spawn(go), ngx.thread.spawn(go)"
        " ngx.thread.wait(a) ngx.thread.wait(b)",
        "lua tcp socket queue connect operation.*",
    ),
    "timeouts": lua(
        CONNECTS + "sock:settimeouts(1000, 2000, 3000)"
        " sock:send('GET /none HTTP/1.0\\r\\n\\r\\n') sock:receive()"
        " ngx.say(sock:connect('127.0.0.1', PORT))",
        "lua tcp socket send timeout: %d+", "lua reuse socket upstream ctx",
        "lua tcp socket reconnect without shutting down",
    ),
    "nodelay_off": told(
        f"tcp_nodelay off; content_by_lua_block {{ {CONNECTS} sock:send('x') }}",
        "lua socket tcp_nodelay",
    ),
    "bind": lua(
        "local sock = ngx.socket.tcp() sock:bind('127.0.0.1')"
        " ngx.say(sock:connect('127.0.0.1', PORT))", "lua tcp socket bind ip.*",
    ),
    "receiveany": lua(
        CONNECTS + "sock:send('GET /none HTTP/1.0\\r\\n\\r\\n')"
        " ngx.say(#sock:receiveany(4))",
        "lua tcp socket calling receiveany%(%) method to read at most %d+ bytes",
    ),
    "handlers": told(
        "rewrite_by_lua_block { local x } access_by_lua_block { local x }"
        " content_by_lua_block { ngx.say('a') } log_by_lua_block { local x }"
        " header_filter_by_lua_block { local x } body_filter_by_lua_block { local x }",
        "lua rewrite handler, .*", "lua access handler, .*", "lua content handler, .*",
        "lua log handler, .*", "lua header filter for user lua code, .*",
        "lua body filter for user lua code, .*",
    ),
    "subrequest": lua(
        "ngx.location.capture('/told?x=1')", "lua http subrequest .*"
    ),
    "requests_next": told(
        "proxy_pass http://127.0.0.1:1;", "http next upstream, %x+"
    ),
}  # fmt: skip

PAIR = Pair(CASES)


@pytest.mark.parametrize("name", CASES)
def test_as_nginx_does(name):
    PAIR.check(name)


#: Those that nginx writes to the main error log.
OF_THE_WORKER = Pair(
    {
        "worker": case(
            """location /jit { content_by_lua_block {
                ngx.say(ngx.re.match("abc", "b", "j")[0])
                ngx.say(ngx.re.match("abc", "c", "jo")[0])
                ngx.say(ngx.re.match("abc", "a", "o")[0])
            } }
            location /ctx { content_by_lua_block { ngx.ctx.x = 1 ngx.say(ngx.ctx.x) } }
            location /idle { content_by_lua_block {
                local sock = ngx.socket.tcp()
                assert(sock:connect("127.0.0.1", PORT))
                ngx.say(sock:setkeepalive(50)) ngx.sleep(0.2)
            } }
            """
            + TELLS.replace("debug_NAME.txt", "debug.txt").replace(
                "PATTERNS",
                '{"pcre JIT compiling result: 1", "lua release ngx.ctx at ref",'
                ' "lua tcp socket keepalive max idle timeout",'
                ' "lua tcp socket keepalive close handler: fd:%d+",'
                ' "lua tcp socket keepalive: free connection pool for .*"}',
            ),
            in_turn(get("/jit"), get("/jit"), get("/ctx"), get("/idle"), get("/told")),
        )
    },
    main="error_log logs/debug.txt debug;",
)


def test_the_worker_tells_as_nginx_does():
    OF_THE_WORKER.check("worker")
