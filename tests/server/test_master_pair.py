"""A master and its workers, ours and nginx's: the same lines, the same codes.

Each case is done to both; what each logs is compared line by line, without the
numbers of processes and in any order, as processes write side by side.
"""

import contextlib
import signal
import time

import pytest
from master_pair import Nginx, Pair
from nginx_command import Command, until


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
