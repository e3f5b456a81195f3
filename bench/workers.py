"""Several workers, and what they share, beside OpenResty: ``python -m bench.workers``.

- ``dict``: nanoseconds of an operation on a shared dictionary of 10,000 keys, by
  one worker and by two at the same time.
- ``scaling``: requests a second and CPU time for each with one worker and with two.

The servers take turns, round by round; what is reported is the median.
"""

from __future__ import annotations

import argparse
import statistics
import sys
import threading
import time
import urllib.request

from .cluster import Master, Servers
from .scaling import compare_scaling

_OPERATIONS = ("get", "set", "incr")
_SIZES = (20, 1024)
_COUNT = 300_000


def _time_operation(master: Master, operation: str, size: int) -> tuple[int, float]:
    """Return the worker that did it, and nanoseconds for each operation."""
    url = master.url(f"dict?op={operation}&size={size}&n={_COUNT}")
    with urllib.request.urlopen(url, timeout=60) as answer:
        pid, nanoseconds = answer.read().split()
    return int(pid), float(nanoseconds)


def _time_both(master: Master, operation: str, size: int) -> float:
    """Return the nanoseconds of each operation of two workers that contend."""
    while True:
        found: list[tuple[int, float]] = []

        def ask(into: list[tuple[int, float]] = found) -> None:
            into.append(_time_operation(master, operation, size))

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
                with servers.serve(name, workers) as master:
                    for operation in _OPERATIONS:
                        for size in _SIZES if operation != "incr" else (20,):
                            ns = (
                                _time_operation(master, operation, size)[1]
                                if workers == 1
                                else _time_both(master, operation, size)
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
