"""Several workers, and what they share, beside OpenResty: ``python -m bench.workers``.

- ``dict``: nanoseconds of an operation on a shared dictionary of 10,000 keys, by
  one worker and by two at the same time.
- ``scaling``: requests a second and CPU time for each with one worker and with two.

The servers take turns, round by round; what is reported is the median. Nothing is
pinned: with two workers there is no core left for the load.
"""

from __future__ import annotations

import argparse
import contextlib
import os
import re
import signal
import statistics
import subprocess
import sys
import tempfile
import threading
import time
import urllib.request
from pathlib import Path
from typing import TYPE_CHECKING

from .process import BenchError, accepts
from .servers import APPS, WORKER_CONNECTIONS, OpenResty, find_openresty, redis

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

_CONF = """\
daemon off;
worker_processes {workers};
pid {folder}/nginx.pid;
error_log {folder}/error.log error;
{user}
events {{
    worker_connections {connections};
}}

http {{
    access_log off;
    keepalive_requests 1000000;
    client_body_temp_path {folder}/client_body;
    proxy_temp_path {folder}/proxy;
    fastcgi_temp_path {folder}/fastcgi;
    uwsgi_temp_path {folder}/uwsgi;
    scgi_temp_path {folder}/scgi;
    lua_shared_dict bench 64m;
    server {{
        listen 127.0.0.1:{port};
        location = /dict {{ content_by_lua_file "{apps}/shared_dict.lua"; }}
        location = /hello {{ content_by_lua_file "{apps}/hello.lua"; }}
        location = /cosocket {{ content_by_lua_file "{apps}/cosocket.lua"; }}
    }}
}}
"""

_OPERATIONS = ("get", "set", "incr")
_SIZES = (20, 1024)
_COUNT = 300_000
_LOADS = ("hello", "cosocket")
_PORT = 18_180

#: Connections of wrk.
_CONNECTIONS = 64


class Servers:
    """The two that are compared, by name."""

    def __init__(self) -> None:
        self._real = find_openresty()

    @property
    def names(self) -> tuple[str, ...]:
        """Ours, and the real one where it is installed."""
        return ("resty-py", "openresty") if self._real else ("resty-py",)

    @contextlib.contextmanager
    def serve(self, name: str, workers: int) -> Iterator[int]:
        """Run one with so many workers; give the number of its master."""
        with tempfile.TemporaryDirectory(prefix="resty-py-bench-") as folder:
            conf = Path(folder) / "nginx.conf"
            conf.write_text(
                _CONF.format(
                    workers=workers,
                    folder=folder,
                    user="user root;" if os.geteuid() == 0 else "",
                    connections=WORKER_CONNECTIONS,
                    port=_PORT,
                    apps=APPS,
                )
            )
            process = subprocess.Popen(self._command(name, conf), cwd=folder)
            try:
                _until(lambda: accepts(_PORT))
                yield process.pid
            finally:
                process.send_signal(signal.SIGTERM)
                process.wait(10)

    def _command(self, name: str, conf: Path) -> list[str]:
        arguments = ["-p", str(conf.parent), "-c", str(conf)]
        arguments += ["-e", str(conf.parent / "error.log")]
        if name == "resty-py":
            return [sys.executable, "-m", "resty_py", "nginx", *arguments]
        assert isinstance(self._real, OpenResty)
        modules = " ".join(f"load_module {path};" for path in self._real.modules)
        return [self._real.binary, *arguments, "-g", modules]


def _until(condition: Callable[[], bool]) -> None:
    deadline = time.monotonic() + 10
    while not condition():
        if time.monotonic() > deadline:
            raise BenchError("the server did not start")
        time.sleep(0.01)


# Dictionaries ------------------------------------------------------------------


def _time_operation(operation: str, size: int) -> tuple[int, float]:
    """Return the worker that did it, and nanoseconds for each operation."""
    url = f"http://127.0.0.1:{_PORT}/dict?op={operation}&size={size}&n={_COUNT}"
    with urllib.request.urlopen(url, timeout=60) as answer:
        pid, nanoseconds = answer.read().split()
    return int(pid), float(nanoseconds)


def _time_both(operation: str, size: int) -> float:
    """Return the nanoseconds of each operation of two workers that contend."""
    while True:
        found: list[tuple[int, float]] = []

        def ask(into: list[tuple[int, float]] = found) -> None:
            into.append(_time_operation(operation, size))

        threads = [threading.Thread(target=ask) for _ in range(2)]
        for thread in threads:
            thread.start()
            # The first worker is busy when the second request comes.
            time.sleep(0.02)
        for thread in threads:
            thread.join()
        if len({pid for pid, _ in found}) == 2:
            return statistics.mean(ns for _, ns in found)


def compare_dictionaries(servers: Servers, rounds: int) -> None:
    """Print a table of operations."""
    times: dict[tuple[str, int, int, str], list[float]] = {}
    for _ in range(rounds):
        for name in servers.names:
            for workers in (1, 2):
                with servers.serve(name, workers):
                    for operation in _OPERATIONS:
                        for size in _SIZES if operation != "incr" else (20,):
                            ns = (
                                _time_operation(operation, size)[1]
                                if workers == 1
                                else _time_both(operation, size)
                            )
                            key = (operation, size, workers, name)
                            times.setdefault(key, []).append(ns)
    print("| operation | bytes | workers | resty-py ns | openresty ns | ratio |")
    print("| --------- | ----: | ------: | ----------: | -----------: | ----: |")
    for operation, size, workers in dict.fromkeys(key[:3] for key in times):
        median = {
            name: statistics.median(times[operation, size, workers, name])
            for name in servers.names
        }
        ours, real = median["resty-py"], median.get("openresty")
        rest = f"{real:,.0f} | {ours / real:.2f}" if real else "- | -"
        print(f"| {operation} | {size} | {workers} | {ours:,.0f} | {rest} |")


# Scaling -----------------------------------------------------------------------


def _cpu(master: int) -> float:
    """Return the CPU seconds of the workers of a master."""
    path = Path(f"/proc/{master}/task/{master}/children")
    ticks = 0
    for pid in path.read_text().split():
        fields = Path(f"/proc/{pid}/stat").read_text().rpartition(") ")[2].split()
        ticks += int(fields[11]) + int(fields[12])
    return ticks / os.sysconf("SC_CLK_TCK")


def _load(master: int, name: str, seconds: int) -> tuple[float, float]:
    """Return requests a second, and CPU microseconds for each."""
    url = f"http://127.0.0.1:{_PORT}/{name}"
    command = ["wrk", "-t1", f"-c{_CONNECTIONS}", f"-d{seconds}", url]
    before = _cpu(master)
    said = subprocess.run(command, capture_output=True, text=True, check=True).stdout
    used = _cpu(master) - before
    match = re.search(r"(\d+) requests in ([\d.]+)s", said)
    if match is None or "Socket errors" in said or "Non-2xx" in said:
        raise BenchError(f"wrk says: {said}")
    count = int(match[1])
    return count / float(match[2]), used / count * 1e6


def compare_scaling(servers: Servers, rounds: int, seconds: int) -> None:
    """Print a table of one worker and two."""
    found: dict[tuple[str, str, int], list[tuple[float, float]]] = {}
    with redis():
        for _ in range(rounds):
            for name in servers.names:
                for workers in (1, 2):
                    with servers.serve(name, workers) as master:
                        for load in _LOADS:
                            _load(master, load, 1)
                            sample = _load(master, load, seconds)
                            found.setdefault((load, name, workers), []).append(sample)
    print("| load | server | workers | requests/s | CPU µs/request | of one worker's |")
    print("| ---- | ------ | ------: | ---------: | -------------: | --------------: |")
    for (load, name, workers), samples in found.items():
        rate = statistics.median(sample[0] for sample in samples)
        cpu = statistics.median(sample[1] for sample in samples)
        one = statistics.median(sample[1] for sample in found[load, name, 1])
        row = f"{rate:,.0f} | {cpu:.1f} | {cpu / one:.2f}"
        print(f"| {load} | {name} | {workers} | {row} |")


def main() -> int:
    """Run the command line."""
    parser = argparse.ArgumentParser(
        prog="python -m bench.workers", description=__doc__
    )
    parser.add_argument("what", nargs="*", choices=["dict", "scaling", []])
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--seconds", type=int, default=4)
    options = parser.parse_args()
    servers = Servers()
    what = options.what or ["dict", "scaling"]
    if "dict" in what:
        compare_dictionaries(servers, options.rounds)
    if "scaling" in what:
        compare_scaling(servers, options.rounds, options.seconds)
    return 0


if __name__ == "__main__":
    sys.exit(main())
