"""What comes is told to other locations too: the mirror module."""

from __future__ import annotations

import pytest
from conversation import WAIT, chunked, get, head, in_turn, post, raw
from directive_pair import Pair, case, sleep

#: Says what a mirror is told.
TELL = """local r = ngx.req
ngx.log(ngx.WARN, r.get_method(), ' ', ngx.var.uri, ' ', ngx.var.args, ' ',
        ngx.var.request_uri, ' ', r.get_body_data(), ' ', r.get_headers().x, ' ',
        ngx.is_subrequest, r.is_internal())
ngx.say('mirror')
"""
TOLD = "content_by_lua_file PREFIX/lua/tell.lua;"
MIRROR = f"location = /m {{ internal; {TOLD} }}"

LARGE = b"0123456789abcdef" * 2000


def mirrored(conf, *talks):
    return case(f"mirror /m; {MIRROR} {conf}", *(talks or ("/",)))


CASES = {
    "file": mirrored("", "/a.txt", "/a.txt?x=1&y", "/none"),
    "headers": mirrored("", get("/a.txt", "X: 1")),
    "head": mirrored("", head("/a.txt")),
    "return_is_earlier": mirrored("location / { return 200 a; }"),
    "lua": mirrored("location / { content_by_lua_block { ngx.say('a') } }"),
    "lua_access_is_earlier": mirrored(
        "location / { access_by_lua_block { ngx.exit(403) } }"
    ),
    "try_files_is_earlier": mirrored(
        "location / { try_files /none /a.txt; } location /b { try_files /n @c; }"
        " location @c { return 200 c; }", "/", "/b",
    ),
    "echo": mirrored("location / { echo a; }"),
    "body": mirrored(
        "location / { echo_read_request_body; echo_request_body; }",
        post("/", b"hello"), chunked("/", b"hel", b"lo"),
    ),
    "body_unread": mirrored("location / { echo a; }", post("/", b"hello")),
    "body_off": mirrored(
        "mirror_request_body off; location / { echo_read_request_body;"
        " echo_request_body; }", post("/", b"hello"),
    ),
    "body_slow": mirrored(
        "location / { echo a; }",
        raw("", b"POST / HTTP/1.1\r\nHost: localhost\r\nContent-Length: 5\r\n"
            b"Connection: close\r\n\r\nhe", sleep(0.05), b"llo"),
    ),
    "body_expected": mirrored(
        "location / { echo a; }",
        raw("", post("/", b"", "Expect: 100-continue").data("Connection: close")
            .replace(b"Length: 0", b"Length: 5"), WAIT, b"hello"),
    ),
    "body_in_file": case(
        "client_body_buffer_size 1k; mirror /f; mirror /f; location = /f {"
        " proxy_pass http://127.0.0.1:PORT/up; proxy_set_header Host NAME; }"
        " location = /up { mirror off; client_body_buffer_size 64k;"
        " content_by_lua_block { ngx.req.read_body()"
        " ngx.log(ngx.WARN, #ngx.req.get_body_data()) } } location / { echo a; }",
        post("/", LARGE),
    ),
    "body_too_large": mirrored(
        "client_max_body_size 3; location / { echo a; }", post("/", b"hello")
    ),
    "several": case(
        f"mirror /m; mirror /n; mirror /m; {MIRROR} location = /n {{ {TOLD} }}",
        "/a.txt",
    ),
    "inherited": case(
        f"mirror /m; {MIRROR} location = /n {{ {TOLD} }}"
        " location /a { echo a; } location /b { mirror off; echo b; }"
        " location /c { mirror /n; echo c; }", "/a", "/b", "/c",
    ),
    "off": case("mirror off;", "/a.txt"),
    "not_of_subrequests": case(
        f"{MIRROR} location / {{ echo_location /s; }}"
        " location /s { mirror /m; echo s; }", "/",
    ),
    "of_itself": case(f"mirror /m; location = /m {{ mirror /m; {TOLD} }}", "/a.txt"),
    "after_redirect": mirrored(
        "location / { error_page 404 /e; } location /e { echo e; }", "/none"
    ),
    "rewritten": mirrored("location /r { rewrite ^ /a.txt?r=1; }", "/r?x=1"),
    "of_file": case("mirror /b.txt;", "/a.txt"),
    "not_found": case("mirror /none; error_page 404 /e; location /e { echo e; }",
                      "/a.txt"),
    "forbidden": case("mirror /f; location /f { deny all; }"
                      " location /g { return 403; }", "/a.txt"),
    "failing": case(
        "mirror /f; location /f { content_by_lua_block { error('no') } }", "/a.txt"
    ),
    "variables": mirrored(
        "set $a 1; location / { set $b $a; content_by_lua_block {"
        " ngx.say(ngx.var.b) } }"
    ),
    "real_ip": case(
        "set_real_ip_from 127.0.0.1; mirror /m; mirror /up; location = /m {"
        " content_by_lua_block { ngx.log(ngx.WARN, ngx.var.remote_addr, ' ',"
        " ngx.var.realip_remote_addr) } log_by_lua_block {"
        " ngx.log(ngx.WARN, ngx.var.remote_addr) } log_subrequest on; }"
        " location = /up { proxy_pass http://127.0.0.1:PORT/raw;"
        " proxy_set_header X-Real-IP ''; proxy_set_header X $remote_addr;"
        f" proxy_set_header Host NAME; }} location /raw {{ mirror off; {TOLD} }}",
        get("/a.txt", "X-Real-IP: 1.2.3.4"), "/a.txt",
    ),
    "named": case("mirror @m; location @m { echo m; }", "/a.txt"),
    "access": case(
        f"allow all; auth_basic off; mirror /m; {MIRROR}", "/a.txt"
    ),
    "proxied": mirrored(
        "location /up/ { proxy_pass http://127.0.0.1:PORT/raw/;"
        " proxy_set_header Host NAME; } location /raw/ { mirror off; alias html/; }",
        "/up/a.txt", post("/up/a.txt", b"hello"),
    ),
    "to_proxied": case(
        "mirror /up; location = /up { internal; proxy_set_header Host NAME;"
        " proxy_pass http://127.0.0.1:PORT/raw$request_uri; }"
        f" location /raw {{ mirror off; {TOLD} }}",
        "/a.txt?x=1", get("/a.txt", "X: 1"),
    ),
    "to_proxied_body": case(
        "mirror /up; location = /up { proxy_set_header Host NAME;"
        " proxy_pass http://127.0.0.1:PORT/raw; } location /raw { mirror off;"
        " content_by_lua_block { ngx.req.read_body() ngx.log(ngx.WARN,"
        " ngx.req.get_body_data(), ngx.var.http_content_length) } }"
        " location / { echo a; }", post("/", b"hello"), chunked("/", b"hel", b"lo"),
    ),
    "to_proxied_without_body": case(
        "mirror /up; mirror_request_body off; location = /up {"
        " proxy_pass_request_body off; proxy_set_header Content-Length '';"
        " proxy_set_header Host NAME; proxy_pass http://127.0.0.1:PORT/raw; }"
        f" location /raw {{ mirror off; {TOLD} }} location / {{ echo a; }}",
        post("/", b"hello"),
    ),
    "to_nobody": case(
        "mirror /up; location = /up { proxy_pass http://127.0.0.1:1; }", "/a.txt"
    ),
    "in_turn": mirrored("", in_turn(get("/a.txt"), get("/b.txt"), get("/none"))),
    "logged": mirrored(
        "location = /l { mirror /s; echo l; access_log off; } location = /s {"
        " log_subrequest on; access_log logs/NAME.log own; return 200 sub; }", "/l"
    ),
}  # fmt: skip

PAIR = Pair(
    CASES,
    http="log_format own '$uri $status';",
    files={"html/a.txt": "a\n", "html/b.txt": "b\n", "lua/tell.lua": TELL},
    settle=0.3,
)


@pytest.mark.parametrize("name", CASES)
def test_as_nginx_does(name):
    PAIR.check(name)


#: nginx lets a client's next request wait for the mirrors of the last, and shows
#: them a body that Lua has changed since.
OURS = Pair(
    {
        "later": case(
            "mirror /m; location = /m { content_by_lua_block { ngx.sleep(0.2)"
            " ngx.log(ngx.WARN, 'mirror of ', ngx.var.request_uri) } } location / {"
            " content_by_lua_block { ngx.log(ngx.WARN, ngx.var.uri) ngx.say(1) } }",
            in_turn(get("/a"), get("/b")),
        ),
        "changed": mirrored(
            "location / { content_by_lua_block { ngx.req.read_body()"
            " ngx.req.set_body_data('other') ngx.say(ngx.req.get_body_data()) } }",
            post("/", b"hello"),
        ),
        "file": case(
            "client_body_buffer_size 1k; mirror /m; mirror /n; location ~ ^/[mn]$ {"
            " content_by_lua_block { ngx.sleep(0.1) ngx.shared.files:set('name',"
            " ngx.req.get_body_file()) local f = io.open(ngx.req.get_body_file())"
            " ngx.log(ngx.WARN, #f:read('*a')) f:close() } }"
            " location / { echo a; } location /left { mirror off;"
            " content_by_lua_block { ngx.sleep(0.3)"
            " ngx.say(io.open(ngx.shared.files:get('name')) == nil) } }",
            post("/", LARGE),
            get("/left"),
        ),
    },
    http="lua_shared_dict files 1m;",
    files={"lua/tell.lua": TELL},
    settle=0.3,
)


def logged(name):
    return [line.partition(":1: ")[2] for line in OURS.actual(name).errors]


def test_nobody_waits_for_a_mirror():
    assert logged("later") == ["/a", "/b", "mirror of /a", "mirror of /b"]


def test_a_mirror_is_told_what_has_come():
    assert "POST /m nil / hello" in OURS.actual("changed").errors[0]


def test_the_last_of_them_removes_the_file():
    assert logged("file")[1:] == ["32000", "32000"]
    assert "true" in OURS.actual("file").answers[1]


@pytest.mark.parametrize("flavour", ["lua51", "lua54"])
def test_on_other_flavours(flavour):
    for name in CASES:
        PAIR.check(name, flavour)
