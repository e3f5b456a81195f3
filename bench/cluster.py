"""A master and its workers, ours or nginx's, for as long as a block runs."""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

from .process import BenchError, accepts
from .servers import APPS, WORKER_CONNECTIONS, OpenResty, find_openresty

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Iterator

__all__ = ["PORT", "REDIS_PORT", "Master", "Servers"]

_CONF = """\
daemon off;
worker_processes {workers};
pid {folder}/nginx.pid;
error_log {folder}/error.log error;
{user}
events {{
    worker_connections {connections};
}}

http {{
    access_log off;
    keepalive_requests 1000000;
    client_body_temp_path {folder}/client_body;
    proxy_temp_path {folder}/proxy;
    fastcgi_temp_path {folder}/fastcgi;
    uwsgi_temp_path {folder}/uwsgi;
    scgi_temp_path {folder}/scgi;
    lua_shared_dict bench 64m;
    server {{
        listen 127.0.0.1:{port};
        location = /dict {{ content_by_lua_file "{apps}/shared_dict.lua"; }}
        location = /hello {{ content_by_lua_file "{apps}/hello.lua"; }}
        location = /cosocket {{
            set $redis_port {redis_port};
            content_by_lua_file "{apps}/cosocket_near.lua";
        }}
    }}
}}
"""

PORT = 18_180

#: Where the Redis of the first worker listens; the next one's is behind it.
REDIS_PORT = 16_390

_STOP_SECONDS = 10


class Master(NamedTuple):
    """The number of a master's process, and where its workers answer."""

    pid: int
    port: int

    def url(self, name: str) -> str:
        """Return the address of an application."""
        return f"http://127.0.0.1:{self.port}/{name}"

    def workers(self) -> list[str]:
        """Return the numbers of the workers' processes."""
        return Path(f"/proc/{self.pid}/task/{self.pid}/children").read_text().split()

    def worker_seconds(self) -> list[float]:
        """Return the CPU seconds of each worker."""
        return [_cpu_seconds(pid) for pid in self.workers()]


def _cpu_seconds(pid: str) -> float:
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(") ")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


class Servers:
    """The two that are compared, by name."""

    def __init__(self) -> None:
        self._real = find_openresty()

    @property
    def names(self) -> tuple[str, ...]:
        """Ours, and the real one where it is installed."""
        return ("resty-py", "openresty") if self._real else ("resty-py",)

    @contextlib.contextmanager
    def serve(
        self, name: str, workers: int, cores: Collection[int] = (), number: int = 0
    ) -> Iterator[Master]:
        """Run one with so many workers.

        Args:
            name: one of names.
            workers: how many.
            cores: those it may run on; all where there are none.
            number: how many run beside it already.

        Raises:
            BenchError: it does not start.
        """
        with tempfile.TemporaryDirectory(prefix="resty-py-bench-") as folder:
            conf = Path(folder) / "nginx.conf"
            port = PORT + number
            conf.write_text(
                _CONF.format(
                    workers=workers,
                    redis_port=REDIS_PORT + number,
                    folder=folder,
                    user="user root;" if os.geteuid() == 0 else "",
                    connections=WORKER_CONNECTIONS,
                    port=port,
                    apps=APPS,
                )
            )
            command = [*_pin(cores), *self._command(name, conf)]
            process = subprocess.Popen(command, cwd=folder)
            try:
                master = Master(process.pid, port)
                _until(lambda: accepts(port) and len(master.workers()) == workers)
                yield master
            finally:
                process.send_signal(signal.SIGTERM)
                process.wait(_STOP_SECONDS)

    def _command(self, name: str, conf: Path) -> list[str]:
        arguments = ["-p", str(conf.parent), "-c", str(conf)]
        arguments += ["-e", str(conf.parent / "error.log")]
        if name == "resty-py":
            return [sys.executable, "-m", "resty_py", "nginx", *arguments]
        assert isinstance(self._real, OpenResty)
        modules = " ".join(f"load_module {path};" for path in self._real.modules)
        return [self._real.binary, *arguments, "-g", modules]


def _pin(cores: Collection[int]) -> list[str]:
    return ["taskset", "-c", ",".join(map(str, cores))] if cores else []


def _until(condition: Callable[[], bool]) -> None:
    deadline = time.monotonic() + 10
    while not condition():
        if time.monotonic() > deadline:
            raise BenchError("the server did not start")
        time.sleep(0.01)
