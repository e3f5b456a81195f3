"""Conversations for nginx and our server to hold alike, grouped by settings.

A case is a content handler and the bytes that a client sends it. ``URI`` in
them stands for the case's own path. PROBE, a request that closes, comes behind
most: it is answered where the connection was kept.
"""

from __future__ import annotations

from dataclasses import dataclass, field

PROBE = b"GET URI HTTP/1.1\r\nHost: probe\r\nConnection: close\r\n\r\n"
HELLO = "ngx.say('hello')"


@dataclass(frozen=True)
class Case:
    """A conversation.

    Attributes:
        pieces: what the client sends, one segment each.
        ends: whether it then says that no more comes.
    """

    name: str
    lua: str
    pieces: tuple[bytes, ...]
    ends: bool = False


def case(name, lua, *pieces, probe=True, ends=False):
    raw = [piece.replace(b"URI", b"/" + name.encode()) for piece in pieces]
    if probe:
        raw[-1] += PROBE.replace(b"URI", b"/" + name.encode())
    return Case(name, lua, tuple(raw), ends)


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


READ = """
ngx.req.read_body()
local data = ngx.req.get_body_data()
ngx.say(data and #data or "none", " ", data and ngx.crc32_long(data) or 0)
"""

VERSIONS = [
    case("plain", HELLO, GET),
    case("plain_close", HELLO, CLOSE),
    case("plain_10", HELLO, GET10),
    case("keep_10", HELLO, KEEP10),
    case("plain_09", HELLO, b"GET URI\r\n", probe=False),
    case("plain_09_probe", HELLO, b"GET URI\r\n"),
    case("close_in_list", HELLO, head("Connection: foo, close")),
    case("keep_alive_11", HELLO, head("Connection: Keep-Alive")),
    case("head_11", HELLO, head(method="HEAD")),
    case("head_10", HELLO, head(method="HEAD", version=" HTTP/1.0")),
    case("head_keep_10", HELLO,
         head("Connection: keep-alive", method="HEAD", version=" HTTP/1.0")),
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
    case("status_101", "ngx.status = 101 ngx.say(1)", GET, ends=True, probe=False),
    case("status_100", "ngx.status = 100 ngx.say(1)", GET, ends=True, probe=False),
    case("status_150", "ngx.status = 150 ngx.send_headers() ngx.say(1)", CLOSE,
         ends=True, probe=False),
    case("status_1000", "ngx.status = 1000 ngx.say(1)", GET),
    case("status_99", "ngx.status = 99 ngx.say(1)", GET, ends=True, probe=False),
    case("status_600", "ngx.status = 600 ngx.say(1)", GET),
    case("status_404", "ngx.status = 404 ngx.say('mine')", GET),
    case("status_404_no_body", "ngx.status = 404", GET),
    case("status_500_body", "ngx.status = 500 ngx.say('mine')", GET),
    case("length", "ngx.header.content_length = 6 " + HELLO, GET),
    case("length_10", "ngx.header.content_length = 6 " + HELLO, KEEP10),
    case("length_short", "ngx.header.content_length = 9 " + HELLO, GET,
         ends=True, probe=False),
    case("length_text", "ngx.header.content_length = 'abc' " + HELLO, GET),
    case("transfer_encoding", "ngx.header.transfer_encoding = 'x' " + HELLO, GET),
    case("connection_header", "ngx.header.connection = 'close' " + HELLO, GET),
    case("connection_keep", "ngx.header.connection = 'keep-alive' " + HELLO, CLOSE),
    case("date_header", "ngx.header.date = 'x' ngx.header.server = 'y' " + HELLO, GET),
    case("last_modified", "ngx.header.last_modified = 'Mon, 01 Jan 2024 00:00:00 GMT' "
         + HELLO, GET),
    case("no_type", "ngx.header.content_type = nil " + HELLO, GET),
    case("empty_type", "ngx.header.content_type = '' " + HELLO, GET),
    case("charset", "ngx.header.content_type = 'text/html; charset=x' " + HELLO, GET),
]

OUTPUT = [
    case("say_many", "for i = 1, 3 do ngx.say(i) end", GET),
    case("print_empty", "ngx.print('') ngx.print('')", GET),
    case("print_empty_10", "ngx.print('')", KEEP10),
    case("print_nothing", "ngx.print()", GET),
    case("print_big", "ngx.print(('x'):rep(100000))", GET),
    case("print_big_10", "ngx.print(('x'):rep(100000))", KEEP10),
    case("print_pieces", "for i = 1, 300 do ngx.print(('x'):rep(i)) end", GET),
    case("flush_first", "ngx.say(tostring(ngx.flush()), select(2, ngx.flush()))", GET),
    case("flush_10", "ngx.say('a') local a, b = ngx.flush(true) "
         "ngx.say(tostring(a), ' ', b)", KEEP10),
    case("flush_between", "ngx.say('a') ngx.flush(true) ngx.say('b') ngx.flush()", GET),
    case("flush_head", "ngx.send_headers() ngx.flush(true) ngx.say('b')", GET),
    case("flush_length", "ngx.header.content_length = 2 ngx.send_headers() "
         "ngx.flush(true) ngx.print('ab')", KEEP10),
    case("eof_say", "ngx.say('a') ngx.eof() local a, b = ngx.say('b') "
         "ngx.log(ngx.WARN, tostring(a), ' ', b)", GET),
    case("eof_first", "ngx.eof() local a, b = ngx.say('b') "
         "ngx.log(ngx.WARN, tostring(a), ' ', b)", GET),
    case("eof_twice", "ngx.eof() local a, b = ngx.eof() "
         "ngx.log(ngx.WARN, tostring(a), ' ', b)", GET),
    case("eof_flush", "ngx.eof() local a, b = ngx.flush() "
         "ngx.log(ngx.WARN, tostring(a), ' ', b)", GET),
    case("eof_sleep", "ngx.say('a') ngx.eof() ngx.sleep(0.01) "
         "ngx.log(ngx.WARN, 'slept')", GET),
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
    case("head_say", "local a, b = ngx.say('a') "
         "local c, d = ngx.say('b') ngx.log(ngx.WARN, tostring(a), tostring(b), "
         "tostring(c), d)", head(method="HEAD")),
    case("head_eof", "ngx.say('a') local a, b = ngx.eof() "
         "ngx.log(ngx.WARN, tostring(a), tostring(b))", head(method="HEAD")),
    case("head_flush", "ngx.send_headers() local a, b = ngx.flush(true) "
         "ngx.log(ngx.WARN, tostring(a), tostring(b))", head(method="HEAD")),
    case("send_twice", "ngx.send_headers() ngx.send_headers() ngx.status = 404", GET),
    case("header_after", "ngx.send_headers() ngx.header.foo = 1", GET),
    case("header_after_10", "ngx.say('a') ngx.header.foo = 1 ngx.status = 201", KEEP10),
    case("redirect", "ngx.redirect('/x')", GET),
    case("redirect_after", "ngx.say('a') ngx.redirect('/x')", GET),
    case("sleep_pipelined", "ngx.sleep(0.001) ngx.say(ngx.var.http_host)", GET * 10),
    case("thread_output", "ngx.thread.spawn(function() ngx.sleep(0.001) ngx.say('t') "
         "end) ngx.say('m')", GET),
    case("big_header", "ngx.header.big = ('x'):rep(100000) " + HELLO, GET),
    case("thousand_out", "for i = 1, 1000 do ngx.header['x' .. i] = i end " + HELLO,
         GET),
]

PAGES = [
    case(f"page_{code}", f"ngx.exit({code})", GET)
    for code in (300, 301, 302, 303, 304, 305, 307, 308, 309, *range(400, 418), 421,
                 426, 428, 429, 430, 431, 451, *range(493, 499), *range(500, 512), 599)
]

GROUPS = {
    "versions": ({}, VERSIONS),
    "output": ({}, OUTPUT),
    "pages": ({}, PAGES),
}
CASES = [case for _, cases in GROUPS.values() for case in cases]
