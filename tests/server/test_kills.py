"""Signals to a master or to a worker at every stage of a server's life.

Each is sent to ours and to nginx's: they log the same lines and have the same exit
code, and after the end nobody is left, the port is free and the pid file gone. A
stage lasts until the test opens its gate, a FIFO that Lua waits to open.
"""

import contextlib
import os
import re
import signal
import socket
from collections import Counter
from pathlib import Path

import pytest
from master_pair import Nginx, Pair, as_root
from nginx_command import PATIENCE, Command, send, until

KILL, QUIT = signal.SIGKILL, signal.SIGQUIT

SIGNALS = pytest.mark.parametrize(
    "number",
    [signal.SIGTERM, QUIT, signal.SIGINT, KILL],
    ids=lambda number: number.name,
)

HOOKS = """
lua_shared_dict kept 1m;
init_by_lua_block {
    function gate(name)
        ngx.log(ngx.WARN, "at ", name, ";")
        local file, err
        repeat
            file, err = io.open("PREFIX/" .. name)
        until file or not err:find("Interrupted", 1, true)
        if file then file:close() end
    end
    gate("init")
}
init_worker_by_lua_block { gate("init_worker") }
"""

LOCATIONS = """
location / { return 200 ok; }
location /slow { content_by_lua_block {
    ngx.log(ngx.WARN, "at slow;")
    repeat ngx.sleep(0.01) until not io.open("PREFIX/slow")
    ngx.print("ok")
} }
"""

#: What Lua logs, what nginx says of a connection that a second signal cuts, and
#: what both say where another test has had the port for a moment.
LEFT_OUT = re.compile(
    r"\[lua\]|open socket #\d* ?left in connection|\[alert\] aborting|bind\(\)"
)


class Stages(Pair):
    """Takes a server to a stage, and lets it go on.

    Attributes:
        asked: the worker that has a request, or None.
        is_stopping: whether the master has been told to end.
        starts: how many workers there will have been when one is killed.
    """

    def __init__(self, command):
        super().__init__(command)
        self.asked = None
        self.is_stopping = False
        self.starts = 3
        self._clients = contextlib.ExitStack()
        self._gates = []

    def close(self):
        """Close the clients."""
        self._clients.close()

    # Gates ----------------------------------------------------------------------

    def shut(self, name):
        """Let Lua wait where it comes to the gate."""
        os.mkfifo(self.command.folder / name)
        self._gates.append(name)

    def go_on(self):
        """Open all gates."""
        for name in self._gates:
            path = self.command.folder / name
            with contextlib.suppress(OSError):  # nobody waits there
                os.close(os.open(path, os.O_WRONLY | os.O_NONBLOCK))
            path.unlink()
        self._gates = []

    # Stages ---------------------------------------------------------------------

    def begin(self):
        main = f"{as_root()} worker_processes 2;"
        self.command.configure(LOCATIONS, HOOKS, main)
        self.process = self.command.launch(master=True, start_new_session=True)
        self.master = self.process.pid

    def before_fork(self):
        self.shut("init")
        self.begin()
        self.logged("at init;")

    def init_worker(self):
        self.shut("init_worker")
        self.begin()
        self.logged("at init_worker;", 2)

    def serve(self):
        self.begin()
        self.logged("at init_worker;", 2)
        assert self.command.get() == "ok"

    def check(self):
        """A reload, whose new configuration is not accepted yet."""
        self.serve()
        self.shut("init")
        self.tell(signal.SIGHUP)
        self.logged("at init;", 2)
        self.starts = 4

    def drain(self):
        """A reload, after which a worker of before has a request still."""
        self.serve()
        self.ask()
        self.tell(signal.SIGHUP)
        self.logged("gracefully shutting down", 2)
        self.settle(3)
        self.starts = 4

    def stop(self):
        self.serve()
        self.ask()
        self.tell(QUIT)
        self.logged("gracefully shutting down", 2)
        self.settle(1)
        self.is_stopping = True
        self.starts = 2

    def ask(self):
        """Begin a request that lasts until its gate is opened."""
        (self.command.folder / "slow").touch()
        self._gates.append("slow")
        self._clients.enter_context(send(self.command.connect(), "/slow"))
        self.logged("at slow;")
        said = re.search(r"(\d+)#\d+: .*at slow;", self.command.log.read_text())
        self.asked = int(said[1])


STAGES = ("before_fork", "init_worker", "serve", "check", "drain", "stop")


def kill_master(server, number):
    server.tell(number)
    server.go_on()


def kill_worker(server, number):
    """Kill one, and end the master when it has another in its place."""
    victim = server.asked or server.workers()[0]
    server.tell(number, victim)
    if server.asked and number != KILL:
        server.logged(f"{victim}#{victim}: signal {number} ")
    server.go_on()
    until(lambda: has_ended(server, victim))
    if not server.is_stopping:
        server.logged("start worker process ", server.starts)
        server.settle(2)
        assert server.command.get() == "ok"
        server.tell(QUIT)


def has_ended(server, worker):
    """Tell whether a worker is there no more.

    nginx's notices a signal that came before it first waits by the next one only.
    """
    if worker not in server.workers():
        return True
    with contextlib.suppress(ProcessLookupError):
        server.tell(signal.SIGALRM, worker)
    return False


def outcome(kind, folder, stage, kill, number):
    """Return exit code and lines of a server in which something is killed."""
    folder.mkdir()
    with kind(folder) as command, contextlib.closing(Stages(command)) as server:
        getattr(server, stage)()
        kill(server, number)
        code = server.process.wait(PATIENCE)
        until(lambda: not left(server.master), "processes are left")
        assert is_free(command.port)
        assert not command.pidfile.exists() or (kill, number) == (kill_master, KILL)
        lines = server.lines()
    if (stage, kill) == ("check", kill_master):
        # Who is told to finish and to end at once may not get to the former.
        del lines["[notice] gracefully shutting down"]
    return code, Counter(
        {line: n for line, n in lines.items() if not LEFT_OUT.search(line)}
    )


def left(session):
    """Return the processes of a session that have not ended."""
    found = []
    for stat in Path("/proc").glob("[0-9]*/stat"):
        with contextlib.suppress(OSError):
            state, _, _, own = stat.read_text().rpartition(") ")[2].split()[:4]
            if int(own) == session and state != "Z":
                found.append(int(stat.parent.name))
    return found


def is_free(port):
    """Tell whether nobody listens on a port any more."""
    with socket.socket() as sock:
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            sock.bind(("127.0.0.1", port))
        except OSError:
            return False
    return True


@SIGNALS
@pytest.mark.parametrize("stage", STAGES)
def test_to_the_master(tmp_path, stage, number):
    ours = outcome(Command, tmp_path / "ours", stage, kill_master, number)
    if number == KILL:
        # nginx's workers would go on for ever.
        assert ours[0] == -KILL
    else:
        assert ours == outcome(Nginx, tmp_path / "real", stage, kill_master, number)


@SIGNALS
@pytest.mark.parametrize("stage", STAGES[1:])
def test_to_a_worker(tmp_path, stage, number):
    ours = outcome(Command, tmp_path / "ours", stage, kill_worker, number)
    assert ours == outcome(Nginx, tmp_path / "real", stage, kill_worker, number)


def test_a_killed_server_can_be_started_again(tmp_path):
    """Its pid file is written anew, its Unix socket replaced."""
    with Command(tmp_path) as command:
        command.configure("listen unix:PREFIX/s; location / { return 200 ok; }")
        first = command.start(master=True, start_new_session=True)
        first.kill()
        first.wait(PATIENCE)
        until(lambda: not left(first.pid))
        assert command.pidfile.exists()
        command.start(master=True)
        assert command.get() == "ok"


def test_dictionaries_have_no_name_that_could_be_left(tmp_path):
    with Command(tmp_path) as command:
        command.configure(http="lua_shared_dict kept 1m;")
        maps = Path(f"/proc/{command.start(master=True).pid}/maps").read_text()
        assert "/dev/zero (deleted)" in maps
        assert "/dev/shm" not in maps
        assert "/SYSV" not in maps
