"""VMs with nginx's modules as Lua functions, without a server around them."""

from __future__ import annotations

import functools

import pytest

from resty_py.host import base64, clock, digest, null
from resty_py.vm import FLAVOURS, VM

each_flavour = pytest.mark.parametrize("flavour", FLAVOURS)

# The log and the loop's time become tables that a test can look into.
_STAND_INS = b"""
local log = {ERR = 4, WARN = 5, lines = {}}
function log.request(_, level, text)
    log.lines[#log.lines + 1] = level .. ": " .. text
end
local clock = {mono = 0, wall = 0, refresh = function() end}
package.loaded["resty_py.log"] = log
package.loaded["resty_py.clock"] = clock
return log, clock
"""


class ModulesVM:
    """A VM of *flavour*; ``clock`` is the loop's time in it."""

    def __init__(self, flavour):
        host = {
            "base64": base64.functions(),
            "clock": clock.functions(),
            "digest": digest.functions(),
            "null": null.functions(FLAVOURS[flavour]),
        }
        self.vm = VM(flavour, host)
        self._log, self.clock = self.vm.run(_STAND_INS)
        self.run = self.vm.run
        self.require = self.vm.require

    def take_log(self):
        """Return the lines that were logged, ``level: text`` each, and forget them."""
        lines = [line.decode("latin-1") for line in self._log[b"lines"].values()]
        self._log[b"lines"] = self.vm.table({})
        return lines


@functools.cache
def modules_vm(flavour):
    """Return the one ModulesVM of *flavour*."""
    return ModulesVM(flavour)
