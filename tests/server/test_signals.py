"""Signals, each test in a process of its own."""

import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]

PROGRAM = """
import os, signal, sys, time, trio
from resty_py.server.signals import Signals
from resty_py.server.stopping import stop_signals
from resty_py.vm import VM

def say(*what):
    print(*what, flush=True)

def caught(abandon=lambda: None, **more):
    return Signals([signal.SIGHUP, signal.SIGTERM], [signal.SIGTERM], abandon, **more)

exec(sys.argv[1])
"""


@pytest.fixture
def start():
    """Start a program; it and what it left are gone after the test."""
    started = []

    def start(code):
        process = subprocess.Popen(
            [sys.executable, "-c", PROGRAM, code],
            cwd=ROOT,
            stdout=subprocess.PIPE,
            text=True,
        )
        started.append(process)
        return process

    yield start
    for process in started:
        process.kill()
        process.wait()
        process.stdout.close()


def line(process):
    return process.stdout.readline().rstrip("\n")


def test_they_are_told_in_order(start):
    process = start("""
async def main():
    async def wait():
        while len(numbers) < 3:
            await trio.sleep(0.01)
    numbers = []
    with caught() as signals, signals.watch(numbers.append):
        for number in (signal.SIGHUP, signal.SIGTERM, signal.SIGHUP):
            os.kill(os.getpid(), number)
        await wait()
    say(numbers)

trio.run(main)
""")
    assert line(process) == "[1, 15, 1]"
    assert process.wait(10) == 0


def test_one_that_comes_early_is_told_later(start):
    process = start("""
async def main(signals):
    told = trio.Event()
    with signals.watch(lambda number: (say(number), told.set())):
        await told.wait()

with caught() as signals:
    os.kill(os.getpid(), signal.SIGHUP)
    trio.run(main, signals)
""")
    assert line(process) == "1"
    assert process.wait(10) == 0


def test_handlers_are_put_back(start):
    process = start("""
with caught():
    pass
say(signal.getsignal(signal.SIGHUP) is signal.SIG_DFL)
""")
    assert line(process) == "True"


def test_one_that_comes_late_is_not_what_the_process_dies_of(start):
    """Nor does it look for the descriptor that Trio closes."""
    process = start("""
async def main(signals):
    with signals.watch(say):
        pass
    say(signal.set_wakeup_fd(-1))

with caught(for_good=True) as signals:
    trio.run(main, signals)
os.kill(os.getpid(), signal.SIGTERM)
say("end")
""")
    assert line(process) == "-1"
    assert line(process) == "end"
    assert process.wait(10) == 0


ENDLESS = """
async def main():
    with caught(lambda: say("abandoned")) as signals, signals.watch(say):
        say("ready")
        VM().run(b"while true do end")

trio.run(main)
"""


def test_the_second_one_ends_an_endless_loop(start):
    process = start(ENDLESS)
    assert line(process) == "ready"
    process.send_signal(signal.SIGTERM)
    # Two that wait at the same time are one.
    time.sleep(0.3)
    process.send_signal(signal.SIGTERM)
    assert process.wait(10) == 128 + signal.SIGTERM
    assert line(process) == "abandoned"


def test_others_do_not(start):
    process = start(ENDLESS)
    assert line(process) == "ready"
    process.send_signal(signal.SIGTERM)
    for _ in range(3):
        process.send_signal(signal.SIGHUP)
    with pytest.raises(subprocess.TimeoutExpired):
        process.wait(1.5)


def test_a_loop_that_ends_in_time(start):
    process = start("""
async def main():
    ended = trio.Event()
    with caught(lambda: say("abandoned")) as signals:
        with signals.watch(lambda _: ended.set()):
            say("ready")
            await ended.wait()
            await trio.sleep(0.3)

trio.run(main)
say("ended")
""")
    assert line(process) == "ready"
    process.send_signal(signal.SIGTERM)
    time.sleep(0.1)
    process.send_signal(signal.SIGTERM)
    assert line(process) == "ended"
    assert process.wait(10) == 0


def test_stop_signals(start):
    process = start("""
async def main():
    now = trio.Event()
    with stop_signals(lambda: say("stop"), lambda: (say("now"), now.set())):
        say("ready")
        await now.wait()

trio.run(main)
""")
    assert line(process) == "ready"
    process.send_signal(signal.SIGINT)
    assert line(process) == "stop"
    process.send_signal(signal.SIGQUIT)
    assert line(process) == "now"
    assert process.wait(10) == 0
