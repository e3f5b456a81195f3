"""Addresses to listen on, as in nginx's ``listen`` directive, and their sockets."""

from __future__ import annotations

import contextlib
import os
import socket
import stat
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator

__all__ = [
    "Address",
    "ListenError",
    "Listener",
    "inherited_listener",
    "open_listener",
    "parse_listen",
]

#: Connections that the kernel keeps for us: NGX_LISTEN_BACKLOG on Linux.
BACKLOG = 511

#: The port of an address that names none.
DEFAULT_PORT = 80

#: Longest path of a unix domain socket: ``sun_path`` with its final NUL.
MAX_UNIX_PATH = 107

_FAMILIES = (socket.AF_INET, socket.AF_INET6, socket.AF_UNIX)

#: Mode of unix domain sockets, as nginx sets it.
UNIX_MODE = 0o666


class ListenError(Exception):
    """An address cannot be understood or listened on; the text is one line."""


@dataclass(frozen=True)
class Address:
    """Where to listen.

    Attributes:
        family: ``AF_INET``, ``AF_INET6`` or ``AF_UNIX``.
        host: the numeric address, or the path of the unix domain socket.
        port: 0 lets the kernel choose; always 0 for a unix domain socket.
    """

    family: socket.AddressFamily
    host: str
    port: int = 0

    @property
    def is_unix(self) -> bool:
        """Whether this is the path of a unix domain socket."""
        return self.family == socket.AF_UNIX

    @property
    def sockaddr(self) -> str | tuple[str, int]:
        """The address as ``socket.bind`` takes it."""
        return self.host if self.is_unix else (self.host, self.port)

    def __str__(self) -> str:
        if self.is_unix:
            return f"unix:{self.host}"
        host = f"[{self.host}]" if self.family == socket.AF_INET6 else self.host
        return f"{host}:{self.port}"


def parse_listen(text: str) -> Address:
    """Return the address that *text* names: ``ngx_parse_url`` with ``listen``.

    ``8080``, ``127.0.0.1:8080``, ``[::1]:8080``, ``*:8080``,
    ``localhost:8080`` and ``unix:/path`` are understood; the port is 80 where
    it is left out. nginx refuses port 0; here it lets the kernel choose.
    A host name stands for its first IPv4 address, else its first IPv6 one.

    Raises:
        ListenError: with nginx's words, such as ``invalid port in "*:x"``.
    """
    if text.startswith("unix:"):
        return _parse_unix(text)
    if text.startswith("["):
        return _parse_ipv6(text)
    if text.isascii() and text.isdigit():
        return Address(socket.AF_INET, "0.0.0.0", _parse_port(text, text))
    return _parse_host(text)


def _parse_unix(text: str) -> Address:
    path = text.removeprefix("unix:")
    if not path:
        raise _invalid("no path in the unix domain socket", text)
    if len(os.fsencode(path)) > MAX_UNIX_PATH:
        raise _invalid("too long path in the unix domain socket", text)
    if "\0" in path:
        raise _invalid("invalid path of the unix domain socket", text)
    return Address(socket.AF_UNIX, path)


def _parse_ipv6(text: str) -> Address:
    host, bracket, rest = text[1:].partition("]")
    if not bracket or (rest and not rest.startswith(":")):
        raise _invalid("invalid host", text)
    port = _parse_port(rest[1:], text) if rest else DEFAULT_PORT
    if not host:
        raise _invalid("no host", text)
    if not _is_literal(socket.AF_INET6, host):
        raise _invalid("invalid IPv6 address", text)
    return Address(socket.AF_INET6, host, port)


def _parse_host(text: str) -> Address:
    host, colon, port_text = text.partition(":")
    if "/" in text:
        raise _invalid("invalid host", text)
    port = _parse_port(port_text, text) if colon else DEFAULT_PORT
    if not host:
        raise _invalid("no host", text)
    if host == "*":
        return Address(socket.AF_INET, "0.0.0.0", port)
    if _is_literal(socket.AF_INET, host):
        return Address(socket.AF_INET, host, port)
    return _look_up(host, port, text)


def _parse_port(port: str, text: str) -> int:
    if not (port.isascii() and port.isdigit()) or int(port) > 65535:
        raise _invalid("invalid port", text)
    return int(port)


def _is_literal(family: socket.AddressFamily, host: str) -> bool:
    try:
        socket.inet_pton(family, host)
    except (OSError, ValueError):
        return False
    return True


def _look_up(host: str, port: int, text: str) -> Address:
    if "\0" in host:  # libc would see the part before it
        raise _invalid("host not found", text)
    try:
        found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
    except (OSError, UnicodeError, ValueError):
        raise _invalid("host not found", text) from None
    # AF_INET sorts before AF_INET6.
    family, _, _, _, sockaddr = min(found, key=lambda entry: entry[0])
    return Address(family, str(sockaddr[0]), port)


def _invalid(what: str, text: str) -> ListenError:
    return ListenError(f'{what} in "{text}"')


class Listener(socket.socket):
    """A listening socket that takes its unix path away when it is closed.

    Only the process that made it does so: workers close their copies.

    Attributes:
        address: what it listens on; port 0 is replaced by the kernel's choice.
    """

    address: Address

    def __init__(self, family: socket.AddressFamily, fileno: int | None = None) -> None:
        super().__init__(family, socket.SOCK_STREAM, 0, fileno)
        self._owned_path: str | None = None
        self._owner = os.getpid()

    def own_path(self, path: str) -> None:
        """Take *path* away on close."""
        self._owned_path = path

    def adopt(self) -> None:
        """Be owned by this process, a fork of the one that made the socket."""
        self._owner = os.getpid()

    def disown(self) -> None:
        """Leave the path to another server that has the socket as well."""
        self._owned_path = None

    def close(self) -> None:
        """Close the socket and unlink its path, if it is ours."""
        path, self._owned_path = self._owned_path, None
        if path is not None and os.getpid() == self._owner:
            with contextlib.suppress(OSError):
                os.unlink(path)
        super().close()


def open_listener(
    address: Address,
    backlog: int = BACKLOG,
    *,
    ipv6only: bool = True,
    reuseport: bool = False,
) -> Listener:
    """Listen on *address*: ``ngx_open_listening_sockets``.

    The socket is nonblocking, with SO_REUSEADDR. A unix domain socket that
    nobody listens on is replaced.

    Args:
        address: where.
        backlog: connections that the kernel keeps.
        ipv6only: whether an IPv6 socket leaves IPv4 clients to others.
        reuseport: whether other sockets may share the address.

    Raises:
        ListenError: ``bind() to 127.0.0.1:80 failed (13: Permission denied)``;
            its cause is the OSError.
    """
    with _failing(f"socket() {address}"):
        listener = Listener(address.family)
    try:
        _set_options(listener, address, ipv6only, reuseport)
        _bind(listener, address)
        with _failing(f"listen() to {address}, backlog {backlog}"):
            listener.listen(backlog)
        listener.setblocking(False)
    except BaseException:
        listener.close()
        raise
    return listener


def inherited_listener(fd: int) -> Listener:
    """Return the listener whose descriptor is *fd*: ``ngx_set_inherited_sockets``.

    Raises:
        OSError: that is no socket.
        ListenError: it does not listen, or not on an address of ours.
    """
    with socket.socket(fileno=os.dup(fd)) as probe:
        family, name = probe.family, probe.getsockname()
        listens = probe.getsockopt(socket.SOL_SOCKET, socket.SO_ACCEPTCONN)
    if not listens or family not in _FAMILIES:
        raise ListenError("it is no listener")
    listener = Listener(family, fd)
    listener.set_inheritable(False)
    listener.setblocking(False)
    if family == socket.AF_UNIX:
        listener.address = Address(family, os.fsdecode(name))
        listener.own_path(listener.address.host)
    else:
        listener.address = Address(family, name[0], name[1])
    return listener


def _set_options(
    listener: Listener, address: Address, ipv6only: bool, reuseport: bool
) -> None:
    if not address.is_unix:
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    if reuseport:
        with _failing(f"setsockopt(SO_REUSEPORT) {address}"):
            listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEPORT, 1)
    if address.family == socket.AF_INET6:
        listener.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, ipv6only)


def _bind(listener: Listener, address: Address) -> None:
    if address.is_unix:
        _remove_stale(address.host)
    with _failing(f"bind() to {address}"):
        listener.bind(address.sockaddr)
    listener.address = _bound(listener, address)
    if address.is_unix:
        listener.own_path(address.host)
        with _failing(f'chmod() "{address.host}"'):
            os.chmod(address.host, UNIX_MODE)


def _bound(listener: Listener, address: Address) -> Address:
    if address.is_unix:
        return address
    return Address(address.family, address.host, listener.getsockname()[1])


def _remove_stale(path: str) -> None:
    """Unlink *path* if it is a socket on which nobody listens."""
    with contextlib.suppress(OSError):
        if stat.S_ISSOCK(os.lstat(path).st_mode) and not _answers(path):
            os.unlink(path)


def _answers(path: str) -> bool:
    """Tell whether somebody listens; a full backlog (EAGAIN) is somebody too."""
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as probe:
        probe.setblocking(False)
        try:
            probe.connect(path)
        except ConnectionRefusedError:
            return False
        except OSError:
            return True
    return True


@contextlib.contextmanager
def _failing(what: str) -> Iterator[None]:
    try:
        yield
    except OSError as exc:
        reason = f"({exc.errno}: {exc.strerror})"
        raise ListenError(f"{what} failed {reason}") from exc
