"""The logs of a program: their files, numbers, times and rotation."""

import math
import os
import re

import pytest
import trio

from resty_py.conf.settings import AccessLog, ErrorLog
from resty_py.conf.template import Template
from resty_py.server.logs import Logs
from resty_py.vm import FLAVOURS, VM

EMERG, ERR, WARN, INFO, DEBUG = 1, 4, 5, 7, 8


class FakeClock:
    now = 100.0

    def __call__(self):
        return self.now


@pytest.fixture
def clock():
    return FakeClock()


@pytest.fixture
def open_logs(tmp_path, clock):
    """Return a function that opens logs in tmp_path; paths are relative to it."""
    opened = []

    def path(name):
        return name and str(tmp_path / name)

    def open_logs(main=(("error.log", "error"),), errors=(), accesses=()):
        logs = Logs(
            [ErrorLog(path(name), level) for name, level in main],
            [[ErrorLog(path(name), level) for name, level in each] for each in errors],
            [AccessLog(Template((path(name),)), "", None, *rest)
             for name, *rest in accesses],
            clock=clock,
        )  # fmt: skip
        opened.append(logs)
        return logs

    yield open_logs
    for logs in opened:
        logs.close()


@pytest.fixture
def read(tmp_path):
    return lambda name: (tmp_path / name).read_bytes()


def messages(data):
    return re.findall(rb"\[\w*\] \d+#\d+: (.*)\n", data)


class TestErrorLogs:
    def test_no_number_is_the_main_log(self, open_logs, read):
        write = open_logs().error_functions()["write"]
        write(ERR, b"one")
        write(ERR, b"two", None, None)
        write(ERR, b"three", 7)
        assert messages(read("error.log")) == [b"one", b"two", b"*7 three"]

    def test_numbers_are_places(self, open_logs, read):
        logs = open_logs(errors=[[("a.log", "warn")], [("b.log", "debug")]])
        write, level = logs.error_functions()["write"], logs.error_functions()["level"]
        write(WARN, b"a", None, 0)
        write(INFO, b"quiet", None, 0)
        write(DEBUG, b"b", 3, 1)
        assert [level(), level(0), level(1)] == [ERR, WARN, DEBUG]
        assert messages(read("a.log")) == [b"a"]
        assert messages(read("b.log")) == [b"*3 b"]
        assert read("error.log") == b""

    def test_several_logs_in_one_place(self, open_logs, read):
        logs = open_logs(errors=[[("a.log", "error"), ("b.log", "info")]])
        write, level = logs.error_functions()["write"], logs.error_functions()["level"]
        write(INFO, b"info", None, 0)
        write(ERR, b"error", None, 0)
        assert level(0) == INFO
        assert messages(read("a.log")) == [b"error"]
        assert messages(read("b.log")) == [b"info", b"error"]

    def test_the_fullest_one_comes_first(self, open_logs, tmp_path):
        logs = open_logs(main=[("a.log", "error"), ("b.log", "info"), ("c", "info")])
        names = [os.path.basename(file.path) for file in logs.main.files]
        assert names == ["b.log", "c", "a.log"]

    def test_one_path_is_one_file(self, open_logs):
        before = len(os.listdir("/proc/self/fd"))
        logs = open_logs(
            main=[("x.log", "error")],
            errors=[[("x.log", "info")], [("y.log", "info"), ("x.log", "warn")]],
            accesses=[("x.log", 0), ("x.log", 1000), ("y.log", 0)],
        )
        assert len(os.listdir("/proc/self/fd")) == before + 2
        logs.close()
        assert len(os.listdir("/proc/self/fd")) == before

    def test_stderr(self, open_logs, capfd):
        logs = open_logs(main=[(None, "error")])
        logs.main.write(ERR, b"said")
        assert logs.uses_stderr
        logs.close()
        assert messages(capfd.readouterr().err.encode()) == [b"said"]
        os.write(2, b"stderr is still open\n")

    def test_no_stderr(self, open_logs):
        assert not open_logs().uses_stderr

    def test_one_that_cannot_be_opened(self, open_logs, tmp_path):
        before = len(os.listdir("/proc/self/fd"))
        with pytest.raises(FileNotFoundError) as caught:
            open_logs(errors=[[("no/a.log", "error")]])
        assert caught.value.filename == str(tmp_path / "no/a.log")
        assert len(os.listdir("/proc/self/fd")) == before

    def test_a_closed_log_ignores_lines(self, open_logs, read, tmp_path):
        logs = open_logs(accesses=[("access.log", 0)])
        logs.close()
        # The next file gets the descriptor that was the log's.
        with open(tmp_path / "other", "wb"):
            logs.main.write(ERR, b"late")
            logs.access_functions()["write"](0, b"late\n")
        assert read("other") == read("error.log") == read("access.log") == b""

    @pytest.mark.parametrize("flavour", FLAVOURS)
    def test_from_lua(self, open_logs, read, flavour):
        logs = open_logs(errors=[[("a.log", "info")]], accesses=[("access.log", 0)])
        vm = VM(
            flavour,
            host={"log": logs.error_functions(), "access": logs.access_functions()},
        )
        levels = vm.run(b"""
            local native = require("resty_py.native")
            native.log.write(4, "main", 7)
            native.log.write(7, "own", nil, 0)
            native.access.write(0, "line\\n")
            return native.log.level() * 100 + native.log.level(0)""")
        assert levels == ERR * 100 + INFO
        assert messages(read("error.log")) == [b"*7 main"]
        assert messages(read("a.log")) == [b"own"]
        assert read("access.log") == b"line\n"


class TestAccessLogs:
    def test_lines_are_written_at_once(self, open_logs, read):
        logs = open_logs(accesses=[("a.log", 0), ("b.log", 0)])
        write = logs.access_functions()["write"]
        write(0, b"a\n")
        write(1, b"b\n")
        assert (read("a.log"), read("b.log")) == (b"a\n", b"b\n")
        assert logs.deadline == math.inf

    def test_a_buffer_without_time_waits_until_it_is_full(self, open_logs, read, clock):
        logs = open_logs(accesses=[("a.log", 10)])
        write = logs.access_functions()["write"]
        write(0, b"1234\n")
        write(0, b"5678\n")
        assert (read("a.log"), logs.deadline) == (b"", math.inf)
        write(0, b"9\n")
        assert read("a.log") == b"1234\n5678\n"
        logs.close()
        assert read("a.log") == b"1234\n5678\n9\n"

    def test_a_line_that_no_buffer_holds(self, open_logs, read):
        logs = open_logs(accesses=[("a.log", 10, 1.0)])
        write = logs.access_functions()["write"]
        write(0, b"1\n")
        write(0, b"twelve bytes\n")
        assert read("a.log") == b"1\ntwelve bytes\n"
        assert logs.deadline == math.inf

    def test_the_deadline_is_the_first_of_all(self, open_logs, read, clock):
        logs = open_logs(accesses=[("a.log", 99, 5.0), ("b.log", 99, 1.0), ("c", 0)])
        write = logs.access_functions()["write"]
        write(0, b"a\n")
        clock.now += 2
        write(1, b"b\n")
        assert logs.deadline == 103.0
        clock.now = logs.deadline
        logs.flush()
        assert (read("a.log"), read("b.log"), logs.deadline) == (b"", b"b\n", 105.0)
        clock.now = logs.deadline
        logs.flush()
        assert (read("a.log"), logs.deadline) == (b"a\n", math.inf)

    def test_a_buffer_is_the_files(self, open_logs, read):
        logs = open_logs(accesses=[("a.log", 99, 5.0), ("a.log", 0)])
        write = logs.access_functions()["write"]
        write(0, b"kept\n")
        write(1, b"and this\n")
        assert read("a.log") == b""
        logs.close()
        assert read("a.log") == b"kept\nand this\n"

    async def test_its_own_clock_is_trios(self, tmp_path, autojump_clock):
        path = Template((str(tmp_path / "access.log"),))
        logs = Logs(
            [ErrorLog(str(tmp_path / "error.log"), "error")],
            access_logs=[AccessLog(path, "", None, 1000, 60.0)],
        )
        logs.access_functions()["write"](0, b"x\n")
        assert logs.deadline == trio.current_time() + 60
        await trio.sleep(60)
        logs.flush()
        logs.close()
        assert (tmp_path / "access.log").read_bytes() == b"x\n"


class TestPathsWithVariables:
    def test_a_file_is_opened_for_every_line(self, open_logs, read, tmp_path):
        write = open_logs().access_functions()["write_path"]
        path = os.fsencode(tmp_path / "a.log")
        assert write(path, b"one\n") is True
        os.rename(path, tmp_path / "b.log")
        assert write(path, b"two\n") is True
        assert (read("a.log"), read("b.log")) == (b"two\n", b"one\n")

    def test_one_that_cannot_be_opened(self, open_logs, tmp_path, read):
        write = open_logs().access_functions()["write_path"]
        path = os.fsencode(tmp_path / "no/a.log")
        said = b'open() "%b" failed (2: No such file or directory)' % path
        assert write(path, b"lost\n") == (None, said)
        assert read("error.log") == b""  # Lua says it, with the client

    def test_it_ends_at_a_nul(self, open_logs, tmp_path, read):
        write = open_logs().access_functions()["write_path"]
        assert write(os.fsencode(tmp_path / "a.log") + b"\0rest", b"line\n") is True
        assert read("a.log") == b"line\n"

    def test_a_full_disk(self, open_logs, read):
        write = open_logs().access_functions()["write_path"]
        assert [write(b"/dev/full", b"lost\n") for _ in range(3)] == [True] * 3
        said = b'write() to "/dev/full" failed (28: No space left on device)'
        assert messages(read("error.log")) == [said]
        write(b"/dev/null", b"line\n")
        write(b"/dev/full", b"lost\n")
        assert messages(read("error.log")) == [said, said]


class TestReopen:
    def test_every_file_is_new(self, open_logs, read, tmp_path):
        logs = open_logs(
            errors=[[("a.log", "info")]], accesses=[("b.log", 0), ("c.log", 99, 9.0)]
        )
        write = logs.access_functions()["write"]
        names = ("error.log", "a.log", "b.log", "c.log")

        def write_all(text):
            logs.main.write(ERR, text)
            logs.error_functions()["write"](ERR, text, None, 0)
            write(0, text + b"\n")
            write(1, text + b"\n")

        write_all(b"old")
        for name in names:
            (tmp_path / name).rename(tmp_path / f"{name}.1")
        logs.reopen()
        write_all(b"new")
        logs.close()
        for name in names:
            assert read(f"{name}.1").endswith(b"old\n")
            assert read(name).endswith(b"new\n")

    def test_one_that_cannot_be_opened_again_is_kept(self, open_logs, read, tmp_path):
        logs = open_logs(accesses=[("b.log", 0)])
        (tmp_path / "b.log").rename(tmp_path / "kept")
        (tmp_path / "b.log").mkdir()
        logs.reopen()
        logs.access_functions()["write"](0, b"still here\n")
        assert read("kept") == b"still here\n"
        said = f'open() "{tmp_path}/b.log" failed (21: Is a directory)'
        assert messages(read("error.log")) == [said.encode()]
        assert b"[emerg]" in read("error.log")

    def test_stderr_stays(self, open_logs, capfd):
        logs = open_logs(main=[(None, "error")])
        logs.reopen()
        logs.main.write(ERR, b"said")
        assert messages(capfd.readouterr().err.encode()) == [b"said"]
