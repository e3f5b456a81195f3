"""A response, taken apart as Test::Nginx does it: HTTP::Response and chunks."""

from __future__ import annotations

import re
from dataclasses import dataclass, field

__all__ = ["Response", "ResponseError", "parse"]

_RAW_HEADERS = re.compile(r"(.*?\r\n)\r\n", re.DOTALL)
_HEADER = re.compile(r"([^\s:]+)[ \t]*: ?(.*)\n?")
_FOLD = re.compile(r"([ \t].*)\n?")
_BLANK = re.compile(r"\r?\n")
_LAST_CHUNK = re.compile(r"0[ \t]*\r\n\r\n")
_CHUNK = re.compile(r"[ \t]*([A-Fa-f0-9]+)[ \t]*\r\n")


class ResponseError(Exception):
    """A chunked body is none; the text says why."""


@dataclass
class Response:
    """A response.

    Attributes:
        code: its status code, as text, or an empty text.
        raw_headers: its head up to the empty line.
        headers: names, in lower case, and values.
        content: its body, decoded.
        left: what came behind it.
        warning: what is strange about it, or an empty text.
    """

    code: str = ""
    raw_headers: str = ""
    headers: list[tuple[str, str]] = field(default_factory=list)
    content: str = ""
    left: str = ""
    warning: str = ""

    def header(self, name: str) -> str | None:
        """Return the values of a header, joined by commas, or None."""
        name = name.lower().replace("_", "-")
        values = [value for key, value in self.headers if key == name]
        return ", ".join(values) if values else None


def parse(raw: str, *, is_head: bool = False, is_http09: bool = False) -> Response:
    """Return the first response in *raw*.

    Args:
        raw: what came from the server.
        is_head: whether the request was HEAD.
        is_http09: whether all of it is a body.

    Raises:
        ResponseError: its body is chunked wrongly.
    """
    if is_http09:
        return Response("200", content=raw)
    head = _RAW_HEADERS.match(raw)
    response = Response(raw_headers=head[1] if head else "")
    status, _, rest = raw.partition("\n")
    words = status.split(None, 2)
    if re.match(r"\d{3} ", status):
        response.code = words[0]
    elif len(words) > 1:
        response.code = words[1]
    response.content = _take_headers(rest, response.headers)
    _decode(response, is_head)
    return response


def _take_headers(text: str, headers: list[tuple[str, str]]) -> str:
    """Take the headers off *text*; return the rest."""
    place = 0
    while True:
        if match := _HEADER.match(text, place):
            headers.append((match[1].lower(), match[2].removesuffix("\r")))
        elif headers and (match := _FOLD.match(text, place)):
            name, value = headers[-1]
            headers[-1] = (name, f"{value}\n{match[1]}".removesuffix("\r"))
        else:
            break
        place = match.end()
    blank = _BLANK.match(text, place)
    return text[blank.end() if blank else place :]


def _decode(response: Response, is_head: bool) -> None:
    length = response.header("content-length")
    if response.header("transfer-encoding") == "chunked":
        response.content, response.left = _dechunk(response.content)
        return
    if not length or not re.match(r"\s*\d", length):
        return
    size = int(re.match(r"\s*(\d+)", length)[1])  # type: ignore[index]
    raw = response.content
    if len(raw) < size and not is_head:
        response.warning = (
            f"response body truncated: {size} expected, but got {len(raw)}"
        )
    elif len(raw) > size:
        response.content, response.left = raw[:size], raw[size:]


def _dechunk(raw: str) -> tuple[str, str]:
    """Return the data of a chunked body, and what is behind it."""
    decoded, place = [], 0
    while not (last := _LAST_CHUNK.match(raw, place)):
        chunk = _CHUNK.match(raw, place)
        if chunk is None:
            rest = raw[place:]
            what = "invalid chunked body received" if rest else "no last chunk found"
            raise ResponseError(f"{what}: {rest or raw}")
        end = chunk.end() + int(chunk[1], 16)
        if end > len(raw):
            raise ResponseError(
                "invalid chunked data received "
                "(not enought octets for the data section)"
            )
        decoded.append(raw[chunk.end() : end])
        if raw[end : end + 2] != "\r\n":
            raise ResponseError("invalid chunked data received (expected CRLF).")
        place = end + 2
    return "".join(decoded), raw[last.end() :]
