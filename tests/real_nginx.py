"""The real OpenResty: nginx with lua-nginx-module, run beside ours for truth.

``RealNginx`` serves Lua files of one folder: ``GET /NAME`` runs ``NAME.lua`` as
``content_by_lua_file``. :func:`running` runs any command that serves a folder.
Where there is no nginx the test is skipped, and fails in CI.
"""

from __future__ import annotations

import contextlib
import os
import shutil
import signal
import socket
import subprocess
import time
from pathlib import Path
from typing import TYPE_CHECKING, Self

import pytest

if TYPE_CHECKING:
    from collections.abc import Iterator

#: What the real nginx has to load for what ours has built in, in Debian's order:
#: the filters of the last one run first.
NEEDED = (
    "ndk_http_module.so",
    "ngx_http_echo_module.so",
    "ngx_http_headers_more_filter_module.so",
    "ngx_http_lua_module.so",
)

MODULES = Path("/usr/lib/nginx/modules")
_PATIENCE = 30.0

_CONFIG = """
daemon off;
master_process off;
error_log {folder}/nginx.log info;
pid {folder}/nginx.pid;
load_module {modules}/ndk_http_module.so;
load_module {modules}/ngx_http_lua_module.so;
events {{ worker_connections 512; }}
http {{
    access_log {access_log};
    client_body_temp_path {folder}/body;
    proxy_temp_path {folder}/proxy;
    fastcgi_temp_path {folder}/fastcgi;
    uwsgi_temp_path {folder}/uwsgi;
    scgi_temp_path {folder}/scgi;
    default_type text/plain;
    {settings}
    server {{
        listen 127.0.0.1:{port} reuseport;
        location ~ ^/(?<name>[a-z0-9_]+)$ {{
            content_by_lua_file {folder}/$name.lua;
        }}
    }}
}}
"""


def require_nginx() -> str:
    """Return the path of nginx; skip where it or a module is missing, fail in CI."""
    nginx = shutil.which("nginx") or "/usr/sbin/nginx"
    paths = [Path(nginx), *(MODULES / name for name in NEEDED)]
    missing = ", ".join(str(path) for path in paths if not path.exists())
    if missing and os.environ.get("CI") == "true":
        pytest.fail(f"needs {missing}")
    if missing:
        pytest.skip(f"needs {missing}")
    return nginx


def load_modules() -> str:
    """Return the directives that load NEEDED."""
    return "".join(f"load_module {MODULES / name}; " for name in NEEDED)


@contextlib.contextmanager
def running(command: list[str], prefix: Path) -> Iterator[subprocess.Popen[bytes]]:
    """Run a server of the folder *prefix* while the block lasts.

    It writes ``logs/nginx.pid`` and ``logs/error.log``, and ends gracefully.
    """
    said = prefix / "said.txt"
    with said.open("wb") as output:
        process = subprocess.Popen(
            command, cwd=prefix, stdout=output, stderr=subprocess.STDOUT
        )
    try:
        _wait(process, prefix, said)
        yield process
    finally:
        process.send_signal(signal.SIGQUIT)
        try:
            process.wait(_PATIENCE)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()


def _wait(process: subprocess.Popen[bytes], prefix: Path, said: Path) -> None:
    """Wait until the server listens: it binds before it writes its pid file."""
    deadline = time.monotonic() + _PATIENCE
    while time.monotonic() < deadline:
        if (prefix / "logs/nginx.pid").exists():
            return
        with contextlib.suppress(subprocess.TimeoutExpired):
            process.wait(0.01)
            break
    log = prefix / "logs/error.log"
    text = said.read_text(errors="replace")
    text += log.read_text(errors="replace") if log.exists() else ""
    pytest.fail(f"{process.args[0]} did not start: {text}", pytrace=False)


def _reserve_port() -> socket.socket:
    """Return a socket that keeps a port for nginx: only reuseport may share it."""
    sock = socket.socket()
    sock.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEPORT, 1)
    sock.bind(("127.0.0.1", 0))
    return sock


class RealNginx:
    """A running nginx: a context manager.

    Args:
        folder: for its files and the Lua files.
        settings: directives of nginx's ``http`` block.
        access_log: where the access log goes, as the directive takes it.

    Attributes:
        port: where it listens.
        log: its error log, of level info.
    """

    def __init__(
        self, folder: Path, settings: str = "", access_log: str = "off"
    ) -> None:
        self._nginx = require_nginx()
        self._folder = folder
        self._settings = settings
        self._access_log = access_log
        self.log = folder / "nginx.log"

    def __enter__(self) -> Self:
        self._reserved = _reserve_port()
        self.port = self._reserved.getsockname()[1]
        config = self._folder / "nginx.conf"
        config.write_text(
            _CONFIG.format(
                folder=self._folder,
                modules=MODULES,
                port=self.port,
                settings=self._settings,
                access_log=self._access_log,
            )
        )
        # Until the configuration is read, errors go to what was compiled in.
        self._process = subprocess.Popen(
            [self._nginx, "-p", self._folder, "-c", config, "-e", self.log],
            stderr=subprocess.DEVNULL,
        )
        try:
            self._wait()
        except BaseException:
            self.__exit__()
            raise
        return self

    def __exit__(self, *_exc: object) -> None:
        self._process.kill()
        self._process.wait(_PATIENCE)
        self._reserved.close()

    def _wait(self) -> None:
        """Wait until nginx listens: it binds before it writes its pid file."""
        while not (self._folder / "nginx.pid").exists():
            try:
                self._process.wait(0.01)
            except subprocess.TimeoutExpired:
                continue
            raise RuntimeError(f"nginx did not start: {self.log.read_text()}")
