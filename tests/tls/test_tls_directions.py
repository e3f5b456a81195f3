"""Reads that have to write, and writes that have to read.

TLS speaks for itself as well: a peer may ask for new keys in the middle of its
data, and the answer may not fit into the socket; or it may shake hands anew. The
peers here are OpenSSL in a thread of its own, since Python's ssl can do neither.
"""

from __future__ import annotations

import contextlib
import ctypes
import socket
import threading

import pytest
import trio
from lua_worker import VARIANTS, open_rig

from resty_py.host.tls.context import Context
from resty_py.host.tls.library import load, names

#: Requests for new keys: their answers are more than the sockets hold.
UPDATES = 1500

_KEY_UPDATE_REQUESTED = 1
_PATIENCE = 20.0

BOTH_HALVES = [VARIANTS[0], VARIANTS[1], VARIANTS[-1]]


def _function(name: str, *arguments: object):
    function = getattr(ctypes.CDLL(names()[0]), name)
    function.argtypes = arguments
    return function


class Peer:
    """A server of one connection, whose script runs in a thread.

    Args:
        version: the version of TLS that it speaks.
        script: a function of the peer.
    """

    def __init__(self, authority, version: str, script) -> None:
        self._library = load()
        self._context = Context(self._library)
        self._context.set_up((version,))
        path = str(authority.server)
        self._context.use_certificate(path, path)
        self._listener = socket.socket()
        self._listener.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 1)
        self._listener.bind(("127.0.0.1", 0))
        self._listener.listen()
        self.port = self._listener.getsockname()[1]
        self._script = script
        self.may_go_on = threading.Event()
        self.error: BaseException | None = None

    def run(self) -> None:
        """Serve one connection."""
        connection, _ = self._listener.accept()
        library = self._library
        self.ssl = library.SSL_new(self._context.pointer)
        with connection, self._listener:
            connection.settimeout(None)
            library.SSL_set_fd(self.ssl, connection.fileno())
            library.SSL_set_accept_state(self.ssl)
            try:
                self.shake_hands()
                self._script(self)
            except BaseException as exc:
                self.error = exc
            library.SSL_shutdown(self.ssl)
        library.SSL_free(self.ssl)
        self._context.close()

    def shake_hands(self) -> None:
        assert self._library.SSL_do_handshake(self.ssl) == 1

    def send(self, data: bytes) -> None:
        assert self._library.SSL_write(self.ssl, data, len(data)) == len(data)

    def receive(self, size: int) -> bytes:
        """Return *size* bytes."""
        data, buffer = b"", ctypes.create_string_buffer(16384)
        while len(data) < size:
            count = self._library.SSL_read(self.ssl, buffer, 16384)
            assert count > 0, self._library.failure("SSL_read() failed").text
            data += buffer.raw[:count]
        return data

    def ask_for_keys(self) -> None:
        """Tell the client to use new keys, and say so."""
        assert _key_update(self.ssl, _KEY_UPDATE_REQUESTED) == 1
        self.shake_hands()

    def renegotiate(self) -> None:
        """Ask for another handshake; it is made while data comes."""
        assert _renegotiate(self.ssl) == 1
        self.shake_hands()


_key_update = _function("SSL_key_update", ctypes.c_void_p, ctypes.c_int)
_renegotiate = _function("SSL_renegotiate", ctypes.c_void_p)


@contextlib.asynccontextmanager
async def running(peer: Peer):
    thread = threading.Thread(target=peer.run, daemon=True)
    thread.start()
    yield peer.port
    with trio.fail_after(_PATIENCE):
        await trio.to_thread.run_sync(thread.join, abandon_on_cancel=True)
    if peer.error:
        raise peer.error


OPEN = """
local port, size = ...
local sock = ngx.socket.tcp()
sock:settimeouts(10000, 10000, 10000)
assert(sock:connect("127.0.0.1", port))
sock:setoption("sndbuf", 1)
assert(sock:sslhandshake(false))
"""


def ask_often(peer: Peer) -> None:
    for number in range(UPDATES):
        peer.ask_for_keys()
        peer.send(b"%05d\n" % number)
    assert peer.receive(5) == b"done\n"


@pytest.mark.parametrize("variant", BOTH_HALVES, ids=str)
async def test_a_read_waits_until_it_can_write(variant, tmp_path, authority):
    peer = Peer(authority, "TLSv1.3", ask_often)
    async with running(peer) as port, open_rig(variant, tmp_path) as rig:
        results = await rig.run(
            OPEN
            + """
            local data, err = sock:receive(size)
            local sent = sock:send("done\\n")
            return #(data or ""), err, sent, data and data:sub(-6)
            """,
            port,
            6 * UPDATES,
        )
    assert results == (6 * UPDATES, None, 5, b"%05d\n" % (UPDATES - 1))


def renegotiate(peer: Peer) -> None:
    assert peer.receive(3) == b"go\n"
    peer.renegotiate()
    peer.send(b"between\n")
    assert peer.receive(300_000) == b"y" * 300_000
    peer.send(b"after\n")


@pytest.mark.parametrize("variant", BOTH_HALVES, ids=str)
async def test_another_handshake_among_data(variant, tmp_path, authority):
    peer = Peer(authority, "TLSv1.2", renegotiate)
    async with running(peer) as port, open_rig(variant, tmp_path) as rig:
        results = await rig.run(
            OPEN
            + """
            assert(sock:send("go\\n"))
            local reader = ngx.thread.spawn(function()
                return sock:receive(), (sock:receive())
            end)
            local sent, err = sock:send(("y"):rep(300000))
            local ok, first, second = ngx.thread.wait(reader)
            return sent, err, ok, first, second
            """,
            port,
        )
    assert results == (300_000, None, True, b"between", b"after")


def renegotiate_late(peer: Peer) -> None:
    peer.renegotiate()
    assert peer.may_go_on.wait(_PATIENCE)
    assert peer.receive(300_000) == b"y" * 300_000
    peer.send(b"after\n")


@pytest.mark.parametrize("variant", BOTH_HALVES, ids=str)
async def test_a_write_waits_until_it_can_read(variant, tmp_path, authority):
    peer = Peer(authority, "TLSv1.2", renegotiate_late)

    async def go_on():
        peer.may_go_on.set()

    async with running(peer) as port, open_rig(variant, tmp_path) as rig:
        rig.worker.provide("go_on", go_on)
        results = await rig.run(
            OPEN
            + """
            -- The read begins a handshake that the peer does not answer yet.
            sock:settimeouts(10000, 10000, 200)
            local _, err = sock:receive()
            local waker = ngx.thread.spawn(function()
                return require("resty_py.host").call("go_on")
            end)
            local sent, send_err = sock:send(("y"):rep(300000))
            sock:settimeout(10000)
            return err, sent, send_err, (sock:receive())
            """,
            port,
        )
    assert results == (b"timeout", 300_000, None, b"after")
