"""The same clients at the real nginx and at ours, over TLS.

A :class:`Probe` is a client's connection; a :class:`Pair` serves a configuration
by one server and then by the other, and keeps what each answered and logged.
"""

from __future__ import annotations

import contextlib
import re
import socket
import ssl
from dataclasses import dataclass

from authority import HOST
from nginx_pair import free_ports, nginx_command, our_command
from real_nginx import require_nginx, running

PATIENCE = 10.0

_PORTS = tuple(b"PORT%d" % number for number in range(1, 10))

_LINE = re.compile(
    r"^\d{4}/\d\d/\d\d [\d:]{8} \[(\w+)\] \d+#\d+: (?:\*\d+ )?(.*)$", re.MULTILINE
)


@dataclass(frozen=True)
class Probe:
    """A client's connection.

    Attributes:
        port: the number of the server's port.
        name: what is sent as SNI, or None.
        request: what is said.
        version: the only version of TLS that is spoken, or None.
        certificate: an attribute of the authority: what is presented, or None.
        plain: whether no TLS is spoken at all.
        waits: whether the client waits for the end, and does not say its own.
        times: how often the client comes, with the session of the last time.
    """

    port: int
    name: str | None = HOST
    request: bytes = b"GET / HTTP/1.0\r\nHost: %s\r\n\r\n" % HOST.encode()
    version: ssl.TLSVersion | None = None
    certificate: str | None = None
    plain: bool = False
    waits: bool = False
    times: int = 1


TLS12, TLS13 = ssl.TLSVersion.TLSv1_2, ssl.TLSVersion.TLSv1_3


def get(target: str, host: str = HOST) -> bytes:
    return f"GET {target} HTTP/1.0\r\nHost: {host}\r\n\r\n".encode()


def _context(probe: Probe, authority) -> ssl.SSLContext:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname = False
    context.verify_mode = ssl.CERT_NONE
    if probe.version:
        context.minimum_version = context.maximum_version = probe.version
    if probe.certificate:
        context.load_cert_chain(getattr(authority, probe.certificate))
    return context


def read(sock) -> str:
    data = b""
    try:
        while piece := sock.recv(65536):
            data += piece
    except (ConnectionError, ssl.SSLError) as exc:
        data += f"<{getattr(exc, 'reason', type(exc).__name__)}>".encode()
    return data.decode("latin-1")


def once(probe: Probe, port: int, context, session):
    """Return what the server said, and the session."""
    with socket.create_connection(("127.0.0.1", port), PATIENCE) as sock:
        if probe.plain:
            sock.sendall(probe.request)
            if not probe.waits:
                sock.shutdown(socket.SHUT_WR)
            return read(sock), None
        try:
            tls = context.wrap_socket(sock, server_hostname=probe.name, session=session)
        except (ssl.SSLError, ConnectionError) as exc:
            return f"<{getattr(exc, 'reason', None) or type(exc).__name__}>", None
        with tls:
            with contextlib.suppress(ConnectionError, ssl.SSLError):
                tls.sendall(probe.request)
            answer = read(tls)
            shown = "self-signed" if _is_self_signed(tls) else "issued"
            return f"{shown} {answer}", tls.session


def _is_self_signed(tls) -> bool:
    return b"\x16Testing cert" not in tls.getpeercert(True) and (
        b"trustme" not in tls.getpeercert(True)
    )


def ask(probe: Probe, port: int, authority) -> list[str]:
    context, session, answers = _context(probe, authority), None, []
    for _ in range(probe.times):
        answer, session = once(probe, port, context, session)
        answers.append(answer)
    return answers


FILES = (
    "server", "ca", "selfsigned", "chained", "revoking", "encrypted", "passwords"
)  # fmt: skip

_VARYING = re.compile(r"Date: .*\r\n|Server: nginx/[\d.]+\r\n|nginx/[\d.]+")


class Pair:
    """What both servers answered, each asked once.

    Args:
        authority: whose files the configuration names in braces.
        folder: for the servers' files.
        config: nginx.conf, to be formatted; PORT1 to PORT9 become ports. At
            PORT7 is a server without TLS.
        probes: the clients by name.
        files: more files beside nginx.conf.
    """

    def __init__(self, authority, folder, config, probes, files=None) -> None:
        self._authority = authority
        self._config = config
        self._files = files or {}
        self._probes = probes
        self._folder = folder
        self._nginx = require_nginx()
        self._kept: dict[str, dict[str, object]] = {}

    def of(self, who: str, *options: str) -> dict[str, object]:
        """Return answers, and lines of the error log, by probe."""
        if who not in self._kept:
            prefix = self._folder / who
            for name in ("conf/local", "logs", "temp", "html"):
                (prefix / name).mkdir(parents=True)
            with free_ports(_PORTS) as ports:
                self._write(prefix, ports)
                command = (
                    nginx_command(self._nginx, prefix)
                    if who == "nginx"
                    else our_command(prefix, *options)
                )
                with running(command, prefix):
                    self._kept[who] = self._run(ports, prefix)
        return self._kept[who]

    def _write(self, prefix, ports) -> None:
        files = {name: str(getattr(self._authority, name)) for name in FILES}
        text = self._config.format(host=HOST, **files)
        for name, port in ports.items():
            text = text.replace(name.decode(), str(port))
        (prefix / "conf/nginx.conf").write_text(text)
        for name, data in self._files.items():
            (prefix / "conf" / name).write_text(data)

    def _run(self, ports, prefix):
        known = {str(port): name.decode() for name, port in ports.items()}
        results = {}
        log = prefix / "logs/error.log"
        seen = log.stat().st_size
        for name, probe in self._probes.items():
            port = ports[b"PORT%d" % probe.port]
            answers = ask(probe, port, self._authority)
            self._settle(ports[b"PORT7"])
            lines = self._new_lines(log, seen)
            seen = log.stat().st_size
            answers = [self._neutral(one, known) for one in answers]
            results[name] = (answers, [self._neutral(one, known) for one in lines])
        return results

    def _settle(self, port: int) -> None:
        """Return when the server has done what the ends of connections ask for."""
        for _ in range(3):
            once(Probe(7, plain=True), port, None, None)

    def _new_lines(self, log, seen) -> list[str]:
        text = log.read_bytes()[seen:].decode(errors="replace")
        lines = [f"{level}: {line}" for level, line in _LINE.findall(text)]
        return [line for line in lines if "keepalive connection" not in line]

    def _neutral(self, text, known):
        text = _VARYING.sub("", text)
        for port, name in known.items():
            text = text.replace(port, name)
        return text
