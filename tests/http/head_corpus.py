"""Request heads of every shape, good and bad, for all readers of heads.

Most are written as what differs from a plain request. A sweep puts each of
the 256 bytes in one place. `differs` names the row of DIFFERENCES (see
test_head_differential.py) by which we refuse what nginx takes.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import product

PLAIN = b"Host: example.com\r\n"


@dataclass(frozen=True)
class Shape:
    """Bytes of one request, and the nginx server whose directives apply."""

    name: str
    data: bytes
    differs: str | None = None
    server: str = "default"


def line(text: bytes, **kwargs) -> Shape:
    """Return a shape with this request line."""
    return Shape(f"line {text!r}", text + b"\r\n" + PLAIN + b"\r\n", **kwargs)


def target(text: bytes, **kwargs) -> Shape:
    return line(b"GET %b HTTP/1.1" % text, **kwargs)


def fields(text: bytes, version: bytes = b"1.1", body: bytes = b"", **kwargs) -> Shape:
    """Return a shape with these header lines behind its Host."""
    return Shape(
        f"fields {version!r} {text[:60]!r} {len(text)}",
        b"POST /p HTTP/%b\r\n%b%b\r\n%b" % (version, PLAIN, text, body),
        **kwargs,
    )


def hosted(*lines: bytes, version: bytes = b"1.1", **kwargs) -> Shape:
    """Return a shape with these lines and no other Host."""
    return Shape(
        f"host {version!r} {lines!r}",
        b"GET / HTTP/%b\r\n%b\r\n"
        % (version, b"".join(one + b"\r\n" for one in lines)),
        **kwargs,
    )


METHODS = [
    b"GET", b"HEAD", b"POST", b"PUT", b"DELETE", b"OPTIONS", b"PATCH", b"TRACE",
    b"CONNECT", b"MKCOL", b"PROPFIND", b"LOCK", b"PURGE", b"X", b"A-B", b"A_B",
    b"-", b"_", b"GETT", b"TRACER", b"M" * 40, b"get", b"Get", b"GE1T", b"GET:",
    b"GE\xe4T", b"GET\x00", b"(", b"\x16\x03\x01", b"{}",
]  # fmt: skip

TARGETS = [
    b"/", b"/a", b"/a/b/c", b"/a?b=c", b"/?", b"/??", b"/?a?b", b"/a?b#c", b"/a#b?c",
    b"/a?#", b"/#", b"/a?b=%41", b"/a+b", b"/+.x", b"/a%20b", b"/%41", b"/%4a%4B",
    b"/a%2fb", b"/a%2Fb", b"/a%3fb", b"/a%23b", b"/a%25b", b"/a%2541", b"/a%2e",
    b"/%2e/a", b"/%2e%2e/a", b"/a/%2e%2e/b", b"/a/%2e%2e%2fb", b"/a/.%2e/b", b"/a%00b",
    b"/%00", b"/a%", b"/a%4", b"/a%g0", b"/a%0g", b"/a%%41", b"/%zz", b"/a?%",
    b"/a?%00", b"/a?%zz", b"/a%c3%a9", b"/a%ff", b"/a%7f", b"/a%0a", b"//", b"///",
    b"//a", b"/a//b", b"/a//", b"/a///b//c/", b"/.", b"/..", b"/./", b"/../", b"/a/.",
    b"/a/..", b"/a/./b", b"/a/../b", b"/a/../../b", b"/a/b/../..", b"/a/b/../../..",
    b"/a/..//../b", b"/a//../b", b"//../a", b"/...", b"/.../a", b"/.a", b"/..a",
    b"/...a", b"/....a", b"/a.", b"/a..", b"/a/..b", b"/a/.b", b"/a.b/..", b"/a.b/c",
    b"/a.b.c", b"/.htaccess", b"/.a.b", b"/..a.b", b"/a.b/.", b"/.?a", b"/..?a",
    b"/a/.?b", b"/a/..?b", b"/a/..#b", b"/a/.#b", b"/./?x", b"/a/%2e?b", b"/a%2e.%2e",
    b"/%2F%2F", b"/%2f..", b"/a:b", b"/a;b=c", b"/a,b", b"/a'b", b'/a"b', b"/<a>",
    b"/a\\b", b"/a^b", b"/a`b", b"/{a}", b"/a|b", b"/[a]", b"/~a", b"/a@b", b"/a*",
    b"/a!$&()=", b"/a%2b", b"/%3", b"/%", b"/a/%2", b"/%2e%", b"*", b"a", b"?a", b"a/b",
    b"example.com:80", b"http:", b"http:/", b"http:/a", b"http://", b"http:///a",
    b"http://h", b"http://h/", b"http://h/a/../b?c", b"http://H.Example/",
    b"http://h:80/", b"http://h:/", b"http://h:80", b"http://h:", b"http://h?a",
    b"http://h?", b"http://h:80?a=b", b"http://h#a", b"http://h:80#a", b"http://h:x/",
    b"http://u@h/", b"http://h_h/", b"http://h%41/", b"http://h./", b"http://h..h/",
    b"http://./", b"http://.h/", b"http://[::1]/", b"http://[::1]:80/a", b"http://[::1",
    b"http://[]/", b"http://[a_~!$&'()*+,;=-.]/", b"http://[%31]/", b"http://[::1]a/",
    b"HTTP://h/", b"https://h/", b"a+b-c.d1://h/a", b"1a://h/", b"a_b://h/",
    b"http://h/%zz", b"http://h/..", b"http://h//a", b"http://h/a#b",
]  # fmt: skip

RAW_TARGETS = [b"/\xc3\xa9", b"/\xff", b"/a?\xc3\xa9", b"http://h/\xe4", b"/\x80.\xfe"]

LINES = [
    b"GET /", b"GET / ", b"GET /  ", b"GET  /", b"GET   /a?b  ", b"GET /\xc3\xa9",
    b"POST /", b"HEAD /", b"GET http://h/", b"GET http://h", b"GET http://h ",
    b"GET /%zz", b"GET /..", b"GET", b"GET ", b"GET  ", b" GET / HTTP/1.1",
    b"\tGET / HTTP/1.1", b"GET\t/ HTTP/1.1", b"GET /\tHTTP/1.1", b"GET / HTTP/1.1\t",
    b"GET / HTTP", b"GET / HTTP/", b"GET / HTTP/1", b"GET / HTTP/1.", b"GET / HTTP/.1",
    b"GET / HTTP/a.b", b"GET / HTTP/1.a", b"GET / HTTP/1.1a", b"GET / HTTP/1a1",
    b"GET / HTTP/0.9", b"GET / HTTP/0.1", b"GET / HTTP/01.1", b"GET / HTTP/1,1",
    b"GET / HTTP/1.0.0", b"GET / HTTP/2.0", b"GET / HTTP/2", b"GET / HTTP/3.x",
    b"GET / HTTP/9.9", b"GET / HTTP/10.1", b"GET / HTTP/11", b"GET / HTTP/1x",
    b"GET / http/1.1", b"GET / Http/1.1", b"GET / HTTPS/1.1", b"GET / HTTP /1.1",
    b"GET / HTTP/ 1.1", b"GET / HTTP/1 .1", b"GET / FTP/1.1", b"GET / /HTTP/1.1",
    b"GET /a b HTTP/1.1", b"GET /a HTTP/1.1 HTTP/1.1", b"GET /\rHTTP/1.1",
    b"GET /\r HTTP/1.1", b"GET / HTTP/1.1\rx", b"GET * HTTP/2.0", b"GET /.. HTTP/2.0",
    b"PRI * HTTP/2.0", b"CONNECT /a HTTP/1.1", b"TRACE /a HTTP/1.0", b"TRACE /a",
    b"CONNECT h:1 HTTP/1.1", b"OPTIONS * HTTP/1.1", b"GET /\x00 HTTP/1.1",
    b"GET / HTTP/1.1\x00", b"GET / HTTP/1.99999",
]  # fmt: skip

LOOSE_LINES = [
    b"GET  / HTTP/1.1", b"GET /  HTTP/1.1", b"GET / HTTP/1.1 ", b"GET / HTTP/1.1   ",
    b"GET  /  HTTP/1.0  ", b"GET   /   HTTP/1.1", b"GET  /\xc3\xa9 HTTP/1.1",
]  # fmt: skip

LONG_VERSIONS = [b"1.10", b"1.11", b"1.99", b"1.100", b"1.00", b"1.0000"]

HOSTS = [
    b"a", b"A.B", b"a:80", b"a.", b"a.:80", b"a.:8.0", b"a:", b"a:b", b"a:80:90",
    b":80", b".", b"..", b"a..b", b".a", b"a:..", b"a:.", b"", b" ", b"a b", b"a/b",
    b"a/", b"http://a", b"a\\b", b"a,b", b"a@b", b"[::1]", b"[::1]:80", b"[::1",
    b"[::1]x", b"[]", b"[", b"]", b"a[b]:1", b"[A:B]:1", b"[a.]", b"\xc3\xa9", b"A\xc4",
    b"a\tb", b"a\x0bb", b"127.0.0.1", b"1", b"-", b"_", b"a_b", b"*.a", b"a" * 300,
    b"%41",
]  # fmt: skip

LENGTHS = [
    b"0", b"1", b"10", b"010", b"00000000000000000001", b"", b" ", b"+1", b"-1", b"1.0",
    b"1e1", b"0x1", b"a", b"1a", b"1 1", b"1,1", b"1, 1", b"1,2", b"5,5", b"\t1",
    b"1\t", b"9223372036854775807", b"9223372036854775808", b"18446744073709551616",
    b"99999999999999999999999", b"9" * 5000, b"0" * 3000 + b"x", b"\xb2", b"1;q=1",
    b'"1"', b"09223372036854775807", b"00009223372036854775808",
]  # fmt: skip

LONG_LENGTHS = dict.fromkeys([b"000000000000000000001", b"0" * 100], "long length")
LENGTHS += LONG_LENGTHS

CODINGS = [
    b"chunked", b"Chunked", b"CHUNKED", b"", b" ", b"identity", b"gzip",
    b"gzip, chunked", b"chunked, gzip", b"chunked, chunked", b"chunked,", b",chunked",
    b"chunked;a=b", b"chunked\t", b"\tchunked", b"chunke", b"chunkedd", b"xchunked",
    b'"chunked"', b"chunked\x0b", b"\x0cchunked", b"ch\xc3\xbcnked",
]  # fmt: skip

CONNECTIONS = [
    b"close", b"Close", b"CLOSE", b"keep-alive", b"Keep-Alive", b"keepalive",
    b"upgrade", b"", b"close, keep-alive", b"keep-alive, close", b"upgrade, keep-alive",
    b"closed", b"disclose", b"not-keep-alive", b"TE, close", b"clo se", b"x",
]  # fmt: skip

EXPECTS = [
    b"100-continue", b"100-Continue", b"100-CONTINUE", b"100-continue, x", b"x", b"",
    b"100-continue;a", b"100 continue",
]  # fmt: skip

UNIQUE = [
    b"Authorization", b"Content-Length", b"Content-Range", b"Expect", b"Host",
    b"If-Match", b"If-Modified-Since", b"If-None-Match", b"If-Range",
    b"If-Unmodified-Since", b"Transfer-Encoding",
]  # fmt: skip

REPEATABLE = [
    b"Accept", b"Accept-Encoding", b"Accept-Language", b"Connection", b"Content-Type",
    b"Cookie", b"Keep-Alive", b"Range", b"Referer", b"TE", b"Upgrade", b"User-Agent",
    b"Via", b"X-Forwarded-For", b"X-Real-IP", b"X-Any", b"Date", b"Depth",
]  # fmt: skip

FIELDS = [
    b"", b"A: b\r\n", b"A:b\r\n", b"A:  b\r\n", b"A: b  \r\n", b"A:\r\n", b"A: \r\n",
    b"A:   \r\n", b"A: b c\r\n", b"A: b  c\r\n", b"A: b\tc\r\n", b"A: :\r\n",
    b"A::\r\n", b"A: b: c\r\n", b"a: 1\r\nA: 2\r\na: 3\r\n", b"A-B-: c\r\n",
    b"-: a\r\n", b"1: a\r\n", b"Z9: a\r\n", b"A" * 100 + b": b\r\n", b": b\r\n",
    b":\r\n", b"A : b\r\n", b"A\t: b\r\n", b" A: b\r\n", b"\tA: b\r\n",
    b"A: b\r\n c\r\n", b"A: b\r\n\tc\r\n", b"A: b\r\n \r\n", b"A: b\nC: d\r\n",
    b"A: b\n\nC: d\r\n", b"A: b\r\nC: d\n", b"A:\nB: c\r\n", b"A: b\rC: d\r\n",
    b"A: b  \rC\r\n", b"A: \rC\r\n", b"A:\rC\r\n", b"A\rB: c\r\n", b"\rA: b\r\n",
    b"A: b\x00c\r\n", b"A: \x00\r\n", b"A\x00: b\r\n", b"\x00A: b\r\n",
    b"A: b \x00\r\n", b"A: b \x00\rc\r\n", b"A: b\r\x00\r\n", b"A\x7f: b\r\n",
    b"A: b\x7f\r\n", b"A_B: c\r\n", b"_: c\r\n", b"_A: c\r\n", b"A_: c\r\n",
    b"A.B: c\r\n", b"A!: c\r\n", b"A(B): c\r\n", b"A/B: c\r\n", b'"A": c\r\n',
    b"A=B: c\r\n", b"A;: c\r\n", b"\xc4: c\r\n", b"A\xff: c\r\n", b"A_B: c  \r\n",
    b"A_B:\r\n", b"A_B:  \r\n", b"A_B: c\x00\r\n", b"A_B: c\rd\r\n", b"A_B: c\x0bd\r\n",
    b"A_B\r\n", b"A.B\r\n", b"A_B", b"A_B: a\r\r\n", b"Content-Length\r\n", b"Host\r\n",
    b"A_B_C: a\r\nA_B_C: b\r\n", b"Content_Length: 5\r\n", b"Transfer_Encoding: x\r\n",
    b"Content-Length_: 5\r\n", b"Host_: x\r\n", b"Transfer-Encoding : chunked\r\n",
    b"Content-Length : 5\r\n", b"Content-Length\x0b: 5\r\n", b"A: \xc3\xa9\r\n",
    b"A: \xff\r\n", b"A: " + b"b" * 900 + b"\r\n", b"A: " + b" " * 900 + b"\r\n",
    b"A: b" + b" " * 900 + b"c\r\n", b"GET / HTTP/1.1\r\n",
    b"A: b\r\nGET / HTTP/1.1\r\n",
]  # fmt: skip

LOOSE_FIELDS = [
    b"A\r\n", b"A\n", b"Foo-Bar\r\n", b"A\r\r\n", b"A: b\r\r\n", b"A: b\r\r\r\n",
    b"A:\r\r\n", b"A: b \r\r\n", b"A: b\x0bc\r\n", b"A: b\x0cc\r\n", b"A:\x0bb\r\n",
    b"A: b\x0c\r\n",
]  # fmt: skip

TABS = [
    b"A:\tb\r\n", b"A: \tb\r\n", b"A: b\t\r\n", b"A: b\t \r\n", b"A:\t\r\n",
    b"A: \t \r\n",
]  # fmt: skip


def framing() -> Iterator[Shape]:
    """Headers that say where the request ends, and their combinations."""
    for version in (b"1.1", b"1.0", b"1.2"):
        for value in LENGTHS:
            text = b"Content-Length: %b\r\n" % value
            body = b"x" * 10
            yield fields(text, version, body, differs=LONG_LENGTHS.get(value))
        for value in CODINGS:
            text = b"Transfer-Encoding: %b\r\n" % value
            yield fields(text, version, b"0\r\n\r\n")
        for value in CONNECTIONS:
            yield fields(b"Connection: %b\r\n" % value, version)
        for value in EXPECTS:
            yield fields(b"Expect: %b\r\n" % value, version)
        yield fields(b"Transfer-Encoding: chunked\r\nContent-Length: 0\r\n", version)
        yield fields(b"Content-Length: x\r\nTransfer-Encoding: chunked\r\n", version)
        yield fields(b"Content-Length: 0\r\nTransfer-Encoding: x\r\n", version)
        yield fields(b"Transfer-Encoding: x\r\nA B: c\r\n", version)
    for first in CONNECTIONS:
        for second in (b"close", b"keep-alive", b"x"):
            yield fields(b"Connection: %b\r\nConnection: %b\r\n" % (first, second))


def repeated() -> Iterator[Shape]:
    for name in UNIQUE + REPEATABLE:
        yield fields(b"%b: 1\r\nX: y\r\n%b: 1\r\n" % (name, name.lower()))
    yield fields(b"Content-Length: 1\r\nContent-Length: 2\r\n")
    yield fields(b"Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n")


def hosts() -> Iterator[Shape]:
    for value in HOSTS:
        yield hosted(b"Host: %b" % value)
        yield hosted(b"Host: %b" % value, version=b"1.0")
    yield hosted(b"Host:\ta")
    yield hosted(b"Host: a\t")
    yield hosted(b"host: a")
    yield hosted(b"HOST:a")
    yield hosted(b"Host: a", b"Host: b")
    yield hosted(b"Host: a", b"host: ..")
    yield hosted(b"Host: ..", b"Host: a")
    for version in (b"1.0", b"1.1", b"1.2", b"1.9"):
        yield hosted(version=version)
        yield hosted(b"A: b", version=version)
    yield Shape("absolute, other host", b"GET http://a/ HTTP/1.1\r\nHost: b\r\n\r\n")
    yield Shape("absolute, no host", b"GET http://a/ HTTP/1.1\r\n\r\n")
    yield Shape("absolute, no host, 1.0", b"GET http://a/ HTTP/1.0\r\n\r\n")
    yield Shape("absolute, bad host", b"GET http://a/ HTTP/1.1\r\nHost: ..\r\n\r\n")


def line_ends() -> Iterator[Shape]:
    crlf = b"GET / HTTP/1.1\r\nHost: a\r\nA: b\r\n\r\n"
    yield Shape("bare LF", crlf.replace(b"\r\n", b"\n"))
    for at, _ in enumerate(crlf.split(b"\r\n")[:-1]):
        parts = crlf.split(b"\r\n")
        one = b"\r\n".join(parts[: at + 1]) + b"\n" + b"\r\n".join(parts[at + 1 :])
        yield Shape(f"bare LF at line {at}", one)
    yield Shape("bare CR", crlf.replace(b"\r\n", b"\r"))
    yield Shape("LF CR", crlf.replace(b"\r\n", b"\n\r"))
    yield Shape("two CR in the first line", crlf.replace(b"\r\n", b"\r\r\n", 1))
    yield Shape("two CR at the end", crlf[:-2] + b"\r\r\n")
    yield Shape("CR and a letter at the end", crlf[:-2] + b"\rx\n\r\n")
    for empty in (b"\r\n", b"\n", b"\r", b"\r\n\r\n", b"\n\n", b"\r\r\n\n\r"):
        yield Shape(f"after {empty!r}", empty + crlf)
    yield Shape("after 1024", b"\r\n" * 512 + crlf)
    yield Shape("after 1025", b"\n" * 1025 + crlf, differs="empty lines")
    yield Shape("after a space", b" " + crlf)
    yield Shape("after a NUL", b"\x00" + crlf)


def sweeps() -> Iterator[Shape]:
    """Each byte in each place."""
    for code in range(256):
        one = bytes([code])
        yield Shape(f"method byte {code}", b"G%bT / HTTP/1.1\r\nHost: a\r\n\r\n" % one)
        yield Shape(
            f"target byte {code}", b"GET /a%bb HTTP/1.1\r\nHost: a\r\n\r\n" % one
        )
        yield Shape(
            f"args byte {code}", b"GET /?a%bb HTTP/1.1\r\nHost: a\r\n\r\n" % one
        )
        loose = "control" if code in (11, 12) else None
        inside = "no colon" if code == 10 else loose
        yield fields(b"A: b%bc\r\n" % one, differs=inside)
        yield fields(b"A:%bc\r\n" % one, differs=inside)
        yield fields(b"A: c%b\r\n" % one, differs="CR CR" if code == 13 else loose)
        yield fields(b"A%bC: d\r\n" % one, differs="no colon" if code == 10 else None)
        yield fields(b"%bC: d\r\n" % one)
        yield hosted(b"Host: a%bb" % one, differs="no colon" if code == 10 else None)


def sizes() -> Iterator[Shape]:
    """Heads around the sizes of nginx's buffers."""
    for size in (1022, 1023, 1024, 1025, 2000, 8170, 8190, 8191, 8192, 8193, 9300):
        path = b"/" + b"a" * (size - len(b"GET / HTTP/1.1\r\n"))
        yield Shape(f"line of {size}", b"GET %b HTTP/1.1\r\n%b\r\n" % (path, PLAIN))
        value = b"a" * (size - len(b"A: \r\n"))
        yield Shape(
            f"field of {size}", b"GET / HTTP/1.1\r\n%bA: %b\r\n\r\n" % (PLAIN, value)
        )
    yield Shape("long bad method", b"g" * 9000 + b" / HTTP/1.1\r\n\r\n")
    for count in (3, 4, 5):
        for size in (8000, 8192, 8193):
            many = (b"A: %b\r\n" % (b"a" * (size - 5))) * count
            yield Shape(f"{count} fields of {size}", b"GET / HTTP/1.0\r\n%b\r\n" % many)
    for count in (998, 999, 1000, 1001):
        yield fields(b"A: b\r\n" * count)
    yield fields(b"A_B: c\r\n" * 500)


def small_buffers() -> Iterator[Shape]:
    """The same in small; see SERVERS."""
    base = b"GET / HTTP/1.0\r\n"
    skipped = (b"", b"\r\n" * 7, b"\r\n" * 30)
    for server, empty, size in product(
        ("small", "single", "wide"), skipped, (*range(20, 55), *range(120, 135))
    ):
        path = b"/" + b"a" * (size - len(base))
        data = b"%bGET %b HTTP/1.0\r\nA: b\r\n\r\n" % (empty, path)
        yield Shape(f"{server} line of {size} after {len(empty)}", data, server=server)
    for server, before, size, count in product(
        ("small", "single", "wide"),
        (base, base + b"B: cccccccccc\r\n", b"\r\n" * 8 + base, b"\n" * 47 + base),
        (*range(10, 36, 5), *range(42, 48), *range(60, 67), *range(122, 131), 200, 250),
        (1, 2, 3, 4, 8),
    ):
        many = b"A: %b\r\n" % (b"a" * (size - 5)) * count
        name = f"{server} {before!r} {count} x {size}"
        yield Shape(name, before + many + b"\r\n", server=server)


def settings() -> Iterator[Shape]:
    """Names and paths under other directives than the default ones."""
    odd = [text for text in FIELDS if b"\n\nC" not in text] + [b"A_!: c\r\n"]
    for server in ("underscores", "invalid", "both"):
        for text in odd:
            differs = None
            if server in ("invalid", "both") and text in NOT_TOKENS:
                differs = "not a token"
            if text == b"A_B\r\n":
                differs = "no colon"
            if text == b"A_B: a\r\r\n":
                differs = "CR CR"
            if text == b"A_B: c\x0bd\r\n":
                differs = "control"
            if text == b"A.B\r\n" and server != "underscores":
                differs = "no colon"
            yield fields(text, differs=differs, server=server)
    for text in TARGETS:
        yield target(text, server="slashes")


NOT_TOKENS = [
    b"A(B): c\r\n", b"A/B: c\r\n", b'"A": c\r\n', b"A=B: c\r\n", b"A;: c\r\n",
    b"\xc4: c\r\n", b"A\xff: c\r\n",
]  # fmt: skip


def shapes() -> list[Shape]:
    """Return all shapes of the corpus."""
    return [
        *(line(b"%b / HTTP/1.1" % method) for method in METHODS),
        *(target(text) for text in TARGETS + RAW_TARGETS),
        *(line(text) for text in LINES),
        *(line(text, differs="spaces") for text in LOOSE_LINES),
        *(line(b"GET / HTTP/" + v, differs="version") for v in LONG_VERSIONS),
        *(fields(text) for text in FIELDS + TABS),
        *(fields(text, differs=LOOSE[text]) for text in LOOSE_FIELDS),
        *framing(),
        *repeated(),
        *hosts(),
        *line_ends(),
    ]


def _loose(text: bytes) -> str:
    if b"\x0b" in text or b"\x0c" in text:
        return "control"
    return "CR CR" if b"\r\r" in text else "no colon"


LOOSE = {text: _loose(text) for text in LOOSE_FIELDS}

SERVERS = {
    "default": "",
    "underscores": "underscores_in_headers on;",
    "invalid": "ignore_invalid_headers off;",
    "both": "ignore_invalid_headers off; underscores_in_headers on;",
    "slashes": "merge_slashes off;",
    "small": "client_header_buffer_size 48; large_client_header_buffers 3 128; "
    "connection_pool_size 128;",
    "single": "client_header_buffer_size 48; large_client_header_buffers 1 128; "
    "connection_pool_size 128;",
    "wide": "client_header_buffer_size 300; large_client_header_buffers 2 128; "
    "connection_pool_size 128;",
}

LIMITS = {
    "default": {},
    "underscores": {"underscores": True},
    "invalid": {"ignore_invalid": False},
    "both": {"underscores": True, "ignore_invalid": False},
    "slashes": {"merge_slashes": False},
    "small": {"header_buffer": 48, "large_count": 3, "large_buffer": 128},
    "single": {"header_buffer": 48, "large_count": 1, "large_buffer": 128},
    "wide": {"header_buffer": 300, "large_count": 2, "large_buffer": 128},
}
