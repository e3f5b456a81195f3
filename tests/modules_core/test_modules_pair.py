"""The modules against lua-resty-core's on the real nginx.

What they say, what they send, and whom their errors blame.
"""

from __future__ import annotations

import pytest
from module_pair import Case, Pair, each_flavour


def lua(code, head="GET / HTTP/1.1"):
    return Case(f"location / {{ content_by_lua_block {{ {code} }} }}", head)


def said(expression, before=""):
    return lua(f"{before} local a, b, c = {expression} ngx.say(a, ' ', b, ' ', c)")


REQ = "local req = require 'ngx.req' "
RESP = "local resp = require 'ngx.resp' "
ERRLOG = "local errlog = require 'ngx.errlog' "
PROCESS = "local process = require 'ngx.process' "
SEMAPHORE = (
    "local all = require 'ngx.semaphore' "
    "local new, wait, post, count = all.new, all.wait, all.post, all.count "
)
BASE = "local base = require 'resty.core.base' "

CASES = {
    "req_add": lua(
        REQ + "req.add_header('X-A', 'one') req.add_header('x-a', {'two', 3})"
        "local all = ngx.req.get_headers()['x-a'] ngx.say(table.concat(all, ' '))",
        "GET / HTTP/1.1\nX-A: zero",
    ),
    "req_nothing": lua(
        REQ + "local function show() local all = ngx.req.get_headers()['x-a']"
        " ngx.say(type(all) == 'table' and table.concat(all, '|') or all) end "
        "req.add_header('X-A', '') show() req.add_header('X-A', {'', 'b'}) show()"
    ),
    "req_no_value": said("pcall(req.add_header, 'X-A')", REQ),
    "req_no_name": said("pcall(req.add_header, nil, 'x')", REQ),
    "req_empty": said("pcall(req.add_header, 'X-A', {})", REQ),
    "req_blames": lua(REQ + "req.add_header('X-A')"),
    "resp_add": lua(
        RESP + "ngx.header['X-A'] = 'one' resp.add_header('X-A', 'two')"
        "resp.add_header('x-a', {'three', 4, true}) resp.add_header('X-B', {})"
        "resp.add_header('Content-Type', 'text/x') resp.add_header(5, 6) ngx.say(1)"
    ),
    "resp_no_value": said("pcall(resp.add_header, 'X-A')", RESP),
    "resp_late": lua("ngx.say(1) " + RESP + "resp.add_header('X-A', 'late')"),
    "raw_log": lua(ERRLOG + "errlog.raw_log(ngx.ERR, 'raw: ' .. 1) ngx.say(1)"),
    "raw_log_level": said("pcall(errlog.raw_log, 'x', 'y')", ERRLOG),
    "raw_log_text": said("pcall(errlog.raw_log, 1, {})", ERRLOG),
    "raw_log_range": said("pcall(errlog.raw_log, 9, 'x')", ERRLOG),
    "sys_level": said("errlog.get_sys_filter_level()", ERRLOG),
    "sys_level_own": Case(
        "error_log logs/own.log warn; location / { content_by_lua_block {"
        + ERRLOG
        + "ngx.say(errlog.get_sys_filter_level()) } }"
    ),
    "no_filter_level": said("errlog.set_filter_level()", ERRLOG),
    "process_type": said("process.type()", PROCESS),
    "process_pid": said("process.get_master_pid() == ngx.worker.pid()", PROCESS),
    "process_agent": said("process.enable_privileged_agent()", PROCESS),
    "semaphore_functions": lua(
        SEMAPHORE + "local sem = new(1) ngx.say(wait(sem, 0), post(sem), count(sem))"
        "ngx.say(pcall(post, {}))"
    ),
    "codes": said("base.FFI_OK, base.FFI_NO_REQ_CTX, base.FFI_BAD_CONTEXT", BASE),
    "refs": lua(
        BASE + "local t = {} local r = base.ref_in_table"
        " ngx.say(r(t, 'a'), r(t, 'b'), r(t, nil), t[1], t[2])"
    ),
    "subsystem": said("pcall(base.allows_subsystem, 'stream')", BASE),
    "buffer_size": said("base.get_string_buf_size()", BASE),
    "replace": said(
        "utils.str_replace_char('a_b_', '_', '-')",
        "local utils = require 'resty.core.utils' ",
    ),
    "ctx_table": said(
        "get({1})[1], get()[1], ngx.ctx[1]",
        "local get = require('resty.core.ctx').get_ctx_table ",
    ),
    "ctx_kept": said(
        "get({1})[1], get({2})[1]",
        "ngx.ctx.x = 1 local get = require('resty.core.ctx').get_ctx_table ",
    ),
    "grow_ratio": said("pcall(regex.set_buf_grow_ratio, 3)", "local regex = "
                       "require 'resty.core.regex' "),
    "set_req_header": lua(
        "local set = require('resty.core.request').set_req_header "
        "set('X-A', 1, true) set('X-A', 2, false) set('X-A', 3) "
        "ngx.say(table.concat(ngx.req.get_headers()['X-A'], ' '))"
    ),
    "set_resp_header": lua(
        "local set = require('resty.core.response').set_resp_header "
        "set(nil, 'X-A', 1) set(nil, 'X-A', 2, true) set(nil, 'X-B', 3) "
        "set(nil, 'X-B') ngx.say(1)"
    ),
    "magic": lua(
        "local misc = require 'resty.core.misc' local kept "
        "misc.register_ngx_magic_key_getter('zz', function() return 42 end) "
        "misc.register_ngx_magic_key_setter('zz', function(v) kept = v end) "
        "ngx.zz = 'six' ngx.say(ngx.zz, kept)"
    ),
}  # fmt: skip


CAPTURING = {
    "captured": lua(
        ERRLOG + "ngx.log(ngx.ERR, 'one') ngx.log(ngx.INFO, 'two')"
        "errlog.set_filter_level(ngx.WARN) ngx.log(ngx.INFO, 'three')"
        "local logs = errlog.get_logs() local n = #logs "
        "ngx.say(n % 3, logs[n - 2], logs[n - 5], logs[n]:match('two'))"
    )
}

PAIR = Pair(CASES)
OURS = Pair(CAPTURING, "lua_capture_error_log 32k;")


@each_flavour
@pytest.mark.parametrize("name", CASES)
def test_as_nginx_does(name, flavour):
    assert PAIR.actual(name, flavour) == PAIR.expected(name)


# The real nginx is built without the patch that captures.
def test_lines_are_captured_where_the_directive_says_so():
    assert OURS.actual("captured").body == ("074two\n",)
