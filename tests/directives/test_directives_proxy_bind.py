"""proxy_bind: our end of connections with upstreams."""

from __future__ import annotations

import pytest
from directive_pair import Pair, case

UP = "http://127.0.0.1:PORT9"


def bound(value, *talks, url=UP, **more):
    """Return a case whose location connects from an address."""
    return case(
        f"location / {{ proxy_pass {url}; proxy_bind {value}; {SHOWS} }}",
        *talks, **more,
    )  # fmt: skip


SHOWS = """log_by_lua_block {
    local note = io.open("PREFIX/logs/NAME.vars", "a")
    note:write(tostring(ngx.var.upstream_addr), " ", tostring(ngx.var.upstream_status))
    note:close()
}"""

CASES = {
    "address": bound("127.0.0.2"),
    "zeros": bound("127.000.0.003"),
    "port": bound("127.0.0.4:PORT6", "/port"),
    "any": bound("0.0.0.0"),
    "six": bound("::1", url="http://[::1]:PORT9"),
    "six_port": bound("[::1]:PORT7", "/port", url="http://[::1]:PORT9"),
    "off": case(
        f"proxy_bind 127.0.0.2; location / {{ proxy_pass {UP}; }}"
        f" location /off {{ proxy_bind off; proxy_pass {UP}; }}"
        f" location /own {{ proxy_bind 127.0.0.5; proxy_pass {UP}; }}",
        "/", "/off", "/own"
    ),
    "variable": bound(
        "$arg_from", "/?from=127.0.0.2", "/", "/?from=here", "/?from=127.0.0.2:x",
        "/?from=127.0.0.2:0", "/?from=[127.0.0.3]:PORT8", "/?from=%00", "/?from=::1",
        "/?from=127.0.0.1:99999999999999999999"
    ),
    "variable_of_two": bound("127.0.0.$arg_last", "/?last=7", "/?last=x"),
    "not_ours": bound("192.0.2.1"),
    "not_ours_of_two": bound("192.0.2.1", url="http://up_two"),
    "six_to_four": bound("::1"),
    "four_to_six": bound("127.0.0.1", url="http://[::1]:PORT9"),
    "unix": bound("127.0.0.1", url="http://unix:PREFIX/up.sock"),
    "page": case(
        f"location / {{ proxy_pass {UP}; proxy_bind 192.0.2.1; error_page 500 /page; }}"
        " location /page { return 200 'page $status $upstream_status\n'; }"
    ),
    "kept": case(
        "location / { proxy_pass http://up_kept; proxy_bind 127.0.0.2;"
        " proxy_http_version 1.1; proxy_set_header Connection ''; }", "/", "/"
    ),
    "refused": bound("127.0.0.2", url="http://127.0.0.1:1"),
}  # fmt: skip

HTTP = """
server {
    listen 127.0.0.1:PORT9; listen [::1]:PORT9; listen unix:PREFIX/up.sock;
    location / { return 200 "$remote_addr\n"; }
    location /port { return 200 "$remote_addr:$remote_port\n"; }
}
upstream up_two { server 127.0.0.1:PORT9; server 127.0.0.1:PORT9; }
upstream up_kept { server 127.0.0.1:PORT9; keepalive 2; }
"""

PAIR = Pair(CASES, http=HTTP)


@pytest.mark.parametrize("name", CASES)
def test_as_nginx_does(name):
    PAIR.check(name)


@pytest.mark.parametrize("flavour", ["lua51", "lua55"])
def test_on_other_flavours(flavour):
    for name in CASES:
        PAIR.check(name, flavour)
