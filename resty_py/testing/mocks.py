"""Servers that a block asks for: ``tcp_listen`` and ``udp_listen``.

A port is on 127.0.0.1; anything else is the path of a unix domain socket. They
serve each client in the same way; what the last one sent is compared with
``tcp_query`` and the like after each repetition.
"""

from __future__ import annotations

import contextlib
import socket
import threading
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

from .perl.values import text

if TYPE_CHECKING:
    from .suite import Block

__all__ = ["Mock", "MockError", "mocks_of"]

#: Seconds that a mock server waits for its client and for each query, and that it
#: keeps a connection which is not to be closed.
PATIENCE = 10.0
_CHUNK = 1 << 16

#: Seconds in which an expected client comes, and a thread ends.
LINGER = 1.0


class MockError(Exception):
    """A mock server cannot listen; the text says where and why."""


class Mock:
    """A mock server in a thread of its own.

    Args:
        block: the block that describes it.
        kind: ``tcp`` or ``udp``.

    Attributes:
        kind: as given.
        received: what the last client sent; of UDP, each datagram.

    Raises:
        MockError: it cannot listen.
    """

    def __init__(self, block: Block, kind: str) -> None:
        self.kind = kind
        self.received: list[str] = []
        self._replies = _replies(block.value(f"{kind}_reply"))
        self._reply_delay = block.number_of(f"{kind}_reply_delay", 0)
        self._query_size = int(block.number_of(f"{kind}_query_len", 0))
        self._shutdown = block.text(f"{kind}_shutdown")
        self._shutdown_delay = block.number_of(f"{kind}_shutdown_delay", 0)
        self._keeps_open = block.has(f"{kind}_no_close")
        self._expects = block.has(f"{kind}_query")
        self._over = threading.Event()
        self._is_idle = threading.Event()
        target = block.configuration(f"{kind}_listen").strip()
        try:
            self._socket = _listen(target, kind)
        except OSError as exc:
            raise MockError(f"{kind}_listen: {target}: {exc.strerror}") from None
        self._socket.settimeout(PATIENCE)
        self._thread = threading.Thread(target=self._run, daemon=True)
        self._thread.start()

    def wait(self) -> None:
        """Wait a little for a client, if one is expected."""
        if self._expects:
            self._is_idle.wait(LINGER)

    def reset(self) -> None:
        """Forget the clients so far."""
        self.received = []
        self._is_idle.clear()

    def close(self) -> None:
        """End it."""
        self._over.set()
        with contextlib.suppress(OSError):
            self._socket.shutdown(socket.SHUT_RDWR)
        self._thread.join(LINGER)
        self._socket.close()

    def _run(self) -> None:
        serve = self._serve_tcp if self.kind == "tcp" else self._serve_udp
        while not self._over.is_set():
            try:
                serve()
            except OSError:
                # The client left, or nobody came; if it is over, so are we.
                continue

    def _serve_tcp(self) -> None:
        client, _ = self._socket.accept()
        self.received = [""]
        serve = threading.Thread(
            target=self._serve_client, args=(client, self.received), daemon=True
        )
        serve.start()

    def _serve_client(self, client: socket.socket, received: list[str]) -> None:
        # What goes wrong is the client's leaving.
        with client, contextlib.suppress(OSError):
            client.settimeout(PATIENCE)
            if self._shutdown:
                time.sleep(self._shutdown_delay)
                client.shutdown(int(self._shutdown))
            self._receive(client, received)
            for reply in self._replies:
                time.sleep(self._reply_delay)
                client.sendall(reply)
            self._is_idle.set()
            if self._keeps_open:
                self._over.wait(PATIENCE)

    def _receive(self, client: socket.socket, received: list[str]) -> None:
        while len(received[0]) < max(self._query_size, 1):
            data = client.recv(_CHUNK)
            if not data:
                return
            received[0] += data.decode("latin-1")

    def _serve_udp(self) -> None:
        data, peer = self._socket.recvfrom(_CHUNK)
        self.received.append(data.decode("latin-1"))
        for reply in self._replies:
            time.sleep(self._reply_delay)
            self._socket.sendto(reply, peer)
        self._is_idle.set()


def _replies(value: Any) -> list[bytes]:
    if value is None:
        return []
    items = value if isinstance(value, list) else [value]
    return [text(item).encode("latin-1", "replace") for item in items]


def _listen(target: str, kind: str) -> socket.socket:
    form = socket.SOCK_STREAM if kind == "tcp" else socket.SOCK_DGRAM
    is_port = target.isdigit()
    with contextlib.ExitStack() as stack:
        family = socket.AF_INET if is_port else socket.AF_UNIX
        sock = stack.enter_context(socket.socket(family, form))
        if is_port:
            sock.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        else:
            Path(target).unlink(missing_ok=True)
        sock.bind(("127.0.0.1", int(target)) if is_port else target)
        if kind == "tcp":
            sock.listen()
        stack.pop_all()
    return sock


@contextlib.contextmanager
def mocks_of(block: Block) -> Any:
    """Run the mock servers of a block; give those that there are."""
    with contextlib.ExitStack() as stack:
        mocks = []
        for kind in ("tcp", "udp"):
            if block.has(f"{kind}_listen"):
                mock = Mock(block, kind)
                stack.callback(mock.close)
                mocks.append(mock)
        yield mocks
