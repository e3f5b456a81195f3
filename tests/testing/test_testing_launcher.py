"""The process that forks servers: its variables, and its end."""

from __future__ import annotations

import os
import signal
from pathlib import Path

import pytest

from resty_py.testing.launcher import ForkLauncher


@pytest.fixture
def launcher():
    launcher = ForkLauncher([], {"SOME_NAME": "some value"})
    yield launcher
    launcher.close()


def test_it_has_variables_of_its_own_from_its_birth(launcher):
    environ = Path(f"/proc/{launcher._zygote.pid}/environ").read_bytes().split(b"\0")
    assert b"SOME_NAME=some value" in environ


def test_its_end_is_told(launcher, tmp_path):
    os.kill(launcher._zygote.pid, signal.SIGKILL)
    with pytest.raises(RuntimeError, match="the process that forks servers has ended"):
        launcher.start([], {}, tmp_path / "said.txt")


def test_a_command_line_that_is_wrong_is_an_exit_code(launcher, tmp_path):
    running = launcher.start(["-p"], {}, tmp_path / "said.txt")
    assert running.wait(10) == 1
    assert 'option "-p" requires' in (tmp_path / "said.txt").read_text()
