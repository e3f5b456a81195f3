"""Logs of workers without the master's rights, opened again: as nginx's are."""

import contextlib
import os
import pwd
import signal
import tempfile
from pathlib import Path

import pytest
from master_pair import Nginx, Pair
from nginx_command import Command, until

pytestmark = pytest.mark.skipif(os.geteuid() != 0, reason="needs root")

NAMES = ("access.log", "error.log")


@pytest.fixture
def folder():
    """Return one that every user may enter."""
    with tempfile.TemporaryDirectory() as name:
        os.chmod(name, 0o755)
        yield Path(name)


def gone(log):
    """Nobody makes the new one."""


def made(log):
    """Somebody makes it, of whom the worker could not have it."""
    log.touch(0o440)


def kept(log):
    """It is the same one as before."""
    log.with_suffix(".1").rename(log)


def rotated(kind, folder, prepare):
    """Return owner, mode and lines of the logs that a worker has opened again."""
    folder.mkdir()
    with kind(folder) as command:
        command.configure(
            "location / { return 200 ok; } location /e { return 500 $request_uri; }",
            main="pid logs/nginx.pid; user nobody nogroup;",
        )
        server = Pair(command)
        server.process = command.start(master=True)
        server.master = server.process.pid
        server.settle(1)
        (worker,) = server.workers()
        until(lambda: os.stat(f"/proc/{worker}").st_uid != 0)
        assert command.get("/before") == "ok"
        for name in NAMES:
            log = folder / "logs" / name
            log.rename(log.with_suffix(".1"))
            prepare(log)
        server.tell(signal.SIGUSR1)
        for log in (folder / "logs" / name for name in NAMES):
            until(lambda log=log: log in opened(worker) and log.stat().st_uid != 0)
        assert command.get("/after") == "ok"
        return [state(folder / "logs" / name) for name in NAMES] + [
            "/after" in (folder / "logs/access.log").read_text()
        ]


def opened(pid):
    """Return the files that a process has open, and goes on to close and open."""
    files = []
    for fd in Path(f"/proc/{pid}/fd").iterdir():
        with contextlib.suppress(FileNotFoundError):
            files.append(Path(os.readlink(fd)))
    return files


def state(path):
    found = path.stat()
    return pwd.getpwuid(found.st_uid).pw_name, found.st_gid, oct(found.st_mode)


@pytest.mark.parametrize("prepare", [gone, made, kept], ids=lambda one: one.__name__)
def test_whose_they_are(folder, prepare):
    ours = rotated(Command, folder / "ours", prepare)
    assert ours == rotated(Nginx, folder / "real", prepare)
    assert ours[0][0] == "nobody"
    assert ours[2]
