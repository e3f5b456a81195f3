"""``resty-py app.lua --workers N``: an app that several processes serve."""

import os
import re
import shlex
import signal
import subprocess
import sys
from pathlib import Path

import pytest
from nginx_command import PATIENCE, ROOT, free_port, is_running, until

WHO = """
local process = require "ngx.process"
ngx.say(process.type(), " ", ngx.worker.count(), " ", ngx.worker.pid(), " ",
        (ngx.shared.kept:incr("n", 1, 0)))
"""


class App:
    """An app that is served."""

    def __init__(self, folder, *options):
        self.file = folder / "app.lua"
        self.file.write_text(WHO)
        self.port = free_port()
        self.log = folder / "error.log"
        command = [sys.executable, "-m", "resty_py", str(self.file), *options]
        command += ["--listen", f"127.0.0.1:{self.port}", "--workers", "2"]
        command += ["--error-log", f"{self.log}:notice", "--shared-dict", "kept:1m"]
        environment = {**os.environ, "PYTHONPATH": str(ROOT)}
        self.process = subprocess.Popen(command, env=environment)
        until(lambda: len(self.workers()) == 2)

    def workers(self):
        pid = self.process.pid
        path = Path(f"/proc/{pid}/task/{pid}/children")
        return [int(child) for child in path.read_text().split()]

    def get(self):
        command = ["curl", "-s", f"http://127.0.0.1:{self.port}/"]
        return subprocess.run(command, capture_output=True, text=True).stdout.split()

    def said(self, text):
        until(lambda: text in self.log.read_text(), text)


@pytest.fixture
def app(tmp_path):
    app = App(tmp_path)
    yield app
    app.process.kill()
    app.process.wait(PATIENCE)
    until(lambda: not any(map(is_running, app.workers_then)))


@pytest.fixture(autouse=True)
def _remember(app):
    app.workers_then = app.workers()


def test_it_is_served(app):
    kind, count, pid, number = app.get()
    assert (kind, count, number) == ("worker", "2", "1")
    assert int(pid) in app.workers()
    assert app.get()[3] == "2"


def test_reload(app):
    """The app is compiled anew, dictionaries are kept."""
    app.get()
    app.file.write_text("ngx.say('new ', (ngx.shared.kept:incr('n', 1)))")
    os.kill(app.process.pid, signal.SIGHUP)
    app.said("exited with code 0")
    assert app.get() == ["new", "2"]
    app.workers_then = app.workers()


def test_a_reload_of_what_does_not_compile(app):
    app.file.write_text("ngx.say(")
    os.kill(app.process.pid, signal.SIGHUP)
    app.said("app.lua:1: unexpected symbol near")
    assert app.get()[0] == "worker"


def test_a_reload_of_what_is_not_there(app):
    app.file.rename(app.file.with_suffix(".old"))
    os.kill(app.process.pid, signal.SIGHUP)
    app.said(f'[emerg] {app.process.pid}#{app.process.pid}: open() "{app.file}" failed')
    assert app.get()[0] == "worker"


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGQUIT])
def test_end(app, number):
    app.process.send_signal(number)
    assert app.process.wait(PATIENCE) == 0
    assert app.log.read_text().count("gracefully shutting down") == 2


def test_no_upgrade(tmp_path):
    """Nor where its parent is gone, which would not notice."""
    app = tmp_path / "orphan.lua"
    app.write_text(WHO)
    log = tmp_path / "orphan.log"
    listen = f"127.0.0.1:{free_port()}"
    command = [sys.executable, "-m", "resty_py", app, "--listen", listen]
    command += ["--workers", "1", "--error-log", f"{log}:notice"]
    environment = {**os.environ, "PYTHONPATH": str(ROOT), "NGINX": "nonsense"}
    shell = shlex.join(map(str, command)) + " &"
    subprocess.run(["sh", "-c", shell], env=environment, check=True)
    until(lambda: log.exists() and "start worker process " in log.read_text())
    master = int(re.search(r"(\d+)#", log.read_text())[1])
    try:
        os.kill(master, signal.SIGUSR2)
        until(lambda: "signal is ignored: an app has no pid file" in log.read_text())
        assert is_running(master)
        assert "nonsense" not in log.read_text()
    finally:
        os.kill(master, signal.SIGTERM)
    until(lambda: not is_running(master))


def test_end_at_once(app):
    app.file.write_text("ngx.log(ngx.ERR, 'begins') ngx.sleep(60)")
    os.kill(app.process.pid, signal.SIGHUP)
    app.said("exited with code 0")
    app.workers_then = app.workers()
    curl = subprocess.Popen(["curl", "-s", f"http://127.0.0.1:{app.port}/"])
    app.said("begins")
    app.process.terminate()
    app.said(", shutting down")
    app.process.terminate()
    assert app.process.wait(PATIENCE) == 0
    curl.wait(PATIENCE)


def test_an_address_in_use(app):
    """One line says so, as without workers."""
    said = refused(app.file, "--listen", f"127.0.0.1:{app.port}")
    assert said.startswith("resty-py: bind() to 127.0.0.1:")
    assert said.count("\n") == 1


@pytest.mark.parametrize("log", ["--error-log", "--access-log"])
def test_a_log_that_cannot_be(app, log):
    said = refused(app.file, "--listen", "127.0.0.1:0", log, "/nowhere/x.log")
    assert said == "resty-py: /nowhere/x.log: No such file or directory\n"


def refused(*arguments):
    """Return what the command says that cannot start."""
    command = [sys.executable, "-m", "resty_py", *map(str, arguments), "--workers", "2"]
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
    done = subprocess.run(command, capture_output=True, text=True, env=environment)
    assert done.returncode == 1
    return done.stderr
