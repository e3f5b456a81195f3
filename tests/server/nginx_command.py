"""``resty-py nginx`` as a process, for tests of what becomes of it."""

from __future__ import annotations

import contextlib
import os
import re
import signal
import socket
import subprocess
import sys
import time
from pathlib import Path
from typing import Self

ROOT = Path(__file__).parents[2]

#: No answer within this is a defect; nothing waits for it to pass.
PATIENCE = 20.0

_TICK = 0.01


def until(condition, what="") -> None:
    """Wait until *condition* holds."""
    deadline = time.monotonic() + PATIENCE
    while not condition():
        if time.monotonic() > deadline:
            raise AssertionError(what or "it did not come about")
        time.sleep(_TICK)


def is_running(pid: int) -> bool:
    """Tell whether a process is there and has not ended: ``kill 0``."""
    try:
        os.kill(pid, 0)
        # In a container its parent may never ask for how it ended.
        return ") Z " not in Path(f"/proc/{pid}/stat").read_text()
    except (ProcessLookupError, FileNotFoundError):
        return False


def free_port() -> int:
    """Return a port that nobody listens on."""
    with socket.socket() as sock:
        sock.bind(("127.0.0.1", 0))
        return sock.getsockname()[1]


class Command:
    """A prefix in which the command is run: a context manager.

    Whatever was started in it is killed on leaving.

    Args:
        folder: the prefix.

    Attributes:
        folder, conf, log, pidfile: the prefix and files in it.
        port: one for the configuration to listen on.
    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.conf = folder / "conf/nginx.conf"
        self.log = folder / "logs/error.log"
        self.pidfile = folder / "logs/nginx.pid"
        self.port = free_port()
        self.environment = {**os.environ, "PYTHONPATH": str(ROOT)}
        self._started: list[subprocess.Popen] = []
        self._pids: set[int] = set()
        for name in ("conf", "logs", "html"):
            (folder / name).mkdir()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_exc: object) -> None:
        with contextlib.suppress(OSError, ValueError):
            self._pids.add(int(self.pidfile.read_text()))
        for process in self._started:
            process.kill()
            process.wait(PATIENCE)
        for pid in self._pids:
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)

    # Configurations --------------------------------------------------------------

    def configure(self, server: str = "", http: str = "", main: str = "") -> None:
        """Write a configuration; PORT and PREFIX are filled in."""
        text = f"""{main}
            error_log logs/error.log info;
            events {{}}
            http {{
                access_log logs/access.log;
                {http}
                server {{
                    listen 127.0.0.1:PORT;
                    {server}
                }}
            }}"""
        self.conf.write_text(self.fill(text))

    def fill(self, text: str) -> str:
        """Return *text* with PORT and PREFIX filled in."""
        return text.replace("PORT", str(self.port)).replace("PREFIX", str(self.folder))

    # Running ---------------------------------------------------------------------

    def argv(self, *options: str) -> list[str]:
        """Return the command with *options*."""
        own = ("-p", f"{self.folder}/", "-c", "conf/nginx.conf")
        return [sys.executable, "-m", "resty_py", "nginx", *own, *options]

    def run(self, *options: str, **more) -> subprocess.CompletedProcess:
        """Run the command until it ends."""
        more.setdefault("env", self.environment)
        return subprocess.run(
            self.argv(*options),
            capture_output=True,
            text=True,
            timeout=PATIENCE,
            **more,
        )

    def launch(self, *options: str, master: bool = False, **more) -> subprocess.Popen:
        """Start the command in the foreground, and do not wait."""
        more.setdefault("env", self.environment)
        directives = f"daemon off; master_process {'on' if master else 'off'};"
        with open(self.folder / "stderr", "wb") as stderr:
            process = subprocess.Popen(
                self.argv("-g", directives, *options), stderr=stderr, **more
            )
        self._started.append(process)
        return process

    def start(self, *options: str, master: bool = False, **more) -> subprocess.Popen:
        """Start the command in the foreground and wait until it serves.

        Without a master it is a single process.
        """
        process = self.launch(*options, master=master, **more)

        def serves() -> bool:
            assert process.poll() is None, (self.folder / "stderr").read_text()
            return self.pid() == process.pid

        until(serves)
        return process

    def daemonize(self, *options: str, master: bool = False) -> int:
        """Start the command in the background and return its pid."""
        directives = f"master_process {'on' if master else 'off'};"
        done = self.run("-g", directives, *options)
        assert (done.returncode, done.stdout, done.stderr) == (0, "", "")
        return self.pid()

    def pid(self) -> int:
        """Return what is in the pid file, or 0."""
        try:
            pid = int(self.pidfile.read_text())
        except (FileNotFoundError, ValueError):
            return 0
        self._pids.add(pid)
        return pid

    # Looking ---------------------------------------------------------------------

    def connect(self, port: int | None = None) -> socket.socket:
        """Return a connection to the server."""
        return socket.create_connection(("127.0.0.1", port or self.port), PATIENCE)

    def get(self, path: str = "/", port: int | None = None) -> str:
        """Return the body of a response."""
        with self.connect(port) as client:
            return finish(send(client, path, "Connection: close\r\n"))

    def lines(self, log: Path | None = None) -> list[str]:
        """Return the lines of an error log, without time and process."""
        try:
            text = (log or self.log).read_text()
        except FileNotFoundError:
            return []
        found = (
            re.fullmatch(r"[\d/]+ [\d:]+ (\[\w+\]) \d+#\d+: (.*)", line)
            for line in text.splitlines()
        )
        return [f"{match[1]} {match[2]}" for match in found if match]

    def until_logged(self, text: str, times: int = 1) -> None:
        """Wait until *text* is in the error log."""
        until(
            lambda: self.log.exists() and self.log.read_text().count(text) >= times,
            f"not logged: {text}",
        )

    def settled(self, text: str) -> list[str]:
        """Return the lines that follow the one that ends with *text*."""
        lines = self.lines()
        for place, line in enumerate(lines):
            if line.endswith(text):
                return lines[place + 1 :]
        raise AssertionError(f"not logged: {text}: {lines}")


def send(client: socket.socket, path: str, headers: str = "") -> socket.socket:
    """Send a request on a connection, which is returned."""
    client.sendall(f"GET {path} HTTP/1.1\r\nHost: test\r\n{headers}\r\n".encode())
    return client


def finish(client: socket.socket) -> str:
    """Return the body of what comes until the end of a connection."""
    data = b""
    while piece := client.recv(65536):
        data += piece
    head, _, body = data.partition(b"\r\n\r\n")
    if b"\r\nTransfer-Encoding: chunked" in head:
        body = b"".join(body.split(b"\r\n")[1:-3:2])
    return body.decode()
