"""In which order filters see a response, where several of them meet."""

from __future__ import annotations

import gzip
import itertools

import pytest
from conversation import get, head
from directive_pair import Pair, case

GZIP = "Accept-Encoding: gzip"

PAGE = b"<p>one fish two fish</p>\n"

#: Filters by name: what turns them on, for packed.html, which is compressed.
FILTERS = {
    "gunzip": "gunzip on;",
    "sub": "sub_filter fish bird; sub_filter lua LUA; sub_filter echo ECHO;"
    " sub_filter part PART; sub_filter_last_modified on; sub_filter_once off;",
    "before": "add_before_body /part;",
    "trailer": "add_trailer X-T $body_bytes_sent; add_trailer X-C"
    " $sent_http_content_encoding;",
    "gzip": "gzip on; gzip_min_length 1; gzip_vary on;",
    "charset": "charset utf-8;",
    "headers": "add_header X-H $sent_http_content_encoding$sent_http_etag;"
    " expires max;",
    "more": "more_set_headers 'X-M: 1' 'Etag: \"m\"';",
    "echo": "echo_before_body echo;",
}

#: What Lua sees of a response in its own filters, and tells when that has left.
LUA = {
    "header": """local h = ngx.header
ngx.ctx.seen = {h.etag, tostring(h.content_encoding), tostring(h.content_length),
                h.content_type, tostring(h.last_modified), tostring(h.x_m),
                tostring(h.x_h)}
""",
    "body": """local s = ngx.ctx.seen
if s and ngx.arg[1] ~= '' then
    s[#s + 1] = #ngx.arg[1] .. tostring(ngx.arg[2])
end
""",
    "log": "ngx.log(ngx.WARN, table.concat(ngx.ctx.seen or {}, '|'))",
}
WATCHED = (
    "header_filter_by_lua_file PREFIX/lua/header.lua;"
    " body_filter_by_lua_file PREFIX/lua/body.lua; log_by_lua_file PREFIX/lua/log.lua;"
)


def filtered(names, *, packed=True):
    """Return a case of some filters of a file, with Lua's around them."""
    conf = " ".join(FILTERS[name] for name in names)
    target = "/packed.html" if packed else "/page.html"
    talks = [
        get(target, version="1.0"),
        get(target, GZIP, version="1.0"),
        head(target),
        get(target, "Range: bytes=0-4", version="1.0"),
    ]
    # Lines of echo are chunks of their own where nginx sends several at once.
    if "echo" not in names:
        talks += [get(target), get(target, GZIP)]
    return case(
        f"gzip_static always; gzip_http_version 1.0; location = {target} {{ {conf}"
        f" {WATCHED} }} location = /part {{ default_type text/html;"
        " return 200 'part fish lua\n'; }", *talks,
    )  # fmt: skip


CASES = {
    **{
        f"packed_{'_'.join(names)}": filtered(names)
        for names in itertools.combinations(FILTERS, 2)
    },
    **{
        f"plain_{'_'.join(names)}": filtered(names, packed=False)
        for names in itertools.combinations(FILTERS, 2) if "gunzip" not in names
    },
    **{
        f"packed_all_but_{one}": filtered([name for name in FILTERS if name != one])
        for one in FILTERS
    },
    "packed_all": filtered(FILTERS),
    "lua_changes_all": case(
        "gunzip on; sub_filter fish bird; gzip on; gzip_min_length 1;"
        " add_trailer X $sent_http_content_type; location / { gzip_static always;"
        " header_filter_by_lua_block { ngx.header.content_type = ngx.var.arg_t"
        " ngx.header.content_encoding = ngx.var.arg_e } }",
        *(get(f"/packed.html?t={kind}&e={coding}", *more)
          for kind in ("text/html", "a/b") for coding in ("gzip", "")
          for more in ((), (GZIP,))),
    ),
    "lua_changes_body": case(
        "sub_filter fish bird; sub_filter_once off; location / {"
        " header_filter_by_lua_block { ngx.header.content_length = nil }"
        " body_filter_by_lua_block { ngx.arg[1] = ngx.arg[1]:gsub('o', 'fish') } }",
        "/page.html",
    ),
}  # fmt: skip

PAIR = Pair(
    CASES,
    files={
        "html/page.html": PAGE,
        "html/packed.html.gz": gzip.compress(PAGE, mtime=0),
        **{f"lua/{name}.lua": code for name, code in LUA.items()},
    },
)


@pytest.mark.parametrize("name", CASES)
def test_as_nginx_does(name):
    PAIR.check(name)


def test_on_another_flavour():
    for name in CASES:
        PAIR.check(name, "lua54")
