"""What a slow client of a subrequest's output costs."""

import contextlib
import os
import socket
import sys
import time

from real_nginx import running

CONF = """
daemon off; master_process off; pid logs/nginx.pid; error_log logs/error.log;
events {}
http {
    access_log off;
    server {
        listen unix:PREFIX/socket;
        root html;
        location /around { echo_location /file; }
        location /memory {
            content_by_lua_block {
                collectgarbage()
                ngx.print(collectgarbage("count"))
            }
        }
    }
}
"""

SIZE = 16_000_000


def ask(stack, prefix, uri):
    """Return a connection on which *uri* was asked for."""
    sock = stack.enter_context(socket.socket(socket.AF_UNIX))
    sock.settimeout(10)
    sock.connect(str(prefix / "socket"))
    sock.sendall(f"GET {uri} HTTP/1.0\r\n\r\n".encode())
    return sock


def read(sock):
    """Return the body of the answer."""
    data = b"".join(iter(lambda: sock.recv(1 << 20), b""))
    return data.partition(b"\r\n\r\n")[2]


def test_a_file_in_the_output_of_its_parent_waits_for_the_client(tmp_path):
    for folder in ("logs", "html"):
        (tmp_path / folder).mkdir()
    data = os.urandom(SIZE)
    (tmp_path / "html/file").write_bytes(data)
    (tmp_path / "nginx.conf").write_text(CONF.replace("PREFIX", str(tmp_path)))
    command = [sys.executable, "-m", "resty_py", "nginx", "-p", str(tmp_path)]
    command += ["-c", "nginx.conf", "-e", "logs/error.log"]
    with running(command, tmp_path), contextlib.ExitStack() as stack:
        slow = ask(stack, tmp_path, "/around")
        time.sleep(0.1)
        kilobytes = float(read(ask(stack, tmp_path, "/memory")))
        assert kilobytes * 1024 < SIZE / 2
        assert read(slow) == data
