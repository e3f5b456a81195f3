"""The numbers of connections: each is given once, by whichever process."""

import fcntl
import os
import signal

from resty_py.server.counter import BLOCK, Counter, SharedCounter


def fork(function):
    """Run a function in a fork of this process, and return its number."""
    pid = os.fork()
    if not pid:
        try:
            function()
        finally:
            os._exit(0)
    return pid


def test_one_process():
    counter = Counter()
    assert [counter.take() for _ in range(3)] == [
        (0, BLOCK), (BLOCK, BLOCK), (2 * BLOCK, BLOCK)
    ]  # fmt: skip


def test_forks_take_different_ones():
    counter = SharedCounter()
    read, write = os.pipe()

    def take():
        for _ in range(300):
            os.write(write, b"%d\n" % counter.take()[0])

    pids = [fork(take) for _ in range(4)]
    os.close(write)
    with os.fdopen(read) as file:
        taken = sorted(map(int, file))
    for pid in pids:
        os.waitpid(pid, 0)
    assert taken == list(range(0, 1200 * BLOCK, BLOCK))


def test_one_that_is_killed_meanwhile_leaves_no_lock():
    counter = SharedCounter()
    read, write = os.pipe()

    def hold():
        fcntl.lockf(counter._fd, fcntl.LOCK_EX)
        os.write(write, b"x")
        signal.pause()

    pid = fork(hold)
    os.read(read, 1)
    os.kill(pid, signal.SIGKILL)
    os.waitpid(pid, 0)
    assert counter.take() == (0, BLOCK)
    os.close(read)
    os.close(write)
