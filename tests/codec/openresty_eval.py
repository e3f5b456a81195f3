"""Evaluates Lua expressions on the real nginx and on a VM of ours alike.

``Evaluator.evaluate(expressions)`` returns one line of text for each: its
values dumped, or ``error: …`` with Lua's message. Both sides run the same
harness, so equal lines are equal values, and equal errors down to the
position they blame.

An expression is Lua, one line, and sees ``ngx``; :func:`literal` makes one of
bytes.
"""

from __future__ import annotations

import http.client
import os
import shutil
import socket
import subprocess
from pathlib import Path

import pytest

HARNESS = r"""
local concat, format, gsub = table.concat, string.format, string.gsub
local load = loadstring or load
local sort = table.sort
local dump


local function dump_table(t)
    local pieces = {}
    for key, value in pairs(t) do
        pieces[#pieces + 1] = dump(key) .. "=" .. dump(value)
    end
    sort(pieces)
    return "{" .. concat(pieces, ",") .. "}"
end


function dump(value)
    if type(value) == "string" then
        return '"' .. gsub(value, "[^ -~]", function(byte)
            return format("\\%03d", byte:byte())
        end) .. '"'
    elseif type(value) == "number" then
        return format("%.17g", value)
    elseif type(value) == "table" then
        return dump_table(value)
    elseif type(value) == "boolean" or value == nil then
        return tostring(value)
    end
    return type(value)
end


local function dump_all(...)
    local pieces = {}
    for i = 1, select("#", ...) do
        pieces[i] = dump((select(i, ...)))
    end
    return concat(pieces, " ")
end


local function evaluate(ngx, expression)
    local source = "local ngx, dump = ... return dump(" .. expression .. ")"
    local chunk, message = load(source, "=expression")
    if not chunk then
        return "syntax error: " .. message
    end
    local ok, text = pcall(chunk, ngx, dump_all)
    return ok and text or "error: " .. tostring(text)
end


return function(ngx, expressions)
    local lines = {}
    for expression in expressions:gmatch("[^\n]+") do
        lines[#lines + 1] = evaluate(ngx, expression)
    end
    return concat(lines, "\n")
end
"""

_CONFIG = """
daemon off;
master_process off;
error_log {folder}/error.log warn;
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
    client_max_body_size 16m;
    client_body_buffer_size 16m;
    server {{
        listen unix:{folder}/socket;
        location / {{
            content_by_lua_block {{
                local evaluate = assert(loadfile("{folder}/harness.lua"))()
                ngx.req.read_body()
                ngx.print(evaluate(ngx, ngx.req.get_body_data()))
            }}
        }}
    }}
}}
"""

_MODULES = Path("/usr/lib/nginx/modules")
_SBIN = "/usr/local/sbin:/usr/sbin"
_START_TIMEOUT = 10.0


def literal(data: bytes) -> str:
    """Return *data* as a Lua string literal of printable characters."""
    return '"' + "".join(_character(byte) for byte in data) + '"'


def _character(byte: int) -> str:
    plain = 32 <= byte < 127 and byte not in b'"\\'
    return chr(byte) if plain else f"\\{byte:03d}"


def require_openresty() -> str:
    """Return the path of nginx; skip where there is none, fail in CI."""
    nginx = shutil.which("nginx") or shutil.which("nginx", path=_SBIN)
    if nginx and (_MODULES / "ngx_http_lua_module.so").exists():
        return nginx
    message = "the real nginx with its Lua module is not installed"
    if os.environ.get("CI") == "true":
        pytest.fail(message)
    pytest.skip(message)


class OurVM:
    """Evaluates on a VM of ours."""

    def __init__(self, codec_vm):
        self._vm = codec_vm
        self._harness = codec_vm.run(HARNESS.encode())

    def evaluate(self, expressions):
        """Return one line of text for each of *expressions*."""
        text = self._harness(self._vm.ngx, "\n".join(expressions).encode())
        return text.decode().split("\n")


class OpenResty:
    """Evaluates on the real nginx: a context manager.

    Args:
        folder: for its files; must be its own and not deep, for the path of
            a unix domain socket is short.
        environment: additional variables, such as ``TZ``.
    """

    def __init__(self, folder, environment=None):
        self._nginx = require_openresty()
        self._folder = folder
        self._environment = {**os.environ, **(environment or {})}

    def __enter__(self):
        folder = self._folder
        (folder / "harness.lua").write_text(HARNESS)
        config = _CONFIG.format(folder=folder, modules=_MODULES)
        (folder / "nginx.conf").write_text(config)
        command = [self._nginx, "-p", folder, "-c", folder / "nginx.conf"]
        # Until the configuration is read, errors go to what was compiled in.
        self._process = subprocess.Popen(
            [*command, "-e", folder / "error.log"],
            env=self._environment,
            stderr=subprocess.PIPE,
        )
        self._wait_for_socket()
        return self

    def __exit__(self, *_exc):
        self._process.terminate()
        self._process.communicate(timeout=_START_TIMEOUT)

    def _wait_for_socket(self):
        """Wait until nginx listens: it binds before it writes its pid file."""
        while not (self._folder / "nginx.pid").exists():
            try:
                self._process.wait(0.01)
            except subprocess.TimeoutExpired:
                continue
            log = (self._folder / "error.log").read_text()
            raise RuntimeError(f"nginx did not start: {log}")

    def evaluate(self, expressions):
        """Return one line of text for each of *expressions*."""
        connection = http.client.HTTPConnection("localhost")
        connection.sock = socket.socket(socket.AF_UNIX)
        connection.sock.settimeout(_START_TIMEOUT)
        connection.sock.connect(f"{self._folder}/socket")
        try:
            connection.request("POST", "/", "\n".join(expressions).encode())
            response = connection.getresponse()
            text = response.read().decode()
        finally:
            connection.close()
        assert response.status == 200, text
        return text.split("\n")
