"""The parameters of listen: what the kernel says of the sockets of both servers."""

from __future__ import annotations

import contextlib
import ctypes
import os
import socket
import struct

import pytest
from conversation import get
from directive_pair import Pair, case

#: Number of the system call on every architecture.
PIDFD_GETFD = 438

#: Fields of TCP_INFO that a listening socket has: the limit of its queue.
BACKLOG = slice(28, 32)

OPTIONS = {
    name: (level, getattr(socket, name))
    for level, names in {
        socket.SOL_SOCKET: "SO_RCVBUF SO_SNDBUF SO_KEEPALIVE SO_REUSEADDR SO_REUSEPORT",
        socket.IPPROTO_TCP: "TCP_KEEPIDLE TCP_KEEPINTVL TCP_KEEPCNT TCP_DEFER_ACCEPT "
        "TCP_FASTOPEN",
        socket.IPPROTO_IPV6: "IPV6_V6ONLY",
    }.items()
    for name in names.split()
}


def copies(pid):
    """Yield a copy of each socket of a process."""
    libc = ctypes.CDLL(None, use_errno=True)
    pidfd = os.pidfd_open(pid)
    try:
        for name in os.listdir(f"/proc/{pid}/fd"):
            with contextlib.suppress(OSError):
                if not os.readlink(f"/proc/{pid}/fd/{name}").startswith("socket:"):
                    continue
                fd = libc.syscall(PIDFD_GETFD, pidfd, int(name), 0)
                if fd < 0:
                    pytest.skip(f"pidfd_getfd: {os.strerror(ctypes.get_errno())}")
                with socket.socket(fileno=fd) as sock:
                    yield sock
    finally:
        os.close(pidfd)


def listeners(process, ports):
    """Return the options of the listening sockets, by name of the port."""
    names = {port: name for name, port in ports.items()}
    found = {}
    for sock in copies(process.pid):
        if sock.family == socket.AF_UNIX:
            continue
        if sock.getsockopt(socket.SOL_SOCKET, socket.SO_ACCEPTCONN):
            name = names[sock.getsockname()[1]]
            found[name] = {key: option(sock, *where) for key, where in OPTIONS.items()}
            info = sock.getsockopt(socket.IPPROTO_TCP, socket.TCP_INFO, 104)
            found[name]["backlog"] = struct.unpack("I", info[BACKLOG])[0]
            found[name]["TCP_NODELAY"] = sock.getsockopt(
                socket.IPPROTO_TCP, socket.TCP_NODELAY
            )
    return found


def option(sock, level, number):
    try:
        return sock.getsockopt(level, number)
    except OSError:
        return None


OK = "location / { return 200 $server_addr:$server_port; }"


def listens(number, options, host="127.0.0.1", more=""):
    where = f"{host}:PORT{number}"
    return case(
        f"{more} {OK}",
        get("/"),
        listen=f"listen {where} {options};",
        to=where.replace("*", "127.0.0.1").replace("[::]", "[::1]"),
    )


CASES = {
    "plain": case(OK),
    "backlog": listens(2, "backlog=7"),
    "buffers": listens(3, "rcvbuf=16k sndbuf=32k"),
    "keepalive": listens(4, "so_keepalive=on reuseport"),
    "keepalive_off": listens(5, "so_keepalive=off", more="tcp_nodelay off;"),
    "keepalive_times": listens(6, "so_keepalive=10m:30:4", "*"),
    "deferred": listens(7, "deferred fastopen=5 bind"),
    "ipv6_only": listens(8, "ipv6only=on", "[::]"),
    "ipv6_and_ipv4": listens(9, "ipv6only=off", "[::]"),
    "unix": case(
        OK, listen="listen unix:PREFIX/NAME.sock backlog=5;", to="unix:PREFIX/NAME.sock"
    ),
}  # fmt: skip

PAIR = Pair(CASES, look=listeners)


@pytest.mark.parametrize("name", CASES)
def test_as_nginx_does(name):
    PAIR.check(name)


def test_sockets_are_as_those_of_nginx():
    theirs, ours = PAIR.seen("nginx"), PAIR.seen()
    for options in (*theirs.values(), *ours.values()):
        del options["TCP_NODELAY"]
    assert ours == theirs
    assert len(ours) == len(CASES) - 1


def test_tcp_nodelay_goes_from_listeners_to_connections():
    ours = PAIR.seen("lua54")
    assert ours["PORT"]["TCP_NODELAY"] == 1
    assert ours["PORT5"]["TCP_NODELAY"] == 0
