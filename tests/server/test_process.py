"""The life of ``resty-py nginx``: starts, signals, reloads, ends.

Lines of the error log are nginx's, those of a single process.
"""

import os
import signal
import socket
import subprocess
import threading
import time

import pytest
from nginx_command import Command, finish, is_running, send, until
from slow_server import HOOKS, SLOW, begin, is_refused, keep_alive

from resty_py.cli.nginx import NGINX_VERSION
from resty_py.vm import FLAVOURS


@pytest.fixture
def command(tmp_path):
    with Command(tmp_path) as command:
        yield command


def _open_files(pid):
    with open(f"/proc/{pid}/limits") as limits:
        line = next(line for line in limits if line.startswith("Max open files"))
    return line.split()[3:5]


class TestStart:
    def test_what_it_says(self, command):
        command.configure(SLOW, HOOKS)
        process = command.start()
        assert command.get() == "first"
        assert command.pidfile.read_text() == f"{process.pid}\n"
        said = [line for line in command.lines() if "client" not in line]
        system = os.uname()
        assert said[0] == '[notice] using the "epoll" event method'
        assert "init runs" in said[1]
        assert said[2].startswith(f"[notice] nginx/{NGINX_VERSION} (resty-py ")
        assert said[3] == f"[notice] OS: {system.sysname} {system.release}"
        assert said[4].startswith("[notice] getrlimit(RLIMIT_NOFILE): ")
        assert "worker begins" in said[5]
        assert len(said) == 6
        assert (command.folder / "stderr").read_text() == ""

    @pytest.mark.parametrize("flavour", FLAVOURS)
    def test_each_flavour(self, command, flavour):
        command.configure("location / { content_by_lua_block { ngx.print(_VERSION) } }")
        command.start("--lua", flavour)
        number = "51" if flavour == "luajit21" else flavour.removeprefix("lua")
        assert command.get() == f"Lua {number[0]}.{number[1]}"

    def test_no_http(self, command):
        command.conf.write_text("events {}")
        process = command.start()
        process.terminate()
        assert process.wait(10) == 0

    def test_the_log_of_the_command_is_the_default(self, command):
        command.conf.write_text("events {}")
        command.start("-e", "logs/own.log").terminate()
        until(lambda: "[notice] exit" not in command.lines())
        assert not command.log.exists()
        assert (command.folder / "logs/own.log").exists()

    def test_a_port_in_use(self, command):
        command.configure()
        command.start()
        done = command.run("-g", "pid logs/other.pid;")
        failed = f"bind() to 127.0.0.1:{command.port} failed (98: {{}})".format(
            "Address already in use"
        )
        said = [f"nginx: [emerg] {failed}"] * 5
        said.append("nginx: [emerg] still could not bind()")
        assert (done.returncode, done.stderr.splitlines()) == (1, said)
        assert "[notice] try again to bind() after 500ms" in command.lines()

    def test_a_port_that_becomes_free(self, command):
        command.configure(SLOW)
        with socket.socket() as sock:
            sock.bind(("127.0.0.1", command.port))
            sock.listen()
            timer = threading.Timer(0.7, sock.close)
            timer.start()
            command.start()
            timer.join()
        assert command.get() == "first"
        assert "[emerg] still could not bind()" not in command.lines()

    @pytest.mark.parametrize("daemon", ["on", "off"])
    def test_init_by_lua_fails(self, command, daemon):
        command.configure(http="init_by_lua_block { error('no way') }")
        done = command.run("-g", f"daemon {daemon};")
        assert done.returncode == 1
        assert done.stdout == ""
        assert done.stderr.startswith("nginx: [error] init_by_lua error: ")
        assert "no way" in done.stderr
        assert is_refused(command)
        assert not command.pidfile.exists()

    @pytest.mark.parametrize("value", ["{}", "true"])
    def test_init_by_lua_fails_without_a_word(self, command, value):
        command.configure(http=f"init_by_lua_block {{ error({value}) }}")
        done = command.run()
        assert done.returncode == 1
        assert done.stderr == "nginx: [error] init_by_lua error: unknown error\n"

    @pytest.mark.parametrize("daemon", ["on", "off"])
    def test_no_place_for_the_pid_file(self, command, daemon):
        command.configure(main="pid no/nginx.pid;")
        done = command.run("-g", f"daemon {daemon};")
        path = f"{command.folder}/no/nginx.pid"
        said = f'nginx: [emerg] open() "{path}" failed (2: No such file or directory)\n'
        assert (done.returncode, done.stderr) == (1, said)
        assert is_refused(command)

    def test_no_such_working_directory(self, command):
        command.configure(main="working_directory /nowhere;")
        done = command.run("-g", "daemon off; master_process off;")
        assert done.returncode == 2
        said = 'chdir("/nowhere") failed (2: No such file or directory)'
        assert f"[alert] {said}" in command.lines()
        assert not command.pidfile.exists()

    def test_environment(self, command):
        command.configure(
            """location / { content_by_lua_block {
                ngx.print(table.concat({at_init, os.getenv("GIVEN") or "nil",
                                        os.getenv("SET") or "nil",
                                        os.getenv("HOME") or "nil"}, " ")) } }""",
            'init_by_lua_block { at_init = os.getenv("HOME") .. os.getenv("SET") }',
            "env GIVEN; env SET=set;",
        )
        command.environment |= {"GIVEN": "given", "HOME": "/home"}
        command.start()
        assert command.get() == "/homeset given set nil"

    def test_limits(self, command):
        command.configure(SLOW, main="worker_rlimit_nofile 99;")
        process = command.start()
        until(lambda: _open_files(process.pid) == ["99", "99"])  # it listens before

    @pytest.mark.skipif(os.geteuid() != 0, reason="needs root")
    def test_user(self, command):
        command.configure(main="user root;")
        command.start()
        said = '[notice] "user" has no effect: a single process keeps its own'
        assert said in command.lines()

    def test_stderr_is_the_error_log(self, command):
        command.configure(
            'location / { content_by_lua_block { io.stderr:write("raw line\\n") } }'
        )
        command.start()
        command.get()
        assert "raw line\n" in command.log.read_text()

    def test_stderr_stays_where_a_log_is_there(self, command):
        command.configure(
            'location / { content_by_lua_block { io.stderr:write("raw line\\n") } }',
            main="error_log stderr;",
        )
        command.start()
        command.get()
        assert "raw line\n" not in command.log.read_text()
        assert (command.folder / "stderr").read_text() == "raw line\n"


class TestDaemon:
    def test_it_serves_when_the_command_ends(self, command):
        command.configure(SLOW)
        pid = command.daemonize()
        assert command.get() == "first"
        with open(f"/proc/{pid}/stat") as stat:
            session = int(stat.read().rpartition(") ")[2].split()[3])
        assert session == pid
        for number in (0, 1):
            assert os.readlink(f"/proc/{pid}/fd/{number}") == os.devnull
        assert os.readlink(f"/proc/{pid}/fd/2") == str(command.log)
        os.kill(pid, signal.SIGTERM)
        until(lambda: not is_running(pid))
        assert not command.pidfile.exists()

    def test_nobody_waits_for_its_output(self, command):
        # A daemon that kept stdout would keep the shell's $(…) waiting.
        command.configure()
        done = command.run()
        assert done.returncode == 0
        command.pid()

    @pytest.mark.parametrize("name", ["stop", "quit", "reload", "reopen"])
    def test_signals_of_the_command(self, command, name):
        command.configure(SLOW)
        pid = command.daemonize()
        done = command.run("-s", name)
        assert (done.returncode, done.stdout, done.stderr) == (0, "", "")
        if name in ("stop", "quit"):
            until(lambda: not is_running(pid))
        else:
            command.until_logged({"reload": "reconfiguring"}.get(name, "reopening"))
            assert command.get() == "first"


class TestEnd:
    @pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
    def test_at_once(self, command, number):
        command.configure(f"listen unix:PREFIX/s; {SLOW}", HOOKS)
        process = command.start()
        with keep_alive(command) as idle, begin(command, "/slower") as busy:
            process.send_signal(number)
            assert process.wait(10) == 0
            assert finish(busy) == ""
            assert finish(idle) == ""
        assert not command.pidfile.exists()
        assert not (command.folder / "s").exists()
        name = signal.Signals(number).name
        said = [line for line in command.lines() if "client" not in line][-4:]
        assert said[0] == f"[notice] signal {number} ({name}) received, exiting"
        assert "worker ends" in said[1]
        assert said[2:] == ["[notice] exiting", "[notice] exit"]

    def test_gracefully(self, command):
        command.configure(SLOW, HOOKS)
        process = command.start()
        with keep_alive(command) as idle, begin(command, "/slow") as busy:
            process.send_signal(signal.SIGQUIT)
            until(lambda: is_refused(command))
            assert finish(busy) == "slow, true"
            assert finish(idle) == ""
        assert process.wait(10) == 0
        assert not command.pidfile.exists()
        said = [line for line in command.lines() if "client" not in line][-5:]
        assert said[:2] == [
            "[notice] signal 3 (SIGQUIT) received, shutting down",
            "[notice] gracefully shutting down",
        ]
        assert "worker ends" in said[2]
        assert said[3:] == ["[notice] exiting", "[notice] exit"]

    def test_gracefully_but_not_for_ever(self, command):
        command.configure(SLOW, main="worker_shutdown_timeout 300ms;")
        process = command.start()
        with begin(command, "/slower") as busy:
            begun = time.monotonic()
            process.send_signal(signal.SIGQUIT)
            assert process.wait(10) == 0
            assert 0.25 < time.monotonic() - begun < 5
            assert finish(busy) == ""

    def test_first_gracefully_then_at_once(self, command):
        command.configure(SLOW)
        process = command.start()
        with begin(command, "/slower"):
            process.send_signal(signal.SIGQUIT)
            until(lambda: is_refused(command))
            process.send_signal(signal.SIGQUIT)
            with pytest.raises(subprocess.TimeoutExpired):
                process.wait(0.3)
            process.send_signal(signal.SIGTERM)
            assert process.wait(10) == 0

    def test_an_endless_loop(self, command):
        command.configure(f"listen unix:PREFIX/s; {SLOW}")
        process = command.start()
        with begin(command, "/endless"):
            process.send_signal(signal.SIGTERM)
            with pytest.raises(subprocess.TimeoutExpired):
                process.wait(0.3)
            process.send_signal(signal.SIGTERM)
            assert process.wait(10) == 128 + signal.SIGTERM
        assert not command.pidfile.exists()
        assert not (command.folder / "s").exists()

    def test_the_port_is_free_at_once(self, command):
        command.configure(SLOW)
        process = command.start()
        for _ in range(3):
            with command.connect() as client:
                send(client, "/").recv(1000)
                process.terminate()
                assert process.wait(10) == 0
                process = command.start()
        assert not [line for line in command.lines() if "[emerg]" in line]

    def test_a_pid_file_that_is_gone(self, command):
        command.configure()
        process = command.start()
        command.pidfile.unlink()
        process.terminate()
        assert process.wait(10) == 0
        path = command.pidfile
        said = f'[alert] unlink() "{path}" failed (2: No such file or directory)'
        assert said in command.lines()

    @pytest.mark.parametrize(
        ("number", "said"),
        [
            (signal.SIGWINCH, ["[notice] signal 28 (SIGWINCH) received"]),
            (
                signal.SIGUSR2,
                [
                    "[notice] signal 12 (SIGUSR2) received, ignoring",
                    "[error] changing binary is not supported yet by resty-py",
                ],
            ),
        ],
    )
    def test_signals_that_change_nothing(self, command, number, said):
        command.configure(SLOW)
        process = command.start()
        process.send_signal(number)
        command.until_logged(said[-1].partition("] ")[2])
        assert command.get() == "first"
        assert command.lines()[-3:][: len(said)] == said or said == [
            line for line in command.lines() if line in said
        ]


class TestReopen:
    def test_logs_go_on_in_new_files(self, command):
        command.configure(SLOW)
        process = command.start()
        command.get("/old")
        for name in ("error.log", "access.log"):
            path = command.folder / "logs" / name
            path.rename(path.with_suffix(".1"))
        process.send_signal(signal.SIGUSR1)
        until(command.log.exists)
        command.get("/new")
        old = (command.folder / "logs/access.1").read_text()
        new = (command.folder / "logs/access.log").read_text()
        assert ("/old" in old, "/new" in old) == (True, False)
        assert ("/old" in new, "/new" in new) == (False, True)
        assert command.lines(command.folder / "logs/error.1")[-2:] == [
            "[notice] signal 10 (SIGUSR1) received, reopening logs",
            "[notice] reopening logs",
        ]
        assert os.readlink(f"/proc/{process.pid}/fd/2") == str(command.log)
