"""Links that only who knows a secret can make: the secure_link module."""

from __future__ import annotations

import base64
import hashlib

import pytest
from conversation import get
from directive_pair import Pair, case

SHOWN = "[$secure_link] [$secure_link_expires]"

LATER = 4_000_000_000


def token(text):
    """Return the hash of a text as links tell it."""
    digest = hashlib.md5(text.encode()).digest()
    return base64.urlsafe_b64encode(digest).decode().rstrip("=")


def of_secret(link, secret="key"):
    """Return a URI with the hash of a link."""
    return f"/p/{hashlib.md5((link + secret).encode()).hexdigest()}/{link}"


def linked(conf, *links, **more):
    """Return a case of arguments that tell a hash."""
    return case(conf, *(f"/?h={link}" for link in links), **more)


GOOD = token("key/")
DATED = token(f"key/{LATER}")

MD5 = "secure_link $arg_h; secure_link_md5 key$uri;"
DATED_MD5 = "secure_link $arg_h,$arg_e; secure_link_md5 key$uri$arg_e;"

CASES = {
    "hash": linked(
        f"{MD5} location / {{ return 200 '{SHOWN}'; }}",
        GOOD, token("other"), f"{GOOD}=", f"{GOOD}==", f"{GOOD}===", f"{GOOD}A",
        f"{GOOD[:-1]}", f"{GOOD[:-1]}*", f"{GOOD}=,", f"{GOOD},1", f"{GOOD},0",
        f"{GOOD},-1", f"{GOOD},{LATER}", f"{GOOD},{LATER}x", f"{GOOD},{LATER},1",
        f"{GOOD},00{LATER}", f"{GOOD},9223372036854775806", f"{GOOD},{'9' * 20}",
        f"x,{LATER}", f"{'x' * 25},{LATER}", ",", f",{LATER}", "", "x", GOOD[::-1],
        GOOD.swapcase(),
    ),
    "standard_alphabet": linked(
        "secure_link $arg_h; secure_link_md5 $arg_t;"
        f" location / {{ return 200 '{SHOWN}'; }}",
        *(f"{one}&t={text}" for text in ("a1", "a2", "a5", "a9", "b7")
          for one in (token(text), token(text).replace("-", "+").replace("_", "/"))),
    ),
    "expires": case(
        f"{DATED_MD5} location / {{ return 200 '{SHOWN}'; }}",
        f"/?h={DATED}&e={LATER}", f"/?h={DATED}&e=1", f"/?h={token('key/1')}&e=1",
        f"/?h={DATED}", "/",
    ),
    "expires_first": case(
        f"{DATED_MD5} location / {{ return 200 '$secure_link_expires $secure_link'; }}",
        f"/?h={DATED}&e={LATER}",
    ),
    "expires_first_in_lua": case(
        f"{DATED_MD5} location / {{ content_by_lua_block {{ local v = ngx.var"
        " ngx.say(v.secure_link_expires) ngx.say(v.secure_link)"
        " ngx.say(v.secure_link_expires) } }", f"/?h={DATED}&e={LATER}",
    ),
    "kept_in_lua": case(
        f"{DATED_MD5} location / {{ content_by_lua_block {{ local v = ngx.var"
        " ngx.say(v.secure_link) ngx.req.set_uri_args('h=x')"
        " ngx.say(v.secure_link, v.secure_link_expires) } }",
        f"/?h={DATED}&e={LATER}",
    ),
    "redirected": case(
        f"{DATED_MD5} location / {{ if ($secure_link) {{ set $a 1; }}"
        " error_page 404 /e; return 404; } location /e { content_by_lua_block {"
        " ngx.say(ngx.var.secure_link, ngx.var.secure_link_expires) } }",
        f"/?h={DATED}&e={LATER}",
    ),
    "guarding": case(
        f"location / {{ {MD5} if ($secure_link = '') {{ return 403; }}"
        " if ($secure_link = '0') { return 410; } echo ok; }",
        f"/?h={GOOD}", "/?h=x", f"/?h={GOOD},1", "/",
    ),
    "only_one": case(
        f"location /a {{ secure_link $arg_h; return 200 '{SHOWN}'; }}"
        f" location /b {{ secure_link_md5 $arg_h; return 200 '{SHOWN}'; }}"
        f" location /c {{ return 200 '{SHOWN}'; }}",
        f"/a?h={GOOD}", f"/b?h={GOOD}", f"/c?h={GOOD}",
    ),
    "inherited": case(
        "secure_link $arg_h; secure_link_md5 key;"
        f" location / {{ return 200 '{SHOWN}'; }}"
        f" location /own {{ secure_link_md5 other; return 200 '{SHOWN}'; }}"
        f" location /p {{ secure_link_secret key; return 200 '{SHOWN}'; }}",
        f"/?h={token('key')}", f"/own?h={token('key')}", f"/own?h={token('other')}",
        f"{of_secret('x?h=' + token('key'))}", f"/p?h={token('key')}",
    ),
    "secret": case(
        f"secure_link_secret key; location / {{ return 200 '{SHOWN}'; }}",
        of_secret("a"), of_secret("a/b.html"), of_secret("a?b=c"), of_secret("a%20b"),
        of_secret("a", "other"), of_secret("a").upper(), of_secret(""),
        of_secret("a")[2:], f"/x{of_secret('a')}", of_secret("a").replace("/p/", "//"),
        "/p/1234/a", "/", "/p", "/p/x", f"{of_secret('a')}b",
        f"/p/{'z' * 32}/a",
    ),
    "secret_inherited": case(
        f"secure_link_secret key; location /p {{ return 200 '{SHOWN}'; }}"
        f" location /p/ {{ secure_link $arg_h; return 200 '{SHOWN}'; }}"
        f" location /q {{ secure_link_secret other; return 200 '{SHOWN}'; }}",
        of_secret("a"), of_secret("a").replace("/p", "/px"),
        of_secret("a", "other").replace("/p", "/q"),
    ),
    "secret_empty": case(
        f"secure_link_secret ''; location / {{ return 200 '{SHOWN}'; }}",
        of_secret("a", ""), of_secret("a"),
    ),
    "secret_rewritten": case(
        "location /p/ { secure_link_secret key; if ($secure_link = '') { return 403; }"
        " rewrite ^ /secure/$secure_link; }"
        " location /secure/ { internal; return 200 '$uri'; }",
        of_secret("a.html"), of_secret("a.html", "x"),
    ),
    "in_log": case(
        f"{MD5} access_log logs/NAME.log by_link; location / {{ return 200; }}",
        f"/?h={GOOD}", "/", get("/", "X: 1"),
    ),
}  # fmt: skip

PAIR = Pair(CASES, http="log_format by_link '$secure_link|$secure_link_expires';")


@pytest.mark.parametrize("name", CASES)
def test_as_nginx_does(name):
    PAIR.check(name)


@pytest.mark.parametrize("flavour", ["lua51", "lua54"])
def test_on_other_flavours(flavour):
    PAIR.check("hash", flavour)
