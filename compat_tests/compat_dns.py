"""A nameserver with zones of its own, for suites that ask for names of the world.

It runs in threads of this process and answers over UDP and TCP, on port 53 of a
loopback address that nobody else has: where a suite names a nameserver it names
an address only.
"""

from __future__ import annotations

import contextlib
import itertools
import os
import socket
import struct
import threading
from dataclasses import dataclass
from typing import TYPE_CHECKING

import dns.flags
import dns.message
import dns.rcode
import dns.zone
from compat_libraries import missing

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

__all__ = ["NameServer", "name_server"]

PORT = 53

#: Names that lua-resty-dns and others ask for; the answers are made up.
_ZONES = {
    "google.com.": """\
@ 300 IN NS ns1
@ 300 IN NS ns2
ns1 300 IN A 192.0.2.53
ns2 300 IN A 192.0.2.54
www 300 IN A 192.0.2.80
www 300 IN AAAA 2001:db8::80
""",
    "yahoo.com.": "www 300 IN CNAME me-ycpi.g06\nme-ycpi.g06 300 IN A 192.0.2.81\n",
    "gmail.com.": """\
@ 300 IN MX 5 gmail-smtp-in.l
@ 300 IN MX 10 alt1.gmail-smtp-in.l
@ 300 IN TXT "v=spf1 redirect=_spf.google.com"
""",
    "agentzh.org.": """\
@ 300 IN TXT "v=spf1 include:_spf.google.com ~all"
@ 300 IN SPF "v=spf1 include:_spf.google.com ~all"
""",
    "linkedin.com.": '@ 300 IN SPF "v=spf1 ip4:192.0.2.0/24 ~all"\n',
    "jabber.org.": "_xmpp-client._tcp 900 IN SRV 30 30 5222 hermes2\n",
    "8.8.in-addr.arpa.": "4.4 300 IN PTR dns.google.\n8.8 300 IN PTR dns.google.\n",
}

_SOA = "@ 300 IN SOA ns hostmaster 1 7200 3600 86400 300\n"


@dataclass(frozen=True)
class NameServer:
    """A running nameserver.

    Attributes:
        address: where it listens, on port 53.
    """

    address: str

    @property
    def variables(self) -> dict[str, str]:
        """The variables that tell a suite of it."""
        return {"TEST_NGINX_RESOLVER": self.address}


@contextlib.contextmanager
def name_server(_folder: Path) -> Iterator[NameServer]:
    """Answer for the zones while the block runs."""
    zones = {
        name: dns.zone.from_text(
            _SOA + text, origin=name, check_origin=False, relativize=False
        )
        for name, text in _ZONES.items()
    }
    address, udp, tcp = _bound()
    threads = [
        threading.Thread(target=_serve_udp, args=(udp, zones), daemon=True),
        threading.Thread(target=_serve_tcp, args=(tcp, zones), daemon=True),
    ]
    for thread in threads:
        thread.start()
    try:
        yield NameServer(address)
    finally:
        for sock in (udp, tcp):
            with contextlib.suppress(OSError):
                sock.shutdown(socket.SHUT_RDWR)
            sock.close()


def _bound() -> tuple[str, socket.socket, socket.socket]:
    """Return an address and sockets that are bound to its port 53."""
    for last in itertools.count(1):
        address = f"127.53.{os.getpid() % 256}.{last}"
        udp = socket.socket(type=socket.SOCK_DGRAM)
        tcp = socket.socket()
        try:
            udp.bind((address, PORT))
            tcp.bind((address, PORT))
            tcp.listen()
        except PermissionError:
            missing("the right to listen on port 53")
        except OSError:
            udp.close()
            tcp.close()
            if last == 250:
                raise
        else:
            return address, udp, tcp
    raise AssertionError


def _serve_udp(sock: socket.socket, zones: dict[str, dns.zone.Zone]) -> None:
    with contextlib.suppress(OSError):
        while True:
            data, peer = sock.recvfrom(65535)
            if not data:
                return
            sock.sendto(_answer(data, zones), peer)


def _serve_tcp(sock: socket.socket, zones: dict[str, dns.zone.Zone]) -> None:
    with contextlib.suppress(OSError):
        while True:
            connection, _ = sock.accept()
            with connection, contextlib.suppress(OSError):
                connection.settimeout(10)
                (size,) = struct.unpack("!H", _exactly(connection, 2))
                answer = _answer(_exactly(connection, size), zones)
                connection.sendall(struct.pack("!H", len(answer)) + answer)


def _exactly(connection: socket.socket, size: int) -> bytes:
    data = b""
    while len(data) < size:
        piece = connection.recv(size - len(data))
        if not piece:
            raise ConnectionError
        data += piece
    return data


def _answer(data: bytes, zones: dict[str, dns.zone.Zone]) -> bytes:
    query = dns.message.from_wire(data)
    answer = dns.message.make_response(query, recursion_available=True)
    (question,) = query.question
    zone = _zone_of(question.name, zones)
    if zone is None or zone.get_node(question.name) is None:
        answer.set_rcode(dns.rcode.NXDOMAIN)
        return answer.to_wire()
    for kind in (question.rdtype, dns.rdatatype.CNAME):
        found = zone.get_rrset(question.name, kind)
        if found is not None:
            answer.answer.append(found)
            break
    return answer.to_wire()


def _zone_of(
    name: dns.name.Name, zones: dict[str, dns.zone.Zone]
) -> dns.zone.Zone | None:
    for origin, zone in zones.items():
        if name.is_subdomain(dns.name.from_text(origin)):
            return zone
    return None
