"""Directives, served by the real nginx and then by ``resty-py nginx``.

A :class:`Case` is the inside of a server block and what clients say to it. A
:class:`Pair` serves all its cases at once, each as a server of its own name, and
keeps what both did: equal :class:`Outcome` means equal answers, equal lines in
the error log, and equal files of the case.

In the text of a case ``NAME`` is its name, ``PORT`` the port, ``PREFIX`` the
folder of the server, and ``PORT2`` to ``PORT9`` are ports that nobody has.
"""

from __future__ import annotations

import concurrent.futures
import contextlib
import difflib
import functools
import os
import re
import socket
import time
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import pytest
from conversation import WAIT, Request, get
from conversation import Case as Talk
from differential import short_folder
from nginx_pair import MTIME, PATIENCE, free_ports, nginx_command, our_command
from real_nginx import require_nginx, running
from transcript import answer_lines

if TYPE_CHECKING:
    import subprocess
    from collections.abc import Callable, Mapping
    from contextlib import AbstractContextManager
    from pathlib import Path

__all__ = ["SHUT", "Case", "Outcome", "Pair", "case", "sleep"]

#: A server that sends nothing for so long has paused.
PAUSE = 0.3

#: Pauses are compared in steps of so many seconds.
STEP = 0.5

#: How long a server may take to log the request of a client that is gone.
SETTLE = 0.1

#: A piece of a conversation: the client says that it will send nothing more.
SHUT = b"\0shut"

_SLEEP = b"\0sleep "

_PORTS = (b"PORT", *(b"PORT%d" % number for number in range(2, 10)))

_LEVELS = ("emerg", "alert", "crit", "error", "warn", "notice", "info")

_CONFIG = """
error_log logs/error.log info;
pid logs/nginx.pid;
{main}
events {{ {events} }}
http {{
    access_log off;
    include local/*.conf;
    root html;
    {http}
    {servers}
}}
"""

_SERVER = """
    server {{
        {listen}
        server_name NAME;
        {conf}
    }}
"""

_ENTRY = re.compile(
    r"^\d{4}/\d\d/\d\d [\d:]{8} \[(\w+)\] \d+#\d+: (?:\*\d+ )?", re.MULTILINE
)
_TRACEBACK = re.compile(r"\nstack traceback:.*?(?=, (?:client|context): |\Z)", re.S)
_SERVER_OF = re.compile(r", server: ([^\s,]+)")
_CLIENT = re.compile(r", client: .*", re.DOTALL)
_TIMES = re.compile(
    r"\d\d/\w{3}/\d{4}:[\d:]{8} [+-]\d{4}|\d{4}-\d\d-\d\dT[\d:]{8}[+-]\d\d:\d\d"
)
# What is written in Lua there and is not here, or the other way round: errors
# have a place, or none.
_LIBRARY = re.compile(
    r"\S*/resty/core/\w+\.lua:\d+: |\S+:\d+: (?=API disabled in the current context)"
)
_TEMPORARY = re.compile(r"<prefix>/(?:\w+/)+\d{10}")


def sleep(seconds: float) -> bytes:
    """Return a piece of a conversation: the client says nothing for a while."""
    return _SLEEP + str(seconds).encode()


@dataclass(frozen=True)
class Case:
    """A server and what clients say to it.

    Attributes:
        conf: the inside of the server block.
        talks: one connection after the other.
        level: the least severe lines of the error log that count.
        timed: whether pauses of the server count.
        answers: whether what it says does.
        listen: how the server listens.
        to: where clients find it.
    """

    conf: str
    talks: tuple[Talk, ...]
    level: str = "warn"
    timed: bool = False
    answers: bool = True
    listen: str = "listen 127.0.0.1:PORT;"
    to: str = "127.0.0.1:PORT"

    @property
    def is_about_time(self) -> bool:
        """Whether a busy machine may change what comes of it."""
        pieces = (piece for talk in self.talks for piece in talk.pieces)
        return self.timed or any(piece.startswith(_SLEEP) for piece in pieces)


def case(conf: str, *talks: Talk | Request | str, **more) -> Case:
    """Return a case; a target stands for ``GET``, nothing for that of ``/``."""
    return Case(conf, tuple(map(_talk, talks or ("/",))), **more)


def _talk(one):
    if isinstance(one, str):
        one = get(one)
    if isinstance(one, Request):
        return Talk(one.name, (one.last(),), 1, one.port)
    return one


@dataclass(frozen=True)
class Outcome:
    """What a server did with a case.

    Attributes:
        answers: what each connection got, as lines.
        errors: the lines of the error log.
        files: the files whose names begin with that of the case.
    """

    answers: tuple[tuple[str, ...], ...]
    errors: tuple[str, ...]
    files: Mapping[str, tuple[str, ...]]

    def lines(self) -> list[str]:
        """Return all of it."""
        lines = []
        for number, answer in enumerate(self.answers, 1):
            lines += [f"== answer {number}", *answer]
        lines += ["== error log", *self.errors]
        for name, text in self.files.items():
            lines += [f"== {name}", *text]
        return lines


def _nothing(_ports: Mapping[str, int]) -> AbstractContextManager[None]:
    return contextlib.nullcontext()


@dataclass
class _Served:
    outcomes: dict[str, Outcome]
    rest: list[str]
    seen: Any


class Pair:
    """Cases by name, and what both servers do with them.

    Args:
        cases: a name is of lower-case letters, digits and "_".
        main: directives before the http block.
        events: those of the events block.
        http: those of the http block.
        files: what is below the server's folder.
        links: symbolic links among them, and where they lead.
        settle: seconds until all is logged.
        beside: what runs meanwhile: given the ports by name, a context manager.
        look: called with the process of a server and the ports by name, when all
            has been said; what it returns is :meth:`seen`.
    """

    def __init__(
        self,
        cases: Mapping[str, Case],
        *,
        main: str = "",
        events: str = "",
        http: str = "",
        files: Mapping[str, bytes | str] | None = None,
        links: Mapping[str, str] | None = None,
        settle: float = SETTLE,
        beside: Callable[[Mapping[str, int]], AbstractContextManager[None]] = _nothing,
        look: Callable[[subprocess.Popen[bytes], Mapping[str, int]], Any] | None = None,
    ) -> None:
        self.cases = cases
        self._main = main
        self._events = events
        self._http = http
        self._files = files or {}
        self._links = links or {}
        self._settle = settle
        self._beside = beside
        self._look = look
        self._kept: dict[str, _Served | BaseException] = {}
        self._is_repeated = False

    @property
    def text(self) -> str:
        """The configuration of all cases."""
        confs = [f"{one.listen} {one.conf}" for one in self.cases.values()]
        return "\n".join([self._main, self._events, self._http, *confs])

    def expected(self, name: str) -> Outcome:
        """Return what the real nginx does."""
        return self._served("nginx").outcomes[name]

    def actual(self, name: str, flavour: str = "luajit21") -> Outcome:
        """Return what ours does on a Lua flavour."""
        return self._served(flavour).outcomes[name]

    def check(self, name: str, flavour: str = "luajit21") -> None:
        """Fail where ours does not do what nginx does.

        What is about time gets a second chance: the machine may have been busy.
        """
        theirs, ours = self.expected(name).lines(), self.actual(name, flavour).lines()
        if theirs != ours and self._may_be_repeated(name):
            self._is_repeated = True
            self._kept.clear()
            theirs = self.expected(name).lines()
            ours = self.actual(name, flavour).lines()
        if theirs != ours:
            diff = difflib.unified_diff(theirs, ours, "nginx", "resty-py", n=9)
            text = "\n".join(line.rstrip("\n") for line in diff)
            pytest.fail(f"{self.cases[name].conf}\n{text}", pytrace=False)

    def _may_be_repeated(self, name: str) -> bool:
        return self.cases[name].is_about_time and not self._is_repeated

    def rest(self, server: str = "luajit21") -> list[str]:
        """Return the lines of an error log that belong to no case."""
        return self._served(server).rest

    def seen(self, server: str = "luajit21") -> Any:
        """Return what there was to look at."""
        return self._served(server).seen

    def _served(self, server: str) -> _Served:
        if server not in self._kept:
            try:
                self._kept[server] = self._serve(server)
            except BaseException as exc:
                self._kept[server] = exc
                raise
        kept = self._kept[server]
        if isinstance(kept, BaseException):
            raise kept
        return kept

    def _serve(self, server: str) -> _Served:
        with short_folder() as folder, free_ports(_PORTS) as ports:
            prefix = folder / "srv"
            self._fill = functools.partial(_fill, ports=ports, prefix=prefix)
            self._make(prefix)
            if server == "nginx":
                command = nginx_command(require_nginx(), prefix)
            else:
                command = our_command(prefix, "--lua", server)
            numbers = {name.decode(): port for name, port in ports.items()}
            with self._beside(numbers), running(command, prefix) as process:
                raw = self._ask()
                time.sleep(self._settle)
                seen = self._look(process, numbers) if self._look else None
            return self._read(prefix, raw, seen)

    def _make(self, prefix: Path) -> None:
        for name in ("logs", "temp", "html", "conf/local"):
            (prefix / name).mkdir(parents=True)
        for name, data in self._files.items():
            path = prefix / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(data.encode() if isinstance(data, str) else data)
            os.utime(path, (MTIME, MTIME))
        for name, target in self._links.items():
            (prefix / name).symlink_to(target)
        servers = "".join(
            self._fill(_SERVER.format(listen=one.listen, conf=one.conf), name=name)
            for name, one in self.cases.items()
        )
        text = _CONFIG.format(
            main=self._main, events=self._events, http=self._http, servers=servers
        )
        (prefix / "conf/nginx.conf").write_text(self._fill(text))

    def _ask(self) -> dict[str, list[bytes]]:
        """Say all that there is to say; what takes its time all at once."""
        raw = {
            name: [self._exchange(name, talk) for talk in one.talks]
            for name, one in self.cases.items()
            if not one.timed
        }
        timed = [
            (name, talk)
            for name, one in self.cases.items()
            if one.timed
            for talk in one.talks
        ]
        if timed:
            # limit_rate counts whole seconds of the clock.
            time.sleep(-time.time() % 1 + 0.15)
        with concurrent.futures.ThreadPoolExecutor(max(len(timed), 1)) as pool:
            futures = [
                (name, pool.submit(self._exchange, name, talk)) for name, talk in timed
            ]
            for name, future in futures:
                raw.setdefault(name, []).append(future.result())
        return raw

    def _exchange(self, name: str, talk: Talk) -> bytes:
        one = self.cases[name]
        return _talk_to(self._fill(one.to, name=name), talk, name, one.timed)

    def _read(self, prefix: Path, raw: Mapping[str, list[bytes]], seen: Any) -> _Served:
        log = (prefix / "logs/error.log").read_text("latin-1")
        lines, rest = self._lines(_neutral(log, prefix, self._fill))
        outcomes = {
            name: Outcome(
                tuple(
                    tuple(
                        _neutral(
                            "\n".join(answer_lines(answer)), prefix, self._fill
                        ).split("\n")
                    )
                    for answer in raw[name]
                    if one.answers
                ),
                # Of several connections at once any may be the first.
                tuple(sorted(lines[name]) if one.timed else lines[name]),
                self._own_files(name, prefix),
            )
            for name, one in self.cases.items()
        }
        return _Served(outcomes, rest, seen)

    def _own_files(self, name: str, prefix: Path) -> dict[str, tuple[str, ...]]:
        return {
            path.name: tuple(self._text_of(path, prefix))
            for path in sorted((prefix / "logs").iterdir())
            if path.name.startswith(f"{name}.")
        }

    def _text_of(self, path: Path, prefix: Path) -> list[str]:
        text = _neutral(path.read_text("latin-1"), prefix, self._fill)
        text = _LIBRARY.sub("", text)
        return _TIMES.sub("TIME", _ENTRY.sub(r"\1: ", text)).split("\n")

    def _lines(self, log: str) -> tuple[dict[str, list[str]], list[str]]:
        lines: dict[str, list[str]] = {name: [] for name in self.cases}
        rest = []
        _, *parts = _ENTRY.split(log)
        for level, text in zip(parts[::2], parts[1::2], strict=True):
            server = _SERVER_OF.search(text)
            line = f"{level}: {_TRACEBACK.sub('', text)}".rstrip()
            if not server or server[1] not in lines:
                rest.append(line)
                continue
            least = self.cases[server[1]].level
            if _LEVELS.index(level) <= _LEVELS.index(least):
                lines[server[1]].append(_CLIENT.sub("", line))
        return lines, rest


def _fill(
    text: str, *, ports: Mapping[bytes, int], prefix: Path, name: str = ""
) -> str:
    for word in reversed(_PORTS):
        text = text.replace(word.decode(), str(ports[word]))
    text = text.replace("PREFIX", str(prefix))
    return text.replace("NAME", name) if name else text


def _neutral(text: str, prefix: Path, fill) -> str:
    """Return *text* without what differs from one server to the next."""
    ports = fill.keywords["ports"]
    text = _TEMPORARY.sub("<temporary>", text.replace(str(prefix), "<prefix>"))
    for word in _PORTS:
        text = text.replace(f":{ports[word]}", f":{word.decode()}")
    return text


def _connect(address: str) -> socket.socket:
    if address.startswith("unix:"):
        sock = socket.socket(socket.AF_UNIX)
        sock.settimeout(PATIENCE)
        sock.connect(address.removeprefix("unix:"))
        return sock
    host, _, port = address.rpartition(":")
    return socket.create_connection((host.strip("[]"), int(port)), PATIENCE)


class _Client:
    """One end of a connection, and all that came by it.

    Args:
        sock: the connection.
        timed: whether pauses are told.
    """

    def __init__(self, sock: socket.socket, timed: bool) -> None:
        self._sock = sock
        self._timed = timed
        self._last = time.monotonic()
        self.answer = b""

    def say(self, piece: bytes) -> None:
        if piece == WAIT:
            self.receive()
        elif piece == SHUT:
            self._sock.shutdown(socket.SHUT_WR)
        elif piece.startswith(_SLEEP):
            time.sleep(float(piece.removeprefix(_SLEEP)))
        else:
            self._sock.sendall(piece)

    def receive(self) -> bool:
        """Take what comes; return whether there may be more."""
        try:
            data = self._sock.recv(1 << 16)
        except ConnectionError:
            data, self.answer = b"", self.answer + b"\r\nreset"
        except TimeoutError:
            data, self.answer = b"", self.answer + b"\r\nkept open"
        gap, self._last = time.monotonic() - self._last, time.monotonic()
        if self._timed and gap > PAUSE:
            self.answer += b"\r\n<%.1f s>\r\n" % (round(gap / STEP) * STEP)
        self.answer += data
        return data != b""


def _talk_to(address: str, talk: Talk, name: str, timed: bool) -> bytes:
    """Say what a client says; return all that comes back, and how it ended."""
    try:
        sock = _connect(address)
    except ConnectionError:
        return b"there is no server"
    with sock:
        client = _Client(sock, timed)
        try:
            for piece in talk.pieces:
                client.say(piece.replace(b"localhost", name.encode()))
        except ConnectionError:
            return client.answer + b"\r\nreset"
        while client.receive():
            pass
    return client.answer
