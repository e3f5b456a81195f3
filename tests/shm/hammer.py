"""Processes that hammer one dictionary while they are killed: a script.

usage: hammer.py FLAVOUR[,FLAVOUR] SECONDS SEED SIZE

Of several flavours the workers take turns.

Prints a line of JSON: kills, repairs, operations done, and what is wrong.
Whoever dies may lose, or have done, the one operation under way; all else
that was done is there: counters are compared with what their workers noted
before and after each increment in memory of their own. In a dictionary of less
than ROOMY bytes they may have been evicted, and are not looked at.
"""

from __future__ import annotations

import json
import logging
import mmap
import os
import random
import signal
import sys
import time

from resty_py.host import shm
from resty_py.shm.check import find_faults
from resty_py.vm import VM

WORKERS = 4
ROOMY = 4_000_000

_LUA = b"""
local seed, done = ...
local ngx = {}
require("resty_py.api.shared").install(ngx)
local d = ngx.shared.zone
local mine = "counter" .. seed % 16
seed = seed * 7919 + 1
local function random(n)
    seed = (seed * 16807) % 2147483647
    return seed % n
end
local SIZES = {1, 7, 8, 30, 61, 200, 900, 2500, 5000}
local calls = {
    function(key) d:set(key, ("v"):rep(SIZES[random(#SIZES) + 1]), 0, 7) end,
    function(key) d:set(key, random(100)) end,
    function(key) d:add(key, true, random(2) / 1000) end,
    function(key) d:delete(key) end,
    function(key) d:replace(key, ("v"):rep(SIZES[random(#SIZES) + 1]), 0, 7) end,
    function(key) d:incr(key, 1, 1) end,
    function(key) d:rpush("l" .. key, ("v"):rep(random(300))) end,
    function(key) d:lpush("l" .. key, random(9)) end,
    function(key)
        local value = d:lpop("l" .. key)
        assert(type(value) ~= "string" or not value:find("[^v]"), "torn node")
    end,
    function(key) d:rpop("l" .. key) end,
    function(key) d:expire(key, 0.001) end,
    function(key) d:delete("l" .. key) end,
    function(key) if random(50) == 0 then d:flush_expired(5) end end,
    function(key) if random(50) == 0 then d:get_keys(50) end end,
    function(key)
        local value, flags = d:get(key)
        if type(value) == "string" then
            assert(flags == 7 and not value:find("[^v]"), "torn value")
        end
    end,
}
local refresh = require("resty_py.clock").refresh
while true do
    refresh()
    done(0)
    assert(d:incr(mine, 1, 0))
    done(1)
    for _ = 1, 8 do calls[random(#calls) + 1]("key" .. random(40)) end
end
"""


def work(zone, flavour, number, life, notes):
    """Hammer the zone; never returns."""

    def done(which):
        notes[2 * number + int(which)] += 1

    host = {
        "shm": shm.functions({b"zone": zone}),
        "clock": {
            "now": lambda: (time.monotonic(), time.time()),
            "offset": lambda: 0.0,
        },
        "test": {"done": done},
    }
    try:
        vm = VM(flavour, host)
        done_in_lua = vm.run(b'return require("resty_py.native").test.done')
        vm.run(_LUA, number + 16 * life, done_in_lua)
    except BaseException as exc:
        sys.stderr.write(f"worker {number}: {exc}\n")
        sys.stderr.flush()
    finally:
        os._exit(3)


def hammer(flavours, seconds, seed, size):
    """Hammer, kill, check; return what happened."""
    # What is repaired is said, and counted.
    logging.getLogger("resty_py").addHandler(logging.NullHandler())
    chance = random.Random(seed)
    zone = shm.open_zones([(b"zone", size)])[b"zone"]
    # Never read or written, but while the workers are stopped.
    notes = memoryview(mmap.mmap(-1, 4096)).cast("q")
    lives = [0] * WORKERS
    workers = {}

    def start(number):
        lives[number] += 1
        pid = os.fork()
        if not pid:
            flavour = flavours[number % len(flavours)]
            work(zone, flavour, number, lives[number], notes)
        workers[number] = pid

    wrong = []
    for number in range(WORKERS):
        start(number)
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        time.sleep(chance.uniform(0.02, 0.12))
        number = chance.randrange(WORKERS)
        os.kill(workers[number], signal.SIGKILL)
        _, status = os.waitpid(workers[number], 0)
        if not os.WIFSIGNALED(status):
            wrong.append(f"worker {number} ended by itself: {status}")
            break
        start(number)
    for pid in workers.values():
        os.kill(pid, signal.SIGKILL)
        os.waitpid(pid, 0)
    return examine(zone, notes, lives, wrong)


def examine(zone, notes, lives, wrong):
    """Return what is wrong with the zone, and how much was done."""
    with zone.lock:
        wrong += find_faults(zone)
    for number in range(WORKERS if zone.capacity >= ROOMY else 0):
        begun, done = notes[2 * number], notes[2 * number + 1]
        found = zone.get(b"counter%d" % number, 0, stale=True).value or 0
        if not done <= found <= begun:
            wrong.append(f"counter {number}: {found}, not {done} to {begun}")
    return {
        "kills": sum(lives),
        "repairs": zone.repairs,
        "done": sum(notes[2 * number + 1] for number in range(WORKERS)),
        "wrong": wrong,
    }


if __name__ == "__main__":
    given, *numbers = sys.argv[1:]
    sys.stdout.write(json.dumps(hammer(given.split(","), *map(int, numbers))))
