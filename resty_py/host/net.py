"""Making the descriptors of cosockets, and asking about them.

Rules:

1. What is returned is a raw nonblocking descriptor that Lua owns and closes.
   On any error nothing stays open.
2. Addresses are numeric; nothing here looks a name up.
3. Errors are OSError and HostError, which the boundary turns into ``nil, err``
   with nginx's words.
"""

from __future__ import annotations

import contextlib
import errno
import os
import socket
import struct
from typing import TYPE_CHECKING, Any

from ..vm import HostError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

__all__ = [
    "connect",
    "connect_unix",
    "error",
    "functions",
    "getoption",
    "local",
    "peer",
    "raw_local",
    "setoption",
    "udp",
    "udp_unix",
]

_FAMILIES = {4: socket.AF_INET, 6: socket.AF_INET6}

#: Longest path of a unix domain socket: ``sun_path`` with its final NUL.
MAX_UNIX_PATH = 107

# Linux, for sockets bound to an address but to no port: the port is chosen
# when the peer is known, so one address serves more connections than ports.
_IP_BIND_ADDRESS_NO_PORT = 24

_MAX_INT = 2**31 - 1

_OPTIONS = {
    b"keepalive": (socket.SOL_SOCKET, socket.SO_KEEPALIVE),
    b"reuseaddr": (socket.SOL_SOCKET, socket.SO_REUSEADDR),
    b"sndbuf": (socket.SOL_SOCKET, socket.SO_SNDBUF),
    b"rcvbuf": (socket.SOL_SOCKET, socket.SO_RCVBUF),
    b"tcp-nodelay": (socket.IPPROTO_TCP, socket.TCP_NODELAY),
    b"keepidle": (socket.IPPROTO_TCP, socket.TCP_KEEPIDLE),
    b"keepintvl": (socket.IPPROTO_TCP, socket.TCP_KEEPINTVL),
    b"keepcnt": (socket.IPPROTO_TCP, socket.TCP_KEEPCNT),
}


# The beginning of struct tcp_info, in words: its first two are octets; then come
# rto, ato, snd_mss, rcv_mss, unacked, sacked, lost, retrans, fackets, four times,
# pmtu, rcv_ssthresh, rtt, rttvar, snd_ssthresh, snd_cwnd, advmss, reordering,
# rcv_rtt and rcv_space.
_TCP_INFO_SIZE = 4 * 25
_TCP_INFO_PLACES = (17, 18, 20, 24)


def functions() -> dict[str, Callable[..., Any]]:
    """Return the host namespace ``net``."""
    return {
        "connect": connect,
        "connect_unix": connect_unix,
        "udp": udp,
        "udp_unix": udp_unix,
        "local": local,
        "raw_local": raw_local,
        "peer": peer,
        "error": error,
        "setoption": setoption,
        "getoption": getoption,
        "tcp_info": tcp_info,
    }


def connect(
    family: int,
    address: bytes,
    port: int,
    bind_address: bytes | None = None,
    bind_port: int | None = None,
) -> tuple[int, bool]:
    """Begin a TCP connection: ``ngx_event_connect_peer``.

    TCP_NODELAY is set, as nginx does with ``tcp_nodelay on``, its default.

    Args:
        family: 4 or 6.
        address: of the peer, numeric.
        port: of the peer.
        bind_address: our own, numeric.
        bind_port: our own.

    Returns:
        The descriptor, and whether the connection is still being made: it is
        when the descriptor turns writable, and :func:`error` tells how.

    Raises:
        OSError: the kernel refused: ``connection refused``.
        HostError: ``bad address``, ``bad port number: N``.
    """
    with _making(_FAMILIES[family], socket.SOCK_STREAM) as sock:
        if bind_address is not None:
            _bind(sock, bind_address, bind_port)
        sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        in_progress = _connect(sock, _target(sock.family, address, port))
        return sock.detach(), in_progress


def connect_unix(path: bytes) -> tuple[int, bool]:
    """Connect to the unix domain socket at *path*.

    Returns:
        As :func:`connect` does.

    Raises:
        OSError: ``no such file or directory``; where the peer's backlog is
            full, ``resource temporarily unavailable``.
        HostError: the path is empty, too long or contains a NUL.
    """
    with _making(socket.AF_UNIX, socket.SOCK_STREAM) as sock:
        in_progress = _connect(sock, _checked_path(path))
        return sock.detach(), in_progress


def udp(
    family: int,
    address: bytes,
    port: int,
    bind_address: bytes | None = None,
    bind_port: int | None = None,
) -> int:
    """Make a UDP socket with a fixed peer: ``ngx_http_lua_udp_connect``.

    Takes and raises what :func:`connect` does; returns the descriptor.
    """
    with _making(_FAMILIES[family], socket.SOCK_DGRAM) as sock:
        if bind_address is not None:
            _bind(sock, bind_address, bind_port)
        _connect(sock, _target(sock.family, address, port))
        return sock.detach()


def udp_unix(path: bytes) -> int:
    """Make a datagram socket with the peer *path*.

    It is bound to a name of the kernel's choice, so that the peer can answer.
    Raises what :func:`connect_unix` does; returns the descriptor.
    """
    with _making(socket.AF_UNIX, socket.SOCK_DGRAM) as sock:
        sock.bind("")
        _connect(sock, _checked_path(path))
        return sock.detach()


def local(fd: int) -> tuple[bytes, int] | bytes:
    """Return our address and port, or ``unix:PATH``: ``ngx_sock_ntop``."""
    with _borrowed(fd) as sock:
        return _as_text(sock.getsockname())


def raw_local(fd: int) -> tuple[bytes, int]:
    """Return our address in bytes, or our path, and its family: 4, 6 or 0."""
    with _borrowed(fd) as sock:
        name = sock.getsockname()
        for number, family in _FAMILIES.items():
            if sock.family == family:
                return socket.inet_pton(family, name[0].partition("%")[0]), number
        return os.fsencode(name), 0


def peer(fd: int) -> tuple[bytes, int] | bytes:
    """Return the peer's address and port, or ``unix:PATH``.

    Raises:
        OSError: ``transport endpoint is not connected``.
    """
    with _borrowed(fd) as sock:
        return _as_text(sock.getpeername())


def error(fd: int) -> None:
    """Take the pending error of *fd*, such as that of a connection being made.

    Raises:
        OSError: the error; Lua gets ``nil, text, errno``, and ``nil`` where
            there is none.
    """
    with _borrowed(fd) as sock:
        _raise_for(sock.getsockopt(socket.SOL_SOCKET, socket.SO_ERROR))


def setoption(fd: int, name: bytes, value: float) -> bool:
    """Set a socket option: ``tcpsock:setoption``.

    Args:
        fd: the descriptor.
        name: keepalive, reuseaddr, tcp-nodelay, sndbuf, rcvbuf, keepidle,
            keepintvl or keepcnt.
        value: a number; a boolean counts as 1 or 0.

    Raises:
        HostError: ``unsupported option X``, a value that is no number, or
            what the kernel says, in its own capitals.
    """
    level, option = _option(name)
    if value is None:
        raise HostError('missing the "value" argument')
    if not isinstance(value, (int, float)):
        raise HostError('bad "value" argument: number expected')
    with _borrowed(fd) as sock, _as_kernel_says():
        sock.setsockopt(level, option, _c_int(value))
    return True


def getoption(fd: int, name: bytes) -> int:
    """Return the number that a socket option is set to: ``tcpsock:getoption``.

    Raises:
        HostError: as :func:`setoption`.
    """
    level, option = _option(name)
    with _borrowed(fd) as sock, _as_kernel_says():
        return sock.getsockopt(level, option)


def tcp_info(fd: int) -> tuple[int, ...] | bool:
    """Return rtt, rttvar, snd_cwnd and rcv_space of a TCP connection.

    False for any other socket.
    """
    with _borrowed(fd) as sock:
        try:
            info = sock.getsockopt(socket.IPPROTO_TCP, socket.TCP_INFO, _TCP_INFO_SIZE)
        except OSError:
            return False
    words = struct.unpack_from(f"{_TCP_INFO_SIZE // 4}I", info)
    return tuple(words[place] for place in _TCP_INFO_PLACES)


@contextlib.contextmanager
def _making(
    family: socket.AddressFamily, kind: socket.SocketKind
) -> Iterator[socket.socket]:
    """Yield a nonblocking socket that is closed unless it was detached."""
    sock = socket.socket(family, kind | socket.SOCK_NONBLOCK)
    try:
        yield sock
    finally:
        sock.close()


@contextlib.contextmanager
def _borrowed(fd: int) -> Iterator[socket.socket]:
    """Yield a socket on *fd*, which stays Lua's."""
    sock = socket.socket(fileno=fd)
    try:
        yield sock
    finally:
        sock.detach()


@contextlib.contextmanager
def _as_kernel_says() -> Iterator[None]:
    """Keep the capitals of error texts, as ``ngx_strerror`` does for options."""
    try:
        yield
    except OSError as exc:
        raise HostError(exc.strerror) from exc


def _raise_for(code: int) -> None:
    if code:
        raise OSError(code, os.strerror(code))


def _connect(sock: socket.socket, target: tuple[bytes, int] | bytes) -> bool:
    """Begin to connect; return whether it goes on."""
    code = sock.connect_ex(target)
    if code == errno.EINPROGRESS:
        return True
    _raise_for(code)
    return False


def _bind(sock: socket.socket, address: bytes, port: int | None) -> None:
    for family in _FAMILIES.values():
        if family != sock.family and _is_literal(family, address):
            _raise_for(errno.EAFNOSUPPORT)
    if not port and sock.type == socket.SOCK_STREAM:
        with contextlib.suppress(OSError):
            sock.setsockopt(socket.IPPROTO_IP, _IP_BIND_ADDRESS_NO_PORT, 1)
    sock.bind(_target(sock.family, address, port or 0))


def _target(family: int, address: bytes, port: int) -> tuple[bytes, int]:
    if not _is_literal(family, address):
        raise HostError("bad address")
    if not 0 <= port <= 65535:
        raise HostError(f"bad port number: {port}")
    return address, int(port)


def _is_literal(family: int, address: bytes) -> bool:
    try:
        socket.inet_pton(family, address.decode("ascii"))
    except (OSError, ValueError):
        return False
    return True


def _checked_path(path: bytes) -> bytes:
    if not path:
        raise HostError("no path in the unix domain socket")
    if len(path) > MAX_UNIX_PATH:
        raise HostError("too long path in the unix domain socket")
    if b"\0" in path:
        raise HostError("invalid path of the unix domain socket")
    return path


def _option(name: bytes) -> tuple[int, int]:
    if name is None:
        raise HostError('missing the "option" argument')
    if name not in _OPTIONS:
        shown = name.decode(errors="replace") if isinstance(name, bytes) else name
        raise HostError(f"unsupported option {shown}")
    return _OPTIONS[name]


def _c_int(value: float) -> int:
    """Cut *value* to an integer; what a C int cannot hold is EINVAL."""
    if not -_MAX_INT - 1 <= value <= _MAX_INT:
        _raise_for(errno.EINVAL)
    return int(value)


def _as_text(name: Any) -> tuple[bytes, int] | bytes:
    if isinstance(name, tuple):
        return name[0].encode(), name[1]
    # A name of the kernel's choice arrives as bytes; nginx shows none.
    return b"unix:" + (os.fsencode(name) if isinstance(name, str) else b"")
