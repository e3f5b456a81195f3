"""The servers that take part: resty-py and the real OpenResty, and those that
the libraries talk to. All are processes of their own on private ports, with
private folders; leaving the ``with`` block ends them."""

from __future__ import annotations

import os
import re
import signal
import socket
import subprocess
import sys
import time
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Self

from compat_libraries import missing, program
from compat_wire import Answer, Exchange

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence

__all__ = [
    "FLAVOURS",
    "HOST",
    "MASTER",
    "REFERENCE",
    "SERVERS",
    "Process",
    "WebServer",
    "essence",
    "memcached_server",
    "redis_server",
    "reserved_port",
    "sentinel_server",
    "serve",
    "wait_until",
]

HOST = "127.0.0.1"

#: The Lua flavours that libraries are tried on.
FLAVOURS = ("luajit21", "lua51", "lua54")

#: The real OpenResty, as a server's name.
REFERENCE = "openresty"

SERVERS = (REFERENCE, *FLAVOURS)

_PATIENCE = 10.0
_POLL = 0.01

_MODULES = Path("/usr/lib/nginx/modules")

_NGINX_CONF = """\
load_module {modules}/ndk_http_module.so;
load_module {modules}/ngx_http_lua_module.so;
daemon off;
master_process off;
pid {folder}/nginx.pid;
error_log {folder}/error.log info;
{environment}
events {{
    worker_connections 512;
}}

http {{
    access_log off;
    client_body_temp_path {folder}/client_body;
    proxy_temp_path {folder}/proxy;
    fastcgi_temp_path {folder}/fastcgi;
    uwsgi_temp_path {folder}/uwsgi;
    scgi_temp_path {folder}/scgi;
    lua_package_path "{tree}/?.lua;;";

    server {{
        listen {host}:{port};
        location / {{
            content_by_lua_file {app};
        }}
    }}
}}
"""


# What differs in a log line from process to process: the time, the process, the
# connection's number, ports, addresses in memory.
_VOLATILE = re.compile(
    r"^\S+ \S+ |\d+#\d+: (\*\d+ )?|(?<=127\.0\.0\.1:)\d+|(?<= u:)[0-9A-Fa-f]+"
)

# What the servers say about themselves.
_CHATTER = re.compile(r"\[(notice|info)\]")


def essence(lines: Iterable[str]) -> list[str]:
    """Return lines of an error log without what differs from server to server."""
    return [_VOLATILE.sub("", line) for line in lines if not _CHATTER.search(line)]


@contextmanager
def reserved_port() -> Iterator[int]:
    """Keep a TCP port from everybody who asks for any free one.

    A server that is told to listen on it can: all of them set SO_REUSEADDR,
    which lets a listener bind beside a socket that does not listen.
    """
    with socket.socket() as holder:
        # Bound without the option, so that it is not another holder's port.
        holder.bind((HOST, 0))
        holder.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        yield holder.getsockname()[1]


def accepts(port: int) -> bool:
    """Tell whether somebody listens on *port*."""
    with socket.socket() as probe:
        probe.settimeout(_PATIENCE)
        return probe.connect_ex((HOST, port)) == 0


def wait_until(condition: Callable[[], bool], what: str) -> None:
    """Wait until *condition* holds; AssertionError when it takes too long."""
    deadline = time.monotonic() + _PATIENCE
    while not condition():
        assert time.monotonic() < deadline, f"gave up waiting until {what}"
        time.sleep(_POLL)


class Process:
    """A server that listens on :attr:`port`: a context manager.

    Args:
        command: the program and its arguments.
        port: where it will listen.
        output: the file for what it says.
        environment: variables besides our own.
    """

    def __init__(
        self,
        command: Sequence[str],
        port: int,
        output: Path,
        environment: Mapping[str, str] | None = None,
    ) -> None:
        self.port = port
        self._command = command
        self._output = output
        self._environment = {**os.environ, **(environment or {})}

    @property
    def pid(self) -> int:
        """The process id."""
        return self._child.pid

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(self, *_exc: object) -> None:
        self.stop()

    def start(self) -> None:
        """Start it and wait until it accepts connections."""
        with self._output.open("ab") as output:
            self._child = subprocess.Popen(
                self._command,
                env=self._environment,
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=output,
            )
        try:
            wait_until(self._is_ready, f"{self._command[0]} listens")
        except BaseException:
            self.kill()
            raise

    def stop(self) -> None:
        """Ask it to end; kill it when it takes too long."""
        self._child.terminate()
        try:
            self._child.wait(_PATIENCE)
        except subprocess.TimeoutExpired:
            self.kill()

    def kill(self) -> None:
        """End it without asking."""
        self._child.send_signal(signal.SIGKILL)
        self._child.wait()

    def _is_ready(self) -> bool:
        status = self._child.poll()
        said = self._output.read_text(errors="replace")
        assert status is None, f"{self._command[0]} ended ({status}): {said}"
        return accepts(self.port)


@contextmanager
def redis_server(folder: Path) -> Iterator[Process]:
    """Run a Redis that keeps nothing on disk, its log in *folder*."""
    with reserved_port() as port:
        command = [program("redis-server", "redis-server"), "--port", str(port)]
        command += ["--bind", HOST, "--dir", str(folder)]
        command += ["--save", "", "--appendonly", "no"]
        with Process(command, port, folder / "redis.log") as process:
            yield process


#: What the sentinel of :func:`sentinel_server` calls the Redis that it watches.
MASTER = "mymaster"


@contextmanager
def sentinel_server(folder: Path, master: int) -> Iterator[Process]:
    """Run a Redis Sentinel that watches the Redis on the port *master*."""
    with reserved_port() as port:
        conf = folder / "sentinel.conf"
        conf.write_text(f"sentinel monitor {MASTER} {HOST} {master} 1\n")
        command = [program("redis-server", "redis-server"), str(conf), "--sentinel"]
        command += ["--port", str(port), "--bind", HOST, "--dir", str(folder)]
        with Process(command, port, folder / "sentinel.log") as process:
            yield process


@contextmanager
def memcached_server(folder: Path) -> Iterator[Process]:
    """Run a memcached, what it says in *folder*."""
    with reserved_port() as port:
        command = [program("memcached", "memcached"), "-l", HOST, "-p", str(port)]
        # Started by root it wants to be told whom to become.
        command += ["-U", "0", "-u", "nobody"]
        with Process(command, port, folder / "memcached.log") as process:
            yield process


@dataclass(frozen=True)
class WebServer:
    """A web server that answers every request with one Lua app.

    Attributes:
        name: one of :data:`SERVERS`.
        process: the process; it has no workers.
        error_log: its error log, level info.
    """

    name: str
    process: Process
    error_log: Path

    def send(self, path: str, *args: Any, **kwargs: Any) -> Exchange:
        """Send a request on a connection of its own; arguments as of Exchange."""
        return Exchange(self.process.port, path, *args, **kwargs)

    def ask(self, path: str, *args: Any, **kwargs: Any) -> Answer:
        """Send a request as :meth:`send` does, and return the answer."""
        with self.send(path, *args, **kwargs) as exchange:
            return exchange.answer()

    def descriptors(self) -> int:
        """Return how many file descriptors it has open."""
        return len(os.listdir(f"/proc/{self.process.pid}/fd"))

    @contextmanager
    def logged(self) -> Iterator[list[str]]:
        """Collect, in the list given, what is logged while the block runs."""
        lines: list[str] = []
        start = self.error_log.stat().st_size
        yield lines
        with self.error_log.open("rb") as log:
            log.seek(start)
            lines += log.read().decode(errors="replace").splitlines()


@contextmanager
def serve(
    name: str, app: Path, tree: Path, folder: Path, environment: Mapping[str, str]
) -> Iterator[WebServer]:
    """Run a web server while the block runs.

    Args:
        name: a Lua flavour of resty-py, or :data:`REFERENCE`.
        app: the Lua file that answers every request.
        tree: a folder to find modules in.
        folder: a private one, for configuration and logs.
        environment: variables that the app reads.
    """
    error_log = folder / "error.log"
    # A server may accept connections before it has opened its log.
    error_log.touch()
    with reserved_port() as port:
        if name == REFERENCE:
            conf = folder / "nginx.conf"
            conf.write_text(_nginx_conf(app, tree, folder, port, environment))
            command = _nginx(conf, error_log)
        else:
            command = _resty_py(name, app, tree, port, error_log)
        output = folder / "output.log"
        with Process(command, port, output, environment) as process:
            yield WebServer(name, process, error_log)


def _resty_py(
    flavour: str, app: Path, tree: Path, port: int, error_log: Path
) -> list[str]:
    command = [sys.executable, "-m", "resty_py", str(app), "--lua", flavour]
    command += ["-I", str(tree), "--listen", f"{HOST}:{port}"]
    return [*command, "--error-log", f"{error_log}:info"]


def _nginx(conf: Path, error_log: Path) -> list[str]:
    nginx = program("nginx", "nginx")
    if not (_MODULES / "ngx_http_lua_module.so").exists():
        missing("lua-nginx-module (package libnginx-mod-http-lua)")
    return [nginx, "-p", str(conf.parent), "-c", str(conf), "-e", str(error_log)]


def _nginx_conf(
    app: Path, tree: Path, folder: Path, port: int, environment: Mapping[str, str]
) -> str:
    return _NGINX_CONF.format(
        modules=_MODULES,
        folder=folder,
        # nginx clears its environment but for what it is told to keep.
        environment="\n".join(f"env {variable};" for variable in environment),
        tree=tree,
        host=HOST,
        port=port,
        app=app,
    )
