"""The server as a process: out of descriptors, and stopped by signals."""

from __future__ import annotations

import contextlib
import os
import resource
import signal
import socket
import subprocess
import sys
from pathlib import Path

import pytest

#: No answer within this is a defect; nothing waits for it to pass.
PATIENCE = 20

#: What a process has open at least.
FEW_DESCRIPTORS = 48

APP = """
if ngx.var.uri == "/slow" then
    ngx.req.read_body()
end
ngx.say("hello")
"""

GET = b"GET / HTTP/1.1\r\nHost: test\r\n\r\n"
SLOW = b"POST /slow HTTP/1.1\r\nHost: test\r\nContent-Length: 4\r\n\r\n"


class Server:
    """A running ``python -m resty_py``."""

    def __init__(self, folder: Path, limit: int | None = None) -> None:
        self.path = folder / "server.sock"
        self.log = folder / "error.log"
        self.log.touch()
        app = folder / "app.lua"
        app.write_text(APP)
        with socket.socket() as sock:
            sock.bind(("127.0.0.1", 0))
            self.port = sock.getsockname()[1]
        self.process = subprocess.Popen(
            [
                *(sys.executable, "-m", "resty_py", str(app)),
                *("--listen", f"127.0.0.1:{self.port}"),
                *("--listen", f"unix:{self.path}"),
                *("--error-log", f"{self.log}:info"),
            ],
            preexec_fn=limit and _limiter(limit),
        )
        self._await_listening()

    def _await_listening(self) -> None:
        while self.process.poll() is None:
            with contextlib.suppress(OSError), self.connect():
                return
            with contextlib.suppress(subprocess.TimeoutExpired):
                self.process.wait(0.02)
        raise AssertionError(self.log.read_text())

    def connect(self) -> socket.socket:
        """Return a connection to the server."""
        return socket.create_connection(("127.0.0.1", self.port), PATIENCE)

    def descriptors(self) -> int:
        """Return how many descriptors the process has open."""
        return len(os.listdir(f"/proc/{self.process.pid}/fd"))

    def until_logged(self, text: str) -> None:
        """Wait for *text* in the error log."""
        self.until(lambda: text in self.log.read_text())

    def until(self, condition) -> None:
        """Wait for *condition*, as long as the process runs."""
        for _ in range(PATIENCE * 50):
            if condition():
                return
            with contextlib.suppress(subprocess.TimeoutExpired):
                self.process.wait(0.02)
        raise AssertionError(self.log.read_text())


def _limiter(limit: int):
    return lambda: resource.setrlimit(resource.RLIMIT_NOFILE, (limit, limit))


@pytest.fixture
def start(tmp_path):
    """Start a server; it is gone after the test."""
    with contextlib.ExitStack() as stack:

        def start(limit=None):
            server = Server(tmp_path, limit)
            stack.callback(server.process.wait, PATIENCE)
            stack.callback(server.process.kill)
            return server

        yield start


def _answer(sock: socket.socket) -> bytes:
    data = b""
    while not data.endswith(b"0\r\n\r\n"):
        chunk = sock.recv(65536)
        assert chunk, data
        data += chunk
    return data


def _rest(sock: socket.socket) -> bytes:
    data = b""
    while chunk := sock.recv(65536):
        data += chunk
    return data


class TestDescriptors:
    def test_run_out_and_come_back(self, start):
        server = start(FEW_DESCRIPTORS)
        with server.connect() as sock:
            sock.sendall(GET)
            _answer(sock)
            idle = server.descriptors() - 1
        with contextlib.ExitStack() as stack:
            for _ in range(FEW_DESCRIPTORS):
                stack.enter_context(server.connect())
            server.until_logged("[crit] ")
            assert "accept4() failed (24: Too many open files)" in (
                server.log.read_text()
            )
            assert server.descriptors() >= FEW_DESCRIPTORS - 1
        with server.connect() as sock:
            sock.sendall(GET)
            assert b"hello\n" in _answer(sock)
        server.until(lambda: server.descriptors() == idle)

    def test_one_that_was_accepted_is_served_meanwhile(self, start):
        server = start(FEW_DESCRIPTORS)
        with contextlib.ExitStack() as stack:
            first = stack.enter_context(server.connect())
            for _ in range(FEW_DESCRIPTORS):
                stack.enter_context(server.connect())
            server.until_logged("accept4() failed")
            first.sendall(GET)
            assert b"hello\n" in _answer(first)


STOP_SIGNALS = [signal.SIGTERM, signal.SIGINT, signal.SIGQUIT]


class TestStopping:
    @pytest.mark.parametrize("number", STOP_SIGNALS)
    def test_requests_in_hand_are_finished(self, start, number):
        server = start()
        with server.connect() as idle, server.connect() as busy:
            idle.sendall(GET)
            _answer(idle)
            busy.sendall(SLOW + b"12")
            server.until(lambda: _is_read(busy))
            server.process.send_signal(number)
            assert _rest(idle) == b""
            with pytest.raises(ConnectionRefusedError):
                server.connect()
            busy.sendall(b"34")
            answer = _rest(busy)
        assert b"Connection: close\r\n" in answer
        assert answer.endswith(b"hello\n\r\n0\r\n\r\n")
        assert server.process.wait(PATIENCE) == 0
        assert not server.path.exists()

    def test_second_signal_ends_it_at_once(self, start):
        server = start()
        with server.connect() as idle, server.connect() as busy:
            idle.sendall(GET)
            _answer(idle)
            busy.sendall(SLOW + b"12")
            server.until(lambda: _is_read(busy))
            server.process.terminate()
            assert _rest(idle) == b""
            server.process.terminate()
            with contextlib.suppress(ConnectionResetError):
                assert _rest(busy) == b""
        assert server.process.wait(PATIENCE) == 0
        assert not server.path.exists()

    def test_port_is_free_after(self, start):
        server = start()
        with server.connect() as sock:
            sock.sendall(GET)
            _answer(sock)
            server.process.terminate()
            assert server.process.wait(PATIENCE) == 0
        with socket.socket() as sock:
            sock.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            sock.bind(("127.0.0.1", server.port))
        assert server.log.read_text().count("[error]") == 0


def _is_read(sock: socket.socket) -> bool:
    """Whether the server has taken all that was sent: nothing is in its queue."""
    local, peer = sock.getsockname()[1], sock.getpeername()[1]
    for line in Path("/proc/net/tcp").read_text().splitlines()[1:]:
        fields = line.split()
        ports = [int(field.rpartition(":")[2], 16) for field in fields[1:3]]
        if ports == [peer, local]:
            return fields[4].endswith(":00000000")
    return False


class TestSignalsThatStopNothing:
    def test_the_logs_are_opened_again(self, start):
        server = start()
        with server.connect() as sock:
            sock.sendall(GET)
            _answer(sock)
        moved = server.log.rename(server.log.with_suffix(".1"))
        server.process.send_signal(signal.SIGUSR1)
        server.until(server.log.exists)
        server.process.send_signal(signal.SIGHUP)
        server.until_logged("SIGHUP received")
        assert "SIGHUP" not in moved.read_text()

    @pytest.mark.parametrize("number", [signal.SIGHUP, signal.SIGUSR1])
    def test_requests_in_hand_go_on(self, start, number):
        server = start()
        with server.connect() as busy:
            busy.sendall(SLOW + b"12")
            server.until(lambda: _is_read(busy))
            server.process.send_signal(number)
            busy.sendall(b"34")
            assert _answer(busy).endswith(b"hello\n\r\n0\r\n\r\n")
        assert server.process.poll() is None
