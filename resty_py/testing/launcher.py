"""How a server is started: our own by a fork, any other as a command."""

from __future__ import annotations

import contextlib
import json
import os
import re
import shlex
import signal
import socket
import subprocess
import sys
from typing import TYPE_CHECKING, Any, Protocol

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

__all__ = ["CommandLauncher", "ForkLauncher", "Launcher", "Running", "describe"]

_VERSION = re.compile(r"nginx version: \S+?/(\d+)\.(\d+)\.(\d+)")


class Running(Protocol):
    """A started server.

    Attributes:
        pid: of its first process.
    """

    pid: int

    def wait(self, timeout: float) -> int | None:
        """Return its exit code, or None if it has not ended in time."""

    def send(self, number: int) -> None:
        """Send a signal to it; one that ends it to all its processes."""


class Launcher(Protocol):
    """Starts servers."""

    #: The command, as a shell would run it.
    command: str

    def start(
        self, arguments: list[str], environment: Mapping[str, str], output: Path
    ) -> Running:
        """Start a server with arguments; its output goes to a file."""

    def close(self) -> None:
        """Free what it needs itself."""


def describe(command: str) -> tuple[str, float]:
    """Return what ``-V`` says, and the version as Test::Nginx has it: 1.027001."""
    done = subprocess.run(
        [*shlex.split(command), "-V"],
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        stdin=subprocess.DEVNULL,
        check=False,
    )
    said = done.stdout.decode("latin-1")
    match = _VERSION.search(said)
    if match is None:
        return said, 0.0
    major, minor, patch = map(int, match.groups())
    return said, major + minor / 1000 + patch / 1_000_000


def _kill(pid: int, number: int) -> None:
    with contextlib.suppress(ProcessLookupError, PermissionError):
        if number == signal.SIGKILL:
            os.killpg(pid, number)
        else:
            os.kill(pid, number)


class CommandLauncher:
    """Starts any command that takes nginx's options.

    Args:
        command: as a shell would run it.
    """

    def __init__(self, command: str) -> None:
        self.command = command

    def start(
        self, arguments: list[str], environment: Mapping[str, str], output: Path
    ) -> Running:
        """Start it."""
        with output.open("wb") as stream:
            process = subprocess.Popen(
                [*shlex.split(self.command), *arguments],
                stdin=subprocess.DEVNULL,
                stdout=stream,
                stderr=stream,
                env=dict(environment),
                start_new_session=True,
            )
        return _Process(process)

    def close(self) -> None:
        """Do nothing."""


class _Process:
    def __init__(self, process: subprocess.Popen[bytes]) -> None:
        self._process = process
        self.pid = process.pid

    def wait(self, timeout: float) -> int | None:
        try:
            return self._process.wait(timeout)
        except subprocess.TimeoutExpired:
            return None

    def send(self, number: int) -> None:
        if self._process.poll() is None or number == signal.SIGKILL:
            _kill(self.pid, number)


class ForkLauncher:
    """Starts ``resty-py nginx`` from a process that has read everything.

    Args:
        options: more options for each start.
        environment: variables of that process besides our own: what libraries
            read once, such as OPENSSL_CONF, has to be there then.
    """

    def __init__(self, options: list[str], environment: Mapping[str, str]) -> None:
        self._options = options
        self.command = shlex.join([sys.executable, "-m", "resty_py", "nginx", *options])
        ours, theirs = socket.socketpair()
        with theirs:
            self._zygote = subprocess.Popen(
                [sys.executable, "-m", "resty_py.testing.zygote", str(theirs.fileno())],
                pass_fds=[theirs.fileno()],
                stdin=subprocess.DEVNULL,
                env={**os.environ, **environment},
            )
        self._stream = ours.makefile("rw")
        ours.close()

    def ask(self, **request: Any) -> Any:
        """Return the zygote's answer to a request.

        Raises:
            RuntimeError: it has ended.
        """
        line = ""
        with contextlib.suppress(OSError):
            self._stream.write(json.dumps(request) + "\n")
            self._stream.flush()
            line = self._stream.readline()
        if not line:
            raise RuntimeError("the process that forks servers has ended")
        return json.loads(line)

    def start(
        self, arguments: list[str], environment: Mapping[str, str], output: Path
    ) -> Running:
        """Fork a server."""
        pid = self.ask(
            do="start",
            arguments=[*self._options, *arguments],
            environment=dict(environment),
            folder=os.getcwd(),
            output=str(output),
        )
        return _Forked(self, pid)

    def close(self) -> None:
        """End the process that forks."""
        # What it was last asked is lost where it has ended by itself.
        with contextlib.suppress(OSError):
            self._stream.close()
        self._zygote.wait()


class _Forked:
    def __init__(self, launcher: ForkLauncher, pid: int) -> None:
        self._launcher = launcher
        self.pid = pid
        self._code: int | None = None

    def wait(self, timeout: float) -> int | None:
        if self._code is None:
            self._code = self._launcher.ask(do="wait", pid=self.pid, timeout=timeout)
        return self._code

    def send(self, number: int) -> None:
        if self._code is None or number == signal.SIGKILL:
            _kill(self.pid, number)
