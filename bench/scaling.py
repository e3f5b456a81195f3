"""One worker and two, each core with its worker and the load of it.

On two cores nothing is left for the load, so its share is made the same in all
layouts, which take turns, round by round:

- *one*: a worker and wrk on one core, the other core idle;
- *apart*: the same on both cores, two servers that share nothing: what two
  cores of this machine can do, which is less than twice what one can;
- *together*: two workers of one master, and twice the load, on both cores.

For the cosockets each core has a Redis. Requests *together* as a multiple of *one*
count the machine and the server; as a part of *apart*, the server alone.
"""

from __future__ import annotations

import contextlib
import re
import statistics
import subprocess
from typing import TYPE_CHECKING, NamedTuple

from .cluster import REDIS_PORT, Master, Servers
from .process import BenchError, cores
from .servers import redis

if TYPE_CHECKING:
    from collections.abc import Iterator

__all__ = ["compare_scaling"]

_LOADS = ("hello", "cosocket")

#: Connections of wrk for each worker.
_CONNECTIONS = 32


class _Server(NamedTuple):
    """A master's workers, and the cores they share with their load."""

    workers: int
    cores: tuple[int, ...]


class _Sample(NamedTuple):
    """Requests a second, CPU microseconds for each, the busiest worker's share."""

    rate: float
    cost: float
    share: float


def _layouts() -> dict[str, tuple[_Server, ...]]:
    first, second = cores()
    return {
        "one": (_Server(1, (first,)),),
        "apart": (_Server(1, (first,)), _Server(1, (second,))),
        "together": (_Server(2, (first, second)),),
    }


@contextlib.contextmanager
def _serve(
    servers: Servers, name: str, layout: tuple[_Server, ...]
) -> Iterator[list[Master]]:
    with contextlib.ExitStack() as stack:
        yield [
            stack.enter_context(servers.serve(name, *server, i))
            for i, server in enumerate(layout)
        ]


def _start_load(url: str, server: _Server, seconds: int) -> subprocess.Popen[str]:
    command = ["taskset", "-c", ",".join(map(str, server.cores)), "wrk"]
    command += [f"-t{server.workers}", f"-c{server.workers * _CONNECTIONS}"]
    command += [f"-d{seconds}", url]
    return subprocess.Popen(command, stdout=subprocess.PIPE, text=True)


def _count(load: subprocess.Popen[str]) -> tuple[int, float]:
    """Return how many requests were answered, and in how many seconds."""
    said = load.communicate()[0]
    match = re.search(r"(\d+) requests in ([\d.]+)s", said)
    if match is None or "Socket errors" in said or "Non-2xx" in said:
        raise BenchError(f"wrk says: {said}")
    return int(match[1]), float(match[2])


def _measure(
    masters: list[Master], layout: tuple[_Server, ...], name: str, seconds: int
) -> _Sample:
    before = [used for master in masters for used in master.worker_seconds()]
    loads = [
        _start_load(master.url(name), server, seconds)
        for master, server in zip(masters, layout, strict=True)
    ]
    counts = [_count(load) for load in loads]
    after = [used for master in masters for used in master.worker_seconds()]
    used = [end - start for start, end in zip(before, after, strict=True)]
    return _Sample(
        sum(count / duration for count, duration in counts),
        sum(used) / sum(count for count, _ in counts) * 1e6,
        max(used) / sum(used),
    )


def compare_scaling(servers: Servers, rounds: int, seconds: int) -> None:
    """Print a table of one worker and two.

    Args:
        servers: the two that are compared.
        rounds: how often each is measured.
        seconds: how long each time.

    Raises:
        BenchError: a server does not start, or wrk met an error.
    """
    found: dict[tuple[str, str, str], list[_Sample]] = {}
    with contextlib.ExitStack() as stack:
        for i, core in enumerate(cores()):
            stack.enter_context(redis(port=REDIS_PORT + i, core=core))
        for _ in range(rounds):
            for name in servers.names:
                for kind, layout in _layouts().items():
                    with _serve(servers, name, layout) as masters:
                        for load in _LOADS:
                            _measure(masters, layout, load, 1)
                            sample = _measure(masters, layout, load, seconds)
                            found.setdefault((load, name, kind), []).append(sample)
    _print(found)


def _print(found: dict[tuple[str, str, str], list[_Sample]]) -> None:
    print(
        "| load | server | layout | requests/s | of one | of apart "
        "| CPU µs/request | of one | busiest worker |"
    )
    print("| ---- | ------ | ------ |" + " ---: |" * 6)
    median = {key: _median(samples) for key, samples in found.items()}
    for (load, name, kind), sample in median.items():
        one, apart = median[load, name, "one"], median[load, name, "apart"]
        print(
            f"| {load} | {name} | {kind} | {sample.rate:,.0f} "
            f"| {sample.rate / one.rate:.2f} | {sample.rate / apart.rate:.2f} "
            f"| {sample.cost:.1f} | {sample.cost / one.cost:.2f} "
            f"| {sample.share:.0%} |"
        )


def _median(samples: list[_Sample]) -> _Sample:
    return _Sample(
        *(statistics.median(column) for column in zip(*samples, strict=True))
    )
