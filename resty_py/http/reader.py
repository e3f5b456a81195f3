"""The h11 twin of the fast path that reads request heads.

The fast path (``lualib/resty_py/http/head.lua``) is written for heads as they
usually are. This module reads any head by other means, and lets h11 judge it:

1. It cuts the head into lines where nginx and h11 both do, at LF.
2. It sets aside the lines that nginx drops: those with uncommon names.
3. It finds the lines that nginx refuses; h11 0.16 takes some of them, such as
   continuation lines (obs-fold).
4. h11 gets the rest. What it raises is the verdict.

What the lines mean together, and what nginx refuses of that, is decided in
Lua, by the code that the fast path uses (``meaning.lua``). Two things h11
refuses and nginx takes, so that they are kept from it here:

- HTTP/0.9 requests (``GET /path``), and empty lines before a request;
- bytes above 127 in the request target, which curl and others send.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any, NamedTuple

import h11

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator

__all__ = ["Answer", "functions", "parse_head"]

# Where a head ends: at the first empty line.
_END = re.compile(rb"\n\r?\n")
_EMPTY_LINES = re.compile(rb"[\r\n]*")
# A request line without version.
_HTTP_09 = re.compile(rb"[^ ]* +[^ ]+ *")
# A header line that nginx reads (ngx_http_parse_header_line), whatever it
# does with it then.
_READABLE = re.compile(rb"([^\x00-\x20\x7f:]+)(?::([^\x00\r]*))?\r*")
_COMMON_NAME = re.compile(rb"[A-Za-z0-9-]+")
_UNDERSCORED_NAME = re.compile(rb"[A-Za-z0-9_-]+")

#: Bytes above 127 become letters before h11 sees the request line.
_MASK = bytes(range(128)) + b"x" * 128

#: Longest part of h11's explanation that goes to the log.
_EXPLANATION_MAX = 300


class Answer(NamedTuple):
    """What Lua gets of a head.

    Attributes:
        skipped: bytes of empty lines before it.
        size: its bytes, or None where it is not complete.
        line: the request line.
        fields: name, value and what nginx would log of each line, in order, a
            NUL behind each. Dropped lines are among them: which ones they are
            is decided again in Lua.
        fault: what is wrong for nginx in the first line that it refuses.
        verdict: what is wrong for h11.
    """

    skipped: int
    size: int | None
    line: bytes = b""
    fields: bytes = b""
    fault: bytes | None = None
    verdict: bytes | None = None


class _Field(NamedTuple):
    """A header line; ``value`` is None where it has no colon."""

    line: bytes
    name: bytes
    value: bytes | None

    def flat(self) -> bytes:
        """Return name, value and text for Lua."""
        return b"%b\0%b\0%b\0" % (self.name, self.value or b"", self.text())

    def text(self) -> bytes:
        """Return the line as nginx logs it: up to the end of the value, if any."""
        whole = self.line.rstrip(b"\r")
        return whole.rstrip(b" ") if self.value else whole

    def for_h11(self) -> bytes:
        """Return the line without the whitespace that it may have.

        h11 takes quadratic time for many spaces before a value it refuses.
        """
        if self.value is None:
            return self.line
        value = self.line[len(self.name) + 1 :]
        return b"%b:%b" % (self.name, value.strip(b" \t"))


def parse_head(data: bytes, underscores: bool, ignore_invalid: bool) -> Answer:
    """Read the request head at the start of *data*.

    Args:
        data: bytes of one or more requests.
        underscores: nginx's ``underscores_in_headers``.
        ignore_invalid: nginx's ``ignore_invalid_headers``.

    Returns:
        An :class:`Answer`. It never raises for what a client may send.
    """
    skipped = _skip(data)
    line_end = data.find(b"\n", skipped)
    if line_end < 0:
        return Answer(skipped, None)
    line = data[skipped:line_end].removesuffix(b"\r")
    if _HTTP_09.fullmatch(line):
        return Answer(skipped, line_end + 1 - skipped, line)
    end = _END.search(data, line_end)
    if end is None:
        return Answer(skipped, None)
    lines = _cut(data[line_end + 1 : end.end()])
    fields, fault = _read_fields(lines)
    kept = [f for f in fields if not _drops(f.name, underscores, ignore_invalid)]
    return Answer(
        skipped,
        end.end() - skipped,
        line,
        b"".join(field.flat() for field in fields),
        fault,
        _judge([line.translate(_MASK), *(field.for_h11() for field in kept)]),
    )


def functions() -> dict[str, Callable[..., Any]]:
    """Return the host functions of namespace ``http`` (``resty_py.http.h11``)."""
    return {"parse_head": parse_head}


def _skip(data: bytes) -> int:
    match = _EMPTY_LINES.match(data)
    return match.end() if match else 0


def _cut(block: bytes) -> Iterator[bytes]:
    """Return the header lines of *block*, which ends with an empty line."""
    for line in block.split(b"\n")[:-2]:
        yield line.removesuffix(b"\r")


def _read_fields(lines: Iterable[bytes]) -> tuple[list[_Field], bytes | None]:
    """Read header lines up to the first that nginx refuses."""
    fields: list[_Field] = []
    for line in lines:
        match = _READABLE.fullmatch(line)
        if match is None:
            return fields, b'client sent invalid header line: "%b"' % line
        name, value = match.groups()
        fields.append(_Field(line, name, None if value is None else value.strip(b" ")))
    return fields, None


def _drops(name: bytes, underscores: bool, ignore_invalid: bool) -> bool:
    known = _UNDERSCORED_NAME if underscores else _COMMON_NAME
    return ignore_invalid and not known.fullmatch(name)


def _judge(lines: list[bytes]) -> bytes | None:
    """Return what h11 has against a head of *lines*, or None."""
    connection = h11.Connection(h11.SERVER)
    connection.receive_data(b"\r\n".join([*lines, b"", b""]))
    try:
        connection.next_event()
    except h11.RemoteProtocolError as exc:
        explanation = str(exc)[:_EXPLANATION_MAX]
        return f"client sent invalid request: {explanation}".encode()
    return None
