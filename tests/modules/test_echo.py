"""The echo module against the real one, directive by directive."""

from __future__ import annotations

import pytest
from module_pair import Case, Pair, directives_of, each_flavour

LOCATIONS = """
location /sub {
    echo sub $echo_request_method $echo_client_request_method $uri $args;
    echo [$a] $http_x $content_length $request_uri;
    echo_request_body;
}
location /slow { echo_sleep 0.1; echo slow; }
location /static/ { }
location /none { return 404; }
location /redirected { return 302 /x; }
location /lua { content_by_lua_block { ngx.say('lua ', ngx.var.uri) } }
location /rewritten { rewrite ^ /sub last; }
location /executed { echo_exec /sub; }
location /deep { echo d1; echo_location /deeper; echo d2; }
location /deeper { echo e1; echo_location_async /slow; echo e2; }
location /status { echo_status 404; echo status; }
location /variable { set $a inner; echo variable $a; }
location /loop { echo_foreach_split , x,y; echo $echo_it; echo_end; }
location /counter { echo $echo_incr; }
location /headers { more_set_headers 'X-Sub: 1'; add_header Y 2; echo headers; }
location /internal { internal; echo internal; }
location /around { echo_before_body b; echo_after_body a; echo mid; }
location /seen {
    content_by_lua_block {
        ngx.req.read_body()
        ngx.say(ngx.req.get_method(), ' ', ngx.var.args, ' ',
                ngx.req.get_body_data(), ' ', ngx.is_subrequest, ' ',
                ngx.req.is_internal())
    }
}
"""


def requests(commands, head="GET /?q=1 HTTP/1.1\nX: y", body=b"", **more):
    """Return a case of directives that make subrequests."""
    conf = f"uninitialized_variable_warn off; {LOCATIONS}"
    return Case(f"{conf} location / {{ set $a 1; {commands} }}", head, body, **more)


def simple(commands, *args, **more):
    """Return a case of directives in one location."""
    return Case(f"location / {{ {commands} }}", *args, **more)


POST = "POST / HTTP/1.1"
FILE = "GET /static/f.txt HTTP/1.1"

CASES = {
    # echo
    "echo": simple("echo hello, world; echo a b  'c  d'; echo $uri$args;"),
    "echo_of_nothing": simple(
        "echo ''; echo '' b; echo '' ''; echo a '' b; echo; echo -n '' '';"
    ),
    "echo_options": simple(
        "echo -n; echo -n a b; echo -n -n c; echo -- -n d; echo - e; echo -n -- -n f;"
        "echo a -n; echo -x g; set $o -n; echo $o h;"
    ),
    "echo_to_http_1_0": simple("echo a;", "GET / HTTP/1.0"),
    "echo_to_head": simple("echo a; echo_sleep 0.05; echo b;", "HEAD / HTTP/1.1"),
    "echo_to_post": simple("echo a;", POST, b"hello"),
    "echo_with_type_of_uri": Case(
        "types { text/html html; } location / { echo a; }", "GET /x.html HTTP/1.1"
    ),
    "echo_in_if": simple("if ($arg_x) { echo if; } echo no;", "GET /?x=1 HTTP/1.1"),
    "echo_in_if_that_fails": simple("if ($arg_x) { echo if; } echo no;"),
    "echo_after_if_without_echo": simple(
        "if ($arg_x) { set $a 5; } echo $a.;", "GET /?x=1 HTTP/1.1"
    ),
    "echo_of_much": simple("echo_duplicate 300000 0123456789; echo end;"),
    # echo_status
    "status": simple("echo_status 404; echo nf; echo $echo_response_status;"),
    "status_without_body": simple("echo_status 204; echo nf;"),
    "status_not_modified": simple("echo_status 304; echo nf;"),
    "status_of_redirect": simple("echo_status 302; echo nf;"),
    "status_unknown": simple("echo_status 999; echo nf;"),
    "status_inherited_in_if": simple(
        "echo_status 201; if ($arg_x) { echo if; }", "GET /?x=1 HTTP/1.1"
    ),
    "response_status": simple(
        "echo $echo_response_status.; echo $echo_response_status.;"
    ),
    "status_and_error_page": Case(
        "error_page 404 /page; location /page { echo page; }"
        "location / { return 404; }"
    ),
    # the request body
    "request_body": simple(
        "echo $echo_request_body.; echo_request_body; echo_read_request_body;"
        "echo $echo_request_body.; echo_request_body; echo_request_body;",
        POST, b"hello",
    ),
    "request_body_in_file": simple(
        "client_body_buffer_size 1k; echo_read_request_body; echo_request_body;"
        "echo [$echo_request_body];",
        POST, b"0123456789" * 1000,
    ),
    "request_body_in_chunks": simple(
        "echo_read_request_body; echo_request_body;",
        f"{POST}\nTransfer-Encoding: chunked", b"3\r\nabc\r\n2\r\nde\r\n0\r\n\r\n",
    ),
    "request_body_of_head": simple(
        "echo_read_request_body; echo_request_body;", "HEAD / HTTP/1.1"
    ),
    "request_body_that_is_not_there": simple(
        "echo_read_request_body; echo_request_body; echo end;"
    ),
    "request_body_that_is_broken": simple(
        "echo_read_request_body; echo_request_body;",
        f"{POST}\nTransfer-Encoding: chunked", b"x\r\n",
    ),
    # time
    "sleep": simple("echo a; echo_flush; echo_sleep 0.4; echo b;", timed=True),
    "sleep_without_flush": simple("echo a; echo_sleep 0.4; echo b;", timed=True),
    "flush_first": simple("echo_flush; echo a; echo_flush;"),
    "blocking_sleep": simple(
        "echo a; echo_flush; echo_blocking_sleep 0.4; echo b;", timed=True
    ),
    "short_sleeps": simple(
        "echo_sleep 0; echo_sleep .001; echo_sleep 0.01; echo_sleep 0.; echo_sleep .;"
        "echo_blocking_sleep 0.001; echo done;"
    ),
    "sleep_of_nothing": simple("echo_sleep ''; echo a;"),
    "sleep_of_text": simple("echo_sleep x; echo a;"),
    "sleep_too_exact": simple("echo a; echo_sleep 1.2345;"),
    "sleep_of_text_after_a_sleep": simple("echo_sleep 0.01; echo_sleep x;"),
    "sleep_of_text_after_output": simple("echo a; echo_sleep 0.01; echo_sleep 1..;"),
    "blocking_sleep_of_text": simple("echo_blocking_sleep x; echo a;"),
    # copies
    "duplicate": simple(
        "echo_duplicate 1_0 ab; echo_duplicate 0 x; echo_duplicate 2 '';"
        "echo_duplicate 2 ab cd; echo_duplicate -n 3 e; echo_duplicate _ f;"
    ),
    "duplicate_nothing": simple("echo_duplicate 0 x;"),
    "duplicate_what_is_no_number": simple("echo_duplicate x a; echo a;"),
    "duplicate_to_head": simple("echo_duplicate 1000000 ab;", "HEAD / HTTP/1.1"),
    # loops
    "foreach": simple(
        "echo_foreach_split , $arg_a; echo item: $echo_it; echo_end;"
        "echo end $echo_it.;",
        "GET /?a=,1,,2,3, HTTP/1.1",
    ),
    "foreach_of_nothing": simple(
        "echo_foreach_split , ''; echo item: $echo_it; echo_end; echo end;"
    ),
    "foreach_by_a_dash": simple(
        "echo_foreach_split -- -- a--b; echo item: $echo_it; echo_end;"
    ),
    "foreach_by_an_option": simple(
        "echo_foreach_split -x a-xb; echo item: $echo_it; echo_end;"
    ),
    "foreach_in_foreach": simple(
        "echo x; echo_foreach_split , a,b; echo_foreach_split , c,d; echo $echo_it;"
        "echo_end; echo_end;"
    ),
    "foreach_in_foreach_before_output": simple(
        "echo_foreach_split , a,b; echo_foreach_split , c,d; echo_end; echo_end;"
    ),
    "foreach_twice": simple(
        "echo_foreach_split , a,b; echo $echo_it; echo_end;"
        "echo_foreach_split , c,d; echo $echo_it; echo_end;"
    ),
    "foreach_without_end": simple("echo_foreach_split , a,b; echo $echo_it;"),
    "end_of_nothing": simple("echo_end;"),
    "end_of_nothing_after_output": simple("echo a; echo_end;"),
    # echo_exec
    "exec": Case(
        "location / { echo_exec /b; echo no; } location /b { "
        "echo $uri $args $request_uri $echo_request_uri $echo_cacheable_request_uri; }",
        "GET /x?y=1 HTTP/1.1",
    ),
    "exec_with_arguments": Case(
        "location / { echo_exec /b?c=1 d=2; } location /b { echo $uri $args; }"
    ),
    "exec_with_arguments_in_uri": Case(
        "location / { echo_exec /b?c=1; } location /b { echo $uri $args; }"
    ),
    "exec_of_escapes": Case(
        "location / { echo_exec /b%2fc%zzd?e%20; } location /b { echo $uri $args; }"
    ),
    "exec_of_a_name": Case(
        "location / { echo_exec @b c=1; } location @b { echo $uri $args; }",
        "GET /x?y=1 HTTP/1.1",
    ),
    "exec_of_an_unknown_name": simple("echo_exec @c;"),
    "exec_of_nothing": simple("echo_exec $arg_none;"),
    "exec_of_an_unsafe_uri": simple("echo_exec /../x;"),
    "exec_of_a_hidden_unsafe_uri": simple("echo_exec /%2e%2e/x;"),
    "exec_of_what_is_not_found": Case(
        "location / { echo_exec /none; } location /none { return 404; }"
    ),
    "exec_in_a_circle": simple("echo_exec /;"),
    "exec_and_the_state": Case(
        "location / { echo_foreach_split , a,b; echo_exec /b; echo_end; }"
        "location /b { echo [$echo_it] $echo_incr; }"
    ),
    # echo_abort_parent
    "abort_parent": simple("echo_abort_parent;"),
    "abort_parent_after_output": simple("echo a; echo_abort_parent;"),
    # echo_location
    "location": requests("echo a; echo_location /sub; echo b;"),
    "location_first": requests("echo_location /sub; echo b;"),
    "location_with_arguments": requests(
        "echo_location /sub?x=y; echo_location /sub z=w; echo_location /sub?x=y z=w;"
        "echo_location '/s%75b' $args;"
    ),
    "location_of_files": requests(
        "echo_location /static/f.txt; echo b; echo_location /static/none; echo c;"
    ),
    "location_of_errors": requests("echo a; echo_location /none; echo b;"),
    "location_of_redirects": requests("echo a; echo_location /redirected; echo b;"),
    "location_of_lua": requests("echo a; echo_location /lua; echo b;"),
    "location_that_is_rewritten": requests("echo_location /rewritten; echo b;"),
    "location_that_leads_on": requests("echo_location /executed; echo b;"),
    "location_in_location": requests("echo a; echo_location /deep; echo b;"),
    "location_with_status": requests(
        "echo_location /status; echo $echo_response_status;"
    ),
    "location_with_variables": requests("echo $a; echo_location /variable; echo $a;"),
    "location_in_foreach": requests(
        "echo_foreach_split & $args; echo_location $echo_it; echo_end;",
        "GET /?/loop&/lua HTTP/1.1",
    ),
    "location_with_foreach": requests(
        "echo_foreach_split , a,b; echo $echo_it; echo_location /loop; echo_end;"
    ),
    "location_with_counter": requests(
        "echo $echo_incr; echo_location /counter; echo $echo_incr;"
    ),
    "location_with_counter_first": requests(
        "echo_location /sub $echo_incr; echo_location /sub $echo_incr;"
    ),
    "location_with_headers": requests("echo_location /headers;"),
    "location_internal": requests("echo_location /internal;"),
    "location_around": requests("echo a; echo_location /around; echo z;"),
    "location_unsafe": requests("echo a; echo_location /../x; echo b;"),
    "location_of_nothing": requests("echo_location $arg_none; echo b;"),
    "location_with_body": requests(
        "echo_location /sub; echo_request_body;", f"{POST}\nX: y", b"parent"
    ),
    "location_to_head": requests(
        "echo a; echo_location /sub; echo b;", "HEAD / HTTP/1.1"
    ),
    "location_in_a_circle": simple("echo a; echo_location /;"),
    "location_that_fails": requests(
        "echo a; echo_location /bad; echo b; }"
        "location /bad { echo c; echo_end;"
    ),
    "location_that_fails_later": requests(
        "echo a; echo_location /bad; echo b; }"
        "location /bad { echo c; echo_sleep 0.01; echo_end;"
    ),
    # echo_location_async
    "location_async": requests(
        "echo a; echo_location_async /slow; echo b; echo_location_async /sub; echo c;"
    ),
    "location_async_first": requests(
        "echo_location_async /slow; echo_location_async /sub;"
    ),
    "location_async_that_waits": requests(
        "echo a; echo_flush; echo_location_async /slower; echo b; }"
        "location /slower { echo_sleep 0.4; echo slow;", timed=True
    ),
    "location_async_at_once": requests(
        "echo_location_async /slower?1; echo_location_async /slower?2; echo b; }"
        "location /slower { echo_sleep 0.4; echo slow $args;", timed=True
    ),
    "location_async_in_location": requests("echo_location_async /deep; echo b;"),
    "location_async_to_head": requests(
        "echo_location_async /sub; echo b;", "HEAD / HTTP/1.1"
    ),
    "location_async_that_fails": requests(
        "echo a; echo_location_async /bad; echo b; }"
        "location /bad { echo c; echo_end;"
    ),
    "location_async_that_fails_later": requests(
        "echo a; echo_location_async /bad; echo b; }"
        "location /bad { echo c; echo_sleep 0.01; echo_end;"
    ),
    # echo_subrequest
    "subrequest": requests(
        "echo_subrequest GET /sub; echo_subrequest POST /sub -q a=b -b hello;"
        "echo_subrequest FOO /sub?c=d; echo_subrequest HEAD /sub;"
        "echo_subrequest PUT /sub?x=y -q z;"
    ),
    "subrequest_with_file": requests("echo_subrequest POST /sub -f html/static/f.txt;"),
    "subrequest_with_no_file": requests(
        "echo a; echo_subrequest POST /sub -f html/static/none;"
    ),
    "subrequest_with_unknown_option": requests("echo a; echo_subrequest POST /sub -x;"),
    "subrequest_with_unknown_word": requests("echo_subrequest POST /sub foo;"),
    "subrequest_with_half_an_option": requests("echo_subrequest POST /sub -q;"),
    "subrequest_with_empty_body": requests(
        "echo_subrequest POST /sub -b '';", f"{POST}\nX: y", b"parent"
    ),
    "subrequest_with_body_of_parent": requests(
        "echo_subrequest POST /sub; echo_subrequest POST /sub -b own;"
        "echo_request_body;",
        f"{POST}\nX: y", b"parent",
    ),
    "subrequest_of_lua": requests("echo_subrequest POST /seen -q a=b -b hello;"),
    # echo_subrequest_async
    "subrequest_async": requests(
        "echo a; echo_subrequest_async POST /sub -b hello;"
        "echo_subrequest_async PUT /sub -b world; echo b; echo_location_async /slow;"
        "echo c;"
    ),
    # text around bodies
    "around_file": simple(
        "echo_before_body a $uri; echo_before_body -n b; echo_after_body c;"
        "echo_after_body d;", FILE,
    ),
    "before_file": simple("echo_before_body a;", FILE),
    "after_file": simple("echo_after_body a;", FILE),
    "around_file_to_http_1_0": simple(
        "echo_before_body a; echo_after_body b;", "GET /static/f.txt HTTP/1.0"
    ),
    "around_range": simple("echo_before_body a;", f"{FILE}\nRange: bytes=1-2"),
    "around_head": simple("echo_before_body a;", "HEAD /static/f.txt HTTP/1.1"),
    "around_error": simple(
        "echo_before_body a; echo_after_body b;", "GET /none HTTP/1.1"
    ),
    "around_nothing": simple("echo_before_body a; echo_after_body b; return 200 '';"),
    "around_no_content": simple("echo_before_body a; echo_after_body b; return 204;"),
    "around_not_modified": simple(
        "echo_before_body a;",
        f"{FILE}\nIf-Modified-Since: Fri, 01 Mar 2024 12:00:00 GMT",
    ),
    "around_lua": simple(
        "echo_before_body a; echo_after_body b; content_by_lua_block {"
        "ngx.header.content_length = 3 ngx.say('hi') }"
    ),
    "around_lua_in_pieces": simple(
        "echo_before_body a; echo_after_body b; content_by_lua_block {"
        "ngx.say('hi') ngx.flush(true) ngx.say('ho') }"
    ),
    "around_echo": simple(
        "echo_before_body a; echo_after_body b; echo hi; echo_flush; echo ho;"
    ),
    "around_body_filter": simple(
        "echo_before_body a; echo_after_body b; body_filter_by_lua_block {"
        "ngx.arg[1] = '[' .. ngx.arg[1] .. ']' }", FILE,
    ),
    "around_inherited": simple(
        "echo_before_body a; echo_after_body b; location /static { "
        "echo_before_body c; }", FILE,
    ),
    "around_nothing_at_all": simple(
        "echo_before_body -n; echo_before_body -n a b; echo_before_body;"
        "echo_before_body '';", FILE,
    ),
    "around_in_if": simple("if ($arg_x) { echo_before_body x; }",
                           "GET /static/f.txt?x=1 HTTP/1.1"),
    "around_after_exec": Case(
        "location / { echo_before_body a; echo_exec /b; }"
        "location /b { echo_after_body z; echo b; }"
    ),
    # variables
    "methods": simple(
        "echo $echo_request_method $echo_client_request_method;", "PATCH / HTTP/1.1"
    ),
    "client_request_headers": simple(
        "echo -n $echo_client_request_headers;", "GET /x?y HTTP/1.1\nA: b\nC:   d"
    ),
    "client_request_headers_with_body": simple(
        "echo_read_request_body; echo -n $echo_client_request_headers;",
        f"{POST}\nA: b", b"hello",
    ),
    "client_request_headers_in_location": requests(
        "echo_location /names; } location /names { "
        "echo -n $echo_client_request_headers;"
    ),
    "counter": simple("echo $echo_incr $echo_incr; echo $echo_incr;"),
    "counter_without_echo": simple("return 200 [$echo_incr];"),
    "uris": Case(
        "location / { set $a $echo_cacheable_request_uri; rewrite ^ /b last; }"
        "location /b { echo $echo_request_uri $echo_cacheable_request_uri $uri; }",
        "GET /a?x HTTP/1.1",
    ),
}  # fmt: skip

PAIR = Pair(CASES, files={"static/f.txt": b"file\n"})


@each_flavour
@pytest.mark.parametrize("name", CASES)
def test_as_nginx_does(name, flavour):
    assert PAIR.actual(name, flavour) == PAIR.expected(name)


TIMERS = {
    "elapsed": simple("echo_sleep 0.2; echo $echo_timer_elapsed;"),
    "reset": simple("echo_sleep 0.2; echo_reset_timer; echo $echo_timer_elapsed;"),
    "reset_and_on": simple(
        "echo_sleep 0.3; echo_reset_timer; echo_sleep 0.1; echo $echo_timer_elapsed;"
    ),
    "elapsed_elsewhere": simple("return 200 $echo_timer_elapsed;"),
}

LEAST = {"elapsed": 0.2, "reset": 0, "reset_and_on": 0.1, "elapsed_elsewhere": 0}

TIMED = Pair(TIMERS)


@pytest.mark.parametrize("name", TIMERS)
@pytest.mark.parametrize("server", ["expected", "actual"])
def test_timer(name, server):
    answer = getattr(TIMED, server)(name)
    (text,) = answer.body
    seconds, _, part = text.strip().partition(".")
    assert len(part) == 3
    assert LEAST[name] <= float(text) < LEAST[name] + 0.2
    assert seconds == "0"


def test_every_directive_has_a_case():
    text = " ".join(case.conf for case in [*CASES.values(), *TIMERS.values()])
    missing = [
        name for name in directives_of("ngx_http_echo_module") if f"{name} " not in text
        and f"{name};" not in text
    ]  # fmt: skip
    assert missing == []
