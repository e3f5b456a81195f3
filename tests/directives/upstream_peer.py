"""What a proxied location asks: a server of canned answers.

``/echo…`` answers with what was asked; any other path with what :data:`ANSWERS`
has for it: pieces of bytes, and floats for pauses. The connection is closed after
an answer, but for two paths: :data:`KEPT` tells how many requests have come by one,
and by :data:`UPGRADED` it becomes something else.
"""

from __future__ import annotations

import contextlib
import socket
import threading
import time
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

__all__ = ["ANSWERS", "upstream_peer"]


def _answer(status: str, *headers: str, body: bytes = b"body\n") -> bytes:
    lines = [f"HTTP/1.1 {status}", *headers, "", ""]
    return "\r\n".join(lines).encode("latin-1") + body


def _counted(status: str, *headers: str, body: bytes = b"body\n") -> bytes:
    return _answer(status, *headers, f"Content-Length: {len(body)}", body=body)


LARGE = b"0123456789" * 30000

COOKIES = tuple(
    f"Set-Cookie: {cookie}"
    for cookie in (
        "a=1; Domain=up.example; Path=/up/x", "a=2; domain=.UP.Example;path=/UP/x",
        "b; Domain=up.example", "b=", "B=4;Secure ; HTTPONLY; SameSite=lax;",
        "c=5;domain=;path=;PATH=/up/y", "c=6; Domain; Path; Path = /up/z",
        "=7; Secure=1; secure=2; samesite; SameSite=Strict", "d=8  ;  ; x=y=z",
        "domain=up.example; domain=..up.example", "sec\xe4=\xe4; HttpOnly; HttpOnly",
    )
)  # fmt: skip

ANSWERS: dict[str, tuple[bytes | float, ...]] = {
    "/plain": (_counted("200 OK", "Content-Type: text/x-plain", "X-Up: 1"),),
    "/to_end": (_answer("200 OK"),),
    "/chunked": (
        _answer("200 OK", "Transfer-Encoding: chunked", body=b"4\r\nabcd\r\n"), 0.05,
        b"3;x=y\r\nefg\r\n0\r\nX-Trailer: 1\r\n\r\n",
    ),
    "/streamed": (
        _answer("200 OK", "Transfer-Encoding: chunked", "Content-Type: text/html",
                body=b"4\r\none \r\n"), 0.6, b"4\r\ntwo \r\n", 0.6,
        b"5\r\nthree\r\n", 0.6, b"0\r\n\r\n",
    ),
    "/large": (_counted("200 OK", body=LARGE),),
    "/no_phrase": (_counted("200"),),
    "/empty_phrase": (_counted("404 "),),
    "/phrase": (_counted("299 Quite Good"),),
    "/hidden": (
        _counted(
            "200 OK", "Server: up", "Date: some time", "X-Accel-Charset: koi8-r",
            "X-Accel-Buffering: yes", "X-Pad: x", "Keep-Alive: 5", "Set-Cookie: a=1",
            "Set-Cookie: b=2", "Last-Modified: Sun, 06 Nov 1994 08:49:37 GMT",
            'ETag: "x"', "Cache-Control: no-cache", "Link: <a>", "Vary: Accept",
        ),
    ),
    "/interim": (b"HTTP/1.1 100 Continue\r\n\r\n", _counted("200 OK")),
    "/head": (_answer("200 OK", "Content-Length: 5", body=b""), 0.8),
    "/nothing": (_answer("204 No Content", body=b""),),
    "/too_much": (_answer("304 Not Modified"),),
    "/unchanged": (_answer("304 Not Modified", 'ETag: "x"', body=b""),),
    "/not_found": (_counted("404 Not Found", "X-Up: 404"),),
    "/challenge": (_counted("401 Unauthorized", "WWW-Authenticate: Basic"),),
    "/failing": (_counted("500 Internal Server Error"),),
    "/busy": (_counted("503 Service Unavailable", "Retry-After: 5"),),
    "/moved": (_counted("302 Found", "Location: http://127.0.0.1:PORT8/there/x?y"),),
    "/moved_path": (_counted("302 Found", "Location: /there/x"),),
    "/refresh": (_counted("200 OK", "Refresh: 5; url=http://127.0.0.1:PORT8/there"),),
    "/accel": (_counted("200 OK", "X-Accel-Redirect: /inside?x=1", "X-Up: no",
                        "Content-Type: text/x-accel", "Set-Cookie: a=1"),),
    "/accel_unsafe": (_counted("200 OK", "X-Accel-Redirect: /files/../b.txt"),),
    "/accel_encoded": (_counted("200 OK", "X-Accel-Redirect: /files/a%20b.txt"),),
    "/accel_cookies": (_counted("200 OK", "X-Accel-Redirect: /inside",
                                "Set-Cookie: a=1", "Set-Cookie: b=2"),),
    "/accel_named": (_counted("200 OK", "X-Accel-Redirect: @inside"),),
    "/accel_domains": (_counted("200 OK", "X-Accel-Redirect: /inside",
                                "Set-Cookie: a=1; Domain=up.example"),),
    "/cookies": (_counted("200 OK", *COOKIES),),
    "/short": (_answer("200 OK", "Content-Length: 100"),),
    "/short_chunk": (
        _answer("200 OK", "Transfer-Encoding: chunked", body=b"a\r\nabc"),
    ),
    "/bad_chunk": (
        _answer("200 OK", "Transfer-Encoding: chunked", body=b"zz\r\nabc\r\n"),
    ),
    "/after_end": (
        _answer("200 OK", "Transfer-Encoding: chunked",
                body=b"4\r\nabcd\r\n0\r\n\r\nmore"),
    ),
    "/more": (_answer("200 OK", "Content-Length: 2"),),
    "/no_head": (b"",),
    "/half_head": (b"HTTP/1.1 200 OK\r\nX-Up: ",),
    "/no_http": (b"hello\n",),
    "/bad_line": (b"HTTP/1.1 200 OK\r\nX Up: 1\r\nX-Good: 1\r\n\r\nbody\n",),
    "/large_head": (_counted("200 OK", "X-Up: " + "a" * 9000),),
    "/slow_head": (0.8, _counted("200 OK")),
    "/slow_body": (_answer("200 OK", "Content-Length: 9"), 0.8, b"more"),
    "/two_lengths": (_counted("200 OK", "Content-Length: 5"),),
    "/two_framings": (_counted("200 OK", "Transfer-Encoding: chunked"),),
    "/bare_lf": (b"HTTP/1.0 200 OK\nContent-Length: 2\n\nok",),
    "/continued": (_counted("200 OK", "X-Up: a", " b", "X-Good: 1"),),
    "/bare_cr": (_counted("200 OK", "X-Up: a\rSet-Cookie: b=1", "X-Good: 1"),),
    "/nul": (_counted("200 OK", "X-Up: a\0b", "X-Good: 1"),),
    "/long_length": (_answer("200 OK", "Content-Length: 9999999999999999999"),),
    "/long_status": (_counted("2000 OK"),),
    **{
        f"/buffering_{word}": (
            _answer("200 OK", f"X-Accel-Buffering: {word}", body=b"one"), 0.8, b"two"
        )
        for word in ("no", "YES", "none")
    },
    "/rate_nan": (_counted("200 OK", "X-Accel-Limit-Rate: nan"),),
    "/rate_off": (_counted("200 OK", "X-Accel-Limit-Rate: off"),),
    "/rate_below": (_counted("200 OK", "X-Accel-Limit-Rate: -5"),),
    "/rate_part": (_counted("200 OK", "X-Accel-Limit-Rate: 0.0001"),),
    "/rate": (_counted("200 OK", "X-Accel-Limit-Rate: 100000"),),
}  # fmt: skip

KEPT = "/count"

#: Agrees to an upgrade, and then sends back what comes, in upper case.
UPGRADED = "/upgrade"


def _read(sock: socket.socket) -> bytes:
    """Return a whole request, or nothing where the client has left."""
    data = b""
    while b"\r\n\r\n" not in data:
        more = sock.recv(1 << 16)
        if not more:
            return b""
        data += more
    head, _, body = data.partition(b"\r\n\r\n")
    for line in head.lower().split(b"\r\n"):
        if line.startswith(b"content-length:"):
            missing = int(line.split(b":")[1]) - len(body)
            while missing > 0:
                more = sock.recv(1 << 16)
                if not more:
                    return b""
                data += more
                missing -= len(more)
    return data


def _serve(sock: socket.socket, port: int) -> None:
    count = 0
    with sock, contextlib.suppress(OSError):
        while request := _read(sock):
            count += 1
            path = request.split(b" ", 2)[1].split(b"?")[0].decode("latin-1")
            if path == KEPT:
                sock.sendall(_counted("200 OK", body=b"%d\n" % count))
                continue
            if path == UPGRADED:
                sock.sendall(_answer("101 Go On", "Upgrade: x", body=b"hello\n"))
                while data := sock.recv(1 << 16):
                    sock.sendall(data.upper())
                return
            _say(sock, path, request, port)
            return


def _say(sock: socket.socket, path: str, request: bytes, port: int) -> None:
    if path not in ANSWERS:
        shown = request.replace(b"\r\n", b"\\r\\n\n")
        sock.sendall(_counted("200 OK", body=shown))
        return
    for piece in ANSWERS[path]:
        if isinstance(piece, float):
            time.sleep(piece)
        else:
            sock.sendall(piece.replace(b"PORT8", b"%d" % port))


def _accept(listener: socket.socket, port: int) -> None:
    with contextlib.suppress(OSError):
        while True:
            sock, _ = listener.accept()
            sock.settimeout(10)
            threading.Thread(target=_serve, args=(sock, port), daemon=True).start()


@contextlib.contextmanager
def upstream_peer(ports: Mapping[str, int]) -> Iterator[None]:
    """Answer on PORT8 meanwhile."""
    port = ports["PORT8"]
    with socket.create_server(("127.0.0.1", port), reuse_port=True) as listener:
        thread = threading.Thread(target=_accept, args=(listener, port), daemon=True)
        thread.start()
        try:
            yield
        finally:
            listener.shutdown(socket.SHUT_RDWR)
            thread.join()
