"""Variables that depend on addresses: the geo module."""

from __future__ import annotations

import pytest
from conversation import get, in_turn
from directive_pair import Pair, case

HTTP = """
geo $here { default no; 127.0.0.1 yes; }
geo $nothing { }
geo $arg_a $of {
    default none;
    10.0.0.0/8 ten;
    10.1.0.0/16 ten-one;
    10.1.128.0/17 upper;
    10.1.2.3 host;
    10.1.2.4/31 pair;
    10.2.0.0/16 first;
    10.2.0.0/16 second;
    10.3.0.0/16 gone;
    delete 10.3.0.0/16;
    192.0.0.0/3 three-bits;
    255.255.255.255 nowhere;
    2001:db8::/32 doc;
    2001:db8:8000::/33 doc-upper;
    ::1 loopback;
    ::ffff:10.0.0.0/104 mapped;
    include geo/part.conf;
}
geo $arg_a $no_default { 10.0.0.0/8 ten; 2000::/3 six; }
geo $arg_a $all { 0.0.0.0/0 four; ::/0 six; }
geo $arg_a $in_ranges {
    ranges;
    default none;
    10.0.0.0-10.3.0.5 wide;
    10.1.0.0-10.1.255.255 part;
    10.1.2.0-10.1.2.255 inner;
    10.1.2.0-10.1.2.9 start;
    10.1.2.250-10.1.2.255 end;
    10.1.2.100-10.1.2.100 one;
    20.0.0.0-20.0.0.255 gone;
    delete 20.0.0.0-20.0.0.255;
    0.0.0.0-0.0.0.0 zero;
    255.0.0.0-255.255.255.254 last;
}
geo $arg_a $ranges_without_default { ranges; 10.0.0.0-10.0.0.255 a; }
geo $arg_a $no_ranges { ranges; default d; }
geo $proxied { default no; proxy 127.0.0.0/8; proxy 10.0.0.0/8; 10.0.0.0/8 ten;
    127.0.0.0/8 here; 1.0.0.0/8 one; }
geo $recursive { proxy 127.0.0.0/8; proxy 10.0.0.0/8; proxy_recursive; default no;
    10.0.0.0/8 ten; 127.0.0.0/8 here; 1.0.0.0/8 one; }
geo $not_proxied { proxy ::1; default no; 127.0.0.0/8 here; 1.0.0.0/8 one; }
geo $arg_a $of_proxied { proxy 10.0.0.0/8; default no; 10.0.0.0/8 ten; 1.0.0.0/8 one; }
geo $n $kept { 1.1.1.1 one; 2.2.2.2 two; default none; }
geo $of_client { 127.0.0.1 v4; ::1 v6; default none; 255.255.255.255 unix; }
geo $text { 127.0.0.1 $uri; }
map $here$of $mapped { yesten both; default -; }
server { listen 127.0.0.1:PORT; server_name other.test; set $n 0; return 404; }
"""

ADDRESSES = (
    "10.0.0.0", "10.255.255.255", "10.1.0.0", "10.1.127.255", "10.1.128.0", "10.1.2.3",
    "10.1.2.4", "10.1.2.5", "10.1.2.6", "10.2.3.4", "10.3.0.1", "11.0.0.0", "223.1.1.1",
    "191.1.1.1", "0.0.0.0", "255.255.255.255", "255.255.255.254", "2001:db8::",
    "2001:db8:ffff::1", "2001:db9::", "::1", "::2", "::", "::ffff:10.1.2.3",
    "::ffff:1.1.1.1", "x", "", "10.1.2.3:80", "[::1]", "unix:", "7.1.2.3", "7.0.0.0",
)  # fmt: skip

IN_RANGES = (
    "0.0.0.0", "0.0.0.1", "9.255.255.255", "10.0.0.0", "10.0.255.255", "10.1.0.0",
    "10.1.1.255", "10.1.2.0", "10.1.2.9", "10.1.2.10", "10.1.2.99", "10.1.2.100",
    "10.1.2.101", "10.1.2.249", "10.1.2.250", "10.1.2.255", "10.1.3.0", "10.2.0.0",
    "10.3.0.5", "10.3.0.6", "20.0.0.1", "255.255.255.254", "255.255.255.255", "::1",
    "::ffff:10.1.2.3", "x",
)  # fmt: skip

CHAINS = (
    "1.1.1.1", "1.1.1.1, 10.0.0.1", "10.0.0.1", "x", "1.1.1.1|10.0.0.1", "2.2.2.2|",
    "1.1.1.1, 2.2.2.2, 10.0.0.1",
)  # fmt: skip


def shows(variable, *addresses):
    """Return a case that shows a variable for some values of ``arg_a``."""
    return case(
        f"location / {{ return 200 '[${variable}]'; }}",
        *(f"/?a={address}" for address in addresses),
    )


def forwarded(variable, target="/"):
    return case(
        f"location / {{ return 200 '[${variable}]'; }}", target,
        *(get(target, *(f"X-Forwarded-For: {one}" for one in text.split("|")))
          for text in CHAINS),
    )  # fmt: skip


CASES = {
    "networks": shows("of", *ADDRESSES),
    "no_default": shows("no_default", "10.1.1.1", "11.1.1.1", "3000::1", "::1", "x"),
    "all": shows("all", "10.1.1.1", "::1", "x"),
    "empty": case("location / { return 200 '$here [$nothing]'; }"),
    "ranges": shows("in_ranges", *IN_RANGES),
    "ranges_without_default": shows("ranges_without_default", "10.0.0.1", "10.0.1.0"),
    "no_ranges": shows("no_ranges", "10.0.0.1"),
    "proxied": forwarded("proxied"),
    "recursive": forwarded("recursive"),
    "not_proxied": forwarded("not_proxied"),
    "of_proxied": forwarded("of_proxied", "/?a=10.0.0.1"),
    "of_no_proxy": forwarded("of_proxied", "/?a=11.0.0.1"),
    "of_no_address": forwarded("of_proxied", "/?a=x"),
    "text": case("location / { return 200 '$text'; }"),
    "kept": case(
        "location / { set $n 1.1.1.1; set $a $kept; set $n 2.2.2.2;"
        " return 200 $a$kept; }"
    ),
    "in_lua": case(
        "location / { content_by_lua_block { local v = ngx.var ngx.say(v.of)"
        " v.of = 'x' ngx.say(v.of) ngx.say(v.nothing == '') } }", "/?a=10.1.2.3",
    ),
    "in_if": case(
        "location / { if ($here = yes) { return 200 here; } return 200 there; }"
    ),
    "in_map": case("location / { return 200 $mapped; }", "/?a=10.0.0.1", "/"),
    "in_log": case(
        "access_log logs/NAME.log by_geo; location / { return 200; }", "/?a=10.1.2.3"
    ),
    "ipv6": case(
        "location / { return 200 '$of_client'; }",
        listen="listen [::1]:PORT;", to="[::1]:PORT",
    ),
    "mapped": case(
        "location / { return 200 '$of_client'; }",
        listen="listen [::]:PORT2 ipv6only=off;", to="127.0.0.1:PORT2",
    ),
    "unix": case(
        "location / { return 200 '$of_client'; }",
        listen="listen unix:PREFIX/NAME.sock;", to="unix:PREFIX/NAME.sock",
    ),
    "of_a_real_address": case(
        "set_real_ip_from 127.0.0.1; location / { return 200 $not_proxied; }",
        in_turn(get("/", "X-Real-IP: 1.2.3.4"), get("/")),
    ),
}  # fmt: skip

FILES = {"conf/geo/part.conf": "7.0.0.0/8 seven;\n7.0.0.0 zero;\n"}

PAIR = Pair(CASES, http=f"{HTTP} log_format by_geo '$of $here';", files=FILES)


@pytest.mark.parametrize("name", CASES)
def test_as_nginx_does(name):
    PAIR.check(name)


@pytest.mark.parametrize("flavour", ["lua51", "lua54"])
@pytest.mark.parametrize("name", ["networks", "ranges"])
def test_on_other_flavours(name, flavour):
    PAIR.check(name, flavour)
