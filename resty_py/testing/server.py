"""The server under test: its files, its start, its error log and its end.

Rules:

1. A block's server starts anew, in an emptied prefix, unless the file sets
   ``TEST_NGINX_USE_HUP``: then the first one is reloaded by HUP for each further
   block, and its logs go on.
2. It has started when its pid file is there: nginx listens before it writes it.
3. A server that is told to reload has done so when it answers with the number
   of the new configuration.
4. The error log is read from where the last look ended, when the server has
   nothing left to do, or after ``SETTLE`` seconds.
"""

from __future__ import annotations

import contextlib
import os
import re
import shutil
import signal
import time
from typing import TYPE_CHECKING, Any

from . import client, conffile
from .perl.values import lines_of, text
from .quiet import Watch
from .request import Piece

if TYPE_CHECKING:
    from pathlib import Path

    from .conffile import Layout
    from .launcher import Launcher, Running
    from .suite import Block

__all__ = ["Server", "StartError"]

#: Seconds that a start, a reload and an end may take.
START_PATIENCE = 10.0
RELOAD_PATIENCE = 5.0
END_PATIENCE = 10.0
PAUSE = 0.002

#: Seconds in which workers of the former configuration may end: nginx lets the new
#: ones begin for a tenth of a second before it tells them to.
RETREAT = 0.5

#: Seconds in which what happens after the last byte of a response is logged, if
#: the server does not fall quiet earlier.
SETTLE = 0.045

_INDEX = "<html><head><title>It works!</title></head><body>It works!</body></html>"
_FILE = re.compile(r">>> (\S+)(?:\s+(.+))?")


class StartError(Exception):
    """The server did not start.

    Attributes:
        code: its exit code, or None.
    """

    def __init__(self, message: str, code: int | None) -> None:
        super().__init__(message)
        self.code = code


class Server:
    """A place for servers, one after the other.

    Args:
        launcher: starts them.
        layout: where they keep their files and listen.
    """

    def __init__(self, launcher: Launcher, layout: Layout) -> None:
        self._launcher = launcher
        self.layout = layout
        self._running: Running | None = None
        self._watch: Watch | None = None
        self._version = 0
        self._log_place = 0

    @property
    def is_running(self) -> bool:
        """Whether a server runs."""
        return self._running is not None and self._running.wait(0) is None

    @property
    def command(self) -> str:
        """The command of the server."""
        return self._launcher.command

    def said(self) -> str:
        """Return what the server wrote to its standard output and error."""
        path = self.layout.root / "said.txt"
        return path.read_bytes().decode("latin-1") if path.exists() else ""

    # Start and end ----------------------------------------------------------------

    def begin(self, block: Block) -> None:
        """Let a server with the configuration of *block* run.

        Raises:
            StartError: it does not start, or does not reload.
        """
        uses_hup = bool(block.suite.environment.get("TEST_NGINX_USE_HUP"))
        if uses_hup and self.is_running:
            self._reload(block)
        else:
            self.kill()
            self._prepare()
            self._write(block, version=1 if uses_hup else 0)
            self._start(block)

    def _prepare(self) -> None:
        root = self.layout.root
        shutil.rmtree(root, ignore_errors=True)
        for name in ("conf", "logs", "html"):
            (root / name).mkdir(parents=True, exist_ok=True)
        (self.layout.html / "index.html").write_text(_INDEX)
        self._log_place = 0
        self._version = 0

    def _write(self, block: Block, version: int) -> None:
        self._version = version
        data = conffile.render(block, self.layout, version=version)
        self.layout.conf.write_bytes(data.encode("latin-1", "replace"))
        self.write_files(block)

    def write_files(self, block: Block) -> None:
        """Write a block's ``user_files``."""
        _write_files(block, self.layout.html)

    def _start(self, block: Block) -> None:
        environment = {
            name: text(value)
            for name, value in block.suite.environment.items()
            if value is not None
        }
        root = self.layout.root
        arguments = ["-p", f"{root}/", "-c", str(self.layout.conf)]
        arguments += ["-e", str(self.layout.error_log)]
        self._running = self._launcher.start(arguments, environment, root / "said.txt")
        deadline = time.monotonic() + START_PATIENCE
        while not self._has_started():
            code = self._running.wait(0)
            if code is not None:
                self._running = None
                raise StartError(f"exit code {code}: {self.said().strip()}", code)
            if time.monotonic() > deadline:
                raise StartError("the server did not start in time", None)
            time.sleep(PAUSE)
        self._watch = Watch(self._running.pid, SETTLE)

    def _has_started(self) -> bool:
        try:
            return self.layout.pid.stat().st_size > 0
        except OSError:
            return False

    def _reload(self, block: Block) -> None:
        assert self._running is not None
        assert self._watch is not None
        former = set(self._watch.processes()) - {self._running.pid}
        self._write(block, self._version + 1)
        self._running.send(signal.SIGHUP)
        deadline = time.monotonic() + RELOAD_PATIENCE
        while not self._answers_version():
            if block.has("reload_fails") and self._reload_failed():
                return
            if time.monotonic() > deadline:
                raise StartError("the server did not reload in time", None)
            time.sleep(PAUSE)
        deadline = time.monotonic() + RETREAT
        while former & set(self._watch.processes()) and time.monotonic() < deadline:
            time.sleep(PAUSE)

    def _reload_failed(self) -> bool:
        """Wait whether a reload fails, as the block has it."""
        time.sleep(SETTLE * 4)
        return not self._answers_version()

    def _answers_version(self) -> bool:
        request = f"GET {conffile.VERSION_LOCATION} HTTP/1.0\r\nHost: localhost\r\n\r\n"
        pieces = [Piece(request.encode())]
        answer = client.exchange(("127.0.0.1", self.layout.port), pieces, 1.0)
        return answer.data.endswith(b"\r\n\r\nversion %d" % self._version)

    def end(self) -> int | None:
        """Let the server finish and end; return its exit code, or None."""
        code = None
        if self._running is not None:
            self._running.send(signal.SIGQUIT)
            code = self._running.wait(END_PATIENCE)
            self.kill()
        return code

    def kill(self) -> None:
        """End the server at once."""
        if self._running is not None:
            self._running.send(signal.SIGKILL)
            self._running.wait(END_PATIENCE)
            self._running = self._watch = None

    # The log ----------------------------------------------------------------------

    def new_log(self, *, accumulates: bool = False) -> list[str]:
        """Return the lines of the error log since the last look, or all."""
        if self._watch is not None:
            self._watch.wait(SETTLE)
        with contextlib.suppress(FileNotFoundError), self._open_log() as log:
            if not accumulates:
                log.seek(self._log_place)
            data = log.read()
            self._log_place = log.tell()
            return lines_of(data.decode("latin-1"))
        return []

    def _open_log(self) -> Any:
        return self.layout.error_log.open("rb")


def _write_files(block: Block, folder: Path) -> None:
    for name, body, date in _files(block.value("user_files")):
        path = folder / os.fsdecode(name.encode("latin-1", "replace"))
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(block.suite.expand(body).encode("latin-1", "replace"))
        if date:
            os.utime(path, (_touch_time(date),) * 2)


def _files(value: Any) -> list[tuple[str, str, str]]:
    if isinstance(value, list):
        rows = [[*row, "", ""] for row in value]
        return [(text(row[0]), text(row[1]), text(row[2])) for row in rows]
    found: list[tuple[str, str, str]] = []
    for line in lines_of(text(value)):
        if match := _FILE.search(line):
            found.append((match[1], "", match[2] or ""))
        elif found:
            name, body, date = found[-1]
            found[-1] = (name, body + line, date)
    return found


def _touch_time(date: str) -> float:
    """Return the time of ``touch -t [[CC]YY]MMDDhhmm[.ss]``."""
    digits, _, seconds = date.strip().partition(".")
    century = time.strftime("%Y")
    digits = {8: century + digits, 10: century[:2] + digits}.get(len(digits), digits)
    return time.mktime(time.strptime(digits + (seconds or "00"), "%Y%m%d%H%M%S"))
