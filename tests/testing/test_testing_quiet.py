"""When a server is quiet: processes that wait in different ways."""

from __future__ import annotations

import subprocess
import sys
import time
from contextlib import contextmanager

import pytest

from resty_py.testing.quiet import Watch

#: Seconds that a watch waits at most: long enough to tell from at once.
LONG = 0.4

PRELUDE = """
import os, select, socket, time
epoll = select.epoll()
epoll.register(0, select.EPOLLIN)
print("ready", flush=True)
"""


@contextmanager
def process(code):
    """Run Python code that is told by a line that it may go on."""
    command = [sys.executable, "-c", PRELUDE + code]
    pipes = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE}
    with subprocess.Popen(command, **pipes) as child:
        child.stdout.readline()
        yield child
        child.kill()


def seconds_of(watch):
    start = time.monotonic()
    watch.wait(LONG)
    return time.monotonic() - start


@pytest.mark.parametrize("code", ["epoll.poll()", "epoll.poll(30)"])
def test_who_waits_for_events_is_quiet(code):
    with process(code) as child:
        assert seconds_of(Watch(child.pid, LONG)) < LONG / 2


@pytest.mark.parametrize(
    "code", ["while True: epoll.poll(0.5)", "time.sleep(30)", "while True: pass"]
)
def test_who_has_something_to_do_is_not(code):
    with process(code) as child:
        assert seconds_of(Watch(child.pid, 0)) >= LONG


def test_a_new_descriptor_is_something_to_wait_for():
    code = "epoll.poll(); kept = socket.socket(); os.read(0, 1); epoll.poll()"
    with process(code) as child:
        watch = Watch(child.pid, LONG)
        child.stdin.write(b"x")
        child.stdin.flush()
        assert seconds_of(watch) >= LONG


def test_all_processes_of_a_server_are_to_be_quiet():
    code = """
parent = os.getpid()
if os.fork():
    epoll.poll()
while os.getppid() == parent:
    epoll.poll(0.1)
"""
    with process(code) as child:
        assert seconds_of(Watch(child.pid, 0)) >= LONG


def test_who_has_ended_is_not_waited_for_longer():
    with process("") as child:
        child.wait()
        assert seconds_of(Watch(child.pid, 0)) >= LONG
