"""Logs: log_format, access_log and error_log of every block."""

from __future__ import annotations

import pytest
from conversation import get, head, pipeline, post
from directive_pair import Pair, case

OK = "location / { return 200 ok; }"


def logs(what, *talks, conf=OK):
    """Return a case of an access log and all that it has in the end."""
    return case(f"access_log logs/NAME.log {what}; {conf}", *talks)


def errors(conf, *talks, level="info"):
    """Return a case of an error log of its own."""
    return case(conf, *talks, level=level)


# nginx calls code by the first place where the same stands.
SAYS_ALL = """content_by_lua_block { -- NAME
    for _, level in ipairs {"EMERG", "ALERT", "CRIT", "ERR", "WARN", "NOTICE",
                            "INFO", "DEBUG"} do
        ngx.log(ngx[level], level)
    end
    ngx.say(1)
}"""

HTTP = r"""
log_format plain '$request $status $body_bytes_sent';
log_format pieces '$remote_addr|' '$request_method|' "$uri";
log_format escaped '$http_x';
log_format escaped_by_default escape=default '$http_x';
log_format json escape=json '{"x": "$http_x", "y": "$arg_none"}';
log_format none escape=none '$http_x|$arg_none|';
log_format absent '$http_none|$arg_none|$cookie_none|$remote_user|$upstream_addr';
log_format target '$uri|$request_uri|$args|$arg_q|$request_method';
log_format sizes '$body_bytes_sent $bytes_sent $request_length $status';
log_format of_lua '$set_in_lua $ctx';
log_format texts 'a\tb "quoted" {braces}';
log_format special '$pipe $connection_requests $request_completion';
log_format sent '$sent_http_content_type $sent_http_x $sent_http_location';
map $status $is_error { ~^[45] 1; default 0; }
"""

CASES = {
    # log_format
    "combined": case(
        f"access_log logs/NAME.log; {OK}", "/", get("/x", "Referer: r", "User-Agent:"
        " u"),
        head("/"), get("/", "Authorization: Basic dXNlcjpw"), post("/", b"a=1"),
    ),
    "combined_named": logs("combined", "/a?b=c"),
    "combined_caseless": logs("Combined", "/a?b=c"),
    "plain": logs("plain", "/a", "/b?c", conf=""),
    "pieces": logs("pieces", "/a%20b"),
    "escape": logs("escaped", get("/", "X: a\"b\\c\x01\x7f\xe9 é"), get("/", "X: ")),
    "escape_default": logs("escaped_by_default", get("/", "X: a\"b\\c\t\xe9")),
    "escape_json": logs("json", get("/", 'X: a"b\\c\t/\xe9'), "/"),
    "escape_none": logs("none", get("/", 'X: a"b\\c\t\xe9'), "/"),
    "absent": logs("absent"),
    "texts": logs("texts"),
    "sizes": logs(
        "sizes", "/", head("/"), post("/", b"x" * 100), get("/", version="1.0")
    ),
    "sizes_of_chunks": logs("sizes", conf="location / { echo hello; echo world; }"),
    "sizes_of_error": logs("sizes", conf="location / { return 204; }"),
    "special": logs("special", pipeline(get("/"), get("/"), get("/"))),
    "sent": logs(
        "sent", conf="location / { add_header X y; return 302 /z; }"
    ),
    "of_lua": logs(
        "of_lua", conf="set $set_in_lua 0; set $ctx 1; location / {"
        " content_by_lua_block { ngx.var.set_in_lua = 2 ngx.say(1) }"
        " log_by_lua_block { ngx.var.ctx = 3 } }",
    ),
    # access_log
    "off": case(f"access_log off; {OK}"),
    "off_in_server": logs(
        "plain", "/", conf="server_tokens on; location / { access_log off; }"
    ),
    "off_in_location": logs(
        "plain", "/", "/q", conf=OK + " location /q { access_log off; return 200; }"
    ),
    "inherited": logs("plain", "/a", conf="location /a { return 200; }"),
    "replaced": logs(
        "plain", "/", "/q",
        conf=OK + " location /q { access_log logs/NAME.log.2 plain; return 200; }",
    ),
    "several": case(
        f"access_log logs/NAME.log plain; access_log logs/NAME.log.2 pieces; {OK}"
    ),
    "same_file_twice": case(
        f"access_log logs/NAME.log plain; access_log logs/NAME.log pieces; {OK}"
    ),
    "in_if": case(
        "location / { access_log logs/NAME.log plain; if ($arg_q) {"
        " access_log logs/NAME.log.2 plain; return 200; } return 200; }", "/", "/?q=1",
    ),
    "off_in_if": case(
        "location / { access_log logs/NAME.log plain; if ($arg_q) { access_log off; }"
        " return 200; }", "/", "/?q=1",
    ),
    "condition": logs("plain if=$arg_x", "/", "/?x=1", "/?x=0", "/?x=", "/?x=00"),
    "condition_by_map": logs(
        "plain if=$is_error", "/", "/e", conf=OK + " location /e { return 404; }"
    ),
    "condition_text": logs("plain if=0"),
    "path_variable": case(
        f"access_log logs/NAME.$arg_f plain; {OK}", "/?f=a", "/?f=b", "/?f=a", "/"
    ),
    "path_variable_missing_folder": case(
        f"access_log logs/$arg_f/NAME.log plain; {OK}", "/?f=no"
    ),
    "path_variable_without_root": case(
        f"root nowhere; access_log logs/NAME.$arg_f plain; {OK}", "/?f=a"
    ),
    "path_variable_root_is_file": case(
        f"root conf/nginx.conf; access_log logs/NAME.$arg_f plain; {OK}", "/?f=a"
    ),
    "path_variable_static": case("access_log logs/NAME.$arg_f plain;", "/f.txt?f=a"),
    "path_absolute": case(f"access_log PREFIX/logs/NAME.log plain; {OK}"),
    "buffer": logs("plain buffer=1k", *["/"] * 3),
    "buffer_shared": case(
        "access_log logs/NAME.log plain; access_log logs/NAME.log pieces buffer=64;"
        f" access_log logs/NAME.log sizes; {OK}", *["/"] * 3,
    ),
    "buffer_is_full": logs("plain buffer=64", *["/"] * 9),
    "buffer_too_small": logs("plain buffer=8", *["/"] * 2),
    "flush": logs("plain buffer=32k flush=50ms", "/"),
    "of_error_page": logs(
        "pieces", conf="error_page 404 /e; location / { return 404; }"
        " location /e { return 200 e; }"
    ),
    "of_redirect": logs(
        "plain", conf="location / { echo_exec /b; } location /b { echo b; }"
    ),
    "location_of_redirect": case(
        "location / { access_log logs/NAME.log plain; echo_exec /b; }"
        " location /b { access_log logs/NAME.log.2 plain; echo b; }"
    ),
    "of_bad_request": logs("plain", get("/", "Host: x"), get("/", "bad header")),
    "target_of_bad_request": logs(
        "target", get("/a//b%20c?q=1", "bad header"), get("/?q=2", "X: " + "x" * 9000),
        get("/c?q=3", "Host: x"), post("/d?q=4", b"", "Content-Length: x"),
    ),
    "of_444": logs("plain", conf="location / { return 444; }"),
    "of_lua_error": logs(
        "plain", conf="location / { content_by_lua_block { error(1) } }"
    ),
    "no_subrequest": logs(
        "plain", conf="location / { echo_location /s; } location /s { echo s; }"
    ),
    "of_subrequest": logs(
        "plain", conf="log_subrequest on; location / { echo_location /s; }"
        " location /s { echo s; }"
    ),
    "of_subrequest_in_location": logs(
        "pieces", conf="location / { echo_location /s; echo_location /t; }"
        " location /s { log_subrequest on; echo s; } location /t { echo t; }"
    ),
    "of_subrequest_by_lua": logs(
        "pieces", conf="log_subrequest on; location / { content_by_lua_block {"
        " ngx.print(ngx.location.capture('/s').body) } } location /s { echo s; }"
    ),
    "of_subrequest_parent_off": logs(
        "pieces", conf="log_subrequest on; location / { log_subrequest off;"
        " echo_location /s; } location /s { echo s; }"
    ),
    # error_log
    **{
        f"error_level_{level}": errors(
            f"location / {{ error_log logs/NAME.log {level}; {SAYS_ALL} }}"
        )
        for level in ("emerg", "alert", "crit", "error", "warn", "notice", "info")
    },
    "error_level_default": errors(
        f"error_log logs/NAME.log; location / {{ {SAYS_ALL} }}"
    ),
    "error_inherited": errors(
        f"error_log logs/NAME.log warn; location / {{ {SAYS_ALL} }}"
    ),
    "error_replaced": errors(
        "error_log logs/NAME.log warn; location / {"
        f" error_log logs/NAME.log.2 crit; {SAYS_ALL} }}"
    ),
    "error_several": errors(
        "error_log logs/NAME.log warn; error_log logs/NAME.log.2 crit;"
        f" location / {{ {SAYS_ALL} }}"
    ),
    "error_main": errors(f"location / {{ {SAYS_ALL} }}", level="info"),
    "error_of_nginx": errors("error_log logs/NAME.log; location / { }", "/none"),
    "error_in_redirect": errors(
        "location / { error_log logs/NAME.log info; content_by_lua_block {"
        " ngx.log(ngx.ERR, 'first') ngx.exec('/b') } }"
        " location /b { error_log logs/NAME.log.2 info; content_by_lua_block {"
        " ngx.log(ngx.ERR, 'second') ngx.say(1) } }"
    ),
    "error_in_subrequest": errors(
        "error_log logs/NAME.log; location / { echo_location /b; }"
        " location /b { error_log logs/NAME.log.2 info; content_by_lua_block {"
        " ngx.log(ngx.INFO, 'sub') ngx.say(1) } }"
    ),
    "error_before_location": errors(
        "error_log logs/NAME.log info; set_by_lua_block $x {"
        " ngx.log(ngx.INFO, 'set') return 1 } location / {"
        " error_log logs/NAME.log.2 info; log_by_lua_block {"
        " ngx.log(ngx.INFO, 'log') } return 200; }"
    ),
    "error_of_timer": errors(
        "location / { error_log logs/NAME.log info; content_by_lua_block {"
        " ngx.timer.at(0, function() ngx.log(ngx.INFO, 'timer') end) ngx.say(1) } }"
    ),
    "error_of_bad_head": errors(
        "error_log logs/NAME.log info;", get("/", "bad header")
    ),
    "error_same_as_main": errors(
        f"error_log logs/error.log warn; location / {{ {SAYS_ALL} }}"
    ),
}  # fmt: skip

PAIR = Pair(CASES, http=HTTP, files={"html/f.txt": "file\n"}, settle=0.3)


@pytest.mark.parametrize("name", CASES)
def test_as_nginx_does(name):
    PAIR.check(name)
