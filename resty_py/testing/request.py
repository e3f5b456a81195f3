"""The requests of a block: from its sections to the bytes that are sent.

Follows Test::Nginx::Socket:

1. ``request`` is a request line and, behind it, a body without the white space
   around it. HTTP/1.1, ``Host`` and ``Connection: close`` are added, then the
   lines of ``more_headers``, then ``Content-Length`` if there is a body.
2. A list of requests is sent one after the other, each on its own connection;
   a list within it is one request that is sent in pieces.
3. ``pipelined_requests`` go out together on one connection.
4. ``raw_request`` is sent as it is; a list of texts, in pieces.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from .perl.values import number, text

if TYPE_CHECKING:
    from .suite import Block

__all__ = ["Piece", "Request", "RequestError", "requests_of"]

_LINE = re.compile(r"(\s*)(\S+)( *)(?:(\S+)( *))?(?:(\S+)( *))?(\s*)")
_COMMENT = re.compile(r"^\s*\#[^\n]+\s+|^\s+")


class RequestError(Exception):
    """A block's request is none; the text says why."""


@dataclass(frozen=True)
class Piece:
    """Bytes that are sent at once.

    Attributes:
        data: the bytes.
        delay: seconds before they are sent.
    """

    data: bytes
    delay: float = 0.0


@dataclass(frozen=True)
class Request:
    """What is sent on one connection.

    Attributes:
        pieces: the bytes, one after the other.
        responses: how many responses are expected.
    """

    pieces: tuple[Piece, ...]
    responses: int = 1

    @property
    def data(self) -> bytes:
        """All bytes."""
        return b"".join(piece.data for piece in self.pieces)

    @property
    def is_head(self) -> bool:
        """Whether it asks for the headers only."""
        return re.match(rb"\s*HEAD\s+", self.data) is not None


def requests_of(block: Block) -> list[Request]:
    """Return the requests of a block.

    Raises:
        RequestError: they are not written as they should be.
        BlockError: a section has no value.
    """
    raw = block.value("raw_request")
    if raw is not None:
        delay = block.number_of("raw_request_middle_delay", 0)
        return [Request(_raw_pieces(raw, delay))]
    more = block.value("more_headers")
    pipelined = block.value("pipelined_requests")
    if pipelined is not None:
        return [_pipelined(pipelined, more, block.suite.settings)]
    headers = _Headers(text(more), block.suite.settings)
    request = block.value("request")
    if request is None:
        raise RequestError("no request")
    if not isinstance(request, list):
        string = text(request)
        while match := _COMMENT.match(string):
            string = string[match.end() :]
        return [Request((Piece(headers.build([string], "close")[0]),))]
    return [_listed(one, headers) for one in request]


def _raw_pieces(raw: Any, delay: float) -> tuple[Piece, ...]:
    if not isinstance(raw, list):
        return (Piece(_bytes(raw)),)
    pieces = [Piece(_bytes(part), delay) for part in raw]
    return (Piece(pieces[0].data), *pieces[1:]) if pieces else ()


def _pipelined(requests: Any, more: Any, settings: Any) -> Request:
    if not isinstance(requests, list) or not requests:
        raise RequestError("invalid entries in --- pipelined_requests")
    data = b""
    for place, one in enumerate(requests, start=1):
        connection = "close" if place == len(requests) else "keep-alive"
        own = more[place - 1 : place] if isinstance(more, list) else [more]
        headers = _Headers("".join(map(text, own)), settings)
        data += headers.build([text(one)], connection)[0]
    return Request((Piece(data),), len(requests))


def _listed(one: Any, headers: _Headers) -> Request:
    packets = one if isinstance(one, list) else [one]
    texts = [text(p["value"] if isinstance(p, dict) else p) for p in packets]
    built = headers.build(texts, "close")
    return Request(
        tuple(
            Piece(data, _delay(packet))
            for data, packet in zip(built, packets, strict=True)
        )
    )


def _delay(packet: Any) -> float:
    return float(number(packet.get("delay_before"))) if isinstance(packet, dict) else 0


def _bytes(value: Any) -> bytes:
    return text(value).encode("latin-1", "replace")


class _Headers:
    """The headers that a block adds to each request.

    Args:
        more: the section ``more_headers``.
        settings: of the file.
    """

    def __init__(self, more: str, settings: Any) -> None:
        self._server_name = settings.server_name
        lines = []
        self._is_chunked = False
        for line in re.split(r"\n+", more):
            if not line or re.match(r"\s*#", line):
                continue
            name, _, value = line.partition(":")
            value = value.lstrip()
            if name.lower() == "transfer-encoding" and value == "chunked":
                self._is_chunked = True
            lines.append(f"{name}: {value}\r\n")
        self._lines = "".join(lines)

    def _has(self, name: str) -> bool:
        pattern = rf"^{name}:"
        return re.search(pattern, self._lines, re.MULTILINE | re.IGNORECASE) is not None

    def build(self, packets: list[str], connection: str) -> list[bytes]:
        """Return a request, as many pieces as it has packets.

        Args:
            packets: the texts that make it up.
            connection: the header of that name.
        """
        line, rest = self._split("".join(packets))
        body = rest.strip()
        head = ""
        if not self._has("Host"):
            head += f"Host: {self._server_name}\r\n"
        if not self._has("Connection"):
            head += f"Connection: {connection}\r\n"
        head += self._lines
        if body and not self._is_chunked and not self._has("Content-Length"):
            head += f"Content-Length: {len(body)}\r\n"
        if self._is_chunked:
            body = rest
        data = f"{line}\r\n{head}\r\n{body}"
        if len(packets) == 1:
            return [data.encode("latin-1", "replace")]
        return self._cut(packets, line, head, data)

    def _split(self, request: str) -> tuple[str, str]:
        """Return the request line and what follows it."""
        first, newline, rest = request.partition("\n")
        match = _LINE.match(first + newline)
        if match is None or not first.strip():
            raise RequestError("Request line should be non-empty")
        before, method, gap, target, gap2, version, _, _ = match.groups()
        if target is None:
            return f"{before}{method}", rest
        line = f"{before}{method}{gap}{target}{gap2 or ' '}{version or 'HTTP/1.1'}"
        return line, rest

    def _cut(self, packets: list[str], line: str, head: str, data: str) -> list[bytes]:
        """Cut a request where its packets end: what is added goes with the first
        packet that has all of the request line."""
        cuts, read = [], 0
        written = "".join(packets)
        end_of_line = written.find("\n") + 1 or len(written)
        added = len(line) + 2 + len(head) + 2
        for packet in packets:
            read += len(packet)
            if read < end_of_line:
                cuts.append(min(read, len(line)))
            else:
                cuts.append(min(added + read - end_of_line, len(data)))
        cuts[-1] = len(data)
        starts = [0, *cuts[:-1]]
        return [
            data[start:end].encode("latin-1", "replace")
            for start, end in zip(starts, cuts, strict=True)
        ]
