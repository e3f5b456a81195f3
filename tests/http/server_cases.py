"""Conversations for nginx and our server to hold alike, grouped by settings.

A case is a content handler and the bytes that a client sends it. ``URI`` in
them stands for the case's own path. PROBE, a request that closes, comes behind
most: it is answered where the connection was kept.
"""

from __future__ import annotations

from dataclasses import dataclass

PROBE = b"GET URI HTTP/1.1\r\nHost: probe\r\nConnection: close\r\n\r\n"
HELLO = "ngx.say('hello')"


@dataclass(frozen=True)
class Case:
    """A conversation.

    Attributes:
        pieces: what the client sends, one segment each.
        ends: whether it then says that no more comes.
        differs: why ours does not do as nginx, where it does not.
    """

    name: str
    lua: str
    pieces: tuple[bytes, ...]
    ends: bool = False
    differs: str = ""


def case(name, lua, *pieces, probe=True, ends=False, differs=""):
    raw = [piece.replace(b"URI", b"/" + name.encode()) for piece in pieces]
    if probe:
        raw[-1] = raw[-1] + PROBE.replace(b"URI", b"/" + name.encode())
    return Case(name, lua, tuple(raw), ends, differs)


def head(*lines, method="GET", version=" HTTP/1.1", host="Host: t"):
    first = f"{method} URI{version}"
    return "\r\n".join([first, *filter(None, [host]), *lines, "", ""]).encode("latin-1")


GET = head()
GET10 = head(version=" HTTP/1.0")
KEEP10 = head("Connection: keep-alive", version=" HTTP/1.0")
CLOSE = head("Connection: close")


def post(size, *lines, version=" HTTP/1.1"):
    return head(f"Content-Length: {size}", *lines, method="POST", version=version)


def chunks(*lines):
    return head("Transfer-Encoding: chunked", *lines, method="POST")


VERSIONS = [
    case("plain", HELLO, GET),
    case("plain_close", HELLO, CLOSE),
    case("plain_10", HELLO, GET10),
    case("keep_10", HELLO, KEEP10),
    case("plain_09", HELLO, b"GET URI\r\n", probe=False),
    case("plain_09_probe", HELLO, b"GET URI\r\n"),
    case("close_in_list", HELLO, head("Connection: foo, close")),
    case("keep_alive_11", HELLO, head("Connection: Keep-Alive")),
    case("plain_12", HELLO, head(version=" HTTP/1.2")),
    case("close_12", HELLO, head("Connection: close", version=" HTTP/1.2")),
    case("nothing_12", "", head(version=" HTTP/1.2")),
    case("head_11", HELLO, head(method="HEAD")),
    case("head_10", HELLO, head(method="HEAD", version=" HTTP/1.0")),
    case(
        "head_keep_10",
        HELLO,
        head("Connection: keep-alive", method="HEAD", version=" HTTP/1.0"),
    ),
    case("head_length", "ngx.header.content_length = 6 " + HELLO, head(method="HEAD")),
    case("head_exit", "ngx.exit(404)", head(method="HEAD")),
    case("head_nothing", "", head(method="HEAD")),
    case("nothing", "", GET),
    case("nothing_10", "", KEEP10),
    case("nothing_length", "ngx.header.content_length = 0", GET),
    case("status_204", "ngx.status = 204", GET),
    case("status_204_body", "ngx.status = 204 ngx.say(1)", GET),
    case("exit_204", "ngx.exit(204)", GET),
    case("status_304", "ngx.status = 304", GET),
    case("status_304_body", "ngx.status = 304 ngx.say(1)", GET),
    case("exit_304", "ngx.exit(304)", GET),
    case("status_304_length", "ngx.status = 304 ngx.header.content_length = 5", GET),
    case("status_204_length", "ngx.status = 204 ngx.header.content_length = 5", GET),
    case("status_205", "ngx.status = 205 ngx.say(1)", GET),
    case("status_206", "ngx.status = 206 ngx.say(1)", GET),
    case("status_299", "ngx.status = 299 ngx.say(1)", GET),
    case(
        "status_101",
        "ngx.status = 101 ngx.say(1)",
        GET,
        ends=True,
        probe=False,
        differs="a connection that was upgraded is not kept for HTTP",
    ),
    case(
        "status_100",
        "ngx.status = 100 ngx.say(1)",
        GET,
        ends=True,
        probe=False,
        differs="a final answer without framing ends with its connection",
    ),
    case(
        "status_150",
        "ngx.status = 150 ngx.send_headers() ngx.say(1)",
        CLOSE,
        ends=True,
        probe=False,
    ),
    case("status_600", "ngx.status = 600 ngx.say(1)", GET),
    case("status_404", "ngx.status = 404 ngx.say('mine')", GET),
    case("status_404_no_body", "ngx.status = 404", GET),
    case("status_500_body", "ngx.status = 500 ngx.say('mine')", GET),
    case("length", "ngx.header.content_length = 6 " + HELLO, GET),
    case("length_10", "ngx.header.content_length = 6 " + HELLO, KEEP10),
    case(
        "length_short",
        "ngx.header.content_length = 9 " + HELLO,
        GET,
        ends=True,
        probe=False,
    ),
    case("length_text", "ngx.header.content_length = 'abc' " + HELLO, GET),
    case(
        "transfer_encoding",
        "ngx.header.transfer_encoding = 'x' " + HELLO,
        GET,
        differs="a second Transfer-Encoding would lie about the framing",
    ),
    case(
        "connection_header",
        "ngx.header.connection = 'close' " + HELLO,
        GET,
        differs="the handler's wish to close is heard",
    ),
    case(
        "connection_keep",
        "ngx.header.connection = 'keep-alive' " + HELLO,
        CLOSE,
        differs="a second Connection would contradict the first",
    ),
    case("date_header", "ngx.header.date = 'x' ngx.header.server = 'y' " + HELLO, GET),
    case(
        "last_modified",
        "ngx.header.last_modified = 'Mon, 01 Jan 2024 00:00:00 GMT' " + HELLO,
        GET,
    ),
    case("no_type", "ngx.header.content_type = nil " + HELLO, GET),
    case("empty_type", "ngx.header.content_type = '' " + HELLO, GET),
    case("charset", "ngx.header.content_type = 'text/html; charset=x' " + HELLO, GET),
]

OUTPUT = [
    case("say_many", "for i = 1, 3 do ngx.say(i) end", GET),
    case("print_empty", "ngx.print('') ngx.print('')", GET),
    case(
        "print_empty_10",
        "ngx.print('')",
        KEEP10,
        differs="an empty body is counted as any other",
    ),
    case("print_nothing", "ngx.print()", GET),
    case("print_big", "ngx.print(('x'):rep(100000))", GET),
    case("print_big_10", "ngx.print(('x'):rep(100000))", KEEP10),
    case("print_pieces", "for i = 1, 99 do ngx.print(('x'):rep(i)) end", GET),
    case("flush_first", "ngx.say(tostring(ngx.flush()), select(2, ngx.flush()))", GET),
    case(
        "flush_10",
        "ngx.say('a') local a, b = ngx.flush(true) ngx.say(tostring(a), ' ', b)",
        KEEP10,
    ),
    case("flush_between", "ngx.say('a') ngx.flush(true) ngx.say('b') ngx.flush()", GET),
    case("flush_head", "ngx.send_headers() ngx.flush(true) ngx.say('b')", GET),
    case(
        "flush_length",
        "ngx.header.content_length = 2 ngx.send_headers() "
        "ngx.flush(true) ngx.print('ab')",
        KEEP10,
    ),
    case(
        "eof_say",
        "ngx.say('a') ngx.eof() local a, b = ngx.say('b') "
        "ngx.log(ngx.WARN, tostring(a), ' ', b)",
        GET,
    ),
    case(
        "eof_first",
        "ngx.eof() local a, b = ngx.say('b') ngx.log(ngx.WARN, tostring(a), ' ', b)",
        GET,
    ),
    case(
        "eof_twice",
        "ngx.eof() local a, b = ngx.eof() ngx.log(ngx.WARN, tostring(a), ' ', b)",
        GET,
    ),
    case(
        "eof_flush",
        "ngx.eof() local a, b = ngx.flush() ngx.log(ngx.WARN, tostring(a), ' ', b)",
        GET,
    ),
    case(
        "eof_sleep",
        "ngx.say('a') ngx.eof() ngx.sleep(0.01) ngx.log(ngx.WARN, 'slept')",
        GET,
    ),
    case("eof_10", "ngx.say('a') ngx.eof() ngx.sleep(0.001)", KEEP10),
    case("eof_error", "ngx.say('a') ngx.eof() error('x')", GET),
    case("error_before", "error('x')", GET),
    case("error_before_10", "ngx.say('a') error('x')", KEEP10),
    case("error_after", "ngx.say('a') ngx.flush() error('x')", GET, probe=False),
    case("exit_after", "ngx.say('a') ngx.exit(403)", GET),
    case("exit_after_10", "ngx.say('a') ngx.exit(403)", KEEP10),
    case("exit_500_after", "ngx.say('a') ngx.exit(500)", GET),
    case("exit_error_after", "ngx.say('a') ngx.exit(ngx.ERROR)", GET, probe=False),
    case("exit_444", "ngx.exit(444)", GET),
    case("exit_ok", "ngx.say('a') ngx.exit(ngx.OK)", GET),
    case("exit_http_ok", "ngx.exit(200)", GET),
    case(
        "head_say",
        "local a, b = ngx.say('a') "
        "local c, d = ngx.say('b') ngx.log(ngx.WARN, tostring(a), tostring(b), "
        "tostring(c), d)",
        head(method="HEAD"),
    ),
    case(
        "head_eof",
        "ngx.say('a') local a, b = ngx.eof() "
        "ngx.log(ngx.WARN, tostring(a), tostring(b))",
        head(method="HEAD"),
    ),
    case(
        "head_flush",
        "ngx.send_headers() local a, b = ngx.flush(true) "
        "ngx.log(ngx.WARN, tostring(a), tostring(b))",
        head(method="HEAD"),
    ),
    case("send_twice", "ngx.send_headers() ngx.send_headers() ngx.status = 404", GET),
    case("header_after", "ngx.send_headers() ngx.header.foo = 1", GET),
    case("header_after_10", "ngx.say('a') ngx.header.foo = 1 ngx.status = 201", KEEP10),
    case("redirect", "ngx.redirect('/x')", GET),
    case("redirect_after", "ngx.say('a') ngx.redirect('/x')", GET),
    case("sleep_pipelined", "ngx.sleep(0.001) ngx.say(ngx.var.http_host)", GET * 10),
    case(
        "thread_output",
        "ngx.thread.spawn(function() ngx.sleep(0.001) ngx.say('t') end) ngx.say('m')",
        GET,
    ),
    case("big_header", "ngx.header.big = ('x'):rep(100000) " + HELLO, GET),
    case(
        "thousand_out", "for i = 1, 1000 do ngx.header['x' .. i] = i end " + HELLO, GET
    ),
]

LENGTH_2 = "ngx.header.content_length = 2 "

PAGES = [
    case(f"page_{code}", f"ngx.exit({code})", GET)
    for code in (
        300,
        301,
        302,
        303,
        304,
        305,
        307,
        308,
        309,
        *range(400, 418),
        421,
        426,
        428,
        429,
        430,
        431,
        451,
        *range(493, 499),
        *range(500, 512),
        599,
    )
] + [
    case(
        "page_for_chrome",
        "ngx.exit(404)",
        head("User-Agent: Chrome/1"),
        differs="no browser needs pages padded any more (msie_padding)",
    ),
    case(
        "page_with_headers",
        "ngx.header.x = 1 ngx.header.etag = 'e' "
        "ngx.header.last_modified = 'x' ngx.header.accept_ranges = 'y' "
        "ngx.header.content_type = 'a/b' " + LENGTH_2 + "ngx.exit(404)",
        GET,
    ),
    case("page_head_10", "ngx.exit(503)", head(method="HEAD", version=" HTTP/1.0")),
    case("page_keep_10", "ngx.exit(404)", KEEP10),
    case("page_post", "ngx.exit(405)", post(5) + b"hello"),
]


ESCAPED = "what a terminal would obey is escaped in the error log, too"


def refused(name, *pieces, **options):
    return case(name, HELLO, *pieces, probe=False, **options)


BAD_HEADS = [
    refused(
        "tls_hello", b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03", differs=ESCAPED
    ),
    refused("bad_method", b"get URI HTTP/1.1\r\nHost: t\r\n\r\n"),
    refused("bad_version", b"GET URI HTTP/2.0\r\nHost: t\r\n\r\n"),
    refused("bad_version_head", b"HEAD URI HTTP/9.1\r\nHost: t\r\n\r\n"),
    refused("bad_target", b"GET bad HTTP/1.1\r\nHost: t\r\n\r\n"),
    refused("bad_escape", b"GET URI/%zz HTTP/1.1\r\nHost: t\r\n\r\n"),
    refused(
        "bad_line_quote", b'GET URI"\x01\\\xff bad\r\nHost: t\r\n\r\n', differs=ESCAPED
    ),
    refused("no_host", head(host="")),
    refused("no_host_head", head(host="", method="HEAD")),
    refused("two_hosts", head("Host: b")),
    refused("bad_host", head(host="Host: a b")),
    refused("bad_length", head("Content-Length: x", method="POST")),
    refused("bad_length_10", head("Content-Length: x", version=" HTTP/1.0")),
    refused("two_lengths", head("Content-Length: 1", "Content-Length: 1")),
    refused(
        "length_and_chunked", head("Content-Length: 1", "Transfer-Encoding: chunked")
    ),
    refused("coding", head("Transfer-Encoding: gzip")),
    refused("chunked_10", head("Transfer-Encoding: chunked", version=" HTTP/1.0")),
    refused("bad_header", head("X Y: 1")),
    refused("nul_header", head("X: a\0b")),
    refused("trace", head(method="TRACE")),
    refused("connect", b"CONNECT t:1 HTTP/1.1\r\nHost: t\r\n\r\n"),
    refused("bad_after_good", GET + b"BAD\r\n\r\n"),
    refused("close_mid_line", b"GET URI HT", ends=True),
    refused(
        "close_mid_head", b"GET URI HTTP/1.1\r\nHost: t\r\nReferer: r\r\n", ends=True
    ),
    refused("close_mid_second", GET + b"GET URI", ends=True),
    refused("close_at_once", b"", ends=True),
    refused("close_after_crlf", b"\r\n", ends=True),
    refused("close_after_answer", GET, ends=True),
    refused("crlf_between", GET + b"\r\n\r\n" + CLOSE),
]

LARGE_HEADS = [
    refused("line_414", b"GET URI?" + b"x" * 600 + b" HTTP/1.1\r\nHost: t\r\n\r\n"),
    refused("line_414_endless", b"GET URI?" + b"x" * 600),
    refused("header_494", head("X: " + "x" * 600)),
    refused("header_494_endless", b"GET URI HTTP/1.1\r\nHost: t\r\nX: " + b"x" * 600),
    refused("headers_494", head(*(f"X{i}: " + "x" * 100 for i in range(20)))),
    refused("fits", head("X: " + "x" * 400, "Connection: close")),
    refused("head_494", head("X: " + "x" * 600, method="HEAD")),
    refused("ten_494", head("X: " + "x" * 600, version=" HTTP/1.0")),
]

MANY_HEADERS = [
    refused("thousand", head("Connection: close", *(f"X{i}: {i}" for i in range(990)))),
    refused(
        "too_large",
        head("Connection: close", *(f"X{i}: " + "x" * 30 for i in range(1000))),
    ),
]

COUNT = """ngx.req.read_body()
local n = 0 for _ in pairs(ngx.req.get_headers(0)) do n = n + 1 end ngx.say(n)"""

HEADERS_IN = [
    case(f"headers_{n}", COUNT, head(*(f"X{i}: {i}" for i in range(n))))
    for n in (1, 100, 1000)
]

LOGS = [
    case("log_fields", HELLO, head("Referer: http://r/", "User-Agent: me/1 (x)")),
    case("log_escapes", HELLO, head('Referer: "q" \\ \xe4\x7f', "User-Agent: a\tb")),
    case("log_line_escapes", HELLO, b'GET URI?"\\\xe4 HTTP/1.1\r\nHost: t\r\n\r\n'),
    case(
        "log_line_quote",
        "ngx.log(ngx.WARN, 'x')",
        b'GET URI?"q" HTTP/1.1\r\nHost: t\r\n\r\n',
        differs=ESCAPED,
    ),
    case("log_empty", HELLO, head("Referer:", "User-Agent: ")),
    case("log_twice", HELLO, head("Referer: a", "User-Agent: b", "X: c")),
    case("log_user", HELLO, head("Authorization: Basic YTpi")),
    case("log_user_empty", HELLO, head("Authorization: Basic Og==")),
    case("log_user_bad", HELLO, head("Authorization: Basic ?")),
    case("log_user_quote", HELLO, head("Authorization: Basic YSJiOmM=")),
    case("log_error", "ngx.log(ngx.ERR, 'x')", head("Referer: http://r/")),
    case(
        "log_absolute",
        "ngx.log(ngx.ERR, 'x')",
        b"GET http://h/URI HTTP/1.0\r\n\r\n".replace(b"/URI", b"URI"),
    ),
    case("log_notes", HELLO, head("bad_name: 1", "Good: 2")),
    case("log_early_exit", "ngx.exit(444)", GET),
    case("log_503", "ngx.exit(503)", GET),
    case("log_send_status", "ngx.status = 207 ngx.say('a') ngx.exit(207)", GET),
    case(
        "log_bytes",
        "ngx.log(ngx.WARN, ngx.var.bytes_sent, ' ', "
        "ngx.var.body_bytes_sent) ngx.print(('x'):rep(5000)) ngx.log(ngx.WARN, "
        "ngx.var.body_bytes_sent)",
        GET,
    ),
]

FEW_REQUESTS = [
    case(
        "requests_3", "ngx.say(ngx.var.connection_requests)", GET, GET, GET, probe=False
    ),
    case("requests_pipelined", HELLO, GET * 5, probe=False),
    case("requests_head", HELLO, head(method="HEAD") * 5, probe=False),
]

NO_KEEPALIVE = [
    case("no_keepalive", HELLO, GET),
    case("no_keepalive_10", HELLO, KEEP10),
]

GROUPS = {
    "versions": ({}, VERSIONS),
    "output": ({}, OUTPUT),
    "pages": ({}, PAGES),
    "bad_heads": ({"lingering_timeout": "50ms"}, BAD_HEADS),
    "large_heads": (
        {"client_header_buffer_size": "256", "large_client_header_buffers": "2 512"},
        LARGE_HEADS,
    ),
    "many_headers": ({}, MANY_HEADERS),
    "headers_in": ({"large_client_header_buffers": "4 32k"}, HEADERS_IN),
    "unbuffered_10": (
        {"lua_http10_buffering": "off"},
        [
            case("unbuffered", "ngx.say('a') ngx.say('b')", KEEP10),
            case("unbuffered_length", LENGTH_2 + "ngx.say('a')", KEEP10),
            case("unbuffered_flush", "ngx.say(ngx.flush()) ngx.flush()", GET10),
        ],
    ),
    "no_default_type": (
        {"lua_use_default_type": "off"},
        [case("typeless", HELLO, GET), case("typeless_exit", "ngx.exit(404)", GET)],
    ),
    "logs": ({}, LOGS),
    "few_requests": ({"keepalive_requests": "2"}, FEW_REQUESTS),
    "no_keepalive": ({"keepalive_timeout": "0"}, NO_KEEPALIVE),
}
