"""Conversations about ngx.req.socket for nginx and our server to hold alike."""

from server_cases import CLOSE, GET, GET10, PROBE, case, chunks, head, post

#: Shows values where output is still possible, and in the error log.
SHOW = """
local function show(...)
    local pieces = {}
    for i = 1, select("#", ...) do
        pieces[i] = tostring((select(i, ...))):gsub("0x%x+", "0x")
    end
    ngx.log(ngx.WARN, table.concat(pieces, " "))
    return table.concat(pieces, " ")
end
local function try(f, ...) local text = show(pcall(f, ...)) return text end
""".replace("\n", " ")

LEFT = "what a socket leaves of a body is never read as the next request"

BODY = SHOW + "local sock, err = ngx.req.socket() "
RAW = SHOW + "local sock, err = ngx.req.socket(true) "


def body(name, lua, *pieces, **options):
    return case(f"body_{name}", BODY + lua, *pieces, **options)


def raw(name, lua, *pieces, **options):
    return case(f"raw_{name}", RAW + lua, *pieces, **{"probe": False, **options})


def before_raw(name, lua, *pieces, **options):
    return case(f"raw_{name}", SHOW + lua, *pieces, **{"probe": False, **options})


HELLO5 = post(5) + b"hello"

BODY_SOCKETS = [
    body("exact", "show(sock:receive(5)) ngx.say('ok')", HELLO5),
    body("two_reads", "show(sock:receive(2)) show(sock:receive(3))", HELLO5),
    body("too_much", "show(sock:receive(9)) show(sock:receive(1))", HELLO5),
    body("all", "show(sock:receive('*a')) show(sock:receive('*a'))", HELLO5),
    body(
        "line",
        "show(sock:receive()) show(sock:receive()) show(sock:receive())",
        post(8) + b"ab\r\ncdef",
    ),
    body(
        "any",
        "show(sock:receiveany(3)) show(sock:receiveany(9)) show(sock:receiveany(9))",
        HELLO5,
    ),
    body(
        "until",
        "local read = sock:receiveuntil('l') show(read()) show(read()) "
        "show(read()) show(read())",
        HELLO5,
    ),
    body("none_read", "ngx.say('ok')", HELLO5, differs=LEFT),
    body("some_read", "show(sock:receive(2)) ngx.say('ok')", HELLO5),
    body(
        "some_read_big",
        "show(sock:receive(2)) ngx.say('ok')",
        post(100000) + b"x" * 100000,
        differs=LEFT,
    ),
    body(
        "big",
        "local n = 0 while true do local data, err, part = sock:receive(4096) "
        "n = n + #(data or part) if not data then show(err, n) break end end",
        post(100000) + b"x" * 100000,
    ),
    body("zero", "show(sock, err)", post(0)),
    body("no_body", "show(sock, err)", GET),
    body("chunked", "show(sock, err)", chunks() + b"5\r\nhello\r\n0\r\n\r\n"),
    body("duplicate", "show(ngx.req.socket())", HELLO5, differs=LEFT),
    body(
        "then_read",
        "try(ngx.req.read_body) show(ngx.req.get_body_data())",
        HELLO5,
        differs=LEFT,
    ),
    body("then_discard", "try(ngx.req.discard_body) show(sock:receive(2))", HELLO5),
    body(
        "fields",
        "show(sock.send, sock.connect, sock.close, sock.setkeepalive, "
        "sock.bind, sock.getreusedtimes, sock.sslhandshake, sock.setoption)",
        HELLO5,
        differs=LEFT,
    ),
    body(
        "methods",
        "show(type(sock.receive), type(sock.receiveany), "
        "type(sock.receiveuntil), type(sock.settimeout), type(sock.settimeouts))",
        HELLO5,
        differs=LEFT,
    ),
    body(
        "aborted",
        "show(sock:receive(9)) show(sock:receive(9))",
        post(9) + b"hello",
        ends=True,
        probe=False,
    ),
    body("expect", "show(sock:receive(5))", post(5, "Expect: 100-continue"), b"hello"),
    body(
        "10",
        "show(sock:receive(5)) ngx.say('ok')",
        post(5, "Connection: keep-alive", version=" HTTP/1.0") + b"hello",
    ),
    body("exit", "show(sock:receive(2)) ngx.exit(404)", HELLO5),
    body("error", "show(sock:receive(2)) error('x', 0)", HELLO5),
    case(
        "body_after_read", SHOW + "ngx.req.read_body() show(ngx.req.socket())", HELLO5
    ),
    case(
        "body_after_discard",
        SHOW + "ngx.req.discard_body() show(ngx.req.socket())",
        HELLO5,
    ),
    case("body_arguments", SHOW + "try(ngx.req.socket, 1, 2)", HELLO5),
    case(
        "body_false", SHOW + "show(type((ngx.req.socket(false))))", HELLO5, differs=LEFT
    ),
]

LINES = (
    "while true do local line, err = sock:receive() if not line then "
    "show(err) break end sock:send(line .. '\\n') end"
)

RAW_SOCKETS = [
    raw("echo", LINES, GET + b"a\nb\n", ends=True),
    raw("echo_pieces", LINES, GET, b"a\n", b"b\n", ends=True),
    raw("send", "show(sock:send('x')) show(sock:send({'a', {1}}))", GET),
    raw("nothing", "", GET),
    raw("nothing_end", "", GET, ends=True),
    raw(
        "say",
        "show(ngx.say(1)) show(ngx.print(1)) show(ngx.flush()) "
        "show(ngx.eof()) show(ngx.send_headers()) sock:send('x')",
        GET,
    ),
    raw("status", "ngx.status = 404 ngx.header.foo = 1 sock:send('x')", GET),
    raw("exit", "sock:send('x') ngx.exit(404)", GET),
    raw("exit_444", "sock:send('x') ngx.exit(444)", GET),
    raw("redirect", "try(ngx.redirect, '/x') sock:send('x')", GET),
    raw("error", "sock:send('x') error('y', 0)", GET),
    raw("duplicate", "show(ngx.req.socket(true)) sock:send('x')", GET),
    raw("then_body", "show(ngx.req.socket()) sock:send('x')", HELLO5),
    raw("then_read", "try(ngx.req.read_body) sock:send('x')", HELLO5),
    raw("body", "show(sock:receive(5)) sock:send('x')", HELLO5),
    raw(
        "body_chunked",
        "show(sock:receive('*a')) sock:send('x')",
        chunks() + b"2\r\nab\r\n0\r\n\r\n",
        ends=True,
    ),
    raw("pipelined", "show(sock:receive()) sock:send('x')", GET, PROBE),
    raw(
        "half_close",
        "show(sock:receive('*a')) show(sock:receive(1)) show(sock:send('bye'))",
        GET + b"last",
        ends=True,
    ),
    raw(
        "timeout",
        "sock:settimeout(20) show(sock:receive()) show(sock:send('x'))",
        GET + b"part",
    ),
    raw("10", "sock:send('x')", GET10),
    raw(
        "fields",
        "show(sock.connect, sock.close, sock.setkeepalive, sock.bind, "
        "sock.getreusedtimes, sock.sslhandshake, sock.setoption)",
        GET,
    ),
    raw("big", "show(sock:send(('x'):rep(1000000)))", GET),
    before_raw(
        "after_say",
        "ngx.say('a') local sock, err = ngx.req.socket(true) "
        "show(type(sock), err) sock:send('x')",
        GET,
    ),
    before_raw(
        "after_flush",
        "ngx.say('a') ngx.flush(true) "
        "local sock, err = ngx.req.socket(true) sock:send('x')",
        GET,
    ),
    before_raw(
        "after_headers",
        "ngx.send_headers() ngx.flush(true) "
        "local sock, err = ngx.req.socket(true) sock:send('x')",
        GET,
    ),
    before_raw(
        "upgrade",
        "ngx.status = 101 ngx.header.upgrade = 'lines' "
        "ngx.send_headers() ngx.flush(true) local sock = ngx.req.socket(true) " + LINES,
        head("Connection: upgrade", "Upgrade: lines") + b"hi\n",
        ends=True,
    ),
    before_raw("buffering", "ngx.say('a') show(ngx.req.socket(true))", GET10),
    before_raw(
        "after_eof",
        "ngx.eof() local sock, err = ngx.req.socket(true) "
        "show(type(sock), err) if sock then sock:send('x') end",
        GET,
    ),
    before_raw(
        "after_read",
        "ngx.req.read_body() local sock = ngx.req.socket(true) "
        "show(ngx.req.get_body_data()) show(sock:receive()) sock:send('x')",
        HELLO5 + b"more\n",
    ),
    before_raw(
        "after_discard",
        "ngx.req.discard_body() "
        "local sock = ngx.req.socket(true) show(sock:receive()) sock:send('x')",
        HELLO5 + b"more\n",
    ),
    before_raw(
        "after_body",
        "local first = ngx.req.socket() show(first:receive(5)) "
        "local sock, err = ngx.req.socket(true) show(type(sock), err) "
        "if sock then show(sock:receive()) sock:send('x') end",
        HELLO5 + b"more\n",
    ),
    before_raw(
        "during_body",
        "local first = ngx.req.socket() show(first:receive(2)) "
        "local sock, err = ngx.req.socket(true) show(type(sock), err)",
        post(9) + b"hello",
        ends=True,
        differs=LEFT,
    ),
    before_raw(
        "during_read",
        "ngx.thread.spawn(function() ngx.req.read_body() end) "
        "show(ngx.req.socket(true)) ngx.exit(ngx.OK)",
        post(9) + b"hello",
        ends=True,
        differs="the rest of the body is awaited, and the connection kept",
    ),
    before_raw("close", "local sock = ngx.req.socket(true) sock:send('x')", CLOSE),
]

GROUPS = {
    "body_sockets": ({"lingering_timeout": "50ms"}, BODY_SOCKETS),
    "raw_sockets": ({"lingering_timeout": "50ms"}, RAW_SOCKETS),
    "abort_sockets": (
        {"lua_check_client_abort": "on", "lingering_timeout": "50ms"},
        [
            raw(
                "abort", "show(sock:receive('*a')) show(sock:send('x'))", GET, ends=True
            ),
            body(
                "abort",
                "show(sock:receive('*a'))",
                post(9) + b"a",
                ends=True,
                probe=False,
            ),
        ],
    ),
}
