"""Spawn many processes with ngx.pipe: python -m bench.pipes [NUMBER].

Three in four are read and waited for, the fourth is dropped and left to the
garbage collector. What is reported is the time for each and what has been left
of them: descriptors, child processes, memory.
"""

from __future__ import annotations

import argparse
import os
import resource
import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING

import trio

from resty_py import open_worker
from resty_py.vm import FLAVOURS

if TYPE_CHECKING:
    from collections.abc import Sequence

    from resty_py.server.worker import Worker

_WARM_UP = 400

_SPAWN = """
local number, width = ...
local pipe = require "ngx.pipe"


local function use()
    local process = assert(pipe.spawn({"true"}))
    assert(process:stdout_read_all() == "")
    assert(process:wait())
end


local function drop()
    assert(pipe.spawn({"sleep", "1000"}))
end


for round = 1, number / width do
    local threads = {}
    for i = 1, width do
        threads[i] = ngx.thread.spawn(i % 4 == 0 and drop or use)
    end
    for i = 1, width do
        ngx.thread.wait(threads[i])
    end
    if round % 10 == 0 then
        collectgarbage()
    end
end
"""


def facts(worker: Worker) -> dict[str, int]:
    """Return what there is of whatever could be left over."""
    me = Path("/proc/self")
    return {
        "descriptors": len(list((me / "fd").iterdir())),
        "in the VM": worker.stats()["descriptors"],
        "children": len((me / f"task/{os.getpid()}/children").read_text().split()),
        "KiB": int((me / "statm").read_text().split()[1])
        * resource.getpagesize()
        // 1024,
    }


async def _measure(flavour: str, number: int) -> None:
    async with open_worker(flavour=flavour, error_level="crit") as worker:
        await worker.run(_SPAWN, _WARM_UP, 20)
        before = facts(worker)
        begin = time.perf_counter()
        await worker.run(_SPAWN, number, 20)
        each = (time.perf_counter() - begin) / number
        # Those that were dropped last end with the next turns.
        await worker.run("collectgarbage() ngx.sleep(0.1)")
        print(f"{flavour}: {number} processes, {each * 1e6:.0f} us each")
        for name, value in facts(worker).items():
            print(f"  {name}: {before[name]} before, {value} after")


def main(arguments: Sequence[str]) -> None:
    """Run the command."""
    parser = argparse.ArgumentParser(prog="python -m bench.pipes")
    parser.add_argument("number", nargs="?", type=int, default=10_000)
    parser.add_argument("--lua", choices=FLAVOURS, default="luajit21")
    options = parser.parse_args(arguments)
    trio.run(_measure, options.lua, options.number)


if __name__ == "__main__":
    main(sys.argv[1:])
