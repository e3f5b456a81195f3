"""Fail at TLS many times and see what is left: python -m bench.tls_failures.

A worker connects to a peer that speaks no TLS, to one that hangs up in the
handshake, and to a port that nobody listens on, in turns. What is reported is
the growth of its process after a first tenth, which warms it up: descriptors
and resident memory. The exit code is 1 where descriptors have grown, or memory
by more than --limit.
"""

from __future__ import annotations

import argparse
import multiprocessing
import os
import socket
import sys
import time
from contextlib import contextmanager
from typing import TYPE_CHECKING

import trio

import resty_py

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

_PAGE = os.sysconf("SC_PAGE_SIZE")
_MIB = 1024 * 1024
_BATCH = 100

_FAIL = """
local garbage, hanging, refused, count = ...
local ports = {garbage, hanging, refused}
for i = 1, count do
    local port = ports[i % 3 + 1]
    local sock = ngx.socket.tcp()
    -- What waits for a timeout no more takes room until it would have come.
    sock:settimeout(500)
    local ok, err = sock:connect("127.0.0.1", port)
    if ok then
        ok, err = sock:sslhandshake(nil, "test.example", i % 2 == 0)
    end
    assert(not ok and (err == "handshake failed" or err == "connection refused"), err)
end
"""


def _answer(listener: socket.socket, data: bytes) -> None:
    """Answer what comes first on each connection with *data*, and close."""
    while True:
        connection, _ = listener.accept()
        with connection:
            connection.recv(65536)
            connection.sendall(data)


@contextmanager
def _peers() -> Iterator[tuple[int, ...]]:
    """Yield the ports of the three peers."""
    listeners = [socket.create_server(("127.0.0.1", 0)) for _ in range(2)]
    context = multiprocessing.get_context("fork")
    children = [
        context.Process(target=_answer, args=pair, daemon=True)
        for pair in zip(listeners, (b"no TLS\n", b""), strict=True)
    ]
    with socket.socket() as unused:
        unused.bind(("127.0.0.1", 0))
        for child in children:
            child.start()
        sockets = (*listeners, unused)
        yield tuple(sock.getsockname()[1] for sock in sockets)
        for child, listener in zip(children, listeners, strict=True):
            child.terminate()
            child.join()
            listener.close()


def _usage() -> tuple[int, int]:
    with open("/proc/self/statm") as file:
        resident = int(file.read().split()[1]) * _PAGE
    return len(os.listdir("/proc/self/fd")), resident


async def _fail(worker: resty_py.Worker, ports: tuple[int, ...], count: int) -> None:
    """Fail *count* times: a request keeps its sockets, so in several."""
    for done in range(0, count, _BATCH):
        await worker.run(_FAIL, *ports, min(_BATCH, count - done))


async def _run(count: int, flavour: str | None, limit: float) -> int:
    with _peers() as ports:
        async with resty_py.open_worker(flavour=flavour, error_level="alert") as worker:
            await _fail(worker, ports, count // 10)
            descriptors, resident = _usage()
            begin = time.monotonic()
            await _fail(worker, ports, count)
            seconds = time.monotonic() - begin
            more_descriptors, more_resident = _usage()
    descriptors = more_descriptors - descriptors
    growth = (more_resident - resident) / _MIB
    print(f"{count} failures in {seconds:.0f} s ({count / seconds:.0f} a second):")
    print(f"descriptors {descriptors:+d}, resident memory {growth:+.1f} MiB")
    return int(descriptors > 0 or growth > limit)


def main(argv: Sequence[str] | None = None) -> int:
    """Fail, and print what is left; return the exit code."""
    parser = argparse.ArgumentParser(
        prog="python -m bench.tls_failures", description=__doc__
    )
    parser.add_argument("--count", type=int, default=100_000)
    parser.add_argument("--lua", metavar="FLAVOUR")
    parser.add_argument("--limit", type=float, default=8.0, help="MiB (default: 8)")
    options = parser.parse_args(argv)
    return trio.run(_run, options.count, options.lua, options.limit)


if __name__ == "__main__":
    sys.exit(main())
