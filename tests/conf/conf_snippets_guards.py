"""Pieces of configuration that say who may have what, good and bad."""

from __future__ import annotations

SERVER_GUARDS = [
    # referer
    "server_name a.com; valid_referers server_names a.com;",
    (
        "valid_referers server_names; location /b { valid_referers a; } location "
        "/c { return 200 $invalid_referer; }"
    ),
    "valid_referers server_names; server_name a.com a.com ~x(?<a>y) *.z;",
    "server_name a*.com; valid_referers server_names;",
    "server_name .a.com; valid_referers server_names a.com;",
    "valid_referers none blocked; location /b { valid_referers a; }",
    "valid_referers none ~x server_names; server_name ~y;",
    "server_name ~y; valid_referers none server_names;",
    (
        "valid_referers a.com; location /b { valid_referers none; } location /c { "
        "location /c/d { valid_referers a.com a.com; } }"
    ),
    "set $invalid_referer 1; return 200 $invalid_referer;",
    # secure_link
    "secure_link_secret x;",
    "secure_link $arg_a; secure_link_md5 $uri; location /b { secure_link_secret x; }",
    "secure_link_secret x; secure_link_md5 a; location /b { }",
]

LOCATION_GUARDS = [
    # referer
    "if ($invalid_referer) { return 403; }",
    (
        r"valid_referers none blocked server_names *.example.com example.* "
        r"www.example.org/galleries/ ~\.google\.;"
    ),
    "valid_referers none;",
    "valid_referers server_names;",
    "valid_referers none server_names;",
    "valid_referers none ~x;",
    "valid_referers none ~x a.com;",
    "valid_referers '';",
    "valid_referers a.com a.com;",
    "valid_referers a.com/x a.com/y;",
    "valid_referers a*.com;",
    "valid_referers A.com/X /x .b.com b.com;",
    "valid_referers ~;",
    "valid_referers ~(;",
    "valid_referers ~(?<b>.) a; return 200 $b;",
    "valid_referers a; valid_referers b;",
    "valid_referers;",
    "valid_referers a.com A.com;",
    "valid_referers A*.com;",
    "valid_referers None NONE;",
    "referer_hash_max_size 10; referer_hash_bucket_size 64;",
    "referer_hash_max_size 10; referer_hash_max_size 10;",
    "valid_referers none none blocked blocked a;",
    "valid_referers http://a.com https:// a:80 a.com:80/x;",
    "valid_referers .;",
    "valid_referers *.;",
    "valid_referers *;",
    "valid_referers a.*;",
    "valid_referers a..b;",
    "valid_referers /;",
    "valid_referers $uri;",
    "valid_referers a.com/*;",
    "valid_referers a/b*c;",
    # secure_link
    "secure_link_secret x;",
    "secure_link_secret x; secure_link $arg_a;",
    "secure_link $arg_a;",
    "secure_link $nope;",
    "secure_link a; secure_link b;",
    "secure_link_secret ''; secure_link $arg_a;",
    "secure_link_secret x; location /a/b { secure_link $arg_a; secure_link_md5 x; }",
    # stub_status
    "stub_status;",
    "stub_status on; stub_status off;",
    "stub_status a b;",
    "stub_status; echo a;",
    "if ($arg_a) { stub_status; }",
    "stub_status { }",
]

HTTP_GUARDS = [
    # secure_link
    "secure_link $arg_a; secure_link_md5 x$uri;",
    "secure_link_secret x;",
    "secure_link_secret x; secure_link_md5 a; server { listen unix:a; }",
    "secure_link_secret x; secure_link_secret a;",
    "secure_link_md5 $;",
    # stub_status
    "stub_status;",
]
