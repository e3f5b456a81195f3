"""The rewrite module: rewrite, return, break, if, set and what it logs."""

from __future__ import annotations

import pytest
from conversation import get, head, post
from directive_pair import Pair, case

SHOW = "return 200 '$uri $args [$1] [$2]';"


SHOWN = f"location / {{ {SHOW} }}"


def rewrites(line, target="/a/b?x=1", rest=SHOWN):
    """Return a case of a rewrite in a location and where it leads to."""
    return case(
        f"location /a {{ {line} return 200 'stay $uri $args'; }} {rest}", target
    )


def condition(text, *talks, before=""):
    return case(
        f"location / {{ {before} set $r no; if ({text}) {{ set $r yes; }}"
        " return 200 $r; }",
        *talks,
    )


def logged(conf, *talks):
    return case(conf, *talks, level="notice")


CASES = {
    # rewrite
    "last": rewrites("rewrite ^/a/(.*)$ /c/$1 last;"),
    "break": rewrites("rewrite ^/a/(.*)$ /c/$1 break; set $y $uri; return 200 never;"),
    "break_then_file": case("location / { rewrite ^ /f.txt break; }"),
    "no_flag": rewrites("rewrite ^/a/(.*)$ /c/$1;"),
    "no_flag_goes_on": rewrites("rewrite ^/a/(.*)$ /c/$1; rewrite ^/c/(.*)$ /d/$1;"),
    "no_match": rewrites("rewrite ^/z /c last;"),
    "redirect": rewrites("rewrite ^/a/(.*)$ /c/$1 redirect;"),
    "permanent": rewrites("rewrite ^/a/(.*)$ /c/$1 permanent;"),
    "redirect_url": rewrites("rewrite ^/a/(.*)$ http://h/$1;"),
    "redirect_https": rewrites("rewrite ^/a/(.*)$ https://h/$1 permanent;"),
    "redirect_scheme": rewrites("rewrite ^/a/(.*)$ $scheme://h/$1;"),
    "redirect_other_scheme": rewrites("rewrite ^/a/(.*)$ ftp://h/$1 redirect;"),
    "redirect_url_with_last": rewrites("rewrite ^/a/(.*)$ http://h/$1 last;"),
    "redirect_args": rewrites("rewrite ^/a/(.*)$ /c?y=$1 redirect;"),
    "redirect_drops_args": rewrites("rewrite ^/a/(.*)$ /c? redirect;"),
    "redirect_escapes": rewrites(
        "rewrite ^/a/(.*)$ /c/$1 redirect;", "/a/x%20%3Fy%26é"
    ),
    "redirect_escapes_in_args": rewrites(
        "rewrite ^/a/(.*)$ /c?y=$1 redirect;", "/a/x%20%3F%26%2B"
    ),
    "redirect_from_args": rewrites("rewrite ^ $arg_to redirect;", "/a?to=/x%20y"),
    "redirect_to_nothing": rewrites("rewrite ^ $arg_none redirect;"),
    "redirect_line_feed": rewrites("rewrite ^/a/(.*)$ /c/$1 redirect;", "/a/x%0Ay"),
    "args_are_kept": rewrites("rewrite ^/a/(.*)$ /c?y=$1 last;"),
    "args_are_dropped": rewrites("rewrite ^/a/(.*)$ /c/$1? last;"),
    "args_are_replaced": rewrites("rewrite ^/a/(.*)$ /c?y=$1? last;"),
    "args_none_given": rewrites("rewrite ^/a/(.*)$ /c?y=$1 last;", "/a/b"),
    "args_are_escaped": rewrites("rewrite ^/a/(.*)$ /c?y=$1 last;", "/a/x%20%26%25"),
    "path_is_not_escaped": rewrites("rewrite ^/a/(.*)$ /c/$1 last;", "/a/x%20%26"),
    "question_mark_in_path": rewrites("rewrite ^/a/(.*)$ /c/$1 last;", "/a/x%3Fy"),
    "empty_result": rewrites("rewrite ^/a/b$ $arg_none last;"),
    "no_slash_first": rewrites("rewrite ^/a/b$ c last;"),
    "caseless": rewrites("rewrite (?i)^/A/(.*) /c/$1 last;"),
    "named": rewrites("rewrite ^/a/(?<rest>.*)$ /c/$rest last;"),
    "optional": rewrites("rewrite ^/a/(x)?(.*)$ /c/[$1][$2] last;"),
    "nine": rewrites(
        "rewrite ^/a/(.)(.)(.)(.)(.)(.)(.)(.)(.) /c/$9$8$7$6$5$4$3$2$1 last;",
        "/a/123456789",
    ),
    "braces": rewrites("rewrite '^/a/([a-z]{1,3})$' /c/$1 last;"),
    "variable": rewrites("rewrite ^ /c/$arg_x last;"),
    "dots": rewrites("rewrite ^/a/(.*)$ /c/../$1 last;"),
    "captures_stay": case(
        "location / { rewrite ^/(.)(.) /x break; return 200 $1$2; }", "/ab"
    ),
    "cycle": case("location / { rewrite ^ / last; }"),
    "cycle_of_ten": case(
        "location / { rewrite '^/a{10}$' /end last; rewrite ^(.*)$ $1a last; }"
        " location /end { return 200 end; }", "/", "/a", "/aa",
    ),
    "in_server": case(f"rewrite ^/a/(.*)$ /c/$1; {SHOWN}", "/a/b"),
    "in_server_last": case(
        f"rewrite ^/a /b last; rewrite ^/b /c last; {SHOWN}", "/a"
    ),
    "in_server_break": case(
        f"rewrite ^/a /b break; rewrite ^/b /c; {SHOWN}", "/a"
    ),
    "in_server_once": case(
        "set $n 0$n; rewrite ^/a /b; location /b { rewrite ^ /a last; }"
        " location / { return 200 $n; }", "/a"
    ),
    "in_server_if": case(
        f"if ($arg_x) {{ rewrite ^ /x last; }} {SHOWN}", "/?x=1", "/"
    ),
    "in_location_if": case(
        "location / { if ($arg_x) { rewrite ^ /x last; } return 200 no; }"
        " location /x { return 200 yes; }", "/?x=1", "/"
    ),
    "in_if_break": case(
        "location / { if ($arg_x) { rewrite ^ /f.txt break; } return 200 no; }",
        "/?x=1",
    ),
    "post": case(
        "location / { rewrite ^ /x last; } location /x {"
        " return 200 '$request_method $uri'; }", post("/", b"a=1")
    ),
    # return
    **{
        f"return_{code}": case(f"location / {{ return {code}; }}", "/", head("/"))
        for code in (
            100, 199, 200, 201, 202, 204, 206, 299, 300, 301, 302, 303, 304, 305,
            307, 308, 309, 399, 400, 401, 402, 403, 404, 405, 406, 407, 408, 409,
            410, 411, 412, 413, 414, 415, 416, 417, 418, 421, 422, 426, 428, 429,
            431, 444, 451, 493, 494, 495, 496, 497, 498, 499, 500, 501, 502, 503,
            504, 505, 506, 507, 508, 510, 599, 600, 999
        )
    },
    **{
        f"return_{code}_text": case(f"location / {{ return {code} 'x $uri'; }}")
        for code in (100, 200, 201, 204, 206, 304, 400, 404, 408, 444, 499, 500, 599,
                     999)
    },
    **{
        f"return_{code}_path": case(
            f"location / {{ return {code} /x$arg_a; }}", "/?a=y")
        for code in (301, 302, 303, 307, 308, 305)
    },
    "return_url": case("location / { return http://h/x?y; }"),
    "return_url_of_https": case("location / { return https://h$request_uri; }", "/a?b"),
    "return_scheme": case("location / { return $scheme://h; }"),
    "return_no_slash": case("location / { return 301 x; }"),
    "return_empty": case("location / { return 200 ''; }"),
    "return_empty_redirect": case("location / { return 301 ''; }"),
    "return_type": case("location / { default_type a/b; return 200 x; }"),
    "return_type_of_extension": case("location / { return 200 x; }", "/x.html"),
    "return_post": case("location / { return 200 x; }", post("/", b"body")),
    "return_error_page": case(
        "error_page 404 /e; location / { return 404 text; } location /e { echo e; }"
    ),
    "return_error_page_of_status": case(
        "error_page 404 /e; location / { return 404; } location /e { return 200 e; }"
    ),
    "return_from_server": case("return 200 server; location / { echo never; }"),
    "return_from_server_if": case(
        "if ($arg_x) { return 200 x; } location / { return 200 no; }", "/?x=1", "/"
    ),
    "return_from_if": case(
        "location / { if ($arg_x) { return 402 x; } return 200 no; }", "/?x=1", "/"
    ),
    "return_stops": case("location / { return 200 a; return 200 b; }"),
    "return_http_0_9": case(
        "location / { return 200 x; }",
    ),
    "return_in_subrequest": case(
        "location / { echo_location /s; } location /s { return 200 sub; }"
    ),
    "return_404_in_subrequest": case(
        "location / { echo_location /s; echo end; } location /s { return 404; }"
    ),
    # break
    "break_stops": case("location / { set $a 1; break; set $a 2; echo $a; }"),
    "break_in_if": case(
        "location / { set $a 1; if ($arg_x) { break; } set $a 2; echo $a; }",
        "/?x=1", "/"
    ),
    "break_in_server": case("set $a 1; break; set $a 2; location / { echo $a; }"),
    "break_in_server_if": case(
        "set $a 1; if ($arg_x) { break; } set $a 2; location / { echo $a; }",
        "/?x=1", "/",
    ),
    "break_alone": case("location / { break; return 200 never; }"),
    "break_then_rewrite": case(
        "location / { rewrite ^ /x; break; return 200 $uri; }"
        " location /x { echo x; }"
    ),
    # set
    "set_text": case("location / { set $a b; return 200 $a; }"),
    "set_parts": case(
        "location / { set $a '$uri-${args}-$arg_x'; return 200 $a; }", "/?x=1"
    ),
    "set_itself": case("location / { set $a a; set $a $a$a; return 200 $a; }"),
    "set_capture": case(
        "location ~ ^/(.)(.)(.)? { set $a [$1$2$3]; return 200 $a; }", "/xy"
    ),
    "set_upper": case("location / { set $Abc x; return 200 $aBC; }"),
    "set_empty": case("location / { set $a ''; return 200 [$a]; }"),
    "set_args": case(
        "location / { set $args y=2; return 200 '$args $arg_y $query_string"
        " $is_args'; }", "/?x=1"
    ),
    "set_args_empty": case(
        "location / { set $args ''; return 200 '[$args] [$is_args] $request_uri'; }",
        "/?x=1"
    ),
    "set_http_0": case(
        "location / { set $http_foo x; return 200 $http_foo; }", get("/", "Foo: y")
    ),
    "set_arg_z": case(
        "location / { set $arg_z 2; return 200 $arg_z$args$arg_y; }", "/?x=1"
    ),
    "set_cookie": case(
        "location / { set $cookie_x 2; return 200 $cookie_x; }", get("/", "Cookie: x=1")
    ),
    "set_limit_rate": case(
        "location / { set $limit_rate 10k; return 200 $limit_rate; }"
    ),
    "set_limit_rate_bad": case(
        "location / { set $limit_rate x; return 200 $limit_rate; }"
    ),
    "set_in_server": case("set $a $uri; location / { return 200 $a; }", "/x"),
    "set_twice_by_redirect": case(
        "set $a $a.; location / { error_page 404 /e; return 404; }"
        " location /e { return 200 $a; }"
    ),
    "set_in_other_location": case(
        "location / { return 200 [$other]; } location /x { set $other 1; }"
    ),
    "set_lives_in_subrequest": case(
        "location / { set $a 1; echo_location /s; echo $a; }"
        " location /s { set $b $a; set $a 2; echo $b; }"
    ),
    "set_by_named_location": case(
        "location / { set $a 1; error_page 404 = @n; return 404; }"
        " location @n { return 200 $a; }"
    ),
    # if
    "if_empty": condition("$arg_x", "/", "/?x=", "/?x=0", "/?x=1", "/?x=00", "/?x=%20"),
    "if_equal": condition("$arg_x = a", "/", "/?x=a", "/?x=A", "/?x=ab"),
    "if_equal_variable": condition("$arg_x = $arg_y", "/?x=a&y=a", "/?x=a", "/"),
    "if_equal_empty": condition("$arg_x = ''", "/", "/?x=", "/?x=a"),
    "if_not_equal": condition("$arg_x != a", "/", "/?x=a", "/?x=b"),
    "if_matches": condition("$arg_x ~ ^a.c$", "/?x=abc", "/?x=ABC", "/"),
    "if_matches_caseless": condition("$arg_x ~* ^a.c$", "/?x=ABC", "/?x=x"),
    "if_no_match": condition("$arg_x !~ ^a", "/?x=abc", "/?x=ABC", "/"),
    "if_no_match_caseless": condition("$arg_x !~* ^a", "/?x=ABC", "/?x=b"),
    "if_captures": case(
        "location / { if ($arg_x ~ ^(.)(?<rest>.*)$) { return 200 $1-$rest; }"
        " return 200 [$1$rest]; }", "/?x=abc", "/"
    ),
    "if_keeps_captures": case(
        "location ~ ^/(.) { if ($arg_x ~ y) { set $a 1; } return 200 [$1]; }",
        "/a?x=y", "/a?x=z",
    ),
    "if_spaces": condition(" $arg_x = a ", "/?x=a"),
    "if_file": condition("-f $document_root$uri", "/f.txt", "/d", "/none"),
    "if_no_file": condition("!-f $document_root$uri", "/f.txt", "/d", "/none"),
    "if_directory": condition("-d $document_root$uri", "/f.txt", "/d", "/none"),
    "if_no_directory": condition("!-d $document_root$uri", "/f.txt", "/d"),
    "if_exists": condition("-e $document_root$uri", "/f.txt", "/d", "/none"),
    "if_not_exists": condition("!-e $document_root$uri", "/f.txt", "/d", "/none"),
    "if_executable": condition("-x $document_root$uri", "/f.txt", "/d", "/none"),
    "if_not_executable": condition("!-x $document_root$uri", "/f.txt", "/d"),
    "if_file_under_file": condition("-f $document_root/f.txt/x", "/"),
    "if_request_filename": condition("-f $request_filename", "/f.txt", "/none"),
    "if_method": condition("$request_method = POST", "/", post("/", b"")),
    "if_host": condition("$http_host ~ NAME", "/"),
    "if_user_agent": condition(
        "$http_user_agent ~* curl", get("/", "User-Agent: Curl/1")
    ),
    "if_invalid": condition("$a", "/", before="set $a 0;"),
    "if_nested_settings": case(
        "default_type a/a; location / { default_type b/b; if ($arg_x) {"
        " add_header X x; } return 200 y; }", "/?x=1", "/",
    ),
    "if_last_one_counts": case(
        "location / { if ($arg_x) { add_header X 1; } if ($arg_y) { add_header Y 1; }"
        " return 200 y; }", "/?x=1", "/?x=1&y=1", "/?y=1",
    ),
    "if_content": case(
        "location / { if ($arg_x) { echo if; } echo location; }", "/?x=1", "/"
    ),
    "if_content_is_inherited": case(
        "location / { echo location; if ($arg_x) { set $a 1; } }", "/?x=1", "/"
    ),
    "if_root": case(
        "location / { if ($arg_x) { root html/d; } }", "/g.txt?x=1", "/g.txt"
    ),
    "if_in_server_with_file": case(
        "if (!-f $request_filename) { return 410; }", "/f.txt", "/none"
    ),
    "if_break_then_set": case(
        "location / { set $a 0; if ($arg_x) { set $a 1; break; } set $a 2;"
        " return 200 $a; }",
        "/?x=1", "/",
    ),
    # rewrite_log
    "log_off": logged("location / { rewrite ^/a /b; return 200 $uri; }", "/a"),
    "log_rewrite": logged(
        "rewrite_log on; location / { rewrite ^/a(.*) /b$1; rewrite ^/c /d;"
        " return 200 x; }",
        "/ax?y=1",
    ),
    "log_args": logged(
        "rewrite_log on; location / { rewrite ^/a(.*) /b?z=$1 break; echo $args; }",
        "/ax?y=1",
    ),
    "log_redirect": logged(
        "rewrite_log on; location / { rewrite ^/a(.*) /b$1 redirect; }", "/ax?y=1"
    ),
    "log_if": logged(
        "rewrite_log on; location / { if ($arg_x ~ ^a(b)?) { return 200 $1; }"
        " echo no; }",
        "/?x=ab", "/?x=b",
    ),
    "log_if_not": logged(
        "rewrite_log on; location / { if ($arg_x !~* A) { return 200 y; } echo no; }",
        "/?x=ab", "/?x=b",
    ),
    "log_server": logged(
        "rewrite_log on; rewrite ^/a /b; location / { return 200 $uri; }", "/a"
    ),
    "log_in_if": logged(
        "location / { if ($arg_x) { rewrite_log on; rewrite ^/a /b; rewrite ^/b /c;"
        " return 200 $uri; } rewrite ^/a /d; return 200 $uri; }", "/a?x=1", "/a",
    ),
    "log_decoded": logged(
        "rewrite_log on; location / { rewrite ^/a(.*) /b$1; return 200 x; }",
        "/a%20%3F%26b",
    ),
    # uninitialized_variable_warn
    "warns": case("location / { return 200 [$unset]; }"),
    "warns_once": case("location / { return 200 $unset$unset; }"),
    "warns_of_each": case("location / { return 200 $unset$unset2; }"),
    "warns_not": case(
        "uninitialized_variable_warn off; location / { return 200 [$unset]; }"
    ),
    "warns_in_location_only": case(
        "uninitialized_variable_warn off; location / { uninitialized_variable_warn"
        " on; return 200 [$unset]; }"
    ),
    "warns_in_if": case(
        "uninitialized_variable_warn off; location / { if ($arg_x) {"
        " uninitialized_variable_warn on; return 200 [$unset]; } return 200"
        " [$unset]; }",
        "/?x=1", "/",
    ),
    "warns_in_condition": condition("$unset"),
    "warns_in_lua": case(
        "location / { content_by_lua_block { ngx.say(ngx.var.unset) } }"
    ),
    "warns_of_captures_not": case(
        "location / { if ($arg_x ~ (?<named>.)) { set $a 1; } return 200 [$named$1]; }"
    ),
    "warns_of_other_names": case(
        "location / { return 200 [$http_none$arg_none$cookie_none]; }"
    ),
}  # fmt: skip

HTTP = """
server {
    listen 127.0.0.1:PORT;
    server_name elsewhere.test;
    set $unset 1;
    set $unset2 1;
    return 404;
}
"""

FILES = {
    "html/f.txt": "file\n",
    "html/g.txt": "g\n",
    "html/d/index.html": "index\n",
    "html/d/g.txt": "d/g\n",
}

PAIR = Pair(CASES, http=HTTP, files=FILES)


@pytest.mark.parametrize("flavour", ["luajit21", "lua54"])
@pytest.mark.parametrize("name", CASES)
def test_as_nginx_does(name, flavour):
    PAIR.check(name, flavour)
