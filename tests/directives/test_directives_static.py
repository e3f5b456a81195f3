"""Files: root, alias, index, try_files, types, conditions, ranges, symlinks."""

from __future__ import annotations

import pytest
from conversation import get, head, post
from directive_pair import Pair, case

MODIFIED = "Fri, 01 Mar 2024 12:00:00 GMT"
EARLIER = "Thu, 29 Feb 2024 12:00:00 GMT"
LATER = "Sat, 02 Mar 2024 12:00:00 GMT"
ETAG = '"65e1c340-a"'


def since(date, target="/ten.txt"):
    return get(target, f"If-Modified-Since: {date}")


def span(text, *headers):
    return get("/ten.txt", f"Range: bytes={text}", *headers)


DATES = tuple(map(since, (MODIFIED, EARLIER, LATER, "never")))

CASES = {
    # root and alias
    "root_default": case("", "/ten.txt", "/d/ten.txt", "/none", "/d", head("/ten.txt")),
    "root_inherited": case("root html/d; location / { }", "/ten.txt"),
    "root_in_location": case("location /x { root html/d; }", "/x/y.txt", "/x/none"),
    "root_in_if": case(
        "location / { if ($arg_d) { root html/d; } }", "/ten.txt?d=1", "/ten.txt"
    ),
    "root_absolute": case("root PREFIX/html/d;", "/ten.txt"),
    "root_slash": case("root html/d/;", "/ten.txt"),
    "root_variable": case("root html/$arg_r;", "/ten.txt?r=d", "/ten.txt"),
    "root_leading_variable": case(
        "set $r PREFIX/html; root $r/d;", "/ten.txt"
    ),
    "root_relative_variable": case("set $r html; root $r/d;", "/ten.txt"),
    "alias": case("location /a { alias html/d; }", "/a/ten.txt", "/a", "/a/"),
    "alias_slash": case("location /a/ { alias html/d/; }", "/a/ten.txt", "/a/", "/a"),
    "alias_exact": case("location = /a { alias html/ten.txt; }", "/a", "/a/"),
    "alias_regex": case(
        "location ~ ^/a/(.*)\\.t$ { alias html/d/$1.txt; }", "/a/ten.t", "/a/no.t"
    ),
    "alias_variable": case("location /a/ { alias html/$arg_d/; }", "/a/ten.txt?d=d"),
    "alias_nested": case(
        "location /a/ { alias html/; location /a/d/ { alias html/d/; } }",
        "/a/ten.txt", "/a/d/ten.txt",
    ),
    "alias_nested_inherits": case(
        "location /a/ { alias html/; location /a/d/ { default_type a/b; } }",
        "/a/d/noext",
    ),
    "alias_rewritten": case(
        "location /a/ { alias html/; rewrite ^/a/(.*) /d/$1 break; }", "/a/ten.txt"
    ),
    "alias_directory": case("location /a/ { alias html/; }", "/a/d"),
    "alias_try_files": case(
        "location /a/ { alias html/; try_files $uri /d/ten.txt =404; }",
        "/a/ten.txt", "/a/none", "/d/ten.txt",
    ),
    "escapes": case("", "/../ten.txt", "/%2e%2e/x", "/d/../ten.txt", "/d//ten.txt"),
    "zero_byte": case("", "/ten.txt%00", "/%00"),
    "methods": case("", post("/ten.txt", b"x"), post("/", b"")),
    "slash_on_file": case("", "/ten.txt/", "/ten.txt/x"),
    "redirect": case("", "/d", "/d?x=1", "/d%20e", "/sub/deep"),
    "redirect_relative": case("absolute_redirect off;", "/d", "/d?x=1"),
    "redirect_name": case("server_name_in_redirect on;", "/d"),
    "redirect_without_port": case("port_in_redirect off;", "/d"),
    "redirect_all_off": case(
        "absolute_redirect off; server_name_in_redirect on; port_in_redirect off;", "/d"
    ),
    "redirect_of_return": case(
        "absolute_redirect off; location / { return 302 /x; }"
    ),
    "redirect_name_of_return": case(
        "server_name_in_redirect on; location / { return 302 /x; }"
    ),
    "redirect_port_of_rewrite": case(
        "port_in_redirect off; location / { rewrite ^ /x permanent; }"
    ),
    "redirect_no_host": case("", get("/d", version="1.0")),
    # index
    "index_default": case("", "/", "/d/", "/bare/"),
    "index_named": case("index ten.txt;", "/", "/d/", "/bare/"),
    "index_several": case("index none ten.txt index.html;", "/d/", "/sub/"),
    "index_absolute": case(
        "location / { index none /fallback; } location /fallback { echo f; }", "/bare/"
    ),
    "index_variable": case("index $arg_i;", "/?i=ten.txt", "/?i=none", "/"),
    "index_redirects": case(
        "location ~ \\.html$ { return 200 'in $uri $args'; } index index.html;",
        "/d/?x=1"
    ),
    "index_inherited": case("index ten.txt; location /d { }", "/d/"),
    "index_replaced": case("index ten.txt; location /d { index index.html; }", "/d/"),
    "index_in_missing": case("", "/missing/", "/none/x/"),
    "index_is_directory": case("index d;", "/"),
    "index_post": case("", post("/d/", b"x")),
    "index_head": case("", head("/d/")),
    "index_slash_in_name": case("index d/ten.txt;", "/"),
    # autoindex and random_index may only be off
    "autoindex": case("autoindex off;", "/bare/"),
    "random_index": case("location / { random_index off; }", "/bare/"),
    # try_files
    "try_first": case("location / { try_files $uri /d/ten.txt; }", "/ten.txt"),
    "try_second": case("location / { try_files $uri /d$uri =404; }", "/y.txt", "/z"),
    "try_directory": case(
        "location / { try_files $uri/ =404; }", "/d", "/ten.txt", "/d/"
    ),
    "try_directory_not": case("location / { try_files $uri =404; }", "/d", "/d/"),
    "try_code": case("location / { try_files $uri =410; }", "/none"),
    "try_code_204": case("location / { try_files $uri =204; }", "/none"),
    "try_uri": case(
        "location / { try_files $uri /e?y=$uri; } location /e { return 200 $args; }",
        "/none?x=1",
    ),
    "try_uri_with_args": case(
        "location / { try_files $uri /e?y=1&$args; } location /e { return 200 $args; }",
        "/none?x=1",
    ),
    "try_uri_keeps_no_args": case(
        "location / { try_files $uri /e; } location /e { return 200 '[$args]'; }",
        "/none?x=1",
    ),
    "try_named": case(
        "location / { try_files $uri @n; } location @n { return 200 'n $uri $args'; }",
        "/none?x=1",
    ),
    "try_missing_named": case("location / { try_files $uri @nowhere; }", "/none"),
    "try_cycle": case("location / { try_files none /again; }"),
    "try_with_lua": case(
        "location / { try_files /ten.txt =404; content_by_lua_block {"
        " ngx.say(ngx.var.uri) } }", "/x"
    ),
    "try_sets_uri": case(
        "location / { try_files /d/ten.txt =404; add_header U $uri; }", "/x"
    ),
    "try_in_server": case(
        "try_files $uri /d/ten.txt; location = /x { }", "/none", "/x"
    ),
    "try_not_inherited": case("try_files /d/ten.txt =404; location / { }", "/ten.txt"),
    "try_nested": case(
        "location / { try_files /d/ten.txt =404; location /x { } }", "/x"
    ),
    "try_text_without_slash": case("location / { try_files ten.txt =404; }", "/x"),
    "try_error_page": case(
        "error_page 404 /e; location / { try_files $uri =404; }"
        " location /e { return 200 e; }", "/none"
    ),
    # types and default_type
    "types_built_in": case("", "/a.html", "/a.gif", "/a.jpg", "/a.png", "/noext"),
    "types_own": case(
        "types { a/b html txt; c/d gif; }", "/a.html", "/ten.txt", "/a.jpg"
    ),
    "types_none": case("types { } default_type x/y;", "/a.html"),
    "types_case": case("types { a/b HTML; }", "/a.html", "/UPPER.HTML"),
    "types_inherited": case("types { a/b html; } location / { }", "/a.html"),
    "types_replaced": case(
        "types { a/b html; } location / { types { c/d txt; } }", "/a.html", "/ten.txt"
    ),
    "types_twice": case(
        "types { a/b html; } types { c/d txt; }", "/a.html", "/ten.txt"
    ),
    "types_last_dot": case("types { a/b txt; c/d gz; }", "/ten.txt.gz"),
    "types_of_lua": case(
        "types { a/b html; } location / { content_by_lua_block { ngx.say(1) } }",
        "/x.html", "/x",
    ),
    "default_type": case("default_type a/b;", "/noext", "/ten.unknown"),
    "default_type_in_location": case(
        "default_type a/b; location / { default_type c/d; }", "/noext"
    ),
    "default_type_empty": case("default_type '';", "/noext"),
    "default_type_charset": case("default_type 'a/b; charset=x';", "/noext"),
    # etag
    "etag_on": case("etag on;", "/ten.txt", "/empty"),
    "etag_off": case("etag off;", "/ten.txt"),
    "etag_inherited": case("etag off; location / { }", "/ten.txt"),
    "etag_matches": case(
        "", get("/ten.txt", f"If-None-Match: {ETAG}"),
        get("/ten.txt", 'If-None-Match: "x", W/' + ETAG),
        get("/ten.txt", "If-None-Match: *"), get("/ten.txt", 'If-None-Match: "x"'),
        get("/ten.txt", f"If-Match: {ETAG}"), get("/ten.txt", 'If-Match: "x"'),
    ),
    "etag_off_matches": case(
        "etag off;", get("/ten.txt", f"If-None-Match: {ETAG}"),
        get("/ten.txt", "If-None-Match: *"), get("/ten.txt", f"If-Match: {ETAG}"),
    ),
    # if_modified_since
    "since_exact": case("if_modified_since exact;", *DATES),
    "since_before": case("if_modified_since before;", *DATES),
    "since_off": case("if_modified_since off;", *DATES),
    "since_inherited": case("if_modified_since off; location / { }", *DATES),
    "since_of_lua": case(
        "if_modified_since before; location / { content_by_lua_block {"
        f" ngx.header.last_modified = '{MODIFIED}' ngx.say(1) }} }}", *DATES
    ),
    "unmodified_since": case(
        "", *(get("/ten.txt", f"If-Unmodified-Since: {date}")
              for date in (MODIFIED, EARLIER, LATER))
    ),
    # max_ranges
    "ranges": case(
        "", span("0-0"), span("2-4"), span("5-"), span("-3"), span("20-"), span("0-99"),
        span("0-1,3-4"), span("x"), span("4-2"), span("0-1", f"If-Range: {ETAG}"),
        span("0-1", 'If-Range: "x"'), span("0-1", f"If-Range: {MODIFIED}"),
        span("0-1", f"If-Range: {EARLIER}"),
    ),
    "ranges_none": case("max_ranges 0;", span("0-1"), span("0-1,3-4")),
    "ranges_one": case("max_ranges 1;", span("0-1"), span("0-1,3-4")),
    "ranges_two": case("max_ranges 2;", span("0-1,3-4"), span("0-1,3-4,6-7")),
    "ranges_inherited": case("max_ranges 0; location / { }", span("0-1")),
    "ranges_head": case("", head("/ten.txt", "Range: bytes=0-1")),
    # log_not_found
    "not_found_logged": case("", "/none", "/bare/", "/none/"),
    "not_found_not_logged": case("log_not_found off;", "/none", "/bare/", "/none/"),
    "not_found_in_location": case(
        "log_not_found off; location /d { log_not_found on; }", "/none", "/d/none"
    ),
    "not_found_escaped": case("", "/no%20%22ne"),
    # disable_symlinks
    "links_off": case("disable_symlinks off;", "/link.txt", "/linkdir/ten.txt"),
    "links_on": case(
        "disable_symlinks on;", "/link.txt", "/linkdir/ten.txt", "/ten.txt", "/linkdir/"
    ),
    "links_not_owner": case(
        "disable_symlinks if_not_owner;", "/link.txt", "/linkdir/ten.txt"
    ),
    "links_from_root": case(
        "root html/linkdir; disable_symlinks on from=$document_root;", "/ten.txt"
    ),
    "links_without_from": case("root html/linkdir; disable_symlinks on;", "/ten.txt"),
    "links_try_files": case(
        "disable_symlinks on; location / { try_files /link.txt /ten.txt =404; }", "/x"
    ),
    "links_index": case("disable_symlinks on; index link.txt ten.txt;", "/"),
    "links_inherited": case("disable_symlinks on; location / { }", "/link.txt"),
    # output_buffers: the same bytes, however they are read
    "buffers_small": case(
        "output_buffers 1 7;", "/big.txt", get("/big.txt", "Range: bytes=5-40")
    ),
    "buffers_many": case("output_buffers 4 100;", "/big.txt"),
    # What may only be off
    "gunzip": case("gunzip off;", "/ten.txt.gz"),
    "ssi": case("ssi off;", "/ssi.html"),
    # charset
    "charset": case("charset utf-8;", "/a.html", "/a.gif", "/ten.txt"),
    "charset_off": case("charset utf-8; location / { charset off; }", "/a.html"),
    "charset_variable": case("charset $arg_c;", "/a.html?c=koi8-r", "/a.html"),
    "charset_types": case(
        "charset utf-8; charset_types text/plain;", "/a.html", "/ten.txt"
    ),
    "charset_types_all": case("charset utf-8; charset_types *;", "/a.gif"),
    "charset_of_lua": case(
        "charset utf-8; location / { default_type text/html; content_by_lua_block {"
        " ngx.say(1) } }"
    ),
    "charset_is_there": case(
        "charset utf-8; default_type 'text/html; charset=x';", "/noext"
    ),
    "charset_in_if": case("location / { if ($arg_x) { charset x; } }", "/a.html?x=1"),
    "source_charset": case("charset utf-8; source_charset utf-8;", "/a.html"),
    "override_charset": case(
        "charset utf-8; override_charset on; location / { content_by_lua_block {"
        " ngx.header.content_type = 'text/html; charset=x' ngx.say(1) } }"
    ),
}  # fmt: skip

FILES = {
    f"html/{name}": data
    for name, data in {
        "ten.txt": "0123456789",
        "ten.txt.gz": "not gzip",
        "ten.unknown": "?",
        "empty": "",
        "noext": "no extension",
        "index.html": "index",
        "a.html": "<p>",
        "a.gif": "GIF",
        "a.jpg": "JPG",
        "a.png": "PNG",
        "UPPER.HTML": "upper",
        "big.txt": "".join(f"{n:03},\n" for n in range(1000)),
        "ssi.html": "<!--#echo var=\"uri\" -->",
        "d/index.html": "index of d",
        "d/ten.txt": "ten in d",
        "d/y.txt": "y in d",
        "d/noext": "no extension in d",
        "d/x/y.txt": "y in x",
        "d e/f.txt": "f",
        "sub/deep/f.txt": "deep",
        "sub/index.html": "index of sub",
        "bare/f.txt": "no index here",
    }.items()
}  # fmt: skip

LINKS = {"html/link.txt": "ten.txt", "html/linkdir": "d"}

PAIR = Pair(CASES, files=FILES, links=LINKS)


@pytest.mark.parametrize("name", CASES)
def test_as_nginx_does(name):
    PAIR.check(name)
