"""Answers and logs as lines to compare: without who says them, and when.

Date and Server are left out. A page that a server makes itself is signed with
its name, so that the page is as much longer as the name is: the name is taken
out, and the length of such a page is told by a word. So is the size of an error
page in an access log. The boundary of multipart ranges is any number that is
the same throughout. All else stays byte by byte.
"""

from __future__ import annotations

import re
import zlib
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable

__all__ = ["access_lines", "answer_lines", "count_answers", "error_lines"]

_NAME = rb"(?:nginx|resty-py)(?:/[\w.]+)?"

_HEAD = re.compile(rb"HTTP/1\.1 (\d{3} ?[^\r]*)\r\n(?:[^\r]+\r\n)*\r\n")
_SERVER = re.compile(rb"(?<=\r\n)Server: (%b)\r\n" % _NAME)
_DATE = re.compile(rb"(?<=\r\n)Date: [^\r]*\r\n")
_LENGTH = re.compile(rb"(?<=\r\n)Content-Length: (\d+)")
_BOUNDARY = re.compile(rb"boundary=(\d+)\r\n")

_FRAME = (
    b"<html>\r\n<head><title>%b</title></head>\r\n<body>\r\n"
    b"<center><h1>%b</h1></center>\r\n<hr><center>%b</center>\r\n"
    b"</body>\r\n</html>\r\n"
)
_PAGE = re.compile(
    rb"<html>\r\n<head><title>[^<]*</title></head>\r\n<body>\r\n"
    rb"(?:<center>.*</center>\r\n)+?<hr><center>(%b)</center>\r\n"
    rb"</body>\r\n</html>\r\n" % _NAME
)
_PACKED = re.compile(
    rb"HTTP/1\.1 (?:[^\r\n]+\r\n)*Content-Encoding: gzip\r\n(?:[^\r\n]+\r\n)*\r\n"
)
_CHUNK = re.compile(rb"\b([0-9a-f]+)\r\n(%b)\r\n" % _PAGE.pattern)

#: Pages with another title than the status that goes with them.
_TITLES = {
    b"302 Moved Temporarily": b"302 Found",
    b"401 Unauthorized": b"401 Authorization Required",
}


def count_answers(answer: bytes) -> int:
    """Return how many answers a server gave; none at all counts as one."""
    return len(_HEAD.findall(answer)) or 1


def answer_lines(answer: bytes) -> list[str]:
    """Return all that a server said on a connection; compressed bodies as text."""
    text = _HEAD.sub(_neutral_head, _unpack(answer))
    for number, boundary in enumerate(_BOUNDARY.findall(text), 1):
        text = text.replace(boundary, b"boundary-%d" % number)
    text = _PAGE.sub(_neutral_page, _CHUNK.sub(_neutral_chunk, text))
    return text.decode("latin-1").split("\r\n")


def _unpack(answer: bytes) -> bytes:
    said, rest = b"", answer
    while head := _PACKED.search(rest):
        said += rest[: head.end()]
        body, rest = rest[head.end() :], b""
        if b"Transfer-Encoding: chunked" in head[0]:
            body, rest = _join_chunks(body)
        said += _unpack_body(body)
    return said + rest


def _unpack_body(body: bytes) -> bytes:
    unpacker = zlib.decompressobj(16 + zlib.MAX_WBITS)
    try:
        text = unpacker.decompress(body)
    except zlib.error:
        return b"no gzip: " + body
    is_complete = unpacker.eof and not unpacker.unused_data
    return b"gzip of " + text + (b" complete" if is_complete else b" cut")


def _join_chunks(text: bytes) -> tuple[bytes, bytes]:
    """Return a body that comes in chunks, and what follows it."""
    body = b""
    while size := int(text[: text.index(b"\r\n")], 16):
        first = text.index(b"\r\n") + 2
        body, text = body + text[first : first + size], text[first + size + 2 :]
    return body, text[5:]


def _neutral_head(match: re.Match[bytes]) -> bytes:
    head = _DATE.sub(b"", match[0])
    server = _SERVER.search(head)
    if not server:
        return head
    page = _PAGE.match(match.string, match.end())
    length = -1
    if match[1] >= b"3":
        length = len(page[0] if page else _page_of(match[1], server[1]))
    head = _SERVER.sub(b"", head)
    return _LENGTH.sub(
        lambda field: b"Content-Length: PAGE" if int(field[1]) == length else field[0],
        head,
    )


def _page_of(status: bytes, name: bytes) -> bytes:
    """Return the page that goes with a status, where only the head is sent."""
    title = _TITLES.get(status, status)
    return _FRAME % (title, title, name)


def _neutral_page(match: re.Match[bytes]) -> bytes:
    return match[0].replace(match[1], b"NAME")


def _neutral_chunk(match: re.Match[bytes]) -> bytes:
    if int(match[1], 16) != len(match[2]):
        return match[0]
    return b"PAGE\r\n%b\r\n" % match[2]


_TIMES = re.compile(
    r"\[\d\d/\w{3}/\d{4}:[\d:]{8} [+-]\d{4}\]"
    r"|\[\d{4}-\d\d-\d\dT[\d:]{8}[+-]\d\d:\d\d\] \d+\.\d{3} \d\.\d{3}"
)
_ERROR_SIZE = re.compile(r'(?<=" )([345]\d\d) \d+')


def access_lines(lines: Iterable[str]) -> list[str]:
    """Return the lines of an access log."""
    return [_ERROR_SIZE.sub(r"\1 SIZE", _TIMES.sub("TIME", line)) for line in lines]


_ENTRY = re.compile(
    r"^\d{4}/\d\d/\d\d [\d:]{8} \[(\w+)\] \d+#\d+: (?:\*\d+ )?", re.MULTILINE
)
_SEVERE = frozenset({"emerg", "alert", "crit", "error", "warn"})
_TRACEBACK = re.compile(r"\nstack traceback:.*?(?=, (?:client|context): |\Z)", re.S)
_VARYING = re.compile(
    r"(?<= )[uc]:[0-9A-Fa-f]+"
    r"|(?<=temporary file )[^ ,]+"
    r"|(?<=' not found:)\n.*?(?=, client: )",
    re.DOTALL,
)


def error_lines(log: str) -> list[str]:
    """Return the severe entries of an error log, without tracebacks."""
    _, *parts = _ENTRY.split(log)
    entries = zip(parts[::2], parts[1::2], strict=True)
    return [
        _VARYING.sub("…", f"{level}: {_TRACEBACK.sub('', text)}".rstrip())
        for level, text in entries
        if level in _SEVERE
    ]
