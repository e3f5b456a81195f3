"""The logs; lines and errors as nginx 1.22.1 writes them."""

import contextlib
import errno
import logging
import math
import os
import re
import threading
import time

import pytest
import trio

from resty_py.server.log import (
    ACCESS_LOG_BUFFER,
    ACCESS_LOG_FLUSH,
    LEVELS,
    MAX_ERROR_STR,
    AccessLog,
    ErrorLog,
    LogFile,
    find_level,
    route_logging,
)

ALERT, CRIT, ERR, WARN, INFO, DEBUG = 2, 3, 4, 5, 7, 8
MOMENT = time.mktime((2026, 11, 23, 7, 0, 40, 0, 0, -1)) + 0.9


@pytest.fixture
def error_log(tmp_path):
    with contextlib.closing(LogFile(tmp_path / "error.log")) as file:
        yield ErrorLog([(file, "debug")], wall=lambda: MOMENT)


@pytest.fixture
def clock():
    return FakeClock()


@pytest.fixture
def access_log(tmp_path, error_log, clock):
    with contextlib.closing(LogFile(tmp_path / "access.log")) as file:
        yield AccessLog(
            file, error_log, clock, buffer=ACCESS_LOG_BUFFER, flush=ACCESS_LOG_FLUSH
        )


class FakeClock:
    now = 100.0

    def __call__(self):
        return self.now


@pytest.fixture
def errors(tmp_path):
    return lambda: (tmp_path / "error.log").read_bytes()


@pytest.fixture
def accesses(tmp_path):
    return lambda: (tmp_path / "access.log").read_bytes()


class TestErrorLog:
    def test_line_is_nginxs(self, error_log, errors):
        error_log.write(ERR, b"message", 5)
        who = f"{os.getpid()}#{threading.get_native_id()}"
        expected = f"2026/11/23 07:00:40 [error] {who}: *5 message\n"
        assert errors() == expected.encode()

    def test_line_without_connection(self, error_log, errors):
        error_log.write(WARN, b"message")
        assert re.fullmatch(rb".* \[warn\] \d+#\d+: message\n", errors())

    @pytest.mark.parametrize(("level", "label"), list(enumerate(LEVELS)))
    def test_labels(self, error_log, errors, level, label):
        error_log.write(level, b"m")
        # nginx's table has no name for ngx.STDERR.
        label = "" if label == "stderr" else label
        assert f" [{label}] ".encode() in errors()

    def test_follows_the_clock(self, tmp_path, errors):
        moments = [MOMENT, MOMENT + 0.05, MOMENT + 60]
        with contextlib.closing(LogFile(tmp_path / "error.log")) as file:
            log = ErrorLog([(file, "error")], wall=lambda: moments.pop(0))
            for _ in range(3):
                log.write(ERR, b"m")
        times = [line[11:19] for line in errors().splitlines()]
        assert times == [b"07:00:40", b"07:00:40", b"07:01:40"]

    def test_only_severe_enough_lines(self, tmp_path, errors):
        with contextlib.closing(LogFile(tmp_path / "error.log")) as file:
            log = ErrorLog([(file, "crit")])
            for level in range(9):
                assert log.enabled(level) == (level <= CRIT)
                log.write(level, b"level %d" % level)
        assert [line[-1:] for line in errors().splitlines()] == [b"0", b"1", b"2", b"3"]

    def test_long_line_is_cut_with_its_line_feed_inside_the_limit(
        self, error_log, errors
    ):
        error_log.write(ERR, b"x" * 5000)
        assert len(errors()) == MAX_ERROR_STR == 4096
        assert errors().endswith(b"x\n")

    def test_longest_line_is_not_cut(self, error_log, errors):
        error_log.write(ERR, b"")
        head = len(errors()) - 1
        error_log.write(ERR, b"y" * (MAX_ERROR_STR - head - 2) + b"z")
        assert errors().endswith(b"yz\n")

    def test_line_feeds_and_control_bytes_stay(self, error_log, errors):
        error_log.write(ERR, b"two\nlines \x1b\xff")
        assert errors().endswith(b": two\nlines \x1b\xff\n")

    def test_appends(self, tmp_path, errors):
        for _ in range(2):
            with contextlib.closing(LogFile(tmp_path / "error.log")) as file:
                ErrorLog([(file, "error")]).write(ERR, b"m")
        assert errors().count(b"\n") == 2

    def test_stderr(self, capfd):
        with contextlib.closing(LogFile(None)) as file:
            log = ErrorLog([(file, "error")])
            log.write(ERR, b"to stderr")
            assert (log.on_stderr(ERR), log.on_stderr(WARN)) == (True, False)
        assert capfd.readouterr().err.endswith(": to stderr\n")

    def test_one_write_per_line(self, error_log, monkeypatch):
        writes = []
        monkeypatch.setattr(os, "write", lambda fd, data: writes.append(data))
        error_log.write(ERR, b"a\nb")
        assert len(writes) == 1

    def test_never_raises(self, error_log, monkeypatch):
        def fail(fd, data):
            raise OSError(errno.ENOSPC, "No space left on device")

        monkeypatch.setattr(os, "write", fail)
        error_log.write(ERR, b"m")

    @pytest.mark.parametrize("level", ["verbose", 9, -1, ""])
    def test_unknown_level(self, tmp_path, level):
        with pytest.raises(ValueError, match=f'invalid log level "{level}"'):
            ErrorLog([(LogFile(None), level)])

    def test_levels_by_name_and_number(self):
        assert [find_level(name) for name in LEVELS] == list(range(9))
        assert find_level(8) == 8


class TestAccessLog:
    def test_lines_wait_for_a_flush(self, access_log, accesses):
        access_log.write(b"one\n")
        access_log.write(b"two\n")
        assert accesses() == b""
        access_log.flush()
        assert accesses() == b"one\ntwo\n"
        access_log.flush()
        assert accesses() == b"one\ntwo\n"

    def test_deadline_is_that_of_the_oldest_line(self, access_log, clock):
        assert access_log.deadline == math.inf
        access_log.write(b"one\n")
        clock.now += 0.5
        access_log.write(b"two\n")
        assert access_log.deadline == 100.0 + ACCESS_LOG_FLUSH
        access_log.flush()
        assert access_log.deadline == math.inf

    def test_full_buffer_is_written(self, access_log, accesses):
        line = b"x" * 1023 + b"\n"
        for _ in range(64):
            access_log.write(line)
        assert accesses() == b""
        access_log.write(b"one more\n")
        assert len(accesses()) == ACCESS_LOG_BUFFER
        access_log.end()
        assert accesses().endswith(b"one more\n")

    def test_line_larger_than_the_buffer(self, access_log, accesses):
        access_log.write(b"first\n")
        access_log.write(b"y" * ACCESS_LOG_BUFFER + b"\n")
        access_log.write(b"last\n")
        access_log.flush()
        assert accesses() == b"first\n" + b"y" * ACCESS_LOG_BUFFER + b"\nlast\n"

    def test_incomplete_write_goes_on(self, access_log, accesses, monkeypatch):
        write = os.write
        monkeypatch.setattr(os, "write", lambda fd, data: write(fd, data[:3]))
        access_log.write(b"more than three\n")
        access_log.flush()
        assert accesses() == b"more than three\n"

    def test_failure_is_said_once(self, access_log, errors, monkeypatch, tmp_path):
        self.fail_to_flush(access_log, monkeypatch, times=3)
        path = tmp_path / "access.log"
        said = f'write() to "{path}" failed (28: No space left on device)'
        assert errors().count(said.encode()) == 1
        assert b"[alert]" in errors()

    def test_failure_is_said_again_after_a_success(
        self, access_log, errors, accesses, monkeypatch
    ):
        self.fail_to_flush(access_log, monkeypatch, times=2)
        access_log.write(b"good\n")
        access_log.flush()
        self.fail_to_flush(access_log, monkeypatch, times=1)
        assert errors().count(b"failed (28") == 2
        assert accesses() == b"good\n"

    def fail_to_flush(self, access_log, monkeypatch, times):
        write = os.write

        def fail(fd, data):
            if b"lost" in bytes(data):
                raise OSError(errno.ENOSPC, "No space left on device")
            return write(fd, data)

        with monkeypatch.context() as patch:
            patch.setattr(os, "write", fail)
            for _ in range(times):
                access_log.write(b"lost\n")
                access_log.flush()

    def test_one_that_has_ended_ignores_lines(self, access_log, accesses):
        access_log.write(b"kept\n")
        access_log.end()
        access_log.write(b"late\n")
        access_log.end()
        assert accesses() == b"kept\n"

    async def test_its_own_clock_is_trios(self, error_log, autojump_clock):
        log = AccessLog(LogFile(None), error_log, buffer=9, flush=5.0)
        log.write(b"x\n")
        assert log.deadline == trio.current_time() + 5.0


class TestLogFile:
    @pytest.fixture
    def file(self, tmp_path):
        with contextlib.closing(LogFile(tmp_path / "x.log")) as file:
            yield file

    def test_reopened_after_rotation(self, file, tmp_path):
        os.write(file.fd, b"old\n")
        (tmp_path / "x.log").rename(tmp_path / "x.log.1")
        os.write(file.fd, b"still old\n")
        assert file.reopen() is None
        os.write(file.fd, b"new\n")
        assert (tmp_path / "x.log").read_bytes() == b"new\n"
        assert (tmp_path / "x.log.1").read_bytes() == b"old\nstill old\n"

    def test_kept_if_it_cannot_be_reopened(self, file, tmp_path):
        (tmp_path / "x.log").rename(tmp_path / "kept")
        (tmp_path / "x.log").mkdir()
        said = f'open() "{tmp_path}/x.log" failed (21: Is a directory)'
        assert file.reopen() == said.encode()
        os.write(file.fd, b"after\n")
        assert (tmp_path / "kept").read_bytes() == b"after\n"

    def test_mode(self, file, tmp_path):
        assert os.stat(tmp_path / "x.log").st_mode & 0o133 == 0
        assert not os.get_inheritable(file.fd)

    def test_cannot_be_opened(self, tmp_path):
        with pytest.raises(FileNotFoundError):
            LogFile(tmp_path / "missing" / "x.log")

    def test_stderr_is_never_closed(self):
        file = LogFile(None)
        assert file.is_stderr
        assert file.reopen() is None
        file.close()
        os.write(2, b"")

    @pytest.mark.parametrize(("name", "number"), [("stdout", 1), ("stderr", 2)])
    def test_standard_streams(self, capfd, name, number):
        with contextlib.closing(LogFile(f"/dev/{name}")) as file:
            os.write(file.fd, b"said\n")
            assert not file.is_stderr
        assert capfd.readouterr()[number - 1] == "said\n"


class TestPythonLogging:
    @pytest.mark.parametrize(
        ("level", "label"),
        [
            (logging.CRITICAL, b"[crit]"),
            (logging.ERROR, b"[error]"),
            (logging.WARNING, b"[warn]"),
            (logging.INFO, b"[info]"),
            (logging.DEBUG, b"[debug]"),
            (5, b"[debug]"),
        ],
    )
    @pytest.mark.parametrize("name", ["resty_py.host", "trio.abc"])
    def test_levels(self, error_log, errors, name, level, label):
        with route_logging(error_log):
            logging.getLogger(name).setLevel(1)
            logging.getLogger(name).log(level, "said %s", "so")
            logging.getLogger(name).setLevel(logging.NOTSET)
        assert re.search(re.escape(label) + rb" \d+#\d+: said so\n", errors())

    def test_traceback_follows_what_was_raised(self, error_log, errors):
        with route_logging(error_log):
            try:
                raise KeyError("the key")
            except KeyError:
                logging.getLogger("resty_py.host").exception("it failed")
        first, second, *_, last = errors().decode().splitlines()
        assert first.endswith("it failed: KeyError: 'the key'")
        assert second == "Traceback (most recent call last):"
        assert last == "KeyError: 'the key'"

    @pytest.mark.alone  # its captured log cannot go from process to process
    def test_text_that_cannot_be_encoded(self, error_log, errors):
        with route_logging(error_log):
            logging.getLogger("resty_py").error("lone \udc80")
        assert errors().endswith(b"lone \\udc80\n")

    @pytest.mark.parametrize(
        ("level", "expected"),
        [("debug", 3), ("info", 2), ("notice", 1), ("warn", 1), ("error", 0)],
    )
    def test_loggers_follow_the_level_of_the_log(
        self, tmp_path, errors, level, expected
    ):
        logger = logging.getLogger("resty_py.x")
        with contextlib.closing(LogFile(tmp_path / "error.log")) as file:
            with route_logging(ErrorLog([(file, level)])):
                logger.warning("1")
                logger.info("2")
                logger.debug("3")
        assert errors().count(b"\n") == expected

    def test_ends(self, error_log, errors):
        logger = logging.getLogger("trio")
        before = logger.level, list(logger.handlers)
        with route_logging(error_log):
            assert (logger.level, logger.handlers) != before
        assert (logger.level, logger.handlers) == before
        logger.critical("after")
        assert errors() == b""
