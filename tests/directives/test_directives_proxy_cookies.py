"""Cookies of an upstream: proxy_cookie_domain, …_path and …_flags."""

from __future__ import annotations

import pytest
from directive_pair import Pair, case
from upstream_peer import upstream_peer

UP = "http://127.0.0.1:PORT8"


def cookies(conf, *targets, before="", level="info"):
    """Return a case whose location changes cookies."""
    return case(
        f"{before} location / {{ proxy_pass {UP}; {conf} }}"
        " location /inside { internal; return 200 inside; }",
        *(targets or ("/cookies",)), level=level,
    )  # fmt: skip


ALL_FLAGS = (
    "secure", "nosecure", "httponly", "nohttponly", "samesite=strict",
    "samesite=lax", "samesite=none", "nosamesite",
)  # fmt: skip

CASES = {
    "none": cookies(""),
    "domain": cookies("proxy_cookie_domain up.example Other.Example;"),
    "domain_dots": cookies("proxy_cookie_domain .up.example .other;"),
    "domain_part": cookies("proxy_cookie_domain example other;"),
    "domain_empty": cookies("proxy_cookie_domain up.example ''; "
                            "proxy_cookie_domain '' empty;"),
    "domain_regex": cookies(r"proxy_cookie_domain ~^\.?(UP)\.(?<rest>.+)$ $1-$rest;"),
    "domain_variables": cookies(
        "proxy_cookie_domain $arg_from $arg_to; proxy_cookie_domain .$arg_b .$arg_c;",
        "/cookies?from=UP.EXAMPLE&to=there", "/cookies?from=.up.example&to=.there",
        "/cookies?b=up.example&c=b", "/cookies"
    ),
    "domain_first": cookies(
        "proxy_cookie_domain nobody x; proxy_cookie_domain up.example first;"
        " proxy_cookie_domain up.example second;"
    ),
    "path": cookies("proxy_cookie_path /up/ /here/;"),
    "path_whole": cookies("proxy_cookie_path /up/x /; proxy_cookie_path / /all/;"),
    "path_regex": cookies("proxy_cookie_path ~^/UP/(.*)$ /no/$1;"
                          " proxy_cookie_path ~*^/UP/(.*)$ /yes/$1;"),
    "path_variables": cookies("proxy_cookie_path $arg_a $uri;", "/cookies?a=/up",
                              "/cookies"),
    "path_adds": cookies(r"proxy_cookie_path ~(.*) '$1; Secure; Max-Age=5';"),
    "path_any": cookies("proxy_cookie_path ~ /any;"),
    "both": cookies("proxy_cookie_path /up /p; proxy_cookie_domain up.example d;"),
    **{
        f"flag_{flag.replace('=', '_')}": cookies(f"proxy_cookie_flags ~ {flag};")
        for flag in ALL_FLAGS
    },
    "flags": cookies("proxy_cookie_flags a secure httponly samesite=Strict;"
                     " proxy_cookie_flags B nosecure; proxy_cookie_flags ~ httponly;"),
    "flags_opposed": cookies("proxy_cookie_flags ~ secure nosecure httponly;",
                             "/cookies"),
    "flags_opposed_too": cookies("proxy_cookie_flags ~ nosecure secure;"),
    "same_sites": cookies("proxy_cookie_flags ~ samesite=lax samesite=strict;"),
    "same_sites_too": cookies("proxy_cookie_flags ~ samesite=none samesite=lax;"),
    "same_site_off": cookies("proxy_cookie_flags ~ nosamesite samesite=lax;"),
    "flags_variables": cookies(
        "proxy_cookie_flags $arg_name $arg_one $arg_two;"
        " proxy_cookie_flags ~^(?<first>.) samesite=$first;",
        "/cookies?name=A&one=secure&two=no", "/cookies?name=c&one=HttpOnly", "/cookies"
    ),
    "flags_none": cookies("proxy_cookie_flags b secure; proxy_cookie_flags ~^d ;"
                          .replace(" ;", " '';")),
    "flags_and_path": cookies("proxy_cookie_path /up /p; proxy_cookie_flags b secure;"),
    "inherited": cookies("", before="proxy_cookie_path /up /p;"
                         " proxy_cookie_domain up.example d;"
                         " proxy_cookie_flags ~ secure;"),
    "not_inherited": cookies("proxy_cookie_path /none /p; proxy_cookie_domain off;"
                             " proxy_cookie_flags off;",
                             before="proxy_cookie_path /up /p;"
                             " proxy_cookie_domain up.example d;"
                             " proxy_cookie_flags ~ secure;"),
    "accel": cookies("proxy_cookie_domain up.example d;", "/accel_domains"),
    "with_header": cookies("proxy_cookie_path /up /p; proxy_hide_header Set-Cookie;"
                           " add_header Set-Cookie $upstream_cookie_a;"),
}  # fmt: skip

PAIR = Pair(CASES, beside=upstream_peer)


@pytest.mark.parametrize("name", CASES)
def test_as_nginx_does(name):
    PAIR.check(name)


@pytest.mark.parametrize("flavour", ["lua51", "lua55"])
def test_on_other_flavours(flavour):
    for name in CASES:
        PAIR.check(name, flavour)
