"""What clients say: requests, and conversations of them on one connection.

A :class:`Case` is one connection. What the server sends until it ends the
connection is the answer, so the last request of a case has to be one after
which a server closes: the helpers here see to that, and :func:`raw` leaves it
to the caller.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

__all__ = [
    "Case",
    "Request",
    "chunked",
    "get",
    "head",
    "in_turn",
    "pipeline",
    "post",
    "raw",
    "request",
    "with_names",
]

#: A piece of a conversation that is no bytes: the client waits for an answer.
WAIT = b""


@dataclass(frozen=True)
class Case:
    """A connection.

    Attributes:
        name: says what is asked; see :func:`with_names`.
        pieces: what the client sends, a segment each; :data:`WAIT` waits until
            something comes back.
        requests: how many of them there are.
        port: which address of the application, as it stands in its nginx.conf.
    """

    name: str
    pieces: tuple[bytes, ...]
    requests: int = 1
    port: int = 8080


@dataclass(frozen=True)
class Request:
    """A request, which may become part of a conversation."""

    method: str
    target: str
    headers: tuple[str, ...]
    version: str
    body: bytes
    port: int
    note: str = ""

    @property
    def name(self) -> str:
        version = "" if self.version == "1.1" else f" {self.version}"
        shown = [self.method, self.target + version, *self.headers]
        if self.headers[:1] == ("Host: localhost",):
            del shown[2]
        if self.port != 8080:
            shown.append(f":{self.port}")
        if self.body and not self.note:
            shown.append(repr(self.body)[1:])
        return " ".join([*shown, self.note]).strip()

    def data(self, *more: str) -> bytes:
        """Return the request, with *more* headers."""
        line = f"{self.method} {self.target} HTTP/{self.version}"
        lines = [line, *self.headers, *more]
        return "\r\n".join([*lines, "", ""]).encode("latin-1") + self.body

    def last(self) -> bytes:
        """Return the request as one after which the connection ends."""
        return self.data() if self.version == "1.0" else self.data("Connection: close")


def request(
    method: str,
    target: str,
    *headers: str,
    host: str | None = "localhost",
    version: str = "1.1",
    body: bytes = b"",
    port: int = 8080,
    note: str = "",
) -> Request:
    """Return a request.

    Args:
        body: follows the head; the headers have to tell of it.
        note: tells the request from another with the same head.
    """
    first = () if host is None else (f"Host: {host}",)
    return Request(method, target, (*first, *headers), version, body, port, note)


def get(target: str, *headers: str, **more) -> Request:
    return request("GET", target, *headers, **more)


def head(target: str, *headers: str, **more) -> Request:
    return request("HEAD", target, *headers, **more)


def post(target: str, body: bytes, *headers: str, method: str = "POST", **more):
    """Return a request with a body of known length."""
    length = f"Content-Length: {len(body)}"
    return request(method, target, *headers, length, body=body, **more)


def chunked(target: str, *chunks: bytes, method: str = "POST", headers=(), **more):
    """Return a request with a body in chunked coding."""
    body = b"".join(b"%x\r\n%b\r\n" % (len(chunk), chunk) for chunk in chunks)
    coding = "Transfer-Encoding: chunked"
    return request(method, target, *headers, coding, body=body + b"0\r\n\r\n", **more)


def pipeline(*requests: Request, note: str = "") -> Case:
    """Return a conversation whose requests are all sent at once."""
    data = b"".join(one.data() for one in requests[:-1]) + requests[-1].last()
    return _together("pipeline", requests, (data,), note)


def in_turn(*requests: Request, note: str = "") -> Case:
    """Return a conversation whose requests wait for the answer before."""
    pieces = [piece for one in requests[:-1] for piece in (one.data(), WAIT)]
    return _together("in turn", requests, (*pieces, requests[-1].last()), note)


def _together(kind, requests, pieces, note):
    names = note or ", ".join(one.name for one in requests)
    return Case(f"{kind}: {names}", pieces, len(requests), requests[0].port)


def raw(name: str, *pieces: bytes, requests: int = 1, port: int = 8080) -> Case:
    """Return a conversation as it is."""
    return Case(name, pieces, requests, port)


def _case(one: Case | Request) -> Case:
    if isinstance(one, Case):
        return one
    return Case(one.name, (one.last(),), 1, one.port)


def with_names(items: list[Case | Request]) -> list[Case]:
    """Return all as cases, whose names tell them apart.

    A name that comes again gets its number; a long one is cut.
    """
    seen: dict[str, int] = {}
    cases = []
    for case in map(_case, items):
        name = case.name if len(case.name) <= 100 else case.name[:97] + "..."
        seen[name] = seen.get(name, 0) + 1
        if seen[name] > 1:
            name = f"{name} #{seen[name]}"
        cases.append(replace(case, name=name))
    return cases
