"""The directives of the set-misc module in a configuration, on ours alone.

What the functions make of their arguments is tested in ``test_set_misc``.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import re
import time

import pytest
from module_pair import Case, Pair, directives_of


def shows(directives, *args):
    """Return a case that shows the variable ``$v``."""
    return Case(f"location / {{ {directives} echo -n [$v]; }}", *args)


HMAC_SHA1 = base64.b64encode(hmac.digest(b"key", b"text", "sha1")).decode()
HMAC_SHA256 = base64.b64encode(hmac.digest(b"key", b"text", "sha256")).decode()

#: Cases and the bodies they have.
EXPECTED = {
    "if_empty": (shows("set $v ''; set_if_empty $v default;"), "default"),
    "if_not_empty": (shows("set $v own; set_if_empty $v default;"), "own"),
    "if_empty_of_argument": (
        shows("set $v $arg_a; set_if_empty $v $arg_b;", "GET /?b=2 HTTP/1.1"), "2"
    ),
    "quote_sql_str": (shows("set $v \"it's\"; set_quote_sql_str $v;"), "'it\\'s'"),
    "quote_sql_str_of_text": (shows("set_quote_sql_str $v $arg_none;"), "''"),
    "quote_pgsql_str": (shows("set_quote_pgsql_str $v 'a\\b';"), "E'a\\\\b'"),
    "quote_json_str": (shows("set_quote_json_str $v 'a\\b';"), '"a\\\\b"'),
    "unescape_uri": (
        shows("set_unescape_uri $v $arg_a;", "GET /?a=b+c%21 HTTP/1.1"), "b c!"
    ),
    "escape_uri": (shows("set_escape_uri $v 'b c!';"), "b%20c!"),
    "escape_uri_in_place": (shows("set $v 'b c'; set_escape_uri $v;"), "b%20c"),
    "encode_base32": (shows("set_encode_base32 $v hello;"), "d1imor3f"),
    "encode_base32_with_padding": (shows("set_encode_base32 $v a;"), "c4======"),
    "encode_base32_without_padding": (
        shows("set_base32_padding off; set_encode_base32 $v a;"), "c4"
    ),
    "encode_base32_without_padding_by_its_old_name": (
        shows("set_misc_base32_padding off; set_encode_base32 $v a;"), "c4"
    ),
    "encode_base32_by_another_alphabet": (
        shows("set_base32_alphabet ABCDEFGHIJKLMNOPQRSTUVWXYZ234567;"
              "set_encode_base32 $v hello;"), "NBSWY3DP"
    ),
    "decode_base32": (shows("set_decode_base32 $v d1imor3f;"), "hello"),
    "decode_base32_of_none": (shows("set_decode_base32 $v !;"), ""),
    "encode_base64": (shows("set_encode_base64 $v 'a?~';"), "YT9+"),
    "decode_base64": (shows("set_decode_base64 $v YT9+;"), "a?~"),
    "decode_base64_of_none": (shows("set_decode_base64 $v !;"), ""),
    "encode_base64url": (shows("set_encode_base64url $v 'a?~a';"), "YT9-YQ"),
    "decode_base64url": (shows("set_decode_base64url $v YT9-YQ;"), "a?~a"),
    "encode_hex": (shows("set_encode_hex $v 'a~';"), "617e"),
    "decode_hex": (shows("set_decode_hex $v 617E;"), "a~"),
    "sha1": (shows("set_sha1 $v hello;"), hashlib.sha1(b"hello").hexdigest()),
    "md5": (shows("set_md5 $v hello;"), hashlib.md5(b"hello").hexdigest()),
    "hmac_sha1": (
        shows("set_hmac_sha1 $v key text; set_encode_base64 $v;"), HMAC_SHA1
    ),
    "hmac_sha256": (
        shows("set_hmac_sha256 $v key text; set_encode_base64 $v;"), HMAC_SHA256
    ),
    "random_of_one": (shows("set_random $v 7 7;"), "7"),
    "rotate": (
        Case(
            "location / { echo_location /r; echo_location /r; echo_location /r;"
            "echo_location /r; }"
            "uninitialized_variable_warn off;"
            "location /r { set_rotate $v 5 7; echo -n $v; }"
        ), "5675",
    ),
    "rotate_of_its_own": (shows("set $v 6; set_rotate $v 5 7;"), "7"),
    "formatted_gmt_time": (
        shows("set_formatted_gmt_time $v '%Y-%m-%d %Z';"),
        time.strftime("%Y-%m-%d GMT", time.gmtime()),
    ),
    "formatted_local_time": (
        shows("set_formatted_local_time $v %Y-%m-%d;"), time.strftime("%Y-%m-%d")
    ),
    "local_today": (shows("set_local_today $v;"), time.strftime("%Y-%m-%d")),
    "ndk": (
        Case("location / { content_by_lua_block { ngx.print('[', "
             "ndk.set_var.set_encode_base32('a'), ']') } }"), "c4======"
    ),
    "ndk_with_settings": (
        Case("location / { set_base32_padding off; content_by_lua_block { "
             "ngx.print('[', ndk.set_var.set_encode_base32('a'), ']') } }"), "c4"
    ),
}  # fmt: skip

PATTERNS = {
    "random": (shows("set_random $v 5 7;"), "[567]"),
    "secure_random_alphanum": (
        shows("set_secure_random_alphanum $v 32;"), "[0-9A-Za-z]{32}"
    ),
    "secure_random_lcalpha": (
        shows("set_secure_random_lcalpha $v 32;"), "[a-z]{32}"
    ),
}  # fmt: skip

#: Cases that fail with 500, and what is logged.
FAILURES = {
    "hex_of_none": (shows("set_decode_hex $v x;"), "set_decode_hex: invalid value"),
    "random_of_text": (
        shows("set_random $v a 1;"), 'set_random: bad "from" argument: "a"'
    ),
    "rotate_of_text": (
        shows("set $v ''; set_rotate $v 1 b;"),
        'set_rotate: bad "to" argument value: "b"',
    ),
    "secure_random_of_much": (
        shows("set_secure_random_alphanum $v 65;"),
        'set_random: bad "length" argument: 65',
    ),
}  # fmt: skip

CASES = {name: case for name, (case, _) in (EXPECTED | PATTERNS | FAILURES).items()}

PAIR = Pair(CASES)


@pytest.mark.parametrize("name", EXPECTED)
def test_value(name):
    answer = PAIR.actual(name)
    assert answer.head[0] == "HTTP/1.1 200 OK"
    assert answer.body[0].strip("[]") == EXPECTED[name][1]
    assert answer.log == ()


@pytest.mark.parametrize("name", PATTERNS)
def test_chance(name):
    assert re.fullmatch(PATTERNS[name][1], PAIR.actual(name).body[0].strip("[]"))


@pytest.mark.parametrize("name", FAILURES)
def test_failure(name):
    answer = PAIR.actual(name)
    assert answer.head[0] == "HTTP/1.1 500 Internal Server Error"
    assert answer.log == (f"error: {FAILURES[name][1]}",)


def test_every_directive_has_a_case():
    text = " ".join(case.conf for case in CASES.values())
    names = directives_of("ngx_http_set_misc_module")
    assert [name for name in names if f"{name} " not in text] == []
