"""The pid file and the signals that are sent by it."""

import os
import signal
import subprocess
import sys

import pytest

from resty_py.server import pidfile

EMERG, ALERT, ERR = 1, 2, 4


class Report:
    """A log that remembers."""

    def __init__(self):
        self.lines = []

    def write(self, level, message):
        self.lines.append((level, message.decode()))


@pytest.fixture
def log():
    return Report()


@pytest.fixture
def path(tmp_path):
    return str(tmp_path / "nginx.pid")


class TestFile:
    def test_it_holds_our_id(self, path, log):
        assert pidfile.create(path, log)
        with open(path) as file:
            assert file.read() == f"{os.getpid()}\n"
        assert os.stat(path).st_mode & 0o777 == 0o644
        assert log.lines == []

    def test_a_longer_one_is_replaced(self, path, log):
        with open(path, "w") as file:
            file.write("1" * 30)
        assert pidfile.create(path, log)
        with open(path) as file:
            assert file.read() == f"{os.getpid()}\n"

    @pytest.mark.parametrize("make", [pidfile.create, pidfile.probe])
    def test_it_cannot_be_written(self, tmp_path, log, make):
        path = str(tmp_path / "no/nginx.pid")
        assert not make(path, log)
        said = f'open() "{path}" failed (2: No such file or directory)'
        assert log.lines == [(EMERG, said)]

    def test_a_full_disk(self, log):
        assert not pidfile.create("/dev/full", log)
        said = 'pwrite() "/dev/full" failed (28: No space left on device)'
        assert log.lines == [(EMERG, said)]

    def test_a_probe_leaves_what_is_there(self, path, log):
        assert pidfile.probe(path, log)
        assert os.path.getsize(path) == 0
        with open(path, "w") as file:
            file.write("12\n")
        assert pidfile.probe(path, log)
        with open(path) as file:
            assert file.read() == "12\n"

    def test_removed(self, path, log):
        pidfile.create(path, log)
        pidfile.remove(path, log)
        assert not os.path.exists(path)
        assert log.lines == []

    def test_removed_by_somebody_else(self, path, log):
        pidfile.remove(path, log)
        said = f'unlink() "{path}" failed (2: No such file or directory)'
        assert log.lines == [(ALERT, said)]


class TestSend:
    @pytest.mark.parametrize(
        ("command", "number"),
        [
            ("stop", signal.SIGTERM),
            ("quit", signal.SIGQUIT),
            ("reload", signal.SIGHUP),
            ("reopen", signal.SIGUSR1),
        ],
    )
    @pytest.mark.parametrize("end", ["\n", "", "\r\n"])
    def test_signals(self, path, log, command, number, end):
        code = "import signal; signal.pause()"
        with subprocess.Popen([sys.executable, "-c", code]) as process:
            with open(path, "w") as file:
                file.write(f"{process.pid}{end}")
            assert pidfile.send(path, command, log)
            assert process.wait(10) == -number
        assert log.lines == []

    @pytest.mark.parametrize("text", ["", "0", "-5", "abc", "12 ", "9" * 20])
    def test_no_number(self, path, log, text):
        with open(path, "w") as file:
            file.write(f"{text}\n")
        assert not pidfile.send(path, "stop", log)
        assert log.lines == [(ERR, f'invalid PID number "{text}" in "{path}"')]

    def test_no_file(self, path, log):
        assert not pidfile.send(path, "stop", log)
        said = f'open() "{path}" failed (2: No such file or directory)'
        assert log.lines == [(ERR, said)]

    @pytest.mark.parametrize("pid", ["999999999", "99999999999999"])
    def test_nobody_there(self, path, log, pid):
        with open(path, "w") as file:
            file.write(pid)
        assert not pidfile.send(path, "quit", log)
        assert log.lines == [(ALERT, f"kill({pid}, 3) failed (3: No such process)")]
