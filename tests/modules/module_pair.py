"""The same small servers on the real nginx and on ``resty-py nginx``.

A :class:`Case` is the inside of a server block and what to ask of it. A
:class:`Pair` serves all cases of a test file at once, each as a server of its
own name, first by nginx and then by ours, and keeps the :class:`Answer` of both:
equal answers mean equal status lines, header lines, bodies and log lines.
"""

from __future__ import annotations

import email.utils
import functools
import os
import re
import socket
import sys
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from real_nginx import load_modules, require_nginx, running

from resty_py.conf.modules import MODULES
from resty_py.conf.table import Status
from resty_py.vm import FLAVOURS

if TYPE_CHECKING:
    from collections.abc import Mapping

#: No answer takes so long.
PATIENCE = 10.0

#: The time of last change of every file: Fri, 01 Mar 2024 12:00:00 GMT.
MTIME = 1709294400

#: A server that sends nothing for so long has paused.
PAUSE = 0.15

#: Seconds from now to a time that does not depend on it.
_FAR = 50_000_000

_CONFIG = """
daemon off;
master_process off;
error_log logs/error.log info;
pid logs/nginx.pid;
events {{ worker_connections 256; }}
http {{
    access_log off;
    client_body_temp_path temp/client_body;
    include temporary*.conf;
    default_type text/plain;
    {http}
    {servers}
}}
"""

_SERVER = """
    server {{
        listen 127.0.0.1:{port};
        server_name {name};
        root html;
        {conf}
    }}
"""

# Where the real nginx keeps what ours does not need: by default places that
# only its package may write to.
_TEMPORARY = "".join(
    f"{name}_temp_path temp/{name};\n" for name in ("proxy", "fastcgi", "uwsgi", "scgi")
)

_TEMPORARY_FILE = re.compile(r"<prefix>/temp/client_body/\S+")
_PRODUCT = re.compile(r"(nginx|resty-py)/[\d.]+")
_LINE = re.compile(r"^\S+ \S+ \[(error|crit|alert|warn)\] [^:]*: (?:\*\d+ )?(.*)")
_SUFFIX = re.compile(r", client: .*, server: (\w+),")

each_flavour = pytest.mark.parametrize("flavour", FLAVOURS)


@dataclass(frozen=True)
class Case:
    """A server and one conversation with it.

    Attributes:
        conf: the inside of the server block.
        head: the request line and header lines, less Host and Connection.
        body: of the request.
        timed: whether the body's pauses count.
    """

    conf: str
    head: str = "GET / HTTP/1.1"
    body: bytes = b""
    timed: bool = False

    def request(self, name: str) -> bytes:
        """Return the bytes of the request to the server *name*."""
        lines = [*self.head.split("\n"), f"Host: {name}", "Connection: close"]
        if self.body and "Transfer-Encoding" not in self.head:
            lines.append(f"Content-Length: {len(self.body)}")
        return "\r\n".join(lines).encode() + b"\r\n\r\n" + self.body


@dataclass(frozen=True)
class Answer:
    """What a server did with a case.

    Attributes:
        head: status line and header lines; empty where the server only closed.
        body: without its chunks, as pieces that pauses part.
        whole: whether the body ended as it should.
        log: the lines of the error log, of level warn and worse.
    """

    head: tuple[str, ...]
    body: tuple[str, ...]
    whole: bool
    log: tuple[str, ...]

    def values(self, name: str) -> list[str]:
        """Return the values of the header lines called *name*."""
        lines = (line.partition(": ") for line in self.head[1:])
        return [value for key, _, value in lines if key.lower() == name.lower()]


class Pair:
    """Cases by name, and what the two servers do with them.

    Args:
        cases: a name is of lower-case letters, digits and "_".
        http: more directives of the http block.
        files: what is below ``html``.
    """

    def __init__(
        self,
        cases: Mapping[str, Case],
        http: str = "",
        files: Mapping[str, bytes] | None = None,
    ) -> None:
        self._cases = cases
        self._http = http
        self._files = files or {}
        self._kept: dict[str, dict[str, Answer]] = {}

    def expected(self, name: str) -> Answer:
        """Return what the real nginx does."""
        return self._of("nginx", self._nginx)[name]

    def actual(self, name: str, flavour: str = "luajit21") -> Answer:
        """Return what ours does on a Lua flavour."""
        return self._of(flavour, functools.partial(self._ours, flavour))[name]

    def _of(self, server, command):
        if server not in self._kept:
            self._kept[server] = {}
            with tempfile.TemporaryDirectory() as folder:
                self._kept[server] = self._record(command, Path(folder))
        return self._kept[server]

    def _nginx(self, prefix):
        (prefix / "temporary.conf").write_text(_TEMPORARY)
        command = [require_nginx(), "-p", str(prefix), "-c", "nginx.conf"]
        return [*command, "-e", "logs/error.log", "-g", load_modules()]

    def _ours(self, flavour, prefix):
        command = [sys.executable, "-m", "resty_py", "nginx", "-p", str(prefix)]
        command += ["-c", "nginx.conf", "-e", "logs/error.log"]
        return [*command, "--lua", flavour]

    def _record(self, command, prefix):
        for folder in ("logs", "temp", "html"):
            (prefix / folder).mkdir()
        for name, data in self._files.items():
            path = prefix / "html" / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(data)
            os.utime(path, (MTIME, MTIME))
        with socket.socket() as holder:
            # Kept from everybody who asks for any port; a server that sets
            # SO_REUSEADDR can bind beside a socket that does not listen.
            holder.bind(("127.0.0.1", 0))
            holder.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            port = holder.getsockname()[1]
            servers = "".join(
                _SERVER.format(port=port, name=name, conf=case.conf)
                for name, case in self._cases.items()
            )
            config = _CONFIG.format(http=self._http, servers=servers)
            (prefix / "nginx.conf").write_text(config)
            with running(command(prefix), prefix):
                raw = {}
                for name, case in self._cases.items():
                    try:
                        raw[name] = _exchange(case, name, port)
                    except OSError as exc:
                        exc.add_note(f"in {name}, after {list(raw)[-1:]}")
                        raise
        log = (prefix / "logs/error.log").read_text(errors="replace")
        log = _TEMPORARY_FILE.sub("<temporary>", log.replace(str(prefix), "<prefix>"))
        lines = _lines_by_case(log, self._cases)
        return {
            name: _read(raw[name], self._cases[name], lines[name], port)
            for name in self._cases
        }


def _exchange(case: Case, name: str, port: int) -> list[bytes]:
    """Send the request; return what comes back, parted by pauses."""
    pieces, last = [b""], time.monotonic()
    with socket.create_connection(("127.0.0.1", port), PATIENCE) as sock:
        sock.sendall(case.request(name))
        while True:
            try:
                data = sock.recv(1 << 16)
            except ConnectionError:
                break
            now = time.monotonic()
            if case.timed and now - last > PAUSE:
                pieces.append(b"")
            last = now
            if not data:
                break
            pieces[-1] += data
    return pieces


def _read(pieces: list[bytes], case: Case, log: list[str], port: int) -> Answer:
    text = [piece.decode("latin-1") for piece in pieces]
    head, _, rest = "".join(text).partition("\r\n\r\n")
    if not head:
        return Answer((), (), False, tuple(log))
    lines = [_neutral(line, port) for line in head.split("\r\n")]
    whole, body = True, rest
    if any("chunked" in line for line in lines):
        whole, body = _unchunk(rest)
    if case.timed:
        parts = tuple(map(_unchunk_loosely, _without_head(text)))
        return Answer(_relative(lines), parts, whole, tuple(log))
    body = _PRODUCT.sub("SERVER", body)
    return Answer(_relative(lines), (body,), whole, tuple(log))


def _without_head(pieces: list[str]) -> list[str]:
    """Return what the pauses part of the body."""
    while "\r\n\r\n" not in pieces[0]:
        pieces = [pieces[0] + pieces[1], *pieces[2:]]
    return [pieces[0].partition("\r\n\r\n")[2], *pieces[1:]]


def _neutral(line: str, port: int) -> str:
    if line.startswith("Server: "):
        line = _PRODUCT.sub("PRODUCT", line)
    return line.replace(f":{port}", ":PORT")


def _date(line: str) -> float:
    return email.utils.parsedate_to_datetime(line.partition(": ")[2]).timestamp()


def _relative(lines: list[str]) -> tuple[str, ...]:
    """Return header lines in which times to come are seconds from Date."""
    dates = [line for line in lines if line.startswith("Date: ") and "GMT" in line]
    stale = [line for line in lines if re.match("(?i)expires: .*GMT", line)]
    if not dates:
        return tuple(lines)
    now = _date(dates[0])
    changed = {dates[0]: "Date: now"}
    for line in stale:
        left = _date(line) - now
        if abs(left) < _FAR:
            changed[line] = f"{line[:7]}: now{left:+.0f}"
        else:
            changed[f"Cache-Control: max-age={left:.0f}"] = "Cache-Control: as Expires"
    return tuple(changed.get(line, line) for line in lines)


def _unchunk(text: str) -> tuple[bool, str]:
    body = ""
    while True:
        size, line_end, text = text.partition("\r\n")
        if not line_end:
            return False, body
        length = int(size, 16)
        if length == 0:
            return text == "\r\n", body
        body += text[:length]
        text = text[length + 2 :]


def _unchunk_loosely(text: str) -> str:
    """Return what is in the chunks of a part of a body that is text lines."""
    return re.sub(r"(?:^|\r\n)[0-9a-f]+\r\n|\r\n", "", text)


def _lines_by_case(log: str, names) -> dict[str, list[str]]:
    lines: dict[str, list[str]] = {name: [] for name in names}
    for line in log.split("\n"):
        match = _LINE.match(line)
        server = match and _SUFFIX.search(match[2])
        if match and server and server[1] in lines:
            text = match[2][: server.start()]
            lines[server[1]].append(f"{match[1]}: {text}")
    return lines


def directives_of(module: str) -> list[str]:
    """Return the directives of a module that resty-py supports."""
    return [
        command.name
        for table in MODULES
        if table.name == module
        for command in table.commands
        if command.status is not Status.LATER
    ]
