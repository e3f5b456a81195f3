"""A master and its workers: what they are, and what becomes of them.

What is said meanwhile is held against nginx in test_master_pair.py.
"""

import contextlib
import os
import re
import shutil
import signal
import socket
import subprocess
import threading
import time
from pathlib import Path

import pytest
from nginx_command import PATIENCE, Command, is_running, send, until

from resty_py.vm import FLAVOURS

#: Reloads under load: RESTY_PY_RELOADS=100 for the long run.
RELOADS = int(os.environ.get("RESTY_PY_RELOADS", "6"))

PID = "location / { content_by_lua_block { ngx.print(ngx.worker.pid()) } }"

WHO = """
location / { content_by_lua_block {
    local process = require "ngx.process"
    local worker = ngx.worker
    ngx.say(process.type(), " ", worker.id(), " ", worker.count(), " ",
            process.get_master_pid(), " ", worker.pid())
    ngx.print(table.concat(worker.pids(), " "))
} }
"""

ENDLESS = """
location / { return 200 ok; }
location /compiled { content_by_lua_block { while true do end } }
location /endless { content_by_lua_block {
    local text = "a"
    while true do
        text = text:gsub("a", "%0")
    end
} }
"""


BLOCKING = """
location / { content_by_lua_block {
    local began = os.clock()
    while os.clock() - began < 0.2 do end
    ngx.print("ok")
} }
location /quick { return 200 quick; }
"""


GREEDY = """
location /greedy { content_by_lua_block {
    files = {}
    repeat
        local file = io.open("/dev/null")
        files[#files + 1] = file
    until not file
    ngx.print(ngx.worker.pid())
} }
"""


class Server(Command):
    """A command whose server has a master."""

    def begin(self, server=PID, http="", main="worker_processes 2;", **options):
        """Start it in the foreground; wait until all workers accept."""
        self.configure(server, http, main)
        self.process = self.start(master=True, **options)
        self.master = self.process.pid
        count = int(
            re.search(r"worker_processes (\d+)", main + "worker_processes 1")[1]
        )
        until(lambda: len(self.workers()) >= count)
        return self.process

    def workers(self):
        """Return the numbers of the master's children."""
        path = Path(f"/proc/{self.master}/task/{self.master}/children")
        return [int(pid) for pid in path.read_text().split()]

    def is_free(self):
        """Tell whether nobody listens on the port any more."""
        with socket.socket() as sock:
            sock.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            try:
                sock.bind(("127.0.0.1", self.port))
            except OSError:
                return False
        return True


@pytest.fixture
def server(tmp_path):
    with Server(tmp_path) as server:
        yield server


def command_line(pid):
    return Path(f"/proc/{pid}/cmdline").read_bytes().partition(b"\0")[0].decode()


def ask(client, path="/"):
    """Ask for *path* on a connection that is kept; return the body."""
    send(client, path)
    data = b""
    while not data.endswith(b"0\r\n\r\n"):
        data += client.recv(65536)
    return data.split(b"\r\n")[-4]


def one_with_few_clients(server, stack):
    """Return the only client of one of two workers, of which the other has ten."""
    clients = {}
    while sorted(map(len, clients.values())) < [10, 10]:
        client = stack.enter_context(server.connect())
        clients.setdefault(ask(client), []).append(client)
    few, _ = clients.values()
    for client in few[1:]:
        client.close()
    return few[0]


@contextlib.contextmanager
def kept_busy(client):
    """Ask all the time while the block lasts."""
    ended = threading.Event()

    def run():
        while not ended.is_set():
            ask(client)

    thread = threading.Thread(target=run)
    thread.start()
    try:
        yield
    finally:
        ended.set()
        thread.join()


class TestWorkers:
    @pytest.mark.parametrize("flavour", FLAVOURS)
    def test_who_they_are(self, tmp_path, flavour):
        with Server(tmp_path) as server:
            server.configure(WHO, main="worker_processes 2;")
            process = server.start("--lua", flavour, master=True)
            server.master = process.pid
            until(lambda: len(server.workers()) == 2)
            both = sorted(server.workers())

            def tells():
                first, pids = server.get().split("\n")
                kind, number, count, master, pid = first.split()
                assert (kind, count, master) == ("worker", "2", str(process.pid))
                known = list(map(int, pids.split()))
                return sorted(known) == both and known[int(number)] == int(pid)

            until(tells)

    def test_titles(self, server):
        server.begin()
        assert command_line(server.master).startswith("nginx: master process ")
        for pid in server.workers():
            until(lambda pid=pid: command_line(pid) == "nginx: worker process")
            assert Path(f"/proc/{pid}/comm").read_text() == "nginx\n"

    def test_one_that_finishes_says_so_in_its_title(self, server):
        slow = "location / { content_by_lua_block { ngx.log(5, 'x') ngx.sleep(60) } }"
        server.begin(slow, main="")
        with send(server.connect(), "/"):
            server.until_logged("[lua]")
            (worker,) = server.workers()
            os.kill(server.master, signal.SIGQUIT)
            until(lambda: command_line(worker).endswith("is shutting down"))

    def test_the_master_has_no_thread(self, server):
        server.begin()
        assert os.listdir(f"/proc/{server.master}/task") == [str(server.master)]

    @pytest.mark.alone
    def test_clients_are_shared_out(self, server):
        """Of two workers none has more than six clients of ten."""
        hook = "init_worker_by_lua_block { ngx.log(ngx.WARN, 'begins') }"
        server.begin(PID, hook)
        server.until_logged("begins", 2)
        count = 60
        with contextlib.ExitStack() as stack:
            clients = [stack.enter_context(server.connect()) for _ in range(count)]
            served = []
            for client in clients:
                send(client, "/")
                chunk = re.search(rb"\r\n\r\n\w+\r\n(\d+)", client.recv(65536))
                served.append(chunk[1])
        most = max(served.count(pid) for pid in set(served))
        assert most <= 0.6 * count

    @pytest.mark.alone
    def test_each_client_has_a_number_of_its_own(self, server):
        """Whichever worker serves it, of whichever configuration."""
        hook = "init_worker_by_lua_block { ngx.log(ngx.WARN, 'begins') }"
        server.begin("location / { return 200 '$pid $connection'; }", hook)
        server.until_logged("begins", 2)
        with contextlib.ExitStack() as stack:
            clients = [stack.enter_context(server.connect()) for _ in range(20)]
            bodies = [send(client, "/").recv(65536) for client in clients]
        said = [body.rpartition(b"\n")[2].split() for body in bodies]
        assert len({pid for pid, _ in said}) == 2
        os.kill(server.master, signal.SIGHUP)
        until(lambda: reloaded(server) == 2)
        said += [server.get().encode().split() for _ in range(4)]
        assert len({number for _, number in said}) == 24

    def test_a_worker_that_is_busy_is_not_waited_for(self, server):
        blocking = "location = /b { content_by_lua_block { os.execute('sleep 5') } }"
        server.begin(PID + blocking)
        with send(server.connect(), "/b"):
            time.sleep(0.1)
            began = time.monotonic()
            for _ in range(20):
                server.get()
            assert time.monotonic() - began < 4

    @pytest.mark.parametrize("options", ["", "reuseport"])
    def test_no_client_is_left_to_one_that_never_takes_it(self, server, options):
        """One that goes its rounds, but has no descriptors or a socket of its own."""
        http = "keepalive_requests 1000000;"
        server.configure(PID + GREEDY, http, "worker_processes 2;")
        text = server.conf.read_text()
        limit = "worker_rlimit_nofile 80;"
        listen = f"{server.port} {options};"
        server.conf.write_text(limit + text.replace(f"{server.port};", listen))
        server.start(master=True)
        with contextlib.ExitStack() as stack:
            lonely = one_with_few_clients(server, stack)
            if not options:
                ask(lonely, "/greedy")
            stack.enter_context(kept_busy(lonely))
            began = time.monotonic()
            for _ in range(10):
                server.get()
            assert time.monotonic() - began < 4

    def test_reuseport_is_a_socket_for_each(self, tmp_path):
        with Server(tmp_path) as server:
            server.configure(main="worker_processes 3;")
            text = server.conf.read_text()
            server.conf.write_text(
                text.replace(f"{server.port};", f"{server.port} reuseport;")
            )
            process = server.start(master=True)
            sockets = [
                line.split()
                for line in Path("/proc/net/tcp").read_text().splitlines()
                if f":{server.port:04X} " in line.split(" 00000000:0000 ")[0] + " "
            ]
            listening = [fields for fields in sockets if fields[3] == "0A"]
            assert len(listening) == 3
            assert process.poll() is None

    def test_privileged_agent(self, server):
        server.begin(
            PID,
            """
            init_by_lua_block {
                assert(require "ngx.process".enable_privileged_agent(10))
            }
            init_worker_by_lua_block {
                local process = require "ngx.process"
                ngx.log(ngx.WARN, process.type(), ", ", tostring(ngx.worker.id()))
            }
            """,
            "",
        )
        server.until_logged("privileged agent, nil")
        until(lambda: len(server.workers()) == 2)
        titles = sorted(map(command_line, server.workers()))
        assert titles == ["nginx: privileged agent process", "nginx: worker process"]

    @pytest.mark.parametrize(("directive", "goes_on"), [("", True), ("off", False)])
    def test_signals_interrupt_calls(self, server, directive, goes_on):
        """lua_sa_restart: on unless it is said."""
        hook = f"{directive and f'lua_sa_restart {directive};'}"
        server.begin(
            """
            location / { content_by_lua_block {
                local pid = ngx.worker.pid()
                local kill = "sleep 0.05; kill -s ALRM " .. pid .. "; sleep 0.05"
                ngx.print(select(2, io.popen(kill):read("*a")) == nil)
            } }
            """,
            hook,
            "",
        )
        assert server.get() == str(goes_on).lower()

    def test_it_may_end_itself(self, server):
        quit_ = "content_by_lua_block { require 'ngx.process'.signal_graceful_exit() }"
        server.begin(f"location /q {{ {quit_} }}" + PID, main="")
        (worker,) = server.workers()
        time.sleep(1)
        server.get("/q")
        server.until_logged("gracefully shutting down")
        until(lambda: server.workers() not in ([worker], []))
        assert server.get() != str(worker)

    @pytest.mark.skipif(os.geteuid() != 0, reason="needs root")
    def test_user(self, server):
        server.begin(main="user nobody nogroup;")
        (worker,) = server.workers()
        status = Path(f"/proc/{worker}/status")
        until(lambda: "Uid:\t65534\t65534" in status.read_text())
        assert "Uid:\t0\t0" in Path(f"/proc/{server.master}/status").read_text()

    def test_limits_and_places(self, server):
        server.begin(
            main="worker_rlimit_nofile 321; worker_cpu_affinity 1; worker_priority 5;"
        )
        (worker,) = server.workers()
        limits = Path(f"/proc/{worker}/limits")
        until(lambda: re.search(r"Max open files +321 ", limits.read_text()))
        assert os.sched_getaffinity(worker) == {0}
        assert os.getpriority(os.PRIO_PROCESS, worker) == 5

    def test_a_worker_that_cannot_be_is_not_started_again(self, server):
        server.configure(PID, main="working_directory nowhere;")
        server.start(master=True)
        server.until_logged("exited with fatal code 2 and cannot be respawned")

    def test_workers_without_descriptors(self, server):
        """They say so in a line, however far they have come."""
        server.begin(main="worker_processes 1;")
        for count, limit in enumerate(range(12, 26), 2):
            limited = f"worker_processes 1; worker_rlimit_nofile {limit};"
            server.configure(PID, main=limited)
            os.kill(server.master, signal.SIGHUP)
            server.until_logged("start worker processes", count)
        server.until_logged("the worker failed (24: Too many open files)")
        assert "Traceback" not in server.log.read_text()

    def test_those_that_die_young_are_not_hurried(self, server):
        die = "os.execute('kill -9 ' .. ngx.worker.pid()) while true do end"
        server.configure(http=f"init_worker_by_lua_block {{ {die} }}")
        server.start(master=True)
        server.until_logged("is started again in 0.1 seconds")
        server.until_logged("is started again in 0.2 seconds")


def close_streams():
    for fd in (0, 1, 2):
        os.close(fd)


def heed_nothing():
    for number in (signal.SIGCHLD, signal.SIGHUP, signal.SIGTERM):
        signal.signal(number, signal.SIG_IGN)
    signal.pthread_sigmask(signal.SIG_BLOCK, [signal.SIGTERM, signal.SIGHUP])


class TestHeritage:
    """Whoever starts a server may have closed, ignored and blocked a lot."""

    @pytest.mark.parametrize("prepare", [close_streams, heed_nothing])
    def test_it_lives(self, server, prepare):
        server.begin(preexec_fn=prepare)
        os.kill(server.master, signal.SIGHUP)
        until(lambda: reloaded(server) == 2)
        assert server.get()
        os.kill(server.workers()[0], signal.SIGTERM)
        until(lambda: reloaded(server) == 3)
        os.kill(server.master, signal.SIGQUIT)
        assert server.process.wait(PATIENCE) == 0

    def test_a_daemon_without_streams(self, server):
        server.configure(PID)
        done = subprocess.run(
            server.argv(), env=server.environment, preexec_fn=close_streams
        )
        assert done.returncode == 0
        pid = server.pid()
        assert server.get()
        os.kill(pid, signal.SIGTERM)
        until(lambda: not is_running(pid))
        assert "Traceback" not in server.log.read_text()


class TestPatience:
    def test_what_lua_is_doing(self, server):
        server.begin(ENDLESS, main="worker_patience 2s;")
        with send(server.connect(), "/endless"):
            server.until_logged("has not come back from Lua")
            server.until_logged("in function 'gsub'")
            server.until_logged("and is killed")
            server.until_logged("exited on signal 9")
            until(lambda: server.workers() != [])
        assert server.get() == "ok"

    def test_one_that_is_told_to_end_is_ended(self, server):
        server.begin(ENDLESS, main="")
        with send(server.connect(), "/compiled"):
            until(lambda: "R" in state(server.workers()[0]))
            server.process.terminate()
            assert server.process.wait(PATIENCE) == 0

    @pytest.mark.parametrize("hook", ["content", "exit_worker"])
    def test_the_end_does_not_wait_for_it(self, server, hook):
        """QUIT waits for all but what does not come back."""
        os.mkfifo(server.folder / "fifo")
        wait = f'ngx.log(ngx.WARN, "waits") io.open("{server.folder}/fifo")'
        block = f"{hook}_by_lua_block {{ {wait} }}"
        if hook == "content":
            server.begin(f"location / {{ {block} }}", main="worker_patience 1s;")
            client = send(server.connect(), "/")
            server.until_logged("waits")
            client.close()
        else:
            server.begin(PID, block, "worker_patience 1s;")
        os.kill(server.master, signal.SIGQUIT)
        assert server.process.wait(PATIENCE) == 0
        server.until_logged("and is killed")
        assert not server.pidfile.exists()

    def test_what_blocks_others_is_said(self, server):
        server.begin(BLOCKING, main="worker_blocking_warning 50ms;")
        assert server.get() == "ok"
        server.until_logged("Lua did not come back for ")
        server.until_logged("content_by_lua(nginx.conf:")

    def test_what_blocks_others_in_a_later_worker_is_said_once(self, server):
        """The master, whose fork it is, had begun to take its own records."""
        server.begin(BLOCKING, main="worker_blocking_warning 50ms;")
        (first,) = server.workers()
        os.kill(first, signal.SIGKILL)
        until(lambda: server.workers() not in ([], [first]))
        assert [server.get(), server.get("/quick")] == ["ok", "quick"]
        server.until_logged("Lua did not come back for ")
        said = server.log.read_text()
        assert said.count("Lua did not come back for ") == 1


def open_files(pid):
    found = []
    for one in Path(f"/proc/{pid}/fd").iterdir():
        # Another may be closed meanwhile.
        with contextlib.suppress(FileNotFoundError):
            found.append(os.readlink(one))
    return found


def state(pid):
    return Path(f"/proc/{pid}/stat").read_text().rpartition(") ")[2][:1]


class TestEnd:
    """At every stage: the port is free, the pid file gone, nobody is left."""

    STAGES = ("start", "serve", "reload", "stop")

    def reach(self, server, stage):
        if stage == "start":
            server.configure(PID, main="worker_processes 2;")
            server.process = server.start(master=True)
            server.master = server.process.pid
            return
        slow = "location /slow { content_by_lua_block { ngx.sleep(0.3) } }"
        server.begin(PID + slow)
        if stage == "reload":
            os.kill(server.master, signal.SIGHUP)
            server.until_logged("reconfiguring", 2)
        elif stage == "stop":
            self.client = send(server.connect(), "/slow")
            os.kill(server.master, signal.SIGQUIT)

    @pytest.mark.parametrize("stage", STAGES)
    @pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGQUIT, signal.SIGINT])
    def test_of_the_master(self, server, stage, number):
        self.reach(server, stage)
        workers = server.workers()
        os.kill(server.master, number)
        assert server.process.wait(PATIENCE) == 0
        assert not server.pidfile.exists()
        until(server.is_free)
        assert not any(map(is_running, workers))

    @pytest.mark.parametrize("stage", STAGES)
    def test_of_a_master_that_is_killed(self, server, stage):
        """Its workers finish: nobody could tell them to."""
        self.reach(server, stage)
        workers = server.workers()
        os.kill(server.master, signal.SIGKILL)
        server.process.wait(PATIENCE)
        until(lambda: not any(map(is_running, workers)))
        until(server.is_free)

    @pytest.mark.parametrize("stage", ["serve", "stop"])
    def test_of_a_worker_that_is_killed(self, server, stage):
        self.reach(server, stage)
        os.kill(server.workers()[0], signal.SIGKILL)
        server.until_logged("exited on signal 9")
        os.kill(server.master, signal.SIGQUIT)
        assert server.process.wait(PATIENCE) == 0
        assert not server.pidfile.exists()
        assert server.is_free()

    def test_it_waits_for_requests(self, server):
        slow = "location / { content_by_lua_block { ngx.sleep(0.3) ngx.print('ok') } }"
        server.begin(slow, main="")
        with send(server.connect(), "/") as client:
            time.sleep(0.1)
            os.kill(server.master, signal.SIGQUIT)
            assert b"ok" in client.recv(65536)
        assert server.process.wait(PATIENCE) == 0

    def test_not_for_ever(self, server):
        slow = "location / { content_by_lua_block { ngx.log(5, 'x') ngx.sleep(60) } }"
        server.begin(slow, main="worker_shutdown_timeout 100ms;")
        with send(server.connect(), "/"):
            server.until_logged("[lua]")
            os.kill(server.master, signal.SIGQUIT)
            assert server.process.wait(PATIENCE) == 0

    def test_in_the_background(self, server):
        server.configure(PID, main="worker_processes 2;")
        pid = server.daemonize(master=True)
        assert server.get()
        assert server.run("-s", "quit").returncode == 0
        until(lambda: not is_running(pid))
        until(lambda: not server.pidfile.exists())


COUNTING = """
location / { content_by_lua_block {
    ngx.shared.kept:incr("n", 1, 0)
    ngx.print("ok")
} }
location /n { content_by_lua_block { ngx.print(ngx.shared.kept:get("n") or 0) } }
"""


class TestReload:
    @pytest.mark.skipif(not shutil.which("wrk"), reason="needs wrk")
    def test_under_load(self, server):
        """No request fails, no client is refused, dictionaries are kept."""
        server.begin(COUNTING, "lua_shared_dict kept 1m;")
        url = f"http://127.0.0.1:{server.port}/"
        runs = [
            subprocess.Popen(
                ["wrk", "-t1", "-c6", "-d600", *more, url],
                stdout=subprocess.PIPE,
                text=True,
            )
            for more in ([], ["-H", "Connection: close"])
        ]
        before = anonymous(server.master)
        for count in range(RELOADS):
            os.kill(server.master, signal.SIGHUP)
            # nginx, too, takes two that come at once for one.
            until(lambda done=2 * count + 2: reloaded(server) >= done)
        for run in runs:
            run.send_signal(signal.SIGINT)
        said = [run.communicate()[0] for run in runs]
        assert all(run.returncode == 0 for run in runs)
        assert not [text for text in said if "Socket errors" in text], said
        assert not [text for text in said if "Non-2xx" in text], said
        done = sum(int(re.search(r"(\d+) requests in", text)[1]) for text in said)
        assert int(server.get("/n")) >= done
        until(lambda: len(server.workers()) == 2)
        assert anonymous(server.master) < before + 12_000
        assert not [line for line in server.lines() if "[alert]" in line]

    def test_nothing_of_the_former_is_left_in_a_worker(self, server):
        """Neither its VM nor its open files."""
        large = "init_by_lua_block { large = ('x'):rep(60000000) }"
        server.begin(PID, large, "error_log logs/first.log;")
        (first,) = server.workers()
        before = anonymous(first)
        server.configure(PID)
        os.kill(server.master, signal.SIGHUP)
        until(lambda: len(server.workers()) == 1 and server.workers() != [first])
        (second,) = server.workers()
        assert anonymous(second) < before - 50_000
        assert not [path for path in open_files(second) if path.endswith("first.log")]

    def test_what_fails_changes_nothing(self, server):
        server.begin(COUNTING, "lua_shared_dict kept 1m;")
        workers = server.workers()
        server.configure(COUNTING, "init_by_lua_block { error('no') }")
        os.kill(server.master, signal.SIGHUP)
        server.until_logged("no")
        assert server.get() == "ok"
        assert server.workers() == workers

    def test_a_pid_file_that_cannot_be(self, server):
        """The old one stays: who sends signals would not find the server else."""
        server.begin(main="pid logs/nginx.pid; worker_processes 2;")
        workers = server.workers()
        server.configure(PID, main="pid nowhere/nginx.pid;")
        os.kill(server.master, signal.SIGHUP)
        server.until_logged("nowhere/nginx.pid")
        assert int(server.get()) in workers
        assert server.workers() == workers
        assert server.pid() == server.master

    def test_more_sockets_for_more_workers(self, server):
        server.configure(PID)
        text = server.conf.read_text()
        shared = text.replace(f"{server.port};", f"{server.port} reuseport;")
        server.conf.write_text(shared)
        server.master = server.start(master=True).pid
        for count in (3, 1):
            server.conf.write_text(f"worker_processes {count}; {shared}")
            os.kill(server.master, signal.SIGHUP)
            until(lambda count=count: len(server.workers()) == count)
            assert server.get()


def reloaded(server):
    """Return how many workers of former configurations have ended."""
    ended = r"worker process \d+ exited with code 0"
    return len(re.findall(ended, server.log.read_text()))


def anonymous(pid):
    """Return the memory that a process has for itself, in KiB."""
    return int(
        re.search(r"RssAnon:\s+(\d+)", Path(f"/proc/{pid}/status").read_text())[1]
    )


class TestUpgrade:
    def test_and_back(self, server):
        """USR2 twice: once the new server stays, once the old one does."""
        server.configure(
            PID + "listen unix:PREFIX/s;".replace("PREFIX", str(server.folder))
        )
        first = server.daemonize(master=True)
        old = server.folder / "logs/nginx.pid.oldbin"
        os.kill(first, signal.SIGUSR2)
        until(lambda: old.exists() and server.pid() not in (0, first))
        second = server.pid()
        assert old.read_text() == f"{first}\n"
        assert server.get()
        os.kill(first, signal.SIGUSR2)
        server.until_logged("the changing binary signal is ignored")
        os.kill(first, signal.SIGQUIT)
        until(lambda: not is_running(first) and not old.exists())
        assert server.get()
        assert (server.folder / "s").exists()

        os.kill(second, signal.SIGUSR2)
        until(lambda: old.exists() and server.pid() not in (0, second))
        third = server.pid()
        os.kill(second, signal.SIGWINCH)
        os.kill(third, signal.SIGQUIT)
        until(lambda: not is_running(third) and server.pid() == second)
        server.until_logged("new binary process ", 3)
        assert server.get()
        os.kill(second, signal.SIGQUIT)
        until(lambda: not is_running(second))
        until(lambda: not (server.folder / "s").exists())
        assert server.is_free()
