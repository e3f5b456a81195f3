"""Reloads of a single process: ``resty-py nginx`` without a master."""

import contextlib
import os
import signal
import socket
import threading
import time

import pytest
from nginx_command import Command, finish, free_port, until
from slow_server import HOOKS, SLOW, begin, is_refused, keep_alive


@pytest.fixture
def command(tmp_path):
    with Command(tmp_path) as command:
        yield command


@contextlib.contextmanager
def asking(command):
    """Ask all the time while the block lasts; give what went wrong."""
    stop = threading.Event()
    failures = []

    def ask():
        while not stop.is_set():
            try:
                assert command.get() in ("first", "second")
            except Exception as exc:
                failures.append(exc)

    threads = [threading.Thread(target=ask) for _ in range(2)]
    for thread in threads:
        thread.start()
    try:
        yield failures
    finally:
        stop.set()
        for thread in threads:
            thread.join()


def open_files(pid):
    return len(os.listdir(f"/proc/{pid}/fd"))


class TestReload:
    def test_the_new_one_serves(self, command):
        command.configure(SLOW, HOOKS)
        process = command.start()
        command.until_logged("worker begins")
        command.configure('location / { return 200 "second"; }', HOOKS)
        process.send_signal(signal.SIGHUP)
        until(lambda: command.get() == "second")
        command.until_logged("worker ends")
        received = "signal 1 (SIGHUP) received, reconfiguring"
        said = [line for line in command.settled(received) if "client" not in line]
        assert said[:2] == [
            "[notice] reconfiguring",
            '[notice] using the "epoll" event method',
        ]
        assert len(said) == 5
        for words in ("init runs", "worker begins", "worker ends"):
            assert words in said.pop(2)
        assert command.pid() == process.pid

    def test_what_was_begun_ends_in_the_old_one(self, command):
        command.configure(SLOW)
        process = command.start()
        with begin(command, "/slow") as busy, keep_alive(command) as idle:
            command.configure('location / { return 200 "second"; }')
            process.send_signal(signal.SIGHUP)
            until(lambda: command.get() == "second")
            assert finish(idle) == ""
            assert finish(busy) == "slow, true"

    def test_no_client_is_turned_away(self, command):
        command.configure(SLOW)
        process = command.start()
        with asking(command) as failures:
            for number in range(5):
                text = ("second", "first")[number % 2]
                command.configure(f'location / {{ return 200 "{text}"; }}')
                process.send_signal(signal.SIGHUP)
                command.until_logged(": reconfiguring", number + 1)
                time.sleep(0.1)
        assert failures == []

    @pytest.mark.parametrize(
        ("http", "said"),
        [
            ("foo;", '[emerg] unknown directive "foo" in PREFIX/conf/nginx.conf:6'),
            ("init_by_lua_block { error('no way') }", "[error] init_by_lua error: "),
            (
                "access_log no/access.log;",
                '[emerg] open() "PREFIX/no/access.log" failed (2: No such file or ',
            ),
        ],
    )
    def test_a_bad_one_is_refused(self, command, http, said):
        command.configure(SLOW, HOOKS)
        process = command.start()
        assert command.get() == "first"
        before = open_files(process.pid)
        command.configure("", http)
        process.send_signal(signal.SIGHUP)
        command.until_logged(command.fill(said).partition("] ")[2])
        assert any(line.startswith(command.fill(said)) for line in command.lines())
        assert command.get() == "first"
        assert open_files(process.pid) == before
        assert (command.folder / "stderr").read_text() == ""
        command.configure('location / { return 200 "second"; }')
        process.send_signal(signal.SIGHUP)
        until(lambda: command.get() == "second")

    def test_other_addresses(self, command):
        command.configure(f"listen unix:PREFIX/a; listen unix:PREFIX/b; {SLOW}")
        process = command.start()
        former, command.port = command.port, free_port()
        command.configure(f"listen unix:PREFIX/b; listen unix:PREFIX/c; {SLOW}")
        process.send_signal(signal.SIGHUP)
        until(lambda: not is_refused(command))
        assert command.get() == "first"
        until(lambda: is_refused(command, former))
        names = {name for name in "abc" if (command.folder / name).exists()}
        assert names == {"b", "c"}

    def test_an_address_in_use(self, command):
        command.configure(SLOW)
        process = command.start()
        former = command.port
        with socket.socket() as taken:
            taken.bind(("127.0.0.1", 0))
            taken.listen()
            command.port = taken.getsockname()[1]
            command.configure('location / { return 200 "second"; }')
            command.port = former
            process.send_signal(signal.SIGHUP)
            command.until_logged("try again to bind() after 500ms")
            # The old one serves meanwhile.
            begun = time.monotonic()
            assert command.get() == "first"
            assert time.monotonic() - begun < 0.4
            command.until_logged("still could not bind()")
            assert command.get() == "first"

    @pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGQUIT])
    def test_the_end_comes_in_between(self, command, number):
        command.configure(SLOW)
        process = command.start()
        with socket.socket() as taken:
            taken.bind(("127.0.0.1", 0))
            taken.listen()
            command.port = taken.getsockname()[1]
            command.configure()
            process.send_signal(signal.SIGHUP)
            command.until_logged("try again to bind() after 500ms")
            process.send_signal(number)
            assert process.wait(10) == 0
        assert "still could not bind()" not in command.log.read_text()
        assert not command.pidfile.exists()
        assert "[crit]" not in command.log.read_text()

    def test_other_files(self, command):
        command.configure(SLOW)
        process = command.start()
        former = command.pidfile
        command.pidfile = command.folder / "logs/other.pid"
        text = command.conf.read_text().replace("error.log", "other.log")
        command.conf.write_text(f"pid logs/other.pid; {text}")
        process.send_signal(signal.SIGHUP)
        until(command.pidfile.exists)
        until(lambda: not former.exists())
        assert command.pid() == process.pid
        log = command.folder / "logs/other.log"
        until(lambda: os.readlink(f"/proc/{process.pid}/fd/2") == str(log))
        process.terminate()
        assert process.wait(10) == 0
        assert command.lines(log)[-1] == "[notice] exit"
        assert not command.pidfile.exists()

    def test_paths_are_those_of_the_command(self, command):
        """A relative prefix stays what it was, wherever the process is."""
        command.configure(SLOW, main="working_directory /;")
        options = ["-p", command.folder.name]
        process = command.start(*options, cwd=command.folder.parent)
        assert os.readlink(f"/proc/{process.pid}/cwd") == "/"
        command.configure(
            'location / { return 200 "second"; }', main="working_directory /tmp;"
        )
        process.send_signal(signal.SIGHUP)
        until(lambda: command.get() == "second")
        assert os.readlink(f"/proc/{process.pid}/cwd") == "/tmp"
        command.log.rename(command.folder / "logs/error.1")
        process.send_signal(signal.SIGUSR1)
        until(command.log.exists)
        process.terminate()
        assert process.wait(10) == 0
        assert not command.pidfile.exists()

    def test_the_environment_is_made_anew(self, command):
        code = 'location / { content_by_lua_block { ngx.print(os.getenv("GIVEN")) } }'
        command.configure(code, main="env GIVEN=first;")
        command.environment["GIVEN"] = "second"
        process = command.start()
        assert command.get() == "first"
        command.configure(code, main="env GIVEN;")
        process.send_signal(signal.SIGHUP)
        until(lambda: command.get() == "second")

    def test_nothing_is_left_of_old_ones(self, command):
        command.configure(SLOW)
        process = command.start()

        def reload(number):
            process.send_signal(signal.SIGHUP)
            command.until_logged(": reconfiguring", number)
            assert command.get() == "first"

        reload(1)
        time.sleep(0.3)
        before = open_files(process.pid)
        for number in range(2, 12):
            reload(number)
        with contextlib.suppress(AssertionError):
            until(lambda: open_files(process.pid) == before)
        assert open_files(process.pid) == before

    def test_clients_are_counted_on(self, command):
        """Else the log would have two with one number of one process."""
        command.configure("location / { return 200 $connection; }")
        process = command.start()
        for number in range(1, 4):
            assert command.get() == str(number)
        command.configure("location / { return 200 $connection,; }")
        process.send_signal(signal.SIGHUP)
        until(lambda: "," in command.get())
        assert int(command.get().rstrip(",")) > 3

    def test_several_at_once(self, command):
        command.configure(SLOW)
        process = command.start()
        for _ in range(5):
            process.send_signal(signal.SIGHUP)
        command.configure('location / { return 200 "second"; }')
        process.send_signal(signal.SIGHUP)
        until(lambda: command.get() == "second")
        process.send_signal(signal.SIGQUIT)
        assert process.wait(10) == 0
