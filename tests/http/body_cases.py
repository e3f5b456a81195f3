"""Conversations about request bodies, and about what does not come."""

from server_cases import GET, HELLO, case, chunks, head, post, refused

READ = """
ngx.req.read_body()
local data = ngx.req.get_body_data()
ngx.say(data and #data or "none", " ", data and ngx.crc32_long(data) or 0)
"""

BODIES = [
    case("read", READ, post(5) + b"hello"),
    case("read_10", READ, post(5, version=" HTTP/1.0") + b"hello"),
    case("read_pieces", READ, post(10), b"hello", b"world"),
    case("read_chunked", READ, chunks() + b"5\r\nhello\r\n0\r\n\r\n"),
    case(
        "read_chunk_pieces", READ, chunks(), b"5\r\nhe", b"llo\r", b"\n0\r\n", b"\r\n"
    ),
    case("read_chunk_trailer", READ, chunks() + b"1;a=b\r\nh\r\n0\r\nT: v\r\n\r\n"),
    case("read_zero", READ, post(0)),
    case("read_chunked_zero", READ, chunks() + b"0\r\n\r\n"),
    case("read_none", READ, GET),
    case("read_twice", READ + READ, post(5) + b"hello"),
    case("read_big", READ, post(100000) + b"0123456789" * 10000),
    case(
        "read_big_chunked",
        READ,
        chunks() + b"186a0\r\n" + b"0123456789" * 10000 + b"\r\n0\r\n\r\n",
    ),
    case("unread", HELLO, post(5) + b"hello"),
    case("unread_big", HELLO, post(100000) + b"x" * 100000),
    case("unread_late", HELLO, post(10) + b"hello", b"world"),
    case("unread_chunked", HELLO, chunks() + b"5\r\nhello\r\n0\r\n\r\n"),
    case(
        "unread_chunked_bad",
        HELLO,
        chunks() + b"zz\r\n",
        probe=False,
        differs="an answer that is complete goes out, whatever comes behind",
    ),
    case("unread_close", HELLO, post(5, "Connection: close") + b"hello", probe=False),
    case("unread_exit", "ngx.exit(404)", post(5) + b"hello"),
    case("unread_400", "ngx.exit(400)", post(5) + b"hello"),
    case("unread_error", "error('x')", post(5) + b"hello"),
    case("discard", "ngx.req.discard_body() " + HELLO, post(5) + b"hello"),
    case(
        "discard_chunked",
        "ngx.req.discard_body() " + HELLO,
        chunks() + b"5\r\nhello\r\n0\r\n\r\n",
    ),
    case("discard_read", "ngx.req.discard_body() " + READ, post(5) + b"hello"),
    case("read_discard", READ + "ngx.req.discard_body()", post(5) + b"hello"),
    case("bad_chunk", READ, chunks() + b"zz\r\n", probe=False),
    case("bad_chunk_end", READ, chunks() + b"5\r\nhelloXX", probe=False),
    case("premature", READ, post(10) + b"hello", ends=True, probe=False),
    case("premature_chunked", READ, chunks() + b"9\r\nhello", ends=True, probe=False),
    case("premature_unread", HELLO, post(10) + b"hello", ends=True, probe=False),
    case(
        "premature_discard",
        "ngx.req.discard_body() " + HELLO,
        post(10) + b"hello",
        ends=True,
        probe=False,
    ),
    case("expect", READ, post(5, "Expect: 100-continue"), b"hello"),
    case("expect_at_once", READ, post(5, "Expect: 100-continue") + b"hello"),
    case("expect_unread", HELLO, post(5, "Expect: 100-continue") + b"hello"),
    case(
        "expect_no_body",
        READ,
        head("Expect: 100-continue"),
        differs="nobody is asked to go on who has nothing to send",
    ),
    case(
        "expect_10",
        READ,
        post(5, "Expect: 100-continue", version=" HTTP/1.0") + b"hello",
    ),
    case("expect_other", READ, post(5, "Expect: x") + b"hello"),
    case(
        "expect_chunked", READ, chunks("Expect: 100-continue"), b"1\r\na\r\n0\r\n\r\n"
    ),
    case(
        "expect_after_output",
        "ngx.say('early') ngx.flush(true) " + READ,
        post(5, "Expect: 100-continue"),
        b"hello",
        differs="an interim answer inside a response would be read as its body",
    ),
    case("get_with_body", READ, head("Content-Length: 2") + b"hi"),
    case("read_after_output", "ngx.say('early') " + READ, post(5) + b"hello"),
]

WHERE = """ngx.req.read_body() local file = ngx.req.get_body_file()
local data = ngx.req.get_body_data()
ngx.say(file and "file" or "memory", " ", data and #data)"""

# Around client_body_buffer_size and a quarter more. What nginx reads together
# with the head does not count, so the body comes behind it.
BODY_FILES = [
    case(f"{kind}_{size}", WHERE, *pieces)
    for size in (1000, 1024, 1025, 1279, 1280, 1281, 3000)
    for kind, pieces in {
        "counted": [post(size, "Expect: 100-continue"), b"x" * size],
        "chunked": [
            chunks("Expect: 100-continue"),
            b"%x\r\n%b\r\n0\r\n\r\n" % (size, b"x" * size),
        ],
    }.items()
]

SMALL_BODIES = [
    case("large_413", READ, post(200), probe=False),
    case("large_413_sent", READ, post(200) + b"x" * 200, probe=False),
    case("large_413_unread", HELLO, post(200) + b"x" * 200, probe=False),
    case("large_413_10", READ, post(200, version=" HTTP/1.0"), probe=False),
    case(
        "large_413_head", READ, head("Content-Length: 200", method="HEAD"), probe=False
    ),
    case("large_413_expect", READ, post(200, "Expect: 100-continue"), probe=False),
    case(
        "chunked_413",
        READ,
        chunks() + b"64\r\n" + b"x" * 100 + b"\r\n1\r\nx\r\n",
        probe=False,
    ),
    case("chunked_413_one", READ, chunks() + b"c8\r\n" + b"x" * 10, probe=False),
    case(
        "chunked_413_unread",
        HELLO,
        chunks() + b"c8\r\n" + b"x" * 200 + b"\r\n0\r\n\r\n",
    ),
    case("exact", READ, post(100) + b"x" * 100),
    case("exact_chunked", READ, chunks() + b"64\r\n" + b"x" * 100 + b"\r\n0\r\n\r\n"),
]

TIMEOUTS = [
    refused("timeout_silent"),
    refused("timeout_crlf", b"\r\n"),
    refused("timeout_line", b"GET URI"),
    refused("timeout_headers", b"GET URI HTTP/1.1\r\nHost: t\r\n"),
    refused("timeout_keepalive", GET),
    refused("timeout_second", GET + b"GET UR"),
    case(
        "timeout_body",
        READ,
        post(10) + b"hello",
        probe=False,
    ),
    case(
        "timeout_chunked",
        READ,
        chunks() + b"5\r\nhe",
        probe=False,
    ),
    case("timeout_unread", HELLO, post(10) + b"hello", probe=False),
    case(
        "timeout_unread_close",
        HELLO,
        post(10, "Connection: close") + b"hello",
        probe=False,
    ),
    case(
        "timeout_discard",
        "ngx.req.discard_body() " + HELLO,
        post(10) + b"hello",
        probe=False,
    ),
]


GROUPS = {
    "bodies": ({"client_body_buffer_size": "8k"}, BODIES),
    "body_files": ({"client_body_buffer_size": "1k"}, BODY_FILES),
    "small_bodies": (
        {"client_max_body_size": "100", "lingering_timeout": "50ms"},
        SMALL_BODIES,
    ),
    "timeouts": (
        {
            "client_header_timeout": "50ms",
            "client_body_timeout": "50ms",
            "keepalive_timeout": "50ms",
            "lingering_timeout": "50ms",
        },
        TIMEOUTS,
    ),
}
