"""Driven as the upstream test harness drives nginx.

A wrapper script of one line stands in for the binary. What is called, in which
order and with what configuration is Test::Nginx::Util's way: ``-V`` once, then
for each block a server root made anew, a generated nginx.conf, a start in the
background, requests, and a signal by the pid file; with ``TEST_NGINX_USE_HUP``
a reload in place of the restart.
"""

import contextlib
import os
import re
import shutil
import signal
import socket
import subprocess
import sys
import time
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]

CONF = """
worker_processes  1;
daemon on;
master_process {master};
error_log {root}/logs/error.log debug;
pid       {root}/logs/nginx.pid;
{main}

http {{
    access_log {root}/logs/access.log;

    default_type text/plain;
    keepalive_timeout  68;

    {http}

    server {{
        listen          {port};
        server_name     'localhost';

        client_max_body_size 30M;

        {config}

        location / {{
            root {root}/html;
            index index.html index.htm;
        }}
    }}
}}

events {{
    accept_mutex off;

    worker_connections  1024;
}}
env MOCKEAGAIN_VERBOSE;
env MOCKEAGAIN;
env LD_PRELOAD;
"""

INDEX = "<html><head><title>It works!</title></head><body>It works!</body></html>"

#: What the harness waits at least, in seconds: a start, and a step of waiting.
START, STEP = 0.015, 0.02


class Harness:
    """A server root, and what runs in it."""

    def __init__(self, folder):
        self.root = folder / "servroot"
        self.binary = folder / "nginx"
        self.binary.write_text(
            f'#!/bin/sh\nexec {sys.executable} -m resty_py nginx "$@"\n'
        )
        self.binary.chmod(0o755)
        self.conf = self.root / "conf/nginx.conf"
        self.error_log = self.root / "logs/error.log"
        self.pid_file = self.root / "logs/nginx.pid"
        with socket.socket() as sock:
            sock.bind(("127.0.0.1", 0))
            self.port = sock.getsockname()[1]

    def shell(self, options):
        """Run the binary as ``system`` does, with both outputs in one."""
        return subprocess.run(
            f"{self.binary} {options} 2>&1",
            shell=True,
            env={**os.environ, "PYTHONPATH": str(ROOT)},
            stdout=subprocess.PIPE,
            text=True,
            timeout=20,
        )

    def set_up(self, config="", http="", main="", master="off"):
        """Make the server root anew and write the configuration."""
        for name in ("html", "logs", "conf"):
            shutil.rmtree(self.root / name, ignore_errors=True)
            (self.root / name).mkdir(parents=True)
        (self.root / "html/index.html").write_text(INDEX)
        self.conf.write_text(
            CONF.format(
                root=self.root, port=self.port,
                config=config, http=http, main=main, master=master,
            )
        )  # fmt: skip

    def start(self):
        """Start the server; its output goes nowhere, as the harness has it."""
        options = f"-p {self.root}/ -c {self.conf}"
        done = self.shell(f"{options} > /dev/null")
        assert (done.returncode, done.stdout) == (0, "")
        time.sleep(START)
        return self.pid()

    def pid(self):
        match = re.fullmatch(r"(\d+)\n", self.pid_file.read_text())
        return int(match[1])

    def is_running(self, pid):
        try:
            os.kill(pid, 0)
            return ") Z " not in Path(f"/proc/{pid}/stat").read_text()
        except (ProcessLookupError, FileNotFoundError):
            return False

    def kill(self, pid, number=signal.SIGQUIT):
        """Signal the server and wait as long as the harness does."""
        os.kill(pid, number)
        step = STEP
        for _ in range(30):
            if not self.is_running(pid):
                return
            time.sleep(step)
            step *= 1.2
        raise AssertionError(f"signal {number} was not enough")

    def get(self, path):
        """Send the request of a block and return the response's status and body."""
        with socket.create_connection(("127.0.0.1", self.port), 10) as client:
            request = f"GET {path} HTTP/1.1\r\nHost: localhost\r\n"
            client.sendall(f"{request}Connection: close\r\n\r\n".encode())
            data = b""
            while piece := client.recv(65536):
                data += piece
        head, _, body = data.partition(b"\r\n\r\n")
        if b"chunked" in head:
            body = b"".join(body.split(b"\r\n")[1:-3:2])
        return int(head.split()[1]), body.decode()


@pytest.fixture
def harness(tmp_path):
    harness = Harness(tmp_path)
    yield harness
    with contextlib.suppress(FileNotFoundError, ProcessLookupError, TypeError):
        os.kill(harness.pid(), signal.SIGKILL)


def say(text):
    return f"location /t {{ content_by_lua_block {{ ngx.say('{text}') }} }}"


def test_version(harness):
    done = harness.shell("-V")
    assert done.returncode == 0
    assert re.search(r"(?:nginx|openresty)[^/]*/(\d+)\.(\d+)\.(\d+)", done.stdout)
    assert "built with OpenSSL" in done.stdout


def test_configuration_test(harness):
    harness.set_up(say("hi"))
    done = harness.shell(f"-p {harness.root}/ -c {harness.conf} -t")
    assert done.returncode == 0
    assert done.stdout.splitlines() == [
        f"nginx: the configuration file {harness.conf} syntax is ok",
        f"nginx: configuration file {harness.conf} test is successful",
    ]


@pytest.mark.parametrize("master", ["on", "off"])
def test_a_file_of_blocks(harness, master):
    for number in range(3):
        harness.set_up(say(f"block {number}"), master=master)
        pid = harness.start()
        for _ in range(2):  # repeat_each(2)
            assert harness.get("/t") == (200, f"block {number}\n")
        assert harness.get("/") == (200, INDEX)
        assert harness.get("/index.html") == (200, INDEX)
        log = harness.error_log.read_text()
        assert not re.search(r"\[(error|alert|crit|emerg)\]", log)
        assert (harness.root / "logs/access.log").read_text().count("\n") == 4
        harness.kill(pid)
        assert not harness.pid_file.exists()


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGQUIT, signal.SIGKILL])
def test_the_same_port_at_once(harness, number):
    """The next server has the port though clients were on the one before."""
    harness.set_up(say("first"))
    pid = harness.start()
    with socket.create_connection(("127.0.0.1", harness.port), 10) as client:
        client.sendall(b"GET /t HTTP/1.1\r\nHost: localhost\r\n\r\n")
        assert client.recv(1000).endswith(b"first\n\r\n0\r\n\r\n")
        harness.kill(pid, number)
        ended = time.monotonic()
        harness.set_up(say("second"))
        assert time.monotonic() - ended < 0.05
        assert harness.start() != pid
        assert harness.get("/t") == (200, "second\n")
    assert "[emerg]" not in harness.error_log.read_text()


def test_reloads(harness):
    """TEST_NGINX_USE_HUP: the server root is made anew below the server."""
    harness.set_up(say("block 0"))
    pid = harness.start()
    for number in range(4):
        assert harness.get("/t") == (200, f"block {number}\n")
        harness.set_up(say(f"block {number + 1}"))
        harness.pid_file.write_text(f"{pid}\n")
        os.kill(pid, signal.SIGHUP)
        deadline = time.monotonic() + 10
        while f"block {number + 1}\n" not in harness.get("/t"):
            assert time.monotonic() < deadline
            time.sleep(STEP)
    harness.kill(pid)


def test_a_block_that_must_not_start(harness):
    """--- must_die: the exit code and the error log tell."""
    harness.set_up("bad_directive on;")
    done = harness.shell(f"-p {harness.root}/ -c {harness.conf} > /dev/null")
    assert done.returncode != 0
    said = harness.error_log.read_text()
    assert re.search(r'\[emerg\] .*unknown directive "bad_directive" in ', said)
    assert not harness.pid_file.exists()


def test_what_init_by_lua_says_is_in_the_error_log(harness):
    harness.set_up(
        say("hi"), "init_by_lua_block { ngx.log(ngx.ERR, 'from init') print('p') }"
    )
    pid = harness.start()
    log = harness.error_log.read_text()
    assert re.search(r"\[error\] .*from init", log)
    assert re.search(r"\[notice\] .*init_by_lua.*: p", log)
    harness.kill(pid)


def test_shutdown_error_log(harness):
    """--- shutdown_error_log: what is written until the process has gone."""
    harness.set_up(say("hi"), "exit_worker_by_lua_block { ngx.log(ngx.NOTICE, 'bye') }")
    pid = harness.start()
    assert harness.get("/t")[0] == 200
    harness.kill(pid, signal.SIGTERM)
    assert re.search(
        r"\[notice\] .*exit_worker_by_lua.*: bye", harness.error_log.read_text()
    )


def test_a_stale_pid_file(harness):
    """What an earlier run left is in nobody's way."""
    harness.set_up(say("hi"))
    harness.pid_file.write_text("999999999\n")
    harness.start()
    assert harness.get("/t") == (200, "hi\n")


def test_in_the_foreground(harness):
    """With valgrind or stap: daemon off, started by fork and exec."""
    harness.set_up(say("hi"))
    conf = harness.conf.read_text().replace("daemon on", "daemon off")
    harness.conf.write_text(conf)
    process = subprocess.Popen(
        [harness.binary, "-p", f"{harness.root}/", "-c", harness.conf],
        env={**os.environ, "PYTHONPATH": str(ROOT)},
    )
    deadline = time.monotonic() + 10
    # As with nginx the file is there a moment before the number is in it.
    while not (harness.pid_file.exists() and harness.pid_file.read_text()):
        assert time.monotonic() < deadline
        time.sleep(STEP)
    assert harness.pid() == process.pid
    assert harness.get("/t") == (200, "hi\n")
    process.send_signal(signal.SIGQUIT)
    assert process.wait(10) == 0
