"""Starts resty-py in milliseconds: a process that has read everything, and forks.

``python -m resty_py.testing.zygote FD`` serves requests on the socket FD, each
one line of JSON, and answers each with one. ``start`` forks a child that runs
``resty-py nginx``; ``wait`` waits for the end of one. The parent's end closing
ends it.
"""

from __future__ import annotations

import json
import os
import signal
import socket
import sys
import time
from typing import Any, NoReturn

__all__ = ["main", "serve"]

#: Seconds between looks whether a child has ended.
PAUSE = 0.002


def main() -> None:
    """Serve the socket that the command line names."""
    with socket.socket(fileno=int(sys.argv[1])) as sock:
        serve(sock)


def serve(sock: socket.socket) -> None:
    """Answer the requests of a socket until its other end closes."""
    from ..cli import nginx  # noqa: F401
    from ..vm import VM  # noqa: F401

    signal.signal(signal.SIGINT, signal.SIG_IGN)
    for line in sock.makefile("r"):
        request = json.loads(line)
        if request["do"] == "start":
            answer: Any = _start(request, sock)
        else:
            answer = _wait(request["pid"], request["timeout"])
        sock.sendall(json.dumps(answer).encode() + b"\n")


def _start(request: dict[str, Any], sock: socket.socket) -> int:
    pid = os.fork()
    if pid == 0:
        _run(request, sock)
    return pid


def _run(request: dict[str, Any], sock: socket.socket) -> NoReturn:
    """Be the server; end the process with its exit code."""
    code = 70
    try:
        os.setsid()
        signal.signal(signal.SIGINT, signal.SIG_DFL)
        os.close(sock.fileno())
        _redirect(request["output"])
        os.chdir(request["folder"])
        os.environ.clear()
        os.environ.update(request["environment"])
        from ..cli import nginx

        code = nginx.main(request["arguments"])
        sys.stdout.flush()
        sys.stderr.flush()
    except BaseException:
        import traceback

        traceback.print_exc()
    finally:
        os._exit(code)


def _redirect(path: str) -> None:
    output = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_CLOEXEC, 0o644)
    nothing = os.open(os.devnull, os.O_RDONLY | os.O_CLOEXEC)
    os.dup2(nothing, 0)
    os.dup2(output, 1)
    os.dup2(output, 2)


def _wait(pid: int, timeout: float) -> int | None:
    """Return the exit code of a child, or None if it has not ended in time."""
    deadline = time.monotonic() + timeout
    while True:
        ended, status = os.waitpid(pid, os.WNOHANG)
        if ended:
            return os.waitstatus_to_exitcode(status)
        if time.monotonic() >= deadline:
            return None
        time.sleep(PAUSE)


if __name__ == "__main__":
    main()
