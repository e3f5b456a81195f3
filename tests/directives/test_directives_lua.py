"""The settings of the Lua module, and its code in files."""

from __future__ import annotations

import contextlib
import socket

import pytest
from conversation import get, post, raw
from directive_pair import SHUT, Pair, case, sleep

from resty_py.vm import FLAVOURS

SAYS = "content_by_lua_block { ngx.say('hello') }"

CASES = {
    # set_by_lua
    "set": case(
        "location / { set_by_lua $a 'return ngx.arg[1] .. ngx.arg[2]' $arg_x y;"
        " set_by_lua_block $b { return ngx.var.a .. '!' } return 200 [$a$b]; }", "/?x=1"
    ),
    "set_file": case(
        "location / { set_by_lua_file $a lua/set.lua $arg_x $arg_y; return 200 [$a]; }",
        "/?x=1&y=2", "/",
    ),
    # Lua's header filters
    **{
        f"location_{name}": case(
            f"location / {{ return 301 /foo; header_filter_by_lua_block {{ {lua} }} }}"
        )
        for name, lua in {
            "set": "ngx.header.location = '/bar'",
            "built": "ngx.header.Location = ngx.header.location .. '?x'",
            "several": "ngx.header.location = {'/bar', 'baz'}",
            "gone": "ngx.header.location = nil",
        }.items()
    },
    # Lua's header filters, and responses that are captured
    **{
        f"captured_{name}": case(
            f"location /sub {{ {sub} header_filter_by_lua_block {{"
            " ngx.header.x_filter = 'h' .. ngx.status } }"
            " location / { content_by_lua_block {"
            " local r = ngx.location.capture('/sub') local h = r.header"
            " ngx.say(r.status, #r.body, h.x_filter, h['Content-Type'], h.Location,"
            " r.truncated) } }"
        )
        for name, sub in {
            **{
                f"exit_{code}": f"content_by_lua_block {{ ngx.exit({code}) }}"
                for code in (404, 204, -1, 408, 444, 499)
            },
            **{
                f"exit_{code}_with_headers":
                f"content_by_lua_block {{ ngx.header.x = 1 ngx.exit({code}) }}"
                for code in (404, -1, 408, 444, 499)
            },
            "late_444": "content_by_lua_block { ngx.say(1) ngx.exit(444) }",
            "error": "content_by_lua_block { error('x') }",
            "status": "content_by_lua_block { ngx.status = 503 ngx.exit(404) }",
            "rewrite": "rewrite_by_lua_block { ngx.exit(410) } echo x;",
            "redirect": "content_by_lua_block { ngx.redirect('/x') }",
            "return": "return 404;",
            "missing": "",
        }.items()
    },
    # body_filter_by_lua
    "chunks_are_text": case(
        "location / { echo -n abc; body_filter_by_lua_block { if ngx.arg[2] then"
        " return end for _, chunk in ipairs {5, {'a', {'b', 2.5}}, {}, {true}, {print},"
        " {a = 1}, {[2] = 'x'}, true, ngx.null} do local ok, err = pcall(function()"
        " ngx.arg[1] = chunk end) ngx.log(ngx.ERR, tostring(ok), err, type(ngx.arg[1]),"
        " ':', ngx.arg[1]) end ngx.log(ngx.ERR, ngx.arg.x, ngx.arg[3]) ngx.arg[1] = 7"
        " } }"
    ),
    "chunks_of_flushes": case(
        "location / { content_by_lua_block { ngx.print('a') ngx.flush() ngx.print('b')"
        " ngx.flush(true) ngx.flush(true) } body_filter_by_lua_block {"
        " ngx.log(ngx.ERR, ngx.arg[1], '|', ngx.arg[2]) if ngx.arg[1] == '' then"
        " ngx.arg[1] = '-' end } }", "/",
    ),
    "chunks_of_http10": case(
        "location / { content_by_lua_block { if ngx.var.arg_x then"
        " ngx.print('a') ngx.print('b') end }"
        " body_filter_by_lua_block { ngx.log(ngx.ERR, ngx.arg[1], '|', ngx.arg[2]) } }",
        get("/?x=1", version="1.0"), get("/", version="1.0"), "/?x=1",
    ),
    "set_arguments": case(
        "location / { set_by_lua $a 'return select(\"#\", ...) .. tostring((...))' a"
        " b c; return 200 $a; }"
    ),
    **{
        f"set_to_{name}": case(
            f"location / {{ set_by_lua_block $a {{ return {code} }} return 200 [$a]; }}"
        )
        for name, code in {
            "nil": "nil", "number": "5", "float": "1.5", "table": "{}", "true": "true",
            "nothing": "", "two": "1, 2", "null": "ngx.null", "function": "print",
        }.items()
    },
    "set_fails": case(
        "location / { set_by_lua_block $a { error('x') } return 200 $a; }"
    ),
    "set_in_if": case(
        "location / { if ($arg_x) { set_by_lua_block $a { return 1 } }"
        " return 200 [$a]; }",
        "/?x=1",
    ),
    "set_in_server": case(
        "set_by_lua_block $a { return ngx.var.uri } location / { return 200 [$a]; }"
    ),
    "set_order": case(
        "location / { set $a 1; set_by_lua_block $b { return ngx.var.a .. 2 }"
        " set $a $b$b; return 200 $a; }"
    ),
    # Code in files
    "file": case("location / { content_by_lua_file lua/hello.lua; }"),
    "file_absolute": case("location / { content_by_lua_file PREFIX/lua/hello.lua; }"),
    "file_variable": case(
        "location ~ ^/(\\w+)$ { content_by_lua_file lua/$1.lua; }",
        "/hello", "/none", "/broken", "/fails", "/marked",
    ),
    "file_leading_variable": case(
        "set $base PREFIX/lua; location / { content_by_lua_file $base/hello.lua; }"
    ),
    "file_missing": case("location / { content_by_lua_file lua/none.lua; }"),
    "file_missing_rewrite": case(
        "location / { rewrite_by_lua_file lua/none.lua; echo ok; }"
    ),
    "file_missing_access": case(
        "location / { access_by_lua_file lua/none.lua; echo ok; }"
    ),
    "file_missing_header_filter": case(
        "location / { header_filter_by_lua_file lua/none.lua; echo ok; }"
    ),
    "file_missing_log": case("location / { log_by_lua_file lua/none.lua; echo ok; }"),
    "file_missing_set": case(
        "location / { set_by_lua_file $a lua/none.lua; return 200 [$a]; }"
    ),
    "file_directory": case("location / { content_by_lua_file lua; }"),
    "file_broken": case("location / { content_by_lua_file lua/broken.lua; }"),
    "block_broken": case("location / { content_by_lua_block { local = 1 } }"),
    "string_broken": case("location / { content_by_lua 'local = 1'; }"),
    "string_quotes": case(
        r"""location / { content_by_lua "ngx.say('\"a\" \\n b')"; }"""
    ),
    "string_variables": case(
        "set $a 5; location / { content_by_lua 'ngx.say(\"$a\")'; }"
    ),
    "block_braces": case(
        "location / { content_by_lua_block { local t = {a = {1}}"
        " ngx.say('}', \"{\", [[}]], [==[}}]==]) -- }\n --[[ } ]] ngx.say(#t.a) } }"
    ),
    # lua_need_request_body
    "need_body": case(
        "lua_need_request_body on; location / { content_by_lua_block {"
        " ngx.say(ngx.req.get_body_data()) } }", post("/", b"abc"), "/",
    ),
    "need_body_in_access": case(
        "location / { lua_need_request_body on; access_by_lua_block {"
        " ngx.ctx.b = ngx.req.get_body_data() } content_by_lua_block {"
        " ngx.say(ngx.ctx.b) } }",
        post("/", b"abc"),
    ),
    "need_body_off": case(
        "lua_need_request_body off; location / { content_by_lua_block {"
        " ngx.say(ngx.req.get_body_data()) } }", post("/", b"abc"),
    ),
    "need_body_too_large": case(
        "lua_need_request_body on; client_max_body_size 2; location / {"
        f" {SAYS} }}", post("/", b"abc"),
    ),
    # lua_use_default_type
    "default_type_off": case(f"lua_use_default_type off; location / {{ {SAYS} }}"),
    "default_type_off_in_location": case(
        f"location / {{ lua_use_default_type off; {SAYS} }} location /x {{ {SAYS} }}",
        "/", "/x"
    ),
    "default_type_off_set": case(
        "lua_use_default_type off; location / { content_by_lua_block {"
        " ngx.header.content_type = 'a/b' ngx.say(1) } }"
    ),
    "default_type_off_elsewhere": case(
        "lua_use_default_type off; location / { echo 1; } location /r { return 200 x;"
        " }",
        "/", "/r",
    ),
    # lua_http10_buffering
    "http10_buffered": case(f"location / {{ {SAYS} }}", get("/", version="1.0")),
    "http10_streamed": case(
        f"lua_http10_buffering off; location / {{ {SAYS} }}", get("/", version="1.0")
    ),
    "http10_buffered_late": case(
        "location / { content_by_lua_block { ngx.say(1) ngx.flush(true) ngx.say(2)"
        " ngx.header.x = 1 } }", get("/", version="1.0"),
    ),
    "http10_streamed_kept": case(
        f"lua_http10_buffering off; location / {{ {SAYS} }}",
        raw("kept", b"GET / HTTP/1.0\r\nHost: localhost\r\nConnection:"
        b" keep-alive\r\n\r\n"),
    ),
    # lua_transform_underscores_in_response_headers
    "underscores": case(
        "location / { content_by_lua_block { ngx.header.x_y = 1 ngx.header['a_b-c'] = 2"
        " ngx.say(ngx.header.x_y, ngx.header['x-y']) } }"
    ),
    "underscores_stay": case(
        "lua_transform_underscores_in_response_headers off; location / {"
        " content_by_lua_block { ngx.header.x_y = 1 ngx.header['a_b-c'] = 2"
        " ngx.say(ngx.header.x_y, ngx.header['x-y']) } }"
    ),
    "underscores_stay_content_type": case(
        "lua_transform_underscores_in_response_headers off; location / {"
        " content_by_lua_block { ngx.header.content_type = 'a/b' ngx.say(1) } }"
    ),
    # lua_check_client_abort
    "abort_unseen": case(
        "location / { access_log logs/NAME.log short; content_by_lua_block {"
        " ngx.sleep(0.3) ngx.log(ngx.WARN, 'done') ngx.say(1) } }",
        raw("gone", get("/").data(), sleep(0.1), SHUT), timed=True, answers=False,
    ),
    "abort_seen": case(
        "lua_check_client_abort on; location / { access_log logs/NAME.log short;"
        " content_by_lua_block { ngx.sleep(0.3) ngx.log(ngx.WARN, 'done') ngx.say(1)"
        " } }",
        raw("gone", get("/").data(), sleep(0.1), SHUT), timed=True, answers=False,
    ),
    "abort_callback": case(
        "lua_check_client_abort on; location / { access_log logs/NAME.log short;"
        " content_by_lua_block { ngx.say(ngx.on_abort(function() ngx.log(ngx.WARN,"
        " 'gone') ngx.exit(444) end)) ngx.sleep(0.5) ngx.log(ngx.WARN, 'done') } }",
        raw("gone", get("/").data(), sleep(0.1), SHUT), timed=True, answers=False,
    ),
    "abort_callback_off": case(
        "location / { content_by_lua_block { ngx.say(ngx.on_abort(function() end)) } }"
    ),
    # lua_socket_*
    "connect_timeout": case(
        "lua_socket_connect_timeout 1s; location / { content_by_lua_block {"
        " ngx.say(ngx.socket.tcp():connect('127.0.0.1', PORT9)) } }",
        raw("full", get("/").last()), timed=True,
    ),
    "read_timeout": case(
        "location / { lua_socket_read_timeout 1s; content_by_lua_block {"
        " local s = ngx.socket.tcp() ngx.say(s:connect('127.0.0.1', PORT8))"
        " ngx.say(s:receive()) } }", raw("mute", get("/").last()), timed=True,
    ),
    "send_timeout": case(
        "location / { lua_socket_send_timeout 1s; content_by_lua_block {"
        " local s = ngx.socket.tcp() ngx.say(s:connect('127.0.0.1', PORT8))"
        " ngx.say(s:send(('x'):rep(2 ^ 24))) } }", raw("mute", get("/").last()),
        timed=True,
    ),
    "log_errors": case(
        "location / { content_by_lua_block {"
        " ngx.say(ngx.socket.tcp():connect('127.0.0.1', PORT7)) } }"
    ),
    "log_no_errors": case(
        "lua_socket_log_errors off; location / { content_by_lua_block {"
        " ngx.say(ngx.socket.tcp():connect('127.0.0.1', PORT7)) } }"
    ),
    "pool_size": case(
        "location / { lua_socket_pool_size 1; content_by_lua_block {"
        " local function open() local s = ngx.socket.tcp() s:connect('127.0.0.1',"
        " PORT8) return s end local a, b = open(), open() ngx.say(a:setkeepalive())"
        " ngx.say(b:setkeepalive()) ngx.say(open():getreusedtimes(),"
        " open():getreusedtimes()) } }"
    ),
    "pool_keepalive_timeout": case(
        "location / { lua_socket_keepalive_timeout 200ms; content_by_lua_block {"
        " local function open() local s = ngx.socket.tcp() s:connect('127.0.0.1',"
        " PORT8, {pool = 'NAME'}) return s end ngx.say(open():setkeepalive()) local s"
        " = open() ngx.say(s:getreusedtimes()) ngx.say(s:setkeepalive())"
        " ngx.sleep(0.5) ngx.say(open():getreusedtimes()) } }",
        raw("pool", get("/").last()), timed=True,
    ),
    # lua_code_cache
    "cache_on": case(
        "location / { content_by_lua_file lua/counter.lua; }", "/", "/"
    ),
    "cache_off": case(
        "location / { lua_code_cache off; content_by_lua_file lua/counter.lua; }", "/",
        "/"
    ),
    "cache_off_in_phases": case(
        "lua_code_cache off; location / { rewrite_by_lua_block {"
        " shared_in_request = 1 } content_by_lua_block { ngx.say(shared_in_request) }"
        " }", "/", "/",
        level="error",
    ),
    "cache_off_init": case(
        "lua_code_cache off; location / { content_by_lua_block { ngx.say(made_by_init)"
        " made_by_init = 'changed' } }", "/", "/", level="error",
    ),
    "cache_off_code": case(
        "lua_code_cache off; location / { content_by_lua_file lua/NAME.lua; }"
        " location /change { content_by_lua_block {"
        " local f = io.open('PREFIX/lua/NAME.lua', 'w') f:write(\"ngx.say('\","
        " ngx.var.arg_t, \"')\") f:close() ngx.say('changed') } }",
        "/change?t=one", "/", "/change?t=two", "/",
    ),
    "cache_on_code": case(
        "location / { content_by_lua_file lua/NAME.lua; }"
        " location /change { content_by_lua_block {"
        " local f = io.open('PREFIX/lua/NAME.lua', 'w') f:write(\"ngx.say('\","
        " ngx.var.arg_t, \"')\") f:close() ngx.say('changed') } }",
        "/change?t=one", "/", "/change?t=two", "/",
    ),
    # lua_shared_dict, lua_package_path, lua_package_cpath, init_by_lua
    "shared_dict": case(
        "location / { content_by_lua_block { local d = ngx.shared.things"
        " ngx.say(d:set('a', 1)) ngx.say(d:get('a'), d:incr('a', 2))"
        " ngx.say(ngx.shared.none) } }", "/",
    ),
    "package_path": case(
        "location / { content_by_lua_block { ngx.say(require('module').text)"
        " ngx.say(package.path:find('/usr/share/lua/5.1/%?.lua') and 'there') } }"
    ),
    "package_missing": case(
        "location / { content_by_lua_block { local ok, err = pcall(require,"
        " 'no.such') ngx.say(ok, err:match('^[^\\n]*'))"
        " ngx.say(err:match('PREFIX/lua/no/such.lua')) } }"
    ),
    "package_cpath": case(
        "location / { content_by_lua_block {"
        " ngx.say(package.cpath:find('PREFIX/lib/%?.so') and 'there')"
        " ngx.say(package.cpath:find('PREFIX/lib2/%?.so', 1) and 'there') local ok,"
        " err = pcall(require, 'native') ngx.say(err:match('PREFIX/lib/native.so')) }"
        " }"
    ),
    "init": case(
        "location / { content_by_lua_block { ngx.say(made_by_init) } }", "/", "/"
    ),
}  # fmt: skip

HTTP = """
log_format short '$status $request_completion';
lua_shared_dict things 100k;
lua_package_path '$prefix/lua/?.lua;;';
lua_package_cpath '$prefix/lib/?.so;${prefix}/lib2/?.so;;';
init_by_lua_block { made_by_init = 'init' }
"""

FILES = {
    "lua/hello.lua": "ngx.say('hello')\n",
    "lua/marked.lua": "#!/usr/bin/lua\nngx.say('marked')\n",
    "lua/set.lua": "return '<' .. ngx.arg[1] .. '|' .. ngx.arg[2] .. '>'\n",
    "lua/broken.lua": "local = 1\n",
    "lua/fails.lua": "\n\nerror('fails')\n",
    "lua/module.lua": "return {text = 'a module'}\n",
    "lua/state.lua": "return {n = 0}\n",
    "lua/counter.lua": "local s = require 'state'\ns.n = s.n + 1\nngx.say(s.n)\n",
}


@contextlib.contextmanager
def peers(ports):
    """A server that says nothing on PORT8, and one that takes nobody on PORT9."""
    with contextlib.ExitStack() as stack:
        for name, backlog in (("PORT8", 50), ("PORT9", 0)):
            sock = stack.enter_context(socket.socket())
            sock.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            sock.bind(("127.0.0.1", ports[name]))
            sock.listen(backlog)
        for _ in range(3):
            client = stack.enter_context(socket.socket())
            client.setblocking(False)
            client.connect_ex(("127.0.0.1", ports["PORT9"]))
        yield


PAIR = Pair(CASES, http=HTTP, files=FILES, beside=peers, settle=0.5)


@pytest.mark.parametrize("name", CASES)
def test_as_nginx_does(name):
    PAIR.check(name)


# Settings of the whole http block -------------------------------------------------

LIMITS = Pair(
    {
        # rewrite_by_lua_no_postpone, access_by_lua_no_postpone
        "rewrite_first": case(
            "set $a server; location / { rewrite_by_lua_block { ngx.var.a = ngx.var.a"
            " .. '-lua' } set $a $a-set; return 200 $a; }"
        ),
        "rewrite_sees_no_if": case(
            "location / { rewrite_by_lua_block { ngx.ctx.a = ngx.var.b } set $b 1;"
            " content_by_lua_block { ngx.say(ngx.ctx.a, ngx.var.b) } }"
        ),
        "access_first": case(
            "location / { deny all; access_by_lua_block { ngx.say('lua') } }"
        ),
        "access_first_and_denied": case(
            "location / { deny all; access_by_lua_block { ngx.log(ngx.WARN, 'lua') }"
            " echo ok; }"
        ),
        "access_first_any": case(
            "location / { satisfy any; allow all; access_by_lua_block {"
            " ngx.exit(403) } echo ok; }"
        ),
        # lua_regex_cache_max_entries, lua_regex_match_limit
        "regex_cache": case(
            "location / { content_by_lua_block { for i = 1, 4 do"
            " ngx.say(ngx.re.match('a' .. i, 'a' .. i, 'o')[0]) end } }", level="warn"
        ),
        "regex_limit": case(
            "location / { content_by_lua_block { local s = ('a'):rep(40)"
            " local m, err = ngx.re.match(s, '^(a+)+b$') ngx.say(m, ' ', err ~= nil)"
            " ngx.say(ngx.re.match('ab', 'b')[0]) } }"
        ),
        # lua_thread_cache_max_entries, lua_max_pending_timers, lua_max_running_timers
        "timers_pending": case(
            "location / { content_by_lua_block { for i = 1, 4 do"
            " ngx.say(ngx.timer.at(0.1, function() end)) end ngx.sleep(0.3) } }"
        ),
        "timers_running": case(
            "location / { content_by_lua_block { for i = 1, 2 do"
            " ngx.say(ngx.timer.at(0, function() ngx.sleep(0.1)"
            " ngx.log(ngx.WARN, 'ran') end)) end ngx.sleep(0.3)"
            " ngx.say(ngx.timer.running_count(), ngx.timer.pending_count()) } }"
        ),
    },
    http="""
    rewrite_by_lua_no_postpone on;
    access_by_lua_no_postpone on;
    lua_regex_cache_max_entries 2;
    lua_regex_match_limit 500;
    lua_thread_cache_max_entries 1;
    lua_max_pending_timers 3;
    lua_max_running_timers 1;
    """,
)  # fmt: skip


@pytest.mark.parametrize("name", LIMITS.cases)
def test_limits_are_those_of_nginx(name):
    LIMITS.check(name)


def test_a_timer_that_may_not_run_is_told():
    """The lines of timers name no server."""
    theirs, ours = (
        [line.partition("function defined")[0] for line in LIMITS.rest(server)
         if "lua_max_running_timers" in line or "ran" in line]
        for server in ("nginx", "luajit21")
    )  # fmt: skip
    assert ours == theirs != []


#: What nginx of Debian does not have.
NEWER = Pair(
    {
        "before_try_files": case(
            "location / { try_files /none @n; precontent_by_lua_block {"
            " ngx.say('lua') } } location @n { echo named; }"
        ),
        "captured": case(
            "location / { content_by_lua_block { local errlog = require 'ngx.errlog'"
            " errlog.get_logs() errlog.set_filter_level(ngx.WARN)"
            " ngx.log(ngx.WARN, 'one')"
            " ngx.log(ngx.INFO, 'two') ngx.log(ngx.ERR, 'three')"
            " local r = errlog.get_logs() ngx.say(#r / 3, r[1], r[4])"
            " ngx.say(r[3]:match('one'), r[6]:match('three')) } }"
        ),
    },
    http="precontent_by_lua_no_postpone on; lua_capture_error_log 32k;",
)  # fmt: skip


def test_precontent_may_come_before_try_files():
    assert "lua" in NEWER.actual("before_try_files").answers[0]


def test_lines_of_the_error_log_are_captured():
    """Debian's nginx has not the patch that it takes."""
    (answer,) = NEWER.actual("captured").answers
    assert {"254", "onethree"}.issubset(answer)


@pytest.mark.parametrize("flavour", ["lua51", "lua54"])
@pytest.mark.parametrize("name", [name for name in CASES if name.startswith("cache_")])
def test_code_cache_of_other_flavours(name, flavour):
    assert flavour in FLAVOURS
    PAIR.check(name, flavour)
