"""The log of a process: first the command's own, then the configuration's.

Rules:

1. Until the logs of a configuration are open, lines go into the file that the
   command names (``-e``), else into the one that is compiled in:
   ``ngx_log_init``.
2. Until the server runs, what is at least a warning goes to stderr as well, as
   ``nginx: [emerg] …``, unless the log itself is stderr.
3. Once it runs, stderr is the main error log, so that what libraries print is
   in there: ``ngx_log_redirect_stderr``.
"""

from __future__ import annotations

import os
import sys
from typing import TYPE_CHECKING, Protocol

from .log import LEVELS, MAX_ERROR_STR, WARN, ErrorLog, LogFile, failed_call

if TYPE_CHECKING:
    from .logs import Logs

__all__ = ["ProcessLog", "Reporter", "redirect_stderr", "say"]

#: Where errors go if nothing says otherwise: NGX_ERROR_LOG_PATH.
DEFAULT_PATH = "logs/error.log"


class Reporter(Protocol):
    """What can be told that something happened."""

    def write(self, level: int, message: bytes) -> None:
        """Tell *message*; *level* as in :data:`~resty_py.server.log.LEVELS`."""


def say(text: str | bytes, name: str = "nginx") -> None:
    """Write a line to stderr as nginx does, or a program *name*: ``ngx_log_stderr``."""
    line = os.fsencode(name) + b": " + os.fsencode(text)
    sys.stderr.flush()
    sys.stderr.buffer.write(line[: MAX_ERROR_STR - 1] + b"\n")
    sys.stderr.buffer.flush()


class ProcessLog:
    """The log of a process.

    Args:
        prefix: what a relative path is relative to.
        path: the file, an empty text for stderr, or None for the default.
        level: the least severe level that is written.
        name: that of the program, before what goes to stderr.

    Attributes:
        path: the file as a configuration would have it; None for stderr.
    """

    def __init__(
        self,
        prefix: str,
        path: str | None,
        level: str = "notice",
        name: str = "nginx",
    ) -> None:
        file = DEFAULT_PATH if path is None else path
        self.path = os.path.join(prefix, file) if file else None
        self._name = name
        own = _open(self.path, name)
        self._log = ErrorLog([(own, level)])
        self._own: LogFile | None = own

    def write(self, level: int, message: bytes) -> None:
        """Write a line."""
        self._log.write(level, message)
        if self._own and level <= WARN and not self._log.on_stderr(level):
            say(b"[%b] %b" % (LEVELS[level].encode(), message), self._name)

    def use(self, log: ErrorLog) -> None:
        """Write into *log* from now on: that of a configuration."""
        self._log = log

    def close(self) -> None:
        """Close the command's own file; what is written later may be lost."""
        self.leave_stderr()

    def leave_stderr(self) -> None:
        """Say nothing on stderr any more, and close the command's own file."""
        if self._own is not None:
            self._own.close()
            self._own = None


def _open(path: str | None, name: str) -> LogFile:
    try:
        return LogFile(path)
    except OSError as exc:
        reason = failed_call(f'open() "{path}"', exc)
        say(b"[alert] could not open error log file: " + reason, name)
        return LogFile(None)


def redirect_stderr(logs: Logs) -> None:
    """Let the process's stderr be the main error log, unless a log is stderr."""
    files = [file for file in logs.main.files if file.fd >= 0]
    if files and not logs.uses_stderr:
        os.dup2(files[0].fd, 2)
