"""Who may come in: allow, deny, satisfy, internal and limit_except."""

from __future__ import annotations

import pytest
from conversation import get, head, post, request
from directive_pair import Pair, case

OK = "location / { return 200 ok; }"


def guarded(rules, code="ngx.exit(ngx.OK)", *talks):
    """Return a case of a location that Lua guards as well."""
    return case(
        f"location / {{ {rules} access_by_lua_block {{ {code} }} echo ok; }}",
        *(talks or ("/",)),
    )


def unix(rules):
    return case(
        f"location / {{ {rules} echo ok; }}",
        listen="listen unix:PREFIX/NAME.sock;", to="unix:PREFIX/NAME.sock",
    )  # fmt: skip


def ipv6(rules, listen="listen [::1]:PORT;", to="[::1]:PORT"):
    return case(f"location / {{ {rules} echo ok; }}", listen=listen, to=to)


def rules(text):
    return case(f"location / {{ {text} echo ok; }}")


def asked(answer, more="", *talks):
    """Return a case of a location that asks another, and what that does."""
    return case(
        f"location / {{ auth_request /auth; {more} echo ok; }}"
        f" location /auth {{ {answer} }}",
        *(talks or ("/",)),
    )


CASES = {
    # allow and deny
    "no_rules": rules(""),
    "allow_all": rules("allow all;"),
    "deny_all": rules("deny all;"),
    "first_that_fits": rules("allow 127.0.0.1; deny all;"),
    "first_that_fits_denies": rules("deny 127.0.0.1; allow all;"),
    "none_fits": rules("deny 10.0.0.0/8; deny 192.168.0.0/16;"),
    "network": rules("deny 127.0.0.0/8;"),
    "network_of_odd_bits": rules("deny 96.0.0.0/3; allow all;"),
    "network_beside": rules("deny 64.0.0.0/3; deny 128.0.0.0/1;"),
    "network_of_no_bits": rules("deny 0.0.0.0/0;"),
    "network_of_all_bits": rules("allow 127.0.0.1/32; deny all;"),
    "network_of_31_bits": rules("deny 127.0.0.0/31;"),
    "other_family": rules("deny ::1; deny unix:; allow all;"),
    "ipv6_rules_only": rules("deny ::/0;"),
    "inherited": case("deny all; location / { echo ok; }"),
    "replaced": case("deny all; location / { allow all; echo ok; }"),
    "not_in_return": case(f"deny all; {OK}"),
    "before_rewrite_is_not": case("location / { deny all; rewrite ^ /x break; }"),
    "after_a_rewrite": case(
        "location / { deny all; rewrite ^ /x last; } location /x { echo x; }"
    ),
    "in_if": case(
        "location / { if ($arg_x) { set $y 1; } deny all; echo ok; }", "/?x=1", "/"
    ),
    "not_in_subrequest": case(
        "location / { echo_location /sub; } location /sub { deny all; echo sub; }"
    ),
    "in_named": case(
        "location / { error_page 404 = @n; return 404; } location @n { deny all; }"
    ),
    "in_error_page": case(
        "error_page 404 /e; location / { return 404; }"
        " location /e { deny all; return 200 e; }"
    ),
    "error_page_of_denied": case(
        "location / { deny all; error_page 403 /e; } location /e { echo e; }"
    ),
    "http_1_0": case("location / { deny all; }", get("/", version="1.0")),
    "denied_head": case("location / { deny all; }", head("/")),
    "denied_body": case("location / { deny all; }", post("/", b"x" * 10)),
    "unix_allow": unix("allow unix:; deny all;"),
    "unix_deny": unix("deny unix:;"),
    "unix_other": unix("deny 127.0.0.1; deny ::/0;"),
    "unix_all": unix("deny all;"),
    "ipv6_address": ipv6("deny ::1;"),
    "ipv6_network": ipv6("allow ::/127; deny all;"),
    "ipv6_network_of_odd_bits": ipv6("deny 8000::/1; allow ::/9; deny all;"),
    "ipv6_other": ipv6("deny 0.0.0.0/0; deny ::2;"),
    "mapped": ipv6(
        "allow 127.0.0.1; deny all;", "listen [::]:PORT2 ipv6only=off;",
        "127.0.0.1:PORT2",
    ),
    "mapped_by_ipv6_rule": ipv6(
        "deny ::/0;", "listen [::]:PORT3 ipv6only=off;", "127.0.0.1:PORT3"
    ),
    # satisfy
    "all_rules_deny": guarded("satisfy all; deny all;"),
    "all_lua_denies": guarded("satisfy all; allow all;", "ngx.exit(403)"),
    "all_both_allow": guarded("satisfy all; allow all;"),
    "any_rules_allow": guarded("satisfy any; allow all;", "ngx.exit(403)"),
    "any_lua_allows": guarded("satisfy any; deny all;"),
    "any_lua_allows_by_running": guarded("satisfy any; deny all;", "local a"),
    "any_both_deny": guarded("satisfy any; deny all;", "ngx.exit(403)"),
    "any_lua_401": guarded("satisfy any; deny all;", "ngx.exit(401)"),
    "any_lua_401_with_header": guarded(
        "satisfy any; deny all;",
        "ngx.header.www_authenticate = 'Basic' ngx.exit(401)",
    ),
    "any_401_is_forgotten": guarded(
        "satisfy any; allow all;",
        "ngx.header.www_authenticate = 'Basic' ngx.exit(401)",
    ),
    "any_other_code": guarded("satisfy any; deny all;", "ngx.exit(404)"),
    "any_500": guarded("satisfy any; deny all;", "error('x')"),
    "any_no_rules": guarded("satisfy any;", "ngx.exit(403)"),
    "any_without_lua": rules("satisfy any; deny all;"),
    "any_without_lua_allows": rules("satisfy any; allow all;"),
    "any_nothing_fits": rules("satisfy any; deny 10.0.0.1;"),
    "any_says_something": guarded("satisfy any; deny all;", "ngx.say('lua')"),
    "all_says_something": guarded("satisfy all; allow all;", "ngx.say('lua')"),
    "all_exits_ok_after_output": guarded("", "ngx.say('lua') ngx.exit(200)"),
    "any_inherited": case(
        "satisfy any; deny all; location / { access_by_lua_block { } echo ok; }"
    ),
    # internal
    "internal_from_outside": case("location / { internal; echo in; }"),
    "internal_by_rewrite": case(
        "location / { rewrite ^ /in last; } location /in { internal; echo in; }",
        "/", "/in",
    ),
    "internal_by_error_page": case(
        "error_page 404 /in; location / { return 404; }"
        " location /in { internal; return 200 in; }", "/", "/in",
    ),
    "internal_by_index": case(
        "location / { index i; } location /i { internal; echo in; }"
    ),
    "internal_by_try_files": case(
        "location / { try_files /none /in; } location /in { internal; echo in; }"
    ),
    "internal_by_subrequest": case(
        "location / { echo_location /in; } location /in { internal; echo in; }"
    ),
    "internal_by_exec": case(
        "location / { content_by_lua_block { ngx.exec('/in') } }"
        " location /in { internal; echo in; }"
    ),
    "internal_by_set_uri": case(
        "location / { rewrite_by_lua_block { ngx.req.set_uri('/in', true) } }"
        " location /in { internal; echo in; }"
    ),
    "internal_by_server_rewrite": case(
        "rewrite ^ /in; location /in { internal; echo in; }"
    ),
    "internal_error_page": case(
        "error_page 404 /e; location / { internal; } location /e { echo e; }"
    ),
    "internal_own_error_page": case(
        "location / { internal; error_page 404 @e; } location @e { echo e; }"
    ),
    "internal_is_not_inherited": case(
        "location / { internal; location /in { echo in; } }", "/in"
    ),
    # limit_except
    **{
        f"limit_except_{name}": case(
            f"location / {{ limit_except {methods} {{ deny all; }} echo ok; }}",
            *(request(method, "/") for method in asked.split()),
        )
        for name, methods, asked in (
            ("get", "GET", "GET HEAD POST PUT"),
            ("head", "HEAD", "GET HEAD POST"),
            ("post", "POST PUT", "GET HEAD POST PUT DELETE PATCH"),
            ("dav", "PROPFIND PROPPATCH MKCOL COPY MOVE LOCK UNLOCK",
             "PROPFIND MKCOL COPY MOVE LOCK UNLOCK GET OPTIONS"),
            ("patch", "PATCH OPTIONS", "PATCH OPTIONS GET"),
            ("unknown_method", "GET", "BREW TRACE"),
        )
    },
    "limit_except_keeps_handler": case(
        "location / { limit_except GET { allow all; }"
        " content_by_lua_block { ngx.say(ngx.req.get_method()) } }",
        request("PUT", "/"),
    ),
    "limit_except_keeps_access_lua": case(
        "location / { access_by_lua_block { ngx.exit(401) }"
        " limit_except GET { allow all; } echo ok; }", request("PUT", "/"), "/",
    ),
    "limit_except_allows_some": case(
        "location / { deny all; limit_except GET { allow 127.0.0.1; deny all; }"
        " echo ok; }", request("PUT", "/"), "/",
    ),
    "limit_except_logs": case(
        "log_not_found off; location / { limit_except GET { deny all;"
        " access_log logs/NAME.log combined; } }", request("PUT", "/"), "/none",
    ),
    "limit_except_in_nested": case(
        "location / { limit_except GET { deny all; } location /in { echo in; } }",
        request("PUT", "/in"),
    ),
    "limit_except_static": case(
        "location / { limit_except POST { deny all; } }", "/f.txt", post("/f.txt", b"")
    ),
    # auth_request
    "auth": asked("return 204;"),
    "auth_content": asked("echo yes;"),
    "auth_forbidden": asked("return 403;"),
    "auth_unauthorized": asked("return 401;"),
    "auth_challenge": asked(
        "content_by_lua_block { ngx.header.www_authenticate = 'Basic'"
        " ngx.exit(401) }"
    ),
    "auth_missing": asked("root /none;"),
    "auth_failing": asked("return 500;"),
    "auth_redirect": asked("return 302 /x;"),
    "auth_off": case(
        "auth_request /auth; location / { auth_request off; echo ok; }"
        " location /auth { return 403; }"
    ),
    "auth_inherited": case(
        "auth_request /auth; location / { echo ok; } location /auth { return 403; }"
    ),
    "auth_then_lua": asked(
        "echo yes;", "access_by_lua_block { ngx.header.x_lua = 1 }"
    ),
    "auth_after_deny": asked("echo yes;", "deny all;"),
    "auth_satisfies": asked("echo yes;", "deny all; satisfy any;"),
    "auth_does_not_satisfy": asked("return 403;", "allow all; satisfy any;"),
    "auth_sees": asked(
        "content_by_lua_block { ngx.log(ngx.ERR, ngx.req.get_method(), ' ',"
        " ngx.var.uri, ' ', ngx.var.request_uri, ' ', ngx.var.args, ' ',"
        " ngx.req.get_headers()['X-A'], ' ', ngx.req.get_body_data()) }", "",
        post("/x?y", b"hello", "X-A: 1"),
    ),
    "auth_sets": asked(
        "add_header X-User bob; content_by_lua_block { ngx.header.x_group = 'g'"
        " ngx.exit(ngx.HTTP_OK) }",
        "auth_request_set $group $sent_http_x_group; auth_request_set $at $uri;"
        " add_header X-Group $group; add_header X-At $at;"
    ),
}  # fmt: skip

PAIR = Pair(CASES, files={"html/f.txt": "file\n"})


@pytest.mark.parametrize("name", CASES)
def test_as_nginx_does(name):
    PAIR.check(name)
