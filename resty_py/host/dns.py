"""Name resolution off the loop.

Rules:

1. A literal address, in brackets or not, needs no lookup.
2. Without nameservers a name means what libc says: hosts file, nsswitch. The
   answer is not kept, so a change of the hosts file is seen at once.
3. With nameservers, nginx's ``resolver`` directive, only they are asked, A and
   AAAA together, for the name as it is: no search list, no hosts file. Answers
   live as long as their TTL on Trio's clock, or as ``valid=`` says; failures
   are not kept.
4. As in nginx an error of either query is the error of the name; that there
   are no records is one only where both have none.
5. Who asks for a name that is being looked up waits for that lookup. If its
   asker is cancelled, one of those who wait takes over.
6. Errors read as nginx's: ``NAME could not be resolved (3: Host not found)``,
   the name in lower case and without its final dot.
"""

from __future__ import annotations

import contextlib
import errno
import os
import socket
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import dns.asyncbackend
import dns.asyncresolver
import dns.exception
import dns.name
import dns.nameserver
import dns.rcode
import dns.rdatatype
import dns.resolver
import trio

from ..vm import HostError

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

__all__ = ["AddressCache", "Addresses", "Resolver", "nameserver", "parse_nameserver"]

#: Addresses of a name: (4 or 6, numeric address), IPv4 first.
Addresses = list[tuple[int, bytes]]

#: nginx's ``resolver_timeout``, in seconds.
RESOLVER_TIMEOUT = 30.0

#: Seconds after which a query is sent again: nginx's resend_timeout.
RESEND_TIMEOUT = 5.0

#: CNAMEs followed by queries of our own: NGX_RESOLVER_MAX_RECURSION.
MAX_CNAMES = 50

#: Names kept; nginx drops what was not used for 30 s instead.
CACHE_ENTRIES = 1024

DNS_PORT = 53

_FORMAT_ERROR = int(dns.rcode.FORMERR)
_SERVER_FAILURE = int(dns.rcode.SERVFAIL)
_HOST_NOT_FOUND = int(dns.rcode.NXDOMAIN)
_TIMED_OUT = errno.ETIMEDOUT

# ngx_resolver_strerror
_TEXTS = {
    _FORMAT_ERROR: "Format error",
    _SERVER_FAILURE: "Server failure",
    _HOST_NOT_FOUND: "Host not found",
    int(dns.rcode.NOTIMP): "Unimplemented",
    int(dns.rcode.REFUSED): "Operation refused",
    _TIMED_OUT: "Operation timed out",
}

# What no nameserver answers: libc had no descriptor to ask with.
_NO_DESCRIPTORS = (errno.EMFILE, errno.ENFILE)
_TEXTS |= {number: os.strerror(number) for number in _NO_DESCRIPTORS}

_NOT_FOUND_BY_LIBC = {
    socket.EAI_NONAME,
    socket.EAI_NODATA,
    socket.EAI_ADDRFAMILY,
    socket.EAI_FAMILY,
}

_FAMILIES = {socket.AF_INET: 4, socket.AF_INET6: 6}


class _LookupFailed(Exception):  # noqa: N818 - says what happened
    """A lookup ended with one of nginx's resolver states."""

    def __init__(self, state: int) -> None:
        super().__init__(state)
        self.state = state


def parse_nameserver(text: str) -> tuple[str, int]:
    """Return address and port of ``1.1.1.1``, ``1.1.1.1:53`` or ``[::1]:53``.

    Raises:
        ValueError: it is none of these; one line for the user.
    """
    host, port = text, str(DNS_PORT)
    if text.count(":") == 1 or "]:" in text:
        host, _, port = text.rpartition(":")
    address = _literal(host.encode())
    if address is None or not _is_port(port):
        raise ValueError(f'invalid nameserver "{text}"')
    return address[1].decode(), int(port)


def nameserver(host: str, port: int) -> str:
    """Return what :func:`parse_nameserver` makes *host* and *port* of."""
    return f"[{host}]:{port}" if ":" in host else f"{host}:{port}"


def _is_port(text: str) -> bool:
    return text.isascii() and text.isdigit() and 0 < int(text) < 65536


def _literal(host: bytes) -> tuple[int, bytes] | None:
    """Return family and address if *host* is a numeric address."""
    if host.startswith(b"[") and host.endswith(b"]"):
        host = host[1:-1]
    for family, number in _FAMILIES.items():
        with contextlib.suppress(OSError, ValueError):
            socket.inet_pton(family, host.decode("ascii"))
            return number, host
    return None


class AddressCache:
    """Addresses by name, each until its TTL ends on Trio's clock.

    Args:
        limit: names kept; the oldest one makes room.
    """

    def __init__(self, limit: int = CACHE_ENTRIES) -> None:
        self._limit = limit
        self._entries: dict[bytes, tuple[float, Addresses]] = {}

    def get(self, name: bytes) -> Addresses | None:
        """Return the addresses of *name*, or None."""
        entry = self._entries.get(name)
        if entry is None:
            return None
        deadline, addresses = entry
        if deadline <= trio.current_time():
            del self._entries[name]
            return None
        return addresses

    def put(self, name: bytes, addresses: Addresses, ttl: float) -> None:
        """Keep the *addresses* of *name* for *ttl* seconds."""
        self._entries.pop(name, None)
        while len(self._entries) >= self._limit:
            del self._entries[next(iter(self._entries))]
        self._entries[name] = (trio.current_time() + ttl, addresses)


@dataclass
class _Flight:
    """A lookup that is under way."""

    landed: trio.Event = field(default_factory=trio.Event)
    addresses: Addresses | None = None
    error: HostError | None = None


class Resolver:
    """Resolves names for cosockets: nginx's ``resolver``.

    Args:
        nameservers: as :func:`parse_nameserver` takes them; None or none at
            all means libc.
        ipv6: whether IPv6 addresses are wanted: ``resolver … ipv6=off``.
        timeout: ``resolver_timeout`` in seconds, where a call names none.
        valid: seconds that an answer lives, in place of its TTL.
        cache: where answers of nameservers are kept; a new one by default.

    Raises:
        ValueError: a nameserver is not a numeric address.
    """

    def __init__(
        self,
        nameservers: list[str] | None = None,
        ipv6: bool = True,
        timeout: float = RESOLVER_TIMEOUT,
        valid: float | None = None,
        cache: AddressCache | None = None,
    ) -> None:
        self._timeout = timeout
        self._valid = valid
        self._cache = AddressCache() if cache is None else cache
        self._flights: dict[bytes, _Flight] = {}
        lookup = _DnsLookup(nameservers, ipv6) if nameservers else _LibcLookup(ipv6)
        self._lookup: Callable[[bytes], Awaitable[tuple[Addresses, float]]] = lookup

    async def resolve(
        self,
        name: bytes,
        timeout: float | None = None,  # noqa: ASYNC109 - nginx's resolver_timeout
    ) -> Addresses:
        """Return the addresses of *name*, at least one, IPv4 first.

        Args:
            name: of a host.
            timeout: in seconds; None: that of the resolver.

        Raises:
            HostError: ``NAME could not be resolved (CODE: TEXT)``.
        """
        literal = _literal(name)
        if literal is not None:
            return [literal]
        name = name.lower().removesuffix(b".")
        try:
            with trio.fail_after(self._timeout if timeout is None else timeout):
                return await self._find(name)
        except trio.TooSlowError:
            raise _error(name, _TIMED_OUT) from None

    async def _find(self, name: bytes) -> Addresses:
        while True:
            kept = self._cache.get(name)
            if kept is not None:
                return kept
            flight = self._flights.get(name)
            if flight is None:
                return await self._fly(name)
            await flight.landed.wait()
            if flight.error is not None:
                raise HostError(str(flight.error))
            if flight.addresses is not None:
                return flight.addresses

    async def _fly(self, name: bytes) -> Addresses:
        flight = self._flights[name] = _Flight()
        try:
            flight.addresses = await self._look_up(name)
        except HostError as exc:
            flight.error = exc
            raise
        finally:
            del self._flights[name]
            flight.landed.set()
        return flight.addresses

    async def _look_up(self, name: bytes) -> Addresses:
        try:
            addresses, ttl = await self._lookup(name)
        except _LookupFailed as exc:
            raise _error(name, exc.state) from exc
        if self._valid is not None:
            ttl = self._valid
        if ttl > 0:
            self._cache.put(name, addresses, ttl)
        return addresses


def _error(name: bytes, state: int) -> HostError:
    host = name.decode(errors="backslashreplace")
    text = _TEXTS.get(state, "Unknown error")
    return HostError(f"{host} could not be resolved ({state}: {text})")


class _LibcLookup:
    """Asks ``getaddrinfo`` in a thread."""

    def __init__(self, ipv6: bool) -> None:
        # ADDRCONFIG leaves out IPv6 addresses that this machine cannot reach;
        # for one family alone it would refuse loopback addresses.
        self._family = socket.AF_UNSPEC if ipv6 else socket.AF_INET
        self._flags = socket.AI_ADDRCONFIG if ipv6 else 0

    async def __call__(self, name: bytes) -> tuple[Addresses, float]:
        if b"\0" in name:  # libc would see the part before it
            raise _LookupFailed(_HOST_NOT_FOUND)
        try:
            found = await trio.socket.getaddrinfo(
                name, None, self._family, socket.SOCK_STREAM, 0, self._flags
            )
        except socket.gaierror as exc:
            raise _LookupFailed(_libc_state(exc)) from exc
        addresses = [
            (_FAMILIES[family], str(sockaddr[0]).encode())
            for family, _, _, _, sockaddr in found
        ]
        return sorted(addresses, key=lambda address: address[0]), 0.0


def _libc_state(exc: socket.gaierror) -> int:
    return _missing_descriptor() or (
        _HOST_NOT_FOUND if exc.errno in _NOT_FOUND_BY_LIBC else _SERVER_FAILURE
    )


def _missing_descriptor() -> int:
    """Return why no file can be opened, 0 if one can: libc does not tell."""
    try:
        os.close(os.open(os.devnull, os.O_RDONLY | os.O_CLOEXEC))
    except OSError as exc:
        return exc.errno if exc.errno in _NO_DESCRIPTORS else 0
    return 0


class _DnsLookup:
    """Asks nameservers, the next one where one does not help.

    Names end with the root's empty label, so no search list applies to them.
    """

    def __init__(self, nameservers: list[str], ipv6: bool) -> None:
        self._types = [dns.rdatatype.A, dns.rdatatype.AAAA][: 2 if ipv6 else 1]
        self._backend = dns.asyncbackend.get_backend("trio")
        self._resolver = dns.asyncresolver.Resolver(configure=False)
        self._resolver.nameservers = [
            dns.nameserver.Do53Nameserver(*parse_nameserver(text))
            for text in nameservers
        ]
        self._resolver.rotate = True
        self._resolver.timeout = RESEND_TIMEOUT

    async def __call__(self, name: bytes) -> tuple[Addresses, float]:
        qname, ttl = _query_name(name), float("inf")
        for _ in range(MAX_CNAMES):
            answers = await self._ask_all(qname)
            found = [answer for answer in answers if answer.rrset is not None]
            ttl = min(ttl, *(_ttl(answer) for answer in found or answers))
            if found:
                return [address for answer in found for address in _read(answer)], ttl
            # Half a chain: the alias is known, the nameserver did not follow it.
            alias = answers[0].canonical_name
            if alias == qname:
                break
            qname = alias
        raise _LookupFailed(_HOST_NOT_FOUND)

    async def _ask_all(self, qname: dns.name.Name) -> list[dns.resolver.Answer]:
        """Ask for all types at once and wait for all answers."""
        answers: dict[dns.rdatatype.RdataType, dns.resolver.Answer | int] = {}

        async def ask(rdtype: dns.rdatatype.RdataType) -> None:
            answers[rdtype] = await self._ask(qname, rdtype)

        async with trio.open_nursery() as nursery:
            for rdtype in self._types:
                nursery.start_soon(ask, rdtype)
        return [_checked(answers[rdtype]) for rdtype in self._types]

    async def _ask(
        self, qname: dns.name.Name, rdtype: dns.rdatatype.RdataType
    ) -> dns.resolver.Answer | int:
        """Return the answer, or nginx's state where there is none."""
        try:
            return await self._resolver.resolve(
                qname,
                rdtype,
                raise_on_no_answer=False,
                # The caller's timeout is the only one: it is on Trio's clock.
                lifetime=float("inf"),
                backend=self._backend,
            )
        except dns.resolver.NXDOMAIN:
            return _HOST_NOT_FOUND
        except dns.resolver.NoNameservers as exc:
            return _last_rcode(exc)
        except dns.exception.DNSException:
            return _SERVER_FAILURE


def _query_name(name: bytes) -> dns.name.Name:
    try:
        return dns.name.Name([*name.split(b"."), b""])
    except dns.exception.DNSException as exc:
        raise _LookupFailed(_HOST_NOT_FOUND) from exc


def _checked(answer: dns.resolver.Answer | int) -> dns.resolver.Answer:
    if isinstance(answer, int):
        raise _LookupFailed(answer)
    return answer


def _last_rcode(exc: dns.resolver.NoNameservers) -> int:
    """Return what the last nameserver that answered at all said."""
    responses = [error[4] for error in exc.kwargs["errors"] if error[4] is not None]
    rcode = int(responses[-1].rcode()) if responses else 0
    return rcode or _SERVER_FAILURE


def _ttl(answer: dns.resolver.Answer) -> float:
    return float(answer.chaining_result.minimum_ttl)


def _read(answer: dns.resolver.Answer) -> Addresses:
    family = 4 if answer.rdtype == dns.rdatatype.A else 6
    return [(family, rdata.address.encode()) for rdata in answer]
