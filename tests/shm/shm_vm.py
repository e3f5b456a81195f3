"""A VM that reaches zones by FFI, beside Python that reaches the same."""

from __future__ import annotations

import functools
import weakref

from resty_py.host import shm
from resty_py.shm.memory import hash_address
from resty_py.vm import VM

#: Lua that gives Python what a zone does, so that both twins answer alike.
_CALLS = b"""
local address, hash_address, number = ...
local native = require "resty_py.native"
local zone = require("resty_py.shm.ffi").open(address, hash_address, function()
    native.test.repair(number)
end)
local clock = require "resty_py.clock"
local KINDS = {["nil"] = 0, boolean = 1, number = 3, string = 4}
local calls = {}
function calls.at(now) clock.wall = now / 1000 end
function calls.get(key, stale) return zone.get(key, stale) end
function calls.store(operation, key, value, ttl, flags)
    return zone.store(operation, key, KINDS[type(value)], value, ttl, flags)
end
function calls.swap(operation, key, old, new, ttl)
    return zone.swap(operation, key, old, new, ttl)
end
function calls.incr(key, by, init, ttl)
    local number, err, forced = zone.incr(key, by, init, ttl)
    return not err and number or nil, err, forced
end
function calls.ttl(key) return zone.ttl(key) end
function calls.expire(key, ttl) return zone.expire(key, ttl) end
function calls.push(key, value, left)
    return zone.push(key, KINDS[type(value)], value, left)
end
function calls.pop(key, left) return zone.pop(key, left) end
function calls.llen(key) return zone.llen(key) end
function calls.flush_all() zone.flush_all() end
function calls.flush_expired(most) return zone.flush_expired(most) end
function calls.keys(most) return zone.keys(most) end
function calls.free_space() return zone.free_space() end
return function(name, ...) return calls[name](...) end
"""


#: Zones by what Lua calls them when one is to be repaired.
_zones = weakref.WeakValueDictionary()


@functools.cache
def open_vm():
    """Return a VM with the host functions that the FFI half needs."""
    host = {
        "test": {"repair": lambda number: _zones[number].repair()},
        "clock": {"now": lambda: (0.0, 0.0), "offset": lambda: None},
    }
    return VM("luajit21", host)


class LuaZone:
    """A zone by LuaJIT's FFI."""

    def __init__(self, zone) -> None:
        _zones[id(zone)] = zone
        self._call = open_vm().run(
            _CALLS, zone.memory.address, hash_address(), id(zone)
        )

    def call(self, now, name, *args):
        """Do an operation at the time *now*, in milliseconds."""
        self._call(b"at", now)
        return self._call(name.encode(), *args)


class PythonZone:
    """The same by Python, as the other flavours' host functions have it."""

    def __init__(self, zone) -> None:
        self._functions = shm.functions({zone.name: zone})

    def call(self, now, name, *args):
        """Do an operation at the time *now*, in milliseconds."""
        first, rest = _ARGUMENTS.get(name, (1, True))
        timed = (*args[:first], now, *args[first:]) if rest else args
        answer = self._functions[name](1, *timed)
        if name == "get":
            return tuple(answer) if answer[0] else 0
        return answer


#: Where the time goes among the arguments, if it does.
_ARGUMENTS = {
    "store": (3, True),
    "swap": (4, True),
    "incr": (2, True),
    "push": (2, True),
    "flush_all": (0, True),
    "flush_expired": (0, True),
    "keys": (0, True),
    "free_space": (0, False),
}
