"""proxy_request_buffering off: bodies that go to an upstream as they come."""

from __future__ import annotations

import pytest
from conversation import chunked, get, post, raw, request
from directive_pair import SHUT, Pair, case, sleep
from streaming_peer import GAP, streaming_peer

UP = "http://127.0.0.1:PORT8"

PAUSE = sleep(4 * GAP)

SEEN = get("/seen_before")


def streamed(conf, *talks, more="", version="1.1", **options):
    """Return a case whose location passes bodies on as they come."""
    return case(
        f"location / {{ proxy_request_buffering off; proxy_pass {UP};"
        f" proxy_http_version {version}; {conf} }} {more}", *talks, **options,
    )  # fmt: skip


def counted(path, *pieces, length=None, headers=()):
    """Return a conversation whose body comes in pieces, with pauses between."""
    size = sum(map(len, pieces)) if length is None else length
    head = request("POST", path, *headers, f"Content-Length: {size}").last()
    return _paused(path, head, pieces)


def in_chunks(path, *pieces, end=b"0\r\n\r\n", headers=()):
    """Return the same in chunked coding."""
    head = request("POST", path, *headers, "Transfer-Encoding: chunked").last()
    chunks = [b"%x\r\n%b\r\n" % (len(piece), piece) for piece in pieces]
    return _paused(path, head, [*chunks, end])


def _paused(path, head, pieces):
    parts = [part for piece in pieces for part in (PAUSE, piece) if part]
    return raw(path, head, *parts)


LARGE = b"0123456789" * 10000

CASES = {
    # How it goes
    "counted": streamed("", counted("/told", b"one ", b"two ", b"three")),
    "chunked": streamed("", in_chunks("/told", b"one ", b"two ", b"three")),
    "buffered": case(
        f"location / {{ proxy_pass {UP}; proxy_http_version 1.1; }}",
        counted("/told", b"one ", b"two"), in_chunks("/told", b"one ", b"two")
    ),
    "old_counted": streamed("", counted("/told", b"one ", b"two"), version="1.0"),
    "old_chunked": streamed("", in_chunks("/told", b"one ", b"two"), version="1.0"),
    "at_once": streamed("", post("/told", b"hello"), chunked("/told", b"he", b"llo"),
                        post("/told", b""), chunked("/told"), get("/told")),
    "large": streamed("", counted("/told", LARGE, LARGE), in_chunks("/told", LARGE,
                                                                    LARGE)),
    "large_at_once": streamed("client_body_buffer_size 1k;", post("/told", LARGE),
                              chunked("/told", LARGE, LARGE)),
    "kept_alive": streamed(
        "",
        raw("two", request("POST", "/told", "Content-Length: 6").data(), PAUSE, b"abc",
            PAUSE, b"def" + get("/told").last(), requests=2),
        raw("two", request("POST", "/told", "Transfer-Encoding: chunked").data(), PAUSE,
            b"3\r\nabc\r\n", PAUSE, b"0\r\n\r\n" + get("/told").last(), requests=2),
    ),
    "expected": streamed(
        "", counted("/told", b"one ", b"two", headers=("Expect: 100-continue",))
    ),
    "set_body": streamed("proxy_set_body x;", counted("/told", b"one ", b"two")),
    "pass_no_body": streamed(
        "proxy_pass_request_body off; proxy_set_header Content-Length '';",
        counted("/told", b"one ", b"two"),
    ),
    "set_header": streamed("proxy_set_header X-Body :$request_body:$content_length;",
                           in_chunks("/told", b"one ", b"two"),
                           post("/told", b"hello")),
    "in_file": streamed(
        "client_body_in_file_only clean; client_body_temp_path temp/body;",
        counted("/told", b"one ", b"two"),
    ),
    "logged": streamed(
        "access_log logs/NAME.log body;",
        counted("/told", b"one ", b"two"), in_chunks("/told", b"one ", b"two"),
        post("/told", b"hello")
    ),
    # Lua has read it, or sees it later
    "read_by_lua": streamed("access_by_lua_block { ngx.req.read_body() }",
                            counted("/told", b"one ", b"two"),
                            in_chunks("/told", b"one ", b"two")),
    "needed_by_lua": streamed("lua_need_request_body on;"
                              " access_by_lua_block { local x = 1 }",
                              counted("/told", b"one ", b"two")),
    "set_by_lua": streamed(
        "access_by_lua_block { ngx.req.read_body() ngx.req.set_body_data('mine') }",
        in_chunks("/told", b"one ", b"two"),
    ),
    "discarded_by_lua": streamed("access_by_lua_block { ngx.req.discard_body() }",
                                 post("/told", b"hello")),
    "seen_by_lua": streamed(
        """log_by_lua_block {
            local args, err = ngx.req.get_post_args()
            ngx.log(ngx.WARN, type(args), " ", tostring(next(args or {})), " ",
                    tostring(ngx.var.request_body))
        } header_filter_by_lua_block {
            ngx.header.x_body = tostring(ngx.var.request_body)
        }""",
        counted("/told", b"one=", b"two"),
    ),
    "captured": case(
        f"location /up/ {{ proxy_request_buffering off; proxy_pass {UP}/;"
        " proxy_http_version 1.1; } location / { content_by_lua_block {"
        " ngx.req.read_body()"
        " local res = ngx.location.capture('/up/told', {method = ngx.HTTP_POST,"
        " body = 'mine'}) ngx.print(res.body) } }",
        counted("/", b"one ", b"two"),
    ),
    # What may go wrong with the client
    "leaves": streamed(
        "", raw("leaves", request("POST", "/told", "Content-Length: 20").last(), PAUSE,
                b"one", PAUSE, SHUT), SEEN, level="info"
    ),
    "leaves_chunks": streamed(
        "", raw("leaves", request("POST", "/told", "Transfer-Encoding: chunked").last(),
                PAUSE, b"3\r\none\r\n", PAUSE, SHUT), SEEN, level="info"
    ),
    "leaves_anyway": streamed(
        "proxy_ignore_client_abort on;",
        raw("leaves", request("POST", "/told", "Content-Length: 20").last(), PAUSE,
            b"one", PAUSE, SHUT), SEEN, level="info"
    ),
    "leaves_after": streamed(
        "", raw("leaves", request("POST", "/mute", "Content-Length: 3").last(), PAUSE,
                b"one", PAUSE, SHUT), level="info"
    ),
    "leaves_in_answer": streamed(
        "", raw("leaves", request("POST", "/duplex", "Content-Length: 20").last(),
                PAUSE, b"one", PAUSE, SHUT), level="info"
    ),
    "pauses": streamed(
        "client_body_timeout 500ms;",
        counted("/told", b"one", length=20), in_chunks("/told", b"one", end=b""),
        level="info", timed=True
    ),
    "invalid": streamed("", in_chunks("/told", b"one", end=b"zz\r\n"), SEEN,
                        level="info"),
    "too_large": streamed("client_max_body_size 8;",
                          in_chunks("/told", b"one", b"two", b"three"),
                          in_chunks("/told", b"one", end=b"20\r\nx"),
                          counted("/told", b"one two three four")),
    "too_large_page": streamed(
        "client_max_body_size 5; error_page 413 /page;",
        in_chunks("/told", b"one", b"two"),
        more="location /page { return 200 'page $status\n'; }"
    ),
    "too_large_in_answer": streamed("client_max_body_size 5;",
                                    in_chunks("/duplex", b"one", b"two")),
    # What may go wrong with the upstream
    "refused": case(
        "location / { proxy_request_buffering off; proxy_pass http://127.0.0.1:1; }",
        counted("/told", b"one ", b"two")
    ),
    "next": case(
        "location / { proxy_request_buffering off; proxy_pass http://up_next; }",
        counted("/told", b"one ", b"two")
    ),
    "no_next": case(
        "location / { proxy_request_buffering off; proxy_pass http://up_same;"
        " proxy_next_upstream error http_503 non_idempotent; }",
        counted("/hangs_up", b"one ", b"two", b"three"),
        counted("/busy", b"one ", b"two", b"three"), post("/busy", b"one")
    ),
    "hangs_up": streamed("", counted("/hangs_up", b"one ", b"two", length=20)),
    "mute": streamed("proxy_read_timeout 700ms;", counted("/mute", b"one ", b"two"),
                     timed=True),
    "slow_client": streamed("proxy_read_timeout 500ms;", counted(
        "/told", b"1", b"2", b"3", b"4"), timed=True),
    "deaf": streamed("proxy_send_timeout 700ms;", post("/deaf", LARGE * 60),
                     counted("/deaf", LARGE * 60), timed=True),
    # Answers that come first
    "early": streamed("", counted("/early", b"one ", b"two"), SEEN),
    "early_chunked": streamed("proxy_buffering off;", in_chunks(
        "/early", b"one ", b"two"), SEEN),
    "early_end": streamed("", counted("/early_end", b"one ", b"two", length=20)),
    "duplex": streamed("proxy_buffering off;", counted("/duplex", b"one ", b"two ",
                                                       b"three ")),
    "duplex_chunked": streamed("", in_chunks("/duplex", b"one ", b"two ")),
    "intercepted": streamed(
        "proxy_intercept_errors on; error_page 503 /page;",
        counted("/busy", b"one ", b"two", length=20),
        more="location /page { return 200 'page $upstream_status\n'; }"
    ),
}  # fmt: skip

HTTP = """
log_format body '$request_body|$content_length|$request_length|$upstream_bytes_sent';
upstream up_next { server 127.0.0.1:1; server 127.0.0.1:PORT8; }
upstream up_same { server 127.0.0.1:PORT8; server 127.0.0.1:PORT8; }
"""

PAIR = Pair(CASES, http=HTTP, beside=streaming_peer)

#: Those whose way leads through most of what is there.
SOME = Pair(
    {
        name: CASES[name]
        for name in ("counted", "chunked", "large", "at_once", "leaves", "too_large",
                     "next", "hangs_up", "early", "duplex", "logged")
    },
    http=HTTP, beside=streaming_peer,
)  # fmt: skip


@pytest.mark.parametrize("name", CASES)
def test_as_nginx_does(name):
    PAIR.check(name)


@pytest.mark.parametrize("flavour", ["lua51", "lua55"])
def test_on_other_flavours(flavour):
    for name in SOME.cases:
        SOME.check(name, flavour)
