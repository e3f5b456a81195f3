"""lua-resty-websocket's server, where there is FFI: frames as in RFC 6455."""

from __future__ import annotations

import os
import socket
from pathlib import Path

import pytest
from compat_libraries import WEBSOCKET
from compat_servers import HOST, REFERENCE

pytestmark = pytest.mark.library(WEBSOCKET.name)

APP = Path(__file__).parent / "apps" / "websocket_echo.lua"

#: Key and answer are RFC 6455's example (1.3).
HANDSHAKE = (
    b"GET / HTTP/1.1\r\nHost: localhost\r\nUpgrade: websocket\r\n"
    b"Connection: Upgrade\r\nSec-WebSocket-Version: 13\r\n"
    b"Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n"
)
ACCEPT = b"Sec-WebSocket-Accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo="

TEXT, BINARY, CLOSE, PING, PONG = 0x1, 0x2, 0x8, 0x9, 0xA


@pytest.fixture(scope="module", params=(REFERENCE, "luajit21"))
def echo(request, start, install):
    with start(request.param, APP, install(WEBSOCKET)) as server:
        yield server


class Client:
    """A WebSocket client: sends and receives whole frames."""

    def __init__(self, port):
        self._socket = socket.create_connection((HOST, port), 20)
        self._file = self._socket.makefile("rb")

    def __enter__(self):
        return self

    def __exit__(self, *_exc):
        self._file.close()
        self._socket.close()

    def shake_hands(self, also=b""):
        """Send the handshake, and at once *also*; return the header lines."""
        self._socket.sendall(HANDSHAKE + also)
        return list(iter(lambda: self._file.readline().rstrip(b"\r\n"), b""))

    def send(self, data):
        self._socket.sendall(data)

    def receive(self):
        first, length = self._file.read(2)
        if length == 126:
            length = int.from_bytes(self._file.read(2), "big")
        elif length == 127:
            length = int.from_bytes(self._file.read(8), "big")
        return first & 0x0F, self._file.read(length)

    def at_end(self):
        return self._file.read() == b""


def frame(kind, payload):
    """Return a frame of a client, which is masked."""
    size, mask = len(payload), os.urandom(4)
    if size < 126:
        length = bytes([0x80 | size])
    elif size < 1 << 16:
        length = bytes([0x80 | 126]) + size.to_bytes(2, "big")
    else:
        length = bytes([0x80 | 127]) + size.to_bytes(8, "big")
    masked = bytes(byte ^ mask[i % 4] for i, byte in enumerate(payload))
    return bytes([0x80 | kind]) + length + mask + masked


@pytest.fixture
def client(echo):
    with Client(echo.process.port) as client:
        yield client


def test_handshake(client):
    lines = client.shake_hands()
    assert lines[0] == b"HTTP/1.1 101 Switching Protocols"
    assert ACCEPT in lines
    assert b"Connection: upgrade" in lines
    assert not [line for line in lines if line.startswith((b"Content-", b"Transfer-"))]


@pytest.mark.parametrize("size", [0, 125, 126, 65535, 65536, 300000])
def test_echo(client, size):
    client.shake_hands()
    payload = os.urandom(size)
    client.send(frame(BINARY, payload))
    assert client.receive() == (BINARY, payload)


def test_frames_in_a_row(client):
    client.shake_hands()
    client.send(frame(TEXT, b"one") + frame(PING, b"two") + frame(TEXT, b"three"))
    received = [client.receive() for _ in range(3)]
    assert received == [(TEXT, b"one"), (PONG, b"two"), (TEXT, b"three")]


def test_frame_sent_with_the_handshake(client):
    client.shake_hands(also=frame(TEXT, b"early"))
    assert client.receive() == (TEXT, b"early")


def test_close(client):
    client.shake_hands()
    client.send(frame(CLOSE, b"\x03\xe8bye"))
    assert client.receive() == (CLOSE, b"\x03\xe8bye")
    assert client.at_end()


def test_client_leaves(echo):
    with echo.logged() as lines:
        with Client(echo.process.port) as client:
            client.shake_hands()
        with Client(echo.process.port) as client:
            client.shake_hands(also=frame(CLOSE, b""))
            assert client.receive() == (CLOSE, b"")
    text = "websocket: failed to receive the first 2 bytes: closed"
    assert any(text in line for line in lines)


def test_not_a_websocket(echo):
    answer = echo.ask("/")
    assert (answer.status, answer.text) == (400, 'bad "upgrade" request header: nil\n')
