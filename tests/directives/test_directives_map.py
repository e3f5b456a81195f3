"""The map module: what is looked up, how, and what comes of it."""

from __future__ import annotations

import pytest
from conversation import get, post
from directive_pair import Pair, case


def shows(variable, *queries, before=""):
    """Return a case that shows a variable for some values of ``arg_x``."""
    return case(
        f"location / {{ {before} return 200 '[${variable}]'; }}",
        *(f"/{query}" for query in queries),
    )


HTTP = r"""
map $arg_x $plain { a 1; b 2; "" empty; default other; }
map $arg_x $no_default { a 1; }
map $arg_x $case { Ab 1; aB2 2; }
map $arg_x $quoted { "a b" 1; 'c;d' 2; "e\"f" 3; g "x;y"; }
map $arg_x $escaped { \default 1; \hostnames 2; \include 3; default 0; }
map $arg_x $regexes {
    ~^a(.) first-$1;
    ~*^B(?<rest>.*)$ second-$rest;
    ~c third;
    abc text;
    default none;
}
map $arg_x $anything { ~^ any; default none; }
map $arg_x $values { a $uri; b $arg_y$uri; c $plain; default $arg_x; }
map $arg_x$arg_y $joined { ab yes; default no; }
map $arg_x $chained { 1 one; default [$plain]; }
map "$arg_x-$arg_y" $composed { a-b yes; a- half; default no; }
map $http_host $host_names {
    hostnames;
    www.a.test exact;
    .a.test dot;
    *.b.test star;
    c.* tail;
    ~^d regex;
    default none;
}
map $http_host $host_mask_order { hostnames; *.x.a.test long; *.a.test short; }
map $http_x $from_header { "" none; yes 1; default $http_x; }
map $n $counting { volatile; default $n; }
map $n $kept { default $n; }
map $arg_x $number { 0 zero; 01 one; 1 one-alone; }
map $request_method $by_method { GET get; POST post; }
map $uri $by_uri { /a A; ~^/b/(?<tail>.*) B-$tail; }
map $status $by_status { 200 ok; 404 missing; default other; }
map $arg_x $included { include maps/*.map; default none; }
map $remote_addr $by_address { 127.0.0.1 here; default there; }
map $arg_x $looped { a $arg_x; }
map $unset_by_any $of_unset { "" nothing; default something; }
map $arg_x $for_if { 1 1; default 0; }
map $arg_x $http_defined { default map; }
map $1 $of_capture { a A; default -; }
map $arg_x $sets_captures { ~(.)(.) $2$1; }
map $upstream_http_x $of_other_module { "" nothing; default something; }
"""

CASES = {
    "texts": shows("plain", "?x=a", "?x=b", "?x=c", "?x=", "?", "?x=A"),
    "without_default": shows("no_default", "?x=a", "?x=z"),
    "case": shows("case", "?x=AB", "?x=ab", "?x=AB2"),
    "quoted": shows("quoted", "?x=g", "?x=a b", "?x=c;d", "?x=e%22f"),
    "escaped": shows("escaped", "?x=default", "?x=hostnames", "?x=include", "?x=z"),
    "regexes": shows("regexes", "?x=ab", "?x=abc", "?x=Bcd", "?x=xc", "?x=z"),
    "empty": shows("anything", "?x=a", "?x=", "?"),
    "values": shows("values", "p?x=a", "p?x=b&y=Y", "p?x=c", "p?x=d", "p"),
    "joined": shows("joined", "?x=a&y=b", "?x=ab", "?x=b"),
    "chained": shows("chained", "?x=1", "?x=a", "?x=z"),
    "composed": shows("composed", "?x=a&y=b", "?x=a", "?"),
    "hostnames": case(
        "listen 127.0.0.1:PORT2; server_name _; location / { return 200 $host_names; }",
        *(get("/", host=host) for host in (
            "www.a.test", "x.a.test", "a.test", "b.test", "y.b.test", "c.anything",
            "d.test", "WWW.A.test", "x.c.test", "z",
        )), listen="", to="127.0.0.1:PORT2",
    ),
    "hostnames_order": case(
        "listen 127.0.0.1:PORT3; server_name _; location / {"
        " return 200 $host_mask_order; }",
        *(get("/", host=host) for host in ("q.x.a.test", "x.a.test", "q.a.test")),
        listen="", to="127.0.0.1:PORT3",
    ),
    "from_header": case(
        "location / { return 200 $from_header; }",
        "/", get("/", "X: yes"), get("/", "X: else"), get("/", "X;"),
    ),
    "volatile": case(
        "location / { set $n 1; set $a $counting; set $n 2; return 200 $a$counting; }"
    ),
    "kept": case(
        "location / { set $n 1; set $a $kept; set $n 2; return 200 $a$kept; }"
    ),
    "kept_in_lua": case(
        "location / { set $n 1; content_by_lua_block { local v = ngx.var"
        " ngx.say(v.kept, v.counting) v.n = 2 ngx.say(v.kept, v.counting) } }"
    ),
    "numbers": shows("number", "?x=0", "?x=01", "?x=1", "?x=00"),
    "methods": case(
        "location / { return 200 $by_method; }", "/", post("/", b""),
    ),
    "uris": case("location / { return 200 '$by_uri'; }", "/a", "/b/c", "/A", "/z"),
    "status": case("location / { return 200 $by_status; }"),
    "included": shows("included", "?x=one", "?x=two", "?x=x9", "?x=z"),
    "addresses": case("location / { return 200 $by_address; }"),
    "loop": shows("looped", "?x=a", "?x=b"),
    "unset": shows("of_unset", ""),
    "in_if": case(
        "location / { if ($for_if) { return 200 yes; } return 200 no; }", "/?x=1", "/"
    ),
    "of_a_prefix": case(
        "location / { return 200 $http_defined; }", get("/", "Defined: 1")
    ),
    "of_capture": case("location ~ ^/(.) { return 200 $of_capture; }", "/a", "/b"),
    "sets_captures": case(
        "location ~ ^/(.) { return 200 '$sets_captures $1'; }", "/a?x=bc", "/a?x=b"
    ),
    "of_other_module": shows("of_other_module", ""),
    "set_over_it": case("location / { set $plain 9; return 200 $plain; }", "/?x=a"),
    "set_in_lua": case(
        "location / { content_by_lua_block { ngx.say(ngx.var.plain) ngx.var.plain = 3"
        " ngx.say(ngx.var.plain) } }", "/?x=a",
    ),
    "in_redirect": case(
        "location / { set $n 1; set $a $kept; set $n 2; error_page 404 /e;"
        " return 404; } location /e { return 200 $kept; }"
    ),
    "in_subrequest": case(
        "location / { echo_location /s x=b; echo $plain; }"
        " location /s { echo $plain; }", "/?x=a",
    ),
    "in_log": case(
        "access_log logs/NAME.log by_map; location / { return 404; }", "/?x=a", "/?x=z"
    ),
    "in_header": case("location / { add_header X $plain; return 200; }", "/?x=b", "/"),
}  # fmt: skip

HTTP += "log_format by_map '$plain $by_status';\nserver { listen 127.0.0.1:PORT;"
HTTP += " server_name other.test; set $n 0; set $unset_by_any 1; return 404; }\n"

FILES = {
    "conf/maps/one.map": "one 1;\ntwo 2;\n",
    "conf/maps/regex.map": "~^x(.) x-$1;\n",
}

PAIR = Pair(CASES, http=HTTP, files=FILES)


@pytest.mark.parametrize("name", CASES)
def test_as_nginx_does(name):
    PAIR.check(name)
