"""A master and its workers, ours and nginx's: the same lines, the same codes.

Each case is done to both; what each logs is compared line by line, without the
numbers of processes and in any order, as processes write side by side.
"""

import contextlib
import os
import re
import signal
import time
from collections import Counter
from pathlib import Path

import pytest
from nginx_command import PATIENCE, Command, until
from real_nginx import require_nginx

MODULES = Path("/usr/lib/nginx/modules")

#: Lines that tell of the machine, and signals of which several become one, or
#: that only one of the two uses.
LEFT_OUT = re.compile(
    r"\[info\] epoll_wait|"
    r"\[notice\] (nginx/|OS: |getrlimit|signal (17|29|14) |using the \"epoll\")"
)


class Nginx(Command):
    """The real nginx, driven as ours is."""

    def __init__(self, folder):
        super().__init__(folder)
        self._nginx = require_nginx()

    def argv(self, *options):
        own = ("-p", f"{self.folder}/", "-c", "conf/nginx.conf", "-e", "logs/error.log")
        return [self._nginx, *own, *options]


class Pair:
    """One of the two, and what a case does to it."""

    def __init__(self, command):
        self.command = command
        self.code = None

    def start(self, conf="worker_processes 2;"):
        """Start it in the foreground."""
        self.configure("ok", conf)
        self.process = self.command.start(master=True)
        self.master = self.process.pid
        self.settle(2)

    def configure(self, answer, main=""):
        """Write a configuration that answers with a word."""
        server = f"location / {{ return 200 {answer}; }}"
        user = "user root;" if os.geteuid() == 0 else ""
        self.command.configure(server, main=f"pid logs/nginx.pid; {user} {main}")

    def settle(self, count):
        """Wait until there are so many workers, and none but those."""
        until(lambda: len(self.workers()) == count, f"not {count} workers")

    def workers(self):
        """Return the numbers of the master's children."""
        path = Path(f"/proc/{self.master}/task/{self.master}/children")
        return [int(pid) for pid in path.read_text().split()]

    def tell(self, number, pid=None):
        """Send a signal to the master, or to another process."""
        os.kill(pid or self.master, number)

    def logged(self, text, times=1):
        self.command.until_logged(text, times)

    def end(self, number=signal.SIGQUIT):
        """End it by a signal, and note its exit code."""
        self.tell(number)
        self.code = self.process.wait(PATIENCE)

    def lines(self):
        """Return what was logged and can be compared."""
        text = self.command.log.read_text()
        lines = (
            re.sub(r"^.*?(\[\w+\]) \d+#\d+: ", r"\1 ", s) for s in text.splitlines()
        )
        kept = (line for line in lines if not LEFT_OUT.match(line))
        plain = (line.replace(str(self.command.folder), "P") for line in kept)
        return Counter(re.sub(r"( from)? \d{2,}\b", "", line) for line in plain)


def quit_(pair):
    pair.start()
    assert pair.command.get() == "ok"
    pair.end()


def terminate(pair):
    pair.start()
    pair.end(signal.SIGTERM)


def interrupt(pair):
    pair.start()
    pair.end(signal.SIGINT)


def reload(pair):
    pair.start()
    old = set(pair.workers())
    pair.tell(signal.SIGHUP)
    pair.logged("exited with code 0", 2)
    assert not old & set(pair.workers())
    assert pair.command.get() == "ok"
    pair.end()


def reload_to_fewer(pair):
    pair.start()
    pair.configure("new")
    pair.tell(signal.SIGHUP)
    pair.settle(1)
    assert pair.command.get() == "new"
    pair.end()


def reload_of_nonsense(pair):
    pair.start()
    pair.command.conf.write_text("foo;")
    pair.tell(signal.SIGHUP)
    pair.logged('unknown directive "foo"')
    assert pair.command.get() == "ok"
    pair.end()


def reopen(pair):
    pair.start()
    old = pair.command.folder / "logs/old.log"
    pair.command.log.rename(old)
    pair.tell(signal.SIGUSR1)
    until(lambda: old.read_text().count("reopening logs") == 4)
    until(pair.command.log.exists)
    pair.end()


def killed_worker(pair):
    pair.start()
    time.sleep(1.1)  # one that ends younger is not started again at once
    pair.tell(signal.SIGKILL, pair.workers()[0])
    pair.logged("start worker process ", 3)
    pair.settle(2)
    assert pair.command.get() == "ok"
    pair.end()


def ended_worker(pair):
    pair.start()
    time.sleep(1.1)
    pair.tell(signal.SIGTERM, pair.workers()[1])
    pair.logged("start worker process ", 3)
    pair.settle(2)
    pair.end()


def worker_that_is_told_what_is_for_masters(pair):
    pair.start()
    pair.tell(signal.SIGHUP, pair.workers()[0])
    pair.logged("ignoring")
    pair.tell(signal.SIGUSR2, pair.workers()[0])
    pair.logged("ignoring", 2)
    pair.end()


def winch_in_the_foreground(pair):
    pair.start()
    pair.tell(signal.SIGWINCH)
    pair.logged("signal 28")
    assert pair.command.get() == "ok"
    pair.end()


def upgrade_in_the_foreground(pair):
    pair.start()
    pair.tell(signal.SIGUSR2)
    pair.logged("the changing binary signal is ignored")
    pair.end()


CASES = (
    quit_, terminate, interrupt, reload, reload_to_fewer, reload_of_nonsense, reopen,
    killed_worker, ended_worker, worker_that_is_told_what_is_for_masters,
    winch_in_the_foreground, upgrade_in_the_foreground,
)  # fmt: skip


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.__name__)
def test_what_is_said(case, tmp_path):
    both = []
    for kind in (Command, Nginx):
        folder = tmp_path / kind.__name__
        folder.mkdir()
        with contextlib.ExitStack() as stack:
            pair = Pair(stack.enter_context(kind(folder)))
            case(pair)
            assert not pair.command.pidfile.exists()
            both.append(pair)
    ours, real = both
    assert ours.code == real.code
    assert ours.lines() == real.lines()
