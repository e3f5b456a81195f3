"""The two servers that are compared, and the Redis behind one scenario."""

from __future__ import annotations

import http.client
import re
import shutil
import socket
import subprocess
import sys
import tempfile
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Protocol

from .process import BenchError, Process, accepts, cores

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

__all__ = [
    "APPS",
    "OpenResty",
    "RestyPy",
    "Server",
    "ServerKind",
    "find_app",
    "find_openresty",
    "redis",
    "serve",
]

APPS = Path(__file__).parent / "apps"

#: Where apps/cosocket.lua looks for Redis, and apps/cosocket_tls.conf over TLS.
REDIS_PORT = 16379
REDIS_TLS_PORT = 16380

#: What apps/download_tls.conf gets of Redis.
REDIS_VALUE = ("megabyte", b"x" * 1024 * 1024)

#: nginx: keepalive_requests 1000 (default). Raised so that neither server
#: closes a connection while it is measured.
KEEPALIVE_REQUESTS = 1_000_000

#: nginx: worker_connections 512 (default).
WORKER_CONNECTIONS = 16_384

_ANSWER_SECONDS = 10.0

_CONF = """\
daemon off;
master_process off;
worker_processes 1;
pid {folder}/nginx.pid;
error_log {error_log} error;

events {{
    worker_connections {connections};
}}

http {{
    access_log off;
    sendfile on;
    client_body_temp_path {folder}/client_body;
    proxy_temp_path {folder}/proxy;
    fastcgi_temp_path {folder}/fastcgi;
    uwsgi_temp_path {folder}/uwsgi;
    scgi_temp_path {folder}/scgi;
{settings}
    server {{
        listen 127.0.0.1:{port};
{locations}
    }}
}}
"""

# What serves an app, by the suffix of its file.
_LOCATIONS = {
    ".lua": 'location / {{ content_by_lua_file "{app}"; }}',
    ".conf": 'include "{app}";',
}


class ServerKind(Protocol):
    """How to start a server: a name, and a command for one app."""

    @property
    def name(self) -> str:
        """The name given to ``--only``."""

    def command(
        self, app: Path, port: int, folder: Path, settings: Mapping[str, str]
    ) -> list[str]:
        """Return the command that serves *app*.

        Args:
            app: the Lua file that answers every request, or the nginx.conf
                of a server.
            port: where to listen, on 127.0.0.1.
            folder: private; errors are logged to ``error.log`` in it.
            settings: values by the names of nginx's directives.
        """


@dataclass(frozen=True)
class RestyPy:
    """This checkout's resty-py on a Lua flavour, or on its default one."""

    flavour: str | None = None
    name: str = "resty-py"

    def command(
        self, app: Path, port: int, folder: Path, settings: Mapping[str, str]
    ) -> list[str]:
        """Return a command, ``resty-py nginx`` for an nginx.conf; see ServerKind."""
        command = [sys.executable, "-m", "resty_py"]
        if app.suffix == ".conf":
            command += ["nginx", *_write_conf(app, port, folder, settings)]
        else:
            command += [str(app), "--listen", f"127.0.0.1:{port}"]
            command += ["--error-log", str(folder / "error.log")]
            command += [f"--set={name}={value}" for name, value in settings.items()]
        if self.flavour is not None:
            command += ["--lua", self.flavour]
        return command


@dataclass(frozen=True)
class OpenResty:
    """The real thing: one nginx process with lua-nginx-module.

    Attributes:
        binary: the path of ``nginx`` or ``openresty``.
        modules: module files to load; none where they are built in.
    """

    binary: str
    modules: tuple[Path, ...] = ()
    name: str = "openresty"

    def command(
        self, app: Path, port: int, folder: Path, settings: Mapping[str, str]
    ) -> list[str]:
        """Return an ``nginx`` command; see ServerKind."""
        modules = " ".join(f"load_module {path};" for path in self.modules)
        arguments = _write_conf(app, port, folder, settings)
        return [self.binary, *arguments, "-g", modules]


def _write_conf(
    app: Path, port: int, folder: Path, settings: Mapping[str, str]
) -> list[str]:
    """Write a private nginx.conf, the same for both; return nginx's arguments."""
    conf = folder / "nginx.conf"
    error_log = folder / "error.log"
    text = _CONF.format(
        settings="\n".join(f"    {n} {v};" for n, v in settings.items()),
        connections=WORKER_CONNECTIONS,
        folder=folder,
        error_log=error_log,
        port=port,
        locations=_LOCATIONS[app.suffix].format(app=app),
    )
    conf.write_text(text)
    return ["-p", str(folder), "-c", str(conf), "-e", str(error_log)]


def find_openresty() -> OpenResty | None:
    """Return the OpenResty installed here, or None.

    Found as ``openresty``, or as ``nginx`` with lua-nginx-module built in or
    in the folder of its dynamic modules.
    """
    for name in ("openresty", "nginx"):
        binary = shutil.which(name)
        if binary and (found := _with_lua(binary)):
            return found
    return None


def _with_lua(binary: str) -> OpenResty | None:
    built = subprocess.run([binary, "-V"], capture_output=True, text=True).stderr
    if re.search(r"--add-module=\S*ngx_lua|--add-module=\S*lua-nginx", built):
        return OpenResty(binary)
    path = re.search(r"--modules-path=(\S+)", built)
    if path is None:
        return None
    names = ("ndk_http_module.so", "ngx_http_lua_module.so")
    modules = tuple(Path(path[1], name) for name in names)
    if not all(module.exists() for module in modules):
        return None
    return OpenResty(binary, modules)


@dataclass(frozen=True)
class Server:
    """A server that accepts connections on 127.0.0.1 at *port*."""

    process: Process
    port: int
    error_log: Path

    def ask(self, path: str = "/", body: bytes = b"") -> bytes:
        """Return the answer to one request: a POST where there is a body.

        Raises:
            BenchError: the status is not 200, or no answer came.
        """
        method = "POST" if body else "GET"
        connection = http.client.HTTPConnection(
            "127.0.0.1", self.port, timeout=_ANSWER_SECONDS
        )
        try:
            connection.request(method, path, body)
            response = connection.getresponse()
            answer = response.read()
        except (OSError, http.client.HTTPException) as exc:
            raise BenchError(f"no answer to {method} {path}: {exc!r}") from exc
        finally:
            connection.close()
        if response.status != http.client.OK:
            raise BenchError(f"{method} {path} got {response.status}: {self._errors()}")
        return answer

    def check_log(self) -> None:
        """Raise BenchError where the server has logged an error."""
        if errors := self._errors():
            raise BenchError(f"the error log says: {errors}")

    def _errors(self) -> str:
        if not self.error_log.exists():
            return ""
        lines = self.error_log.read_text(errors="replace").splitlines()
        return lines[0] if lines else ""


def find_app(name: str) -> Path:
    """Return ``apps/NAME.conf`` where there is one, else ``apps/NAME.lua``."""
    conf = APPS / f"{name}.conf"
    return conf if conf.exists() else conf.with_suffix(".lua")


@contextmanager
def serve(
    kind: ServerKind,
    app: str,
    settings: Mapping[str, str] | None = None,
    files: Mapping[str, bytes] | None = None,
) -> Iterator[Server]:
    """Serve an app on the server's core while the block runs.

    Args:
        kind: what serves it.
        app: its name; see find_app().
        settings: values by the names of nginx's directives.
        files: contents by name, below ``html`` in the server's prefix.

    Raises:
        BenchError: the server did not start.
    """
    settings = {"keepalive_requests": str(KEEPALIVE_REQUESTS), **(settings or {})}
    port = _free_port()
    with tempfile.TemporaryDirectory(prefix="resty-py-bench-") as name:
        folder = Path(name)
        (folder / "html").mkdir()
        for file, data in (files or {}).items():
            (folder / "html" / file).write_bytes(data)
        command = kind.command(find_app(app), port, folder, settings)
        with Process(command, cores()[0], folder / "output") as process:
            process.wait_until(lambda: accepts(port))
            yield Server(process, port, folder / "error.log")


@contextmanager
def redis(
    *, tls: bool = False, port: int = REDIS_PORT, core: int | None = None
) -> Iterator[Process]:
    """Run redis-server while the block runs.

    Args:
        tls: it listens at REDIS_TLS_PORT as well, and holds REDIS_VALUE.
        port: where it listens.
        core: where it runs; the load's core where none is given.

    Raises:
        BenchError: it is not installed, or the port is taken.
    """
    if shutil.which("redis-server") is None:
        raise BenchError("redis-server is not installed")
    if accepts(port):
        raise BenchError(f"port {port} is taken: Redis has to be there")
    with tempfile.TemporaryDirectory(prefix="resty-py-bench-") as folder:
        command = ["redis-server", "--bind", "127.0.0.1", "--port", str(port)]
        command += ["--dir", folder, "--save", "", "--appendonly", "no"]
        command += _tls_options(Path(folder)) if tls else []
        place = cores()[1] if core is None else core
        with Process(command, place, Path(folder, "output")) as process:
            process.wait_until(lambda: accepts(REDIS_TLS_PORT if tls else port))
            if tls:
                _fill_redis()
            yield process


def _tls_options(folder: Path) -> list[str]:
    """Make a self-signed certificate in *folder*; return what Redis is told."""
    key, certificate = folder / "key.pem", folder / "certificate.pem"
    command = ["openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-batch"]
    command += ["-subj", "/CN=localhost", "-keyout", str(key), "-out", str(certificate)]
    try:
        subprocess.run(command, check=True, capture_output=True)
    except (OSError, subprocess.CalledProcessError) as exc:
        raise BenchError(f"openssl made no certificate: {exc!r}") from exc
    options = ["--tls-port", str(REDIS_TLS_PORT), "--tls-auth-clients", "no"]
    options += ["--tls-cert-file", str(certificate), "--tls-key-file", str(key)]
    return [*options, "--tls-ca-cert-file", str(certificate)]


def _fill_redis() -> None:
    key, value = REDIS_VALUE
    with socket.create_connection(("127.0.0.1", REDIS_PORT), _ANSWER_SECONDS) as sock:
        head = f"*3\r\n$3\r\nSET\r\n${len(key)}\r\n{key}\r\n${len(value)}\r\n"
        sock.sendall(head.encode() + value + b"\r\n")
        if not sock.recv(100).startswith(b"+OK"):
            raise BenchError("Redis does not take a value")


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port
