"""Whose links are followed: the referer module."""

from __future__ import annotations

import pytest
from conversation import get
from directive_pair import Pair, case

URLS = (
    None, "", "http://a.com", "http://a.com/", "http://a.com/x", "https://a.com/y?z",
    "HTTP://A.COM/", "HttpS://a.com:8080/x", "http://b.a.com/", "http://www.b.com/",
    "http://b.com/", "http://c.org/", "http://c.org.net/x", "http://d.com/gallery",
    "http://d.com/gallery/1", "http://d.com/Gallery", "http://d.com/", "http://d.com",
    "http://d.com:1/gallery", "http://d.com:1x", "http://x.google.com/",
    "http://google.com",
    "http://e.com/in/google./x", "ftp://a.com/", "a.com", "-", "http://", "http://a",
    "http://i.ru", "http://i.r", "https://i.ru", "https://i.r", "//a.com/",
    "http:/a.com//",
    "http:///gallery", "http:///a.com/x", "http://a.com#x", "http://a.com?x",
    "http://user@a.com/", "http://a.com.", f"http://{'a' * 255}.b", "http://x.own.test/",
    f"http://{'a' * 251}.b.com/", f"http://{'a' * 250}.b.com/", "http://named1/",
    "http://named/", "http://NAMED1/", "http://other/named1", f"http://{'x' * 300}",
)  # fmt: skip

SHOWN = "location / { return 200 '[$invalid_referer]'; }"


def asked(conf, *urls, **more):
    """Return a case of requests with one referer after the other."""
    return case(
        conf,
        *(get("/", *(() if url is None else (f"Referer: {url}",)))
          for url in urls or URLS),
        **more,
    )  # fmt: skip


def valid(text, *urls):
    return asked(f"valid_referers {text}; {SHOWN}", *urls)


ALONE = {"listen": "", "to": "127.0.0.1:PORT2"}

CASES = {
    "nothing": asked(SHOWN, None, "http://a.com/"),
    "names": valid("a.com *.b.com c.* d.com/gallery"),
    "none": valid("none a.com"),
    "blocked": valid("blocked a.com .b.com"),
    "both": valid("none blocked a.com"),
    "regexes": valid(r"~\.google\. ~^e\.com/in"),
    "regex_and_name": valid(r"d.com/gallery ~^d\.com"),
    "path_of_nobody": valid("/gallery a.com"),
    "upper_case_path": valid("D.com/Gallery"),
    "several": asked(f"valid_referers none; valid_referers a.com; {SHOWN}"),
    "server_names": asked(
        "listen 127.0.0.1:PORT2; server_name a.com .b.com c.* *.own.test"
        f" ~^named(?<n>\\d)$; valid_referers server_names d.com/x; {SHOWN}",
        **ALONE,
    ),
    "server_names_by_regex": asked(
        "listen 127.0.0.1:PORT3; server_name ~^named(?<n>\\d)$;"
        f" valid_referers server_names; {SHOWN}",
        **{**ALONE, "to": "127.0.0.1:PORT3"},
    ),
    "inherited": case(
        "valid_referers a.com; location / { return 200 '[$invalid_referer]'; }"
        " location /own { valid_referers none b.com; return 200 '[$invalid_referer]'; }"
        " location /own/in { return 200 '[$invalid_referer]'; }",
        *(get(target, f"Referer: http://{host}/") for target in ("/", "/own", "/own/in")
          for host in ("a.com", "b.com")), "/own", "/own/in", "/",
    ),
    "two_headers": case(
        f"valid_referers a.com; {SHOWN}",
        get("/", "Referer: http://a.com/", "Referer: http://b.com/"),
        get("/", "Referer: http://b.com/", "Referer: http://a.com/"),
    ),
    "forbidding": case(
        "location / { valid_referers none a.com; if ($invalid_referer) { return 403; }"
        " echo ok; }", "/", get("/", "Referer: http://a.com/"),
        get("/", "Referer: http://b.com/"),
    ),
    "captures": case(
        r"valid_referers ~a\.(?<b>.); location ~ ^/(.) { return 200"
        " '$invalid_referer$1'; }", get("/x", "Referer: http://a.com/"), "/x",
    ),
    "in_lua": case(
        "valid_referers a.com; location / { content_by_lua_block { local v = ngx.var"
        " ngx.say('[', v.invalid_referer, ']')"
        " ngx.req.set_header('Referer', 'http://a.com/')"
        " ngx.say('[', v.invalid_referer, ']') v.invalid_referer = 'x'"
        " ngx.say('[', v.invalid_referer, ']') } }", "/",
    ),
    "in_log": case(
        "valid_referers a.com; access_log logs/NAME.log by_referer;"
        " location / { return 200; }", "/", get("/", "Referer: http://a.com/"),
    ),
    "hash_sizes": case(
        "referer_hash_max_size 512; referer_hash_bucket_size 64; valid_referers a.com;"
        f" {SHOWN}"
    ),
}  # fmt: skip

PAIR = Pair(CASES, http="log_format by_referer '[$invalid_referer]';")


@pytest.mark.parametrize("name", CASES)
def test_as_nginx_does(name):
    PAIR.check(name)
