"""A master and its workers, ours or nginx's, for tests that do the same to both."""

from __future__ import annotations

import os
import re
import signal
from collections import Counter
from pathlib import Path
from typing import TYPE_CHECKING

from nginx_command import PATIENCE, Command, until
from real_nginx import MODULES, require_nginx

if TYPE_CHECKING:
    import subprocess

#: Lines that tell of the machine, and signals of which several become one, or
#: that only one of the two uses.
LEFT_OUT = re.compile(
    r"\[info\] epoll_wait|"
    r"\[notice\] (nginx/|OS: |getrlimit|signal (17|29|14) |using the \"epoll\")"
)


class Nginx(Command):
    """The real nginx, driven as ours is."""

    def __init__(self, folder: Path) -> None:
        super().__init__(folder)
        self._nginx = require_nginx()

    def argv(self, *options: str) -> list[str]:
        own = ("-p", f"{self.folder}/", "-c", "conf/nginx.conf", "-e", "logs/error.log")
        return [self._nginx, *own, *options]

    def configure(self, server: str = "", http: str = "", main: str = "") -> None:
        modules = ("ndk_http_module.so", "ngx_http_lua_module.so")
        loads = " ".join(f"load_module {MODULES / name};" for name in modules)
        super().configure(server, http, f"{loads} {main}" if "lua" in http else main)


class Pair:
    """One of the two, and what a case does to it.

    Attributes:
        command: it.
        process, master: it when it was started, and its number.
        code: its exit code when it has ended.
    """

    process: subprocess.Popen
    master: int

    def __init__(self, command: Command) -> None:
        self.command = command
        self.code: int | None = None

    def start(self, conf: str = "worker_processes 2;") -> None:
        """Start it in the foreground."""
        self.configure("ok", conf)
        self.process = self.command.start(master=True)
        self.master = self.process.pid
        self.settle(2)

    def configure(self, answer: str, main: str = "") -> None:
        """Write a configuration that answers with a word."""
        server = f"location / {{ return 200 {answer}; }}"
        self.command.configure(server, main=f"{as_root()} {main}")

    def settle(self, count: int) -> None:
        """Wait until there are so many workers, and none but those."""
        until(lambda: len(self.workers()) == count, f"not {count} workers")

    def workers(self) -> list[int]:
        """Return the numbers of the master's children."""
        path = Path(f"/proc/{self.master}/task/{self.master}/children")
        return [int(pid) for pid in path.read_text().split()]

    def tell(self, number: int, pid: int | None = None) -> None:
        """Send a signal to the master, or to another process."""
        os.kill(pid or self.master, number)

    def logged(self, text: str, times: int = 1) -> None:
        """Wait until *text* is in the error log."""
        self.command.until_logged(text, times)

    def end(self, number: int = signal.SIGQUIT) -> None:
        """End it by a signal, and note its exit code."""
        self.tell(number)
        self.code = self.process.wait(PATIENCE)

    def lines(self) -> Counter[str]:
        """Return what was logged and can be compared."""
        text = self.command.log.read_text()
        lines = (
            re.sub(r"^.*?(\[\w+\]) \d+#\d+: ", r"\1 ", s) for s in text.splitlines()
        )
        kept = (line for line in lines if not LEFT_OUT.match(line))
        plain = (line.replace(str(self.command.folder), "P") for line in kept)
        return Counter(re.sub(r"( from)? \d{2,}\b", "", line) for line in plain)


def as_root() -> str:
    """Return the directives that let both be the same user, with one pid file."""
    user = "user root;" if os.geteuid() == 0 else ""
    return f"pid logs/nginx.pid; {user}"
