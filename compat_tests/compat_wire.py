"""What the tests say on the wire: requests of HTTP, commands of Redis."""

from __future__ import annotations

import http.client
import socket
import threading
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Self

if TYPE_CHECKING:
    from collections.abc import Mapping

__all__ = ["Answer", "Exchange", "RedisClient", "RedisError", "ScriptedPeer"]

HOST = "127.0.0.1"

#: Longer than any answer takes; a test that reaches it has failed.
TIMEOUT = 20.0


@dataclass(frozen=True)
class Answer:
    """A response.

    Attributes:
        status: its code.
        headers: names and values as sent, in their order.
        body: without its transfer coding.
    """

    status: int
    headers: tuple[tuple[str, str], ...]
    body: bytes

    @property
    def text(self) -> str:
        """The body as text."""
        return self.body.decode()

    def lasting(self) -> Answer:
        """Return it without what differs from server to server."""
        changing = {"date", "server"}
        headers = [(n, v) for n, v in self.headers if n.lower() not in changing]
        return Answer(self.status, tuple(headers), self.body)


class Exchange:
    """A request that was sent, whose response is read bit by bit.

    Args:
        port: where the server listens.
        path: what to ask for.
        body: makes it a POST.
        headers: besides those that every request needs.
    """

    def __init__(
        self,
        port: int,
        path: str,
        body: bytes | None = None,
        headers: Mapping[str, str] | None = None,
    ) -> None:
        self._connection = http.client.HTTPConnection(HOST, port, timeout=TIMEOUT)
        method = "GET" if body is None else "POST"
        self._connection.request(method, path, body, headers or {})

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_exc: object) -> None:
        self._connection.close()

    def line(self) -> str:
        """Return the next line of the body, without its line feed."""
        return self._begin().readline().decode().rstrip("\n")

    def answer(self) -> Answer:
        """Return the response, with what is left of its body."""
        response = self._begin()
        return Answer(response.status, tuple(response.getheaders()), response.read())

    def _begin(self) -> http.client.HTTPResponse:
        if not hasattr(self, "_response"):
            self._response = self._connection.getresponse()
        return self._response


class RedisError(Exception):
    """Redis answered with an error."""


class RedisClient:
    """An independent client of Redis: values are bytes.

    Args:
        port: where Redis listens.
    """

    def __init__(self, port: int) -> None:
        self._socket = socket.create_connection((HOST, port), TIMEOUT)
        self._file = self._socket.makefile("rb")

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_exc: object) -> None:
        self._file.close()
        self._socket.close()

    def __call__(self, *words: str | bytes | int) -> Any:
        """Send a command and return what it answers.

        Raises:
            RedisError: it answers with an error.
        """
        parts = [_encoded(word) for word in words]
        bulks = b"".join(b"$%d\r\n%b\r\n" % (len(part), part) for part in parts)
        self._socket.sendall(b"*%d\r\n%b" % (len(parts), bulks))
        return self._read()

    def connections(self) -> int:
        """Return how many clients there are besides this one."""
        return int(self.info("clients")["connected_clients"]) - 1

    def accepted(self) -> int:
        """Return how many connections were ever accepted."""
        return int(self.info("stats")["total_connections_received"])

    def info(self, section: str) -> dict[str, str]:
        """Return a section of INFO by name."""
        lines = self("INFO", section).decode().splitlines()
        return dict(line.split(":", 1) for line in lines if ":" in line)

    def _read(self) -> Any:
        line = self._file.readline()
        kind, text = line[:1], line[1:-2]
        if kind == b"-":
            raise RedisError(text.decode())
        if kind == b"+":
            return text.decode()
        number = int(text)
        if kind == b":":
            return number
        if number < 0:
            return None
        if kind == b"*":
            return [self._read() for _ in range(number)]
        return self._file.read(number + 2)[:-2]


def _encoded(word: str | bytes | int) -> bytes:
    return word if isinstance(word, bytes) else str(word).encode()


class ScriptedPeer:
    """A server on :attr:`port` that says one thing to everybody, and closes.

    It waits for the first bytes of its client, says :attr:`reply` a byte at a
    time, and reads until the client has closed too, so that no reset follows.
    """

    def __init__(self) -> None:
        self.reply = b""
        self._listener = socket.create_server((HOST, 0))
        self.port: int = self._listener.getsockname()[1]
        self._thread = threading.Thread(target=self._serve)

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *_exc: object) -> None:
        self._listener.shutdown(socket.SHUT_RDWR)
        self._thread.join()
        self._listener.close()

    def _serve(self) -> None:
        while True:
            try:
                client, _ = self._listener.accept()
            except OSError:
                return
            with client:
                self._answer(client)

    def _answer(self, client: socket.socket) -> None:
        client.settimeout(TIMEOUT)
        client.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        client.recv(4096)
        for byte in self.reply:
            client.send(bytes([byte]))
        client.shutdown(socket.SHUT_WR)
        while client.recv(4096):
            pass
