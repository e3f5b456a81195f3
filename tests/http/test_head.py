"""lualib/resty_py/http/head.lua: what is read, refused, awaited and kept.

Expected values are nginx 1.22's and RFC 9112's. What the real nginx says of
thousands of heads is compared in test_head_differential.py.
"""

import pytest
from head_corpus import LIMITS, shapes, small_buffers
from head_probe import Reader

from resty_py.vm import FLAVOURS

CURL = (
    b"GET /a?b=c HTTP/1.1\r\nHost: A.Example:80\r\nUser-Agent: x\r\nAccept: */*\r\n\r\n"
)
LINE = b" while reading client request line"
HEADERS = b" while reading client request headers"


@pytest.fixture(scope="module", params=FLAVOURS)
def reader(request):
    return Reader(request.param)


def test_a_plain_request(reader):
    outcome = reader.fast(CURL)
    assert outcome.refused is None
    assert outcome.values == {
        "method": b"GET",
        "target": b"/a?b=c",
        "version": b"11",
        "request_line": b"GET /a?b=c HTTP/1.1",
        "n": b"3",
        "host": b"a.example",
        "host_header": b"A.Example:80",
        "keepalive": b"true",
        "uri": b"/a",
        "args": b"b=c",
        "request_uri": b"/a?b=c",
        "next": b"%d" % (len(CURL) + 1),
        "raw": CURL,
        "raw_fields": CURL.partition(b"\r\n")[2],
    }
    assert outcome.fields == [
        (b"Host", b"A.Example:80"),
        (b"User-Agent", b"x"),
        (b"Accept", b"*/*"),
    ]
    assert outcome.notes == []


def test_what_was_read_before_is_read_the_same(reader):
    first = reader.fast(CURL)
    assert [reader.fast(CURL) for _ in range(3)] == [first] * 3


def test_reading_begins_and_ends_where_it_should(reader):
    outcome = reader.fast(b"rest" + CURL + b"GET /next", start=5)
    assert outcome.values["next"] == b"%d" % (len(CURL) + 5)
    assert outcome.values["raw"] == CURL


def head(*lines: bytes, first: bytes = b"POST / HTTP/1.1") -> bytes:
    return b"\r\n".join([first, b"Host: a", *lines, b"", b""])


@pytest.mark.parametrize(
    ("data", "name", "value"),
    [
        (head(b"Content-Length: 12"), "content_length", b"12"),
        (head(), "content_length", None),
        (head(b"Transfer-Encoding: Chunked"), "chunked", b"true"),
        (head(), "chunked", None),
        (head(b"Expect: 100-Continue"), "expect", b"true"),
        (head(b"Expect: 100-continue", first=b"POST / HTTP/1.0"), "expect", None),
        (head(b"Expect: x"), "expect", None),
        (head(), "keepalive", b"true"),
        (head(first=b"GET / HTTP/1.0"), "keepalive", b"false"),
        (
            head(b"Connection: Keep-Alive", first=b"GET / HTTP/1.0"),
            "keepalive",
            b"true",
        ),
        (head(b"Connection: close"), "keepalive", b"false"),
        (head(b"Connection: upgrade"), "keepalive", b"true"),
        (head(b"Connection: close", b"Connection: keep-alive"), "keepalive", b"true"),
        (head(first=b"GET http://B.c:8/x?y HTTP/1.1"), "host", b"b.c"),
        (head(first=b"GET http://B.c:8/x?y HTTP/1.1"), "host_header", b"a"),
        (head(first=b"GET http://B.c:8/x?y HTTP/1.1"), "request_uri", b"/x?y"),
        (head(first=b"GET http://b?y HTTP/1.1"), "uri", b"/"),
        (head(first=b"GET http://b?y HTTP/1.1"), "request_uri", b"?y"),
        (head(first=b"GET http://b HTTP/1.1"), "request_uri", b"/"),
        (head(first=b"GET /a/b.tar.gz HTTP/1.1"), "exten", b"gz"),
        (head(first=b"GET / HTTP/1.5"), "version", b"15"),
        (b"GET /a\r\n", "version", b"9"),
        (b"GET /a\r\n", "keepalive", b"false"),
        (b"GET / HTTP/1.0\r\n\r\n", "host", None),
        (b"GET / HTTP/1.0\r\nHost: [::1]:80\r\n\r\n", "host", b"[::1]"),
        (b"GET / HTTP/1.0\n\n", "next", b"17"),
        (b"\r\n\r\nGET / HTTP/1.0\r\n\r\n", "raw", b"GET / HTTP/1.0\r\n\r\n"),
    ],
)
def test_what_a_head_means(reader, data, name, value):
    outcome = reader.read(data)
    assert outcome.refused is None
    assert outcome.values.get(name) == value


@pytest.mark.parametrize(
    ("data", "status", "reason"),
    [
        (b"\x16\x03\x01\x02", 400, b"client sent invalid method" + LINE),
        (b"get / HTTP/1.1\r\n", 400, b"client sent invalid method" + LINE),
        (b"GET * HTTP/1.1\r\n", 400, b"client sent invalid request" + LINE),
        (b"GET /.. HTTP/1.1\r\n", 400, b"client sent invalid request" + LINE),
        (b"GET /a\rb", 400, b"client sent invalid request" + LINE),
        (b"GET / HTTP/2.0\r\n", 505, b"client sent invalid version" + LINE),
        (
            b"POST /\r\n",
            400,
            b"client sent invalid method in HTTP/0.9 request" + LINE,
        ),
        (
            b"GET http://../ HTTP/1.1\r\n",
            400,
            b"client sent invalid host in request line" + LINE,
        ),
        (b"\r\n" * 600, 400, b"client sent invalid request" + LINE),
        (
            b"GET / HTTP/1.1\r\nA B: c\r\n",
            400,
            b'client sent invalid header line: "A\\x20..."' + HEADERS,
        ),
        (
            head(b"A: b", b" c"),
            400,
            b'client sent invalid header line: "\\x20..."' + HEADERS,
        ),
        (
            head(b"A: b\x00c"),
            400,
            b'client sent invalid header line: "A: b\\x00..."' + HEADERS,
        ),
        (
            head(b"A: b  \rc"),
            400,
            b'client sent invalid header line: "A: b\\x20..."' + HEADERS,
        ),
        (
            head(b"host: b"),
            400,
            b'client sent duplicate host header: "host: b", previous value: "Host: a"'
            + HEADERS,
        ),
        (
            head(b"Content-Length: 1", b"Content-Length: 1"),
            400,
            b'client sent duplicate header line: "Content-Length: 1", '
            b'previous value: "Content-Length: 1"' + HEADERS,
        ),
        (
            b"GET / HTTP/1.1\r\nHost: a/b\r\n",
            400,
            b"client sent invalid host header" + HEADERS,
        ),
        (
            b"GET / HTTP/1.1\r\n\r\n",
            400,
            b'client sent HTTP/1.1 request without "Host" header' + HEADERS,
        ),
        (
            head(b"Content-Length: 1, 1"),
            400,
            b'client sent invalid "Content-Length" header' + HEADERS,
        ),
        (
            head(b"Content-Length: 9223372036854775808"),
            400,
            b'client sent invalid "Content-Length" header' + HEADERS,
        ),
        (
            head(b"Transfer-Encoding: chunked", first=b"POST / HTTP/1.0"),
            400,
            b'client sent HTTP/1.0 request with "Transfer-Encoding" header' + HEADERS,
        ),
        (
            head(b"Transfer-Encoding: chunked", b"Content-Length: 1"),
            400,
            b'client sent "Content-Length" and "Transfer-Encoding" headers '
            b"at the same time" + HEADERS,
        ),
        (
            head(b"Transfer-Encoding: gzip, chunked"),
            501,
            b'client sent unknown "Transfer-Encoding": "gzip, chunked"' + HEADERS,
        ),
        (
            head(b"Transfer-Encoding:\tchunked"),
            501,
            b'client sent unknown "Transfer-Encoding": "\tchunked"' + HEADERS,
        ),
        (head(first=b"TRACE / HTTP/1.1"), 405, b"client sent TRACE method" + HEADERS),
        (
            head(first=b"CONNECT / HTTP/1.1"),
            405,
            b"client sent CONNECT method" + HEADERS,
        ),
        (
            b"GET /%b" % (b"a" * (8192 - 5)),
            414,
            b"client sent too long URI" + LINE,
        ),
        (
            b"GET / HTTP/1.1\r\nA: %b" % (b"b" * 9000),
            494,
            b'client sent too long header line: "A: %b..."' % (b"b" * 1745) + HEADERS,
        ),
        (
            b"GET / HTTP/1.1\r\n" + b"A: b\r\n" * 1001,
            494,
            b"client sent too many header lines" + HEADERS,
        ),
    ],
)
def test_what_nginx_refuses_and_how(reader, data, status, reason):
    outcome = reader.read(data)
    assert (outcome.status, outcome.reason) == (status, reason)


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"GET /" + b"a" * (8192 - 6),
        b"GET / HTTP/1.1\r\nA: " + b"b" * (8192 - 4),
        b"\r\n",
        b"G",
        b"GET",
        b"GET /",
        b"GET / HTTP/1.1\r",
        b"GET / HTTP/1.1\r\n",
        b"GET / HTTP/1.1\r\nHost: a\r\n",
        b"GET / HTTP/1.1\r\nHost: a\r\n\r",
        b"GET / HTTP/1.1\r\nHost: a\r\nA: " + b"b" * 8000,
    ],
)
def test_what_is_not_complete_is_awaited(reader, data):
    assert reader.fast(data).refused == b"again"
    assert reader.twin(data).refused == b"again"


def test_dropped_lines_are_noted_and_gone(reader):
    outcome = reader.fast(head(b"A_B: 1 ", b"C!: 2", b"D: 3"))
    assert outcome.fields == [(b"Host", b"a"), (b"D", b"3")]
    assert outcome.notes == [
        b'client sent invalid header line: "A_B: 1"' + HEADERS,
        b'client sent invalid header line: "C!: 2"' + HEADERS,
    ]


def test_which_lines_are_dropped_is_configured(reader):
    data = head(b"A_B: 1", b"C!: 2", b"D: 3")
    expected = [
        (reader.limits, [b"D"]),
        (reader.make_limits(underscores=True), [b"A_B", b"D"]),
        (reader.make_limits(ignore_invalid=False), [b"A_B", b"C!", b"D"]),
    ]
    # In turn and often: what is remembered must not leak to other limits.
    for limits, names in expected * 4:
        outcome = reader.fast(data, limits=limits)
        assert [name for name, _ in outcome.fields] == [b"Host", *names]


def test_limits_hold_for_what_is_remembered(reader):
    many = head(*[b"A: b"] * 20)
    for _ in range(3):
        assert reader.fast(many).refused is None
    few = reader.make_limits(max_headers=10)
    small = reader.make_limits(header_buffer=64, large_buffer=64, large_count=1)
    assert reader.fast(many, limits=few).status == 494
    assert reader.fast(many, limits=small).status == 494


def test_odd_heads_go_to_h11_and_others_do_not(reader):
    assert reader.fast(head(b"A: b\x0bc")).refused == b"h11"
    assert reader.fast(head(first=b"GET /\xc3\xa9 HTTP/1.1")).refused == b"h11"
    assert reader.fast(head(b"A:\tb")).refused == b"h11"
    assert reader.fast(head(b"A: b\t")).refused == b"h11"
    assert reader.fast(head(b"A_B: c", b"C: \xc3\xa9\t\xff")).refused is None


def small(shape) -> bool:
    return len(shape.data) < 300


def test_every_cut_and_a_moved_buffer_make_no_difference(reader):
    found = {}
    for shape in filter(small, shapes()):
        if reader.fast(shape.data).refused == b"again":
            continue
        if (problem := reader.split(shape.data)) is not None:
            found[shape.name] = problem
    assert found == {}


@pytest.mark.parametrize("flavour", FLAVOURS)
def test_a_moved_buffer_makes_no_difference_to_its_room(flavour):
    reader = Reader(flavour, **LIMITS["small"])
    shapes = [shape for shape in small_buffers() if shape.server == "small"][::7]
    assert [reader.split(shape.data) for shape in shapes] == [None] * len(shapes)


def test_byte_by_byte_makes_no_difference(reader):
    found = {}
    for shape in shapes():
        whole, grown = reader.fast(shape.data), reader.grow(shape.data)
        if grown.meaning() != whole.meaning():
            found[shape.name] = (whole, grown)
    assert found == {}


def test_no_byte_is_searched_twice(reader):
    data = b"GET / HTTP/1.1\r\n" + b"A: b\r\n" * 900
    searched = reader.vm.run(
        b"""
        local limits, data = ...
        local parse = require("resty_py.http.head").parse
        local scan
        for size = 1, #data do
            local _, answer, reading = parse(data:sub(1, size), 1, limits, scan)
            assert(answer == "again" and (not scan or reading == scan))
            assert(reading.searched == size + 1)
            scan = reading
        end
        return scan.next
        """,
        reader.limits,
        data,
    )
    assert searched == len(data) + 1
