"""The addresses of clients that proxies tell of: the realip module."""

from __future__ import annotations

import pytest
from conversation import get, in_turn
from directive_pair import Pair, case

SHOWN = (
    "$remote_addr|$port|$realip_remote_addr|$proxy_add_x_forwarded_for|"
    "$binary_remote_addr"
)

#: What may stand in X-Real-IP and be an address, or not.
TEXTS = (
    "1.2.3.4", "1.2.3.4:80", "1.2.3.4:0", "1.2.3.4:65536", "1.2.3.4:x", "1.2.3.4:",
    "1.2.3", "1.2.3.4.5", "1..3.4", "1.2.3.256", "001.2.3.4", "255.255.255.255",
    "1.2.3.4x", "::1", "::", "[::1]:80", "[::1]", "[::1]80", "::1:80", "[1.2.3.4]:80",
    "2001:DB8:0:0:8:800:200C:417A", "1:2:3:4:5:6:7:8", "1:2:3:4:5:6:7::",
    "1:2:3:4:5:6:7", "1:2:3:4:5:6::8", ":1:2:3:4:5:6:7:8", "1::2::3", "1:::2", ":",
    "12345::", "g::", "1::", "1:2:3:4:5:6:7:8:", "::ffff:1.2.3.4", "::1.2.3.4",
    "::ffff:1.2.3", "1:2:3:4:5:6:1.2.3.4", "1:2:3:4:5:6:7:1.2.3.4", ":1.2.3.4",
    "::ffff:255.255.255.255", "::1:2", "::a00:2", "::a00:1", "1:0:0:2:0:0:0:3",
    "fe80::1%lo", "unix:", "localhost", "-", "1.2.3.4 ", " 1.2.3.4", "1.2.3.4,",
    "1.2.3.4, 5.6.7.8", "5.6.7.8 , , ", ",1.2.3.4", "1.2.3.4,x", "1.2.3.4 5.6.7.8:9",
    "", ",", ", ,",
)  # fmt: skip

#: What may stand in X-Forwarded-For; the lines of one are parted by "|".
CHAINS = (
    "1.1.1.1", "1.1.1.1, 10.0.0.1", "1.1.1.1,10.0.0.1 10.0.0.2", "10.0.0.1, 10.0.0.2",
    "x, 10.0.0.1", "1.1.1.1, x, 10.0.0.1", ",10.0.0.1", ", 10.0.0.1", "1.1.1.1, x",
    "1.1.1.1|10.0.0.1", "1.1.1.1|x", "x|10.0.0.1", "1.1.1.1|2.2.2.2", "10.0.0.1|",
    "1.1.1.1, 10.0.0.1|10.0.0.2, 10.0.0.3", "1.1.1.1|10.0.0.1, 2.2.2.2, 10.0.0.2",
    "1.1.1.1, 10.0.0.9:99", "::1, 10.0.0.1", "1.1.1.1, ::ffff:10.0.0.1",
)  # fmt: skip

TRUSTED = "set_real_ip_from 127.0.0.1; set_real_ip_from 10.0.0.0/8;"


def shown(rules, *talks, **more):
    return case(f"{rules} location / {{ return 200 '{SHOWN}'; }}", *talks, **more)


def chain(text):
    return get("/", *(f"X-Forwarded-For: {line}" for line in text.split("|")))


def real(text="1.2.3.4", target="/"):
    return get(target, f"X-Real-IP: {text}")


CASES = {
    "texts": shown(
        "set_real_ip_from 127.0.0.0/8;", *(map(real, TEXTS)), "/",
        get("/", "X-Real-IP: 1.1.1.1", "X-Real-IP: 2.2.2.2"),
    ),
    "not_trusted": shown("set_real_ip_from 10.0.0.0/8;", real()),
    "no_header": shown(f"{TRUSTED} real_ip_header X-Forwarded-For;", real()),
    "last": shown(
        f"{TRUSTED} real_ip_header X-Forwarded-For;", *map(chain, CHAINS)
    ),
    "recursive": shown(
        f"{TRUSTED} real_ip_header X-Forwarded-For; real_ip_recursive on;",
        *map(chain, CHAINS),
    ),
    "recursive_in_one_header": shown(
        f"{TRUSTED} real_ip_recursive on;", real("1.1.1.1, 10.0.0.1"),
        real("10.0.0.1"), get("/", "X-Real-IP: 1.1.1.1", "X-Real-IP: 10.0.0.1"),
    ),
    "other_header": shown(
        f"{TRUSTED} real_ip_header Client-IP;",
        get("/", "x: 1.1.1.1", "CLIENT-ip: 2.2.2.2", "client-ip: 3.3.3.3"),
        get("/", "clientip: 1.1.1.1"),
    ),
    "lower_case_name": shown(
        f"{TRUSTED} real_ip_header x-forwarded-for;",
        chain("1.1.1.1|2.2.2.2"), chain("1.1.1.1, 2.2.2.2"),
    ),
    "proxy_protocol": shown(f"{TRUSTED} real_ip_header proxy_protocol;", real()),
    "of_hosts": shown("set_real_ip_from localhost;", real()),
    "unix": shown(
        "set_real_ip_from unix:;", real(), real("::1"),
        listen="listen unix:PREFIX/NAME.sock;", to="unix:PREFIX/NAME.sock",
    ),
    "unix_alone": shown("set_real_ip_from unix:;", real()),
    "ipv6": shown(
        "set_real_ip_from ::1;", real(), real("::1"),
        listen="listen [::1]:PORT;", to="[::1]:PORT",
    ),
    "mapped": shown(
        "set_real_ip_from 127.0.0.1;", real(), "/",
        listen="listen [::]:PORT2 ipv6only=off;", to="127.0.0.1:PORT2",
    ),
    "mapped_by_ipv6_rule": shown(
        "set_real_ip_from ::/0;", real(),
        listen="listen [::]:PORT3 ipv6only=off;", to="127.0.0.1:PORT3",
    ),
    # when it happens
    "before_server_rewrite": case(
        f"{TRUSTED} set $a $remote_addr; server_rewrite_by_lua_block {{"
        " ngx.ctx.a = ngx.var.remote_addr } location / { content_by_lua_block {"
        " ngx.say(ngx.ctx.a, ngx.var.a, ngx.var.remote_addr) } }", real(),
    ),
    "before_access": case(
        f"location / {{ {TRUSTED} rewrite_by_lua_block {{"
        " ngx.ctx.a = ngx.var.binary_remote_addr } content_by_lua_block {"
        " ngx.say(#ngx.ctx.a, ' ', ngx.ctx.a == ngx.var.binary_remote_addr, ' ',"
        " ngx.var.remote_addr) } }", real(), real("::1"), "/",
    ),
    "of_a_location": case(
        "location /a { set_real_ip_from 127.0.0.1; echo $remote_addr; }"
        " location /b { real_ip_header X-B; set_real_ip_from 127.0.0.1;"
        " echo $remote_addr; } location /c { echo $remote_addr; }",
        *(real(target=target) for target in ("/a", "/b", "/c")),
        get("/b", "X-B: 9.9.9.9"),
    ),
    "seen_before": case(
        f"location / {{ set $a $remote_addr; {TRUSTED} echo $a $remote_addr; }}",
        real(),
    ),
    "once": case(
        f"{TRUSTED} location / {{ set_real_ip_from 1.0.0.0/8; real_ip_header X-B;"
        " echo $remote_addr; }", get("/", "X-Real-IP: 1.2.3.4", "X-B: 5.6.7.8"),
        get("/", "X-B: 5.6.7.8"),
    ),
    "of_a_header_that_lua_sets": case(
        f"location / {{ {TRUSTED} rewrite_by_lua_block {{"
        " ngx.req.set_header('X-Real-IP', '7.7.7.7') } echo $remote_addr; }", "/",
    ),
    "of_an_internal_redirect": case(
        f"{TRUSTED} location / {{ error_page 404 /e; return 404; }}"
        " location /e { echo $remote_addr; }"
        " location /lua { content_by_lua_block { ngx.exec('/e') } }"
        " location /set { content_by_lua_block {"
        " ngx.req.set_header('X-Real-IP', '7.7.7.7') ngx.exec('/t') } }"
        " location /t { set_real_ip_from 10.0.0.0/8; echo $remote_addr; }",
        real(), real(target="/lua"), "/set",
    ),
    "of_a_subrequest": case(
        f"location / {{ echo_location /s; echo $remote_addr; }}"
        f" location /s {{ {TRUSTED} echo $remote_addr; }}", real(),
    ),
    # who sees it
    "allowed": case(
        f"{TRUSTED} location / {{ allow 1.2.3.4; deny all; echo ok; }}",
        real(), real("1.2.3.5"), "/",
    ),
    "denied_in_location": case(
        f"location / {{ {TRUSTED} deny 1.2.3.4; deny ::1; echo ok; }}",
        real(), real("::1"), "/",
    ),
    "access_after_it_was_seen": case(
        "location / { set $a $binary_remote_addr; set_real_ip_from 127.0.0.1;"
        " deny 1.2.3.4; echo ok; }", real(),
    ),
    "of_a_map": case(f"{TRUSTED} location / {{ return 200 $known; }}", real(), "/"),
    "logs": case(
        f"{TRUSTED} access_log logs/NAME.log; access_log logs/NAME.own.log own;"
        " location / { log_by_lua_block { ngx.log(ngx.ERR, ngx.var.remote_addr) }"
        " return 200; }", real(), "/",
    ),
    "error_log": case(
        f"error_log logs/NAME.err; {TRUSTED} location / {{ return 200; }}"
        " location /none { content_by_lua_block { ngx.log(ngx.ERR, 'x') } }",
        real(target="/none"), "/none",
    ),
    "on_one_connection": case(
        f"{TRUSTED} location / {{ return 200 '$remote_addr $realip_remote_addr\n'; }}",
        in_turn(get("/", "X-Real-IP: 1.2.3.4"), get("/"),
                get("/", "X-Real-IP: 5.6.7.8")),
    ),
    "of_lua": case(
        f"{TRUSTED} location / {{ content_by_lua_block {{"
        " local v = ngx.var ngx.say(v.remote_addr, ' ', #v.binary_remote_addr, ' ',"
        " v.port, ' ', v.realip_remote_addr, ' ',"
        " v.realip_remote_port == v.remote_port) ngx.timer.at(0, function() end) } }",
        real("1.2.3.4:5"), real("::1"), "/",
    ),
}  # fmt: skip

# The system's own ports have five digits.
HTTP = (
    "map $remote_port $port { '' ''; ~^.?.?.?.?$ $remote_port; default own; } "
    "map $remote_addr $known { 1.2.3.4 known; default unknown; }"
    " log_format own '$remote_addr $realip_remote_addr';"
)

PAIR = Pair(CASES, http=HTTP)


@pytest.mark.parametrize("name", CASES)
def test_as_nginx_does(name):
    PAIR.check(name)


FLAVOURS = ("lua51", "lua54")


@pytest.mark.parametrize("flavour", FLAVOURS)
@pytest.mark.parametrize("name", ["texts", "recursive"])
def test_on_other_flavours(name, flavour):
    PAIR.check(name, flavour)
