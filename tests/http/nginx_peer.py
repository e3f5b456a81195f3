"""The real nginx with lua-nginx-module beside our parser, asked byte by byte.

One nginx serves every test of a module. Each of its servers listens on a Unix
socket of its own and has its own directives; its only location echoes what
nginx made of the request. A test sends raw bytes on a connection of their own
and gets status, echo and the lines that nginx wrote to its error log.
"""

import base64
import contextlib
import os
import re
import shutil
import socket
import subprocess
import tempfile
import time
from dataclasses import dataclass, field
from pathlib import Path

import pytest

MODULES = Path("/usr/lib/nginx/modules")
TIMEOUT = 10

CONFIG = """
daemon off;
master_process off;
worker_processes 1;
error_log {folder}/error.log info;
pid {folder}/nginx.pid;
load_module {modules}/ndk_http_module.so;
load_module {modules}/ngx_http_lua_module.so;
events {{ worker_connections 64; }}
http {{
    access_log off;
    client_body_temp_path {folder}/body;
    proxy_temp_path {folder}/proxy;
    fastcgi_temp_path {folder}/fastcgi;
    uwsgi_temp_path {folder}/uwsgi;
    scgi_temp_path {folder}/scgi;
    client_max_body_size 0;
    client_body_buffer_size 1m;
    keepalive_requests 10;
    {servers}
}}
"""

SERVER = """
    server {{
        listen unix:{folder}/{name}.sock;
        server_name "";
        {directives}
        location / {{ content_by_lua_file {folder}/echo.lua; }}
    }}
"""

# What nginx made of a request, as netstrings: name and value in turn.
ECHO = b"""
local out = {}
local function put(name, value)
    if value ~= nil then
        value = tostring(value)
        out[#out + 1] = #name .. ":" .. name .. ","
        out[#out + 1] = #value .. ":" .. value .. ","
    end
end
ngx.req.read_body()
put("method", ngx.req.get_method())
put("protocol", ngx.var.server_protocol)
put("request", ngx.var.request)
put("request_uri", ngx.var.request_uri)
put("uri", ngx.var.uri)
put("args", ngx.var.args)
put("host", ngx.var.host)
put("request_length", ngx.var.request_length)
put("raw", ngx.req.raw_header())
put("body", ngx.req.get_body_data() or "")
for name, value in pairs(ngx.req.get_headers(0, true)) do
    if type(value) ~= "table" then value = {value} end
    for _, one in ipairs(value) do
        put("header " .. name, one == true and "" or one)
    end
end
local echo = table.concat(out)
if ngx.req.get_method() == "HEAD" then
    ngx.header["X-Echo"] = ngx.encode_base64(echo, false)
else
    ngx.header["Content-Length"] = #echo
    ngx.print(echo)
end
"""


@dataclass
class Echo:
    """What nginx made of one request."""

    values: dict[str, bytes] = field(default_factory=dict)
    headers: dict[bytes, list[bytes]] = field(default_factory=dict)
    keepalive: bool = False


@dataclass
class Answer:
    """What nginx answered on one connection.

    status is None where nothing came; 494 where nginx said 400 with that
    page; 200 for an HTTP/0.9 answer, which has no status line.
    """

    status: int | None
    echoes: list[Echo]
    log: bytes
    raw: bytes


def netstrings(data: bytes) -> list[bytes]:
    found = []
    while data:
        size, _, rest = data.partition(b":")
        found.append(rest[: int(size)])
        data = rest[int(size) + 1 :]
    return found


def read_echo(data: bytes, keepalive: bool) -> Echo:
    echo = Echo(keepalive=keepalive)
    parts = netstrings(data)
    for name, value in zip(parts[::2], parts[1::2], strict=True):
        if name.startswith(b"header "):
            echo.headers.setdefault(name[7:], []).append(value)
        else:
            echo.values[name.decode()] = value
    return echo


def read_responses(data: bytes) -> tuple[int | None, list[Echo]]:
    if not data:
        return None, []
    if not data.startswith(b"HTTP/"):
        if data.startswith(b"<html>"):
            return int(data.partition(b"<title>")[2][:3]), []
        return 200, [read_echo(data, keepalive=False)]
    status, echoes = None, []
    while data:
        head, _, data = data.partition(b"\r\n\r\n")
        code = int(head.split(b" ")[1])
        if code == 100:
            continue
        fields = dict(
            line.split(b": ", 1) for line in head.split(b"\r\n")[1:] if b": " in line
        )
        body = data
        if b"X-Echo" in fields:
            body = base64.b64decode(fields[b"X-Echo"])
        elif b"Content-Length" in fields:
            size = int(fields[b"Content-Length"])
            body, data = data[:size], data[size:]
        if code == 400 and b"Request Header Or Cookie Too Large" in body:
            code = 494
        if code == 200:
            keepalive = fields.get(b"Connection") == b"keep-alive"
            echoes.append(read_echo(body, keepalive))
        status = status or code
        if code >= 300:
            break
    return status, echoes


class NginxPeer:
    """A running nginx; see the module."""

    def __init__(self, folder: Path, servers: dict[str, str]) -> None:
        self.folder = folder
        self.log = folder / "error.log"
        (folder / "echo.lua").write_bytes(ECHO)
        blocks = "".join(
            SERVER.format(folder=folder, name=name, directives=directives)
            for name, directives in servers.items()
        )
        conf = folder / "nginx.conf"
        conf.write_text(CONFIG.format(folder=folder, modules=MODULES, servers=blocks))
        self.process = subprocess.Popen(
            ["nginx", "-p", str(folder), "-c", str(conf)],
            stdout=subprocess.DEVNULL,
            stderr=subprocess.PIPE,
        )
        self._await_start(list(servers))

    def _await_start(self, names: list[str]) -> None:
        deadline = time.monotonic() + TIMEOUT
        while True:
            try:
                for name in names:
                    self._connect(name).close()
            except OSError:
                if self.process.poll() is not None or time.monotonic() > deadline:
                    raise RuntimeError(self.close()) from None
                time.sleep(0.01)
            else:
                return

    def _connect(self, name: str) -> socket.socket:
        sock = socket.socket(socket.AF_UNIX)
        sock.settimeout(TIMEOUT)
        try:
            sock.connect(str(self.folder / f"{name}.sock"))
        except OSError:
            sock.close()
            raise
        return sock

    def ask(self, data: bytes, name: str = "default") -> Answer:
        """Send *data*, then an end of file, to server *name*."""
        before = self.log.stat().st_size
        received = b""
        with self._connect(name) as sock:
            with contextlib.suppress(OSError):
                sock.sendall(data)
                sock.shutdown(socket.SHUT_WR)
            with contextlib.suppress(ConnectionResetError):
                while chunk := sock.recv(65536):
                    received += chunk
        with self.log.open("rb") as log:
            log.seek(before)
            written = log.read()
        status, echoes = read_responses(received)
        return Answer(status, echoes, written, received)

    def close(self) -> str:
        """End nginx; return what it said on its standard error."""
        self.process.terminate()
        return self.process.communicate(timeout=TIMEOUT)[1].decode(errors="replace")


def client_lines(log: bytes) -> list[bytes]:
    """Return what *log* says of clients, without time and connection."""
    pattern = rb"\[\w+\] \d+#\d+: \*\d+ (client .*?), client: "
    return re.findall(pattern, log, re.DOTALL)


@contextlib.contextmanager
def running_nginx(servers: dict[str, str]):
    """Run the real nginx, or skip the test; with CI=true, fail."""
    if shutil.which("nginx") is None or not (MODULES / "ndk_http_module.so").exists():
        message = "the real nginx with lua-nginx-module is not installed"
        if os.environ.get("CI") == "true":
            pytest.fail(message)
        pytest.skip(message)
    with tempfile.TemporaryDirectory(prefix="resty-py-nginx-") as folder:
        peer = NginxPeer(Path(folder), servers)
        try:
            yield peer
        finally:
            peer.close()
