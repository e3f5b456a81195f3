"""VMs with ngx.re: both engines, settings and the error log at hand."""

from __future__ import annotations

import functools
from dataclasses import dataclass

import pytest

from resty_py.host import regex
from resty_py.vm import FLAVOURS, VM

# Takes one engine, whatever suits the flavour; settings and the error log are
# the test's. Returns ngx and the list that log lines go to.
_INSTALL = b"""
local half, settings = ...
local lines = {}
package.loaded["resty_py.settings"] = {main = settings}
package.loaded["resty_py.log"] = {ERR = 4, write = function(level, text)
    lines[#lines + 1] = level .. " " .. text
end, enabled = function()
    return false
end}
if half == "host" then
    package.loaded.ffi = nil
    package.preload.ffi = function() error("no FFI in this test") end
end
local ngx = {}
require("resty_py.api.re").install(ngx)
package.preload.ffi = nil
return ngx, lines
"""


@dataclass(frozen=True)
class Variant:
    """A flavour with one engine."""

    flavour: str
    half: str

    def __str__(self):
        return f"{self.flavour}-{self.half}"


VARIANTS = [
    Variant(name, half)
    for name, flavour in FLAVOURS.items()
    for half in (["ffi", "host"] if flavour.has_ffi else ["host"])
]

each_variant = pytest.mark.parametrize("variant", VARIANTS, ids=str)


class RegexVM:
    """A VM of *variant*; ``ngx`` is the table in it.

    Args:
        settings: by name, as the configuration gives them.
        host: the host namespace ``regex``, in place of the library's.
    """

    def __init__(self, variant, settings=None, host=None):
        namespaces = {"regex": regex.functions() if host is None else host}
        self.vm = VM(variant.flavour, namespaces)
        given = {name.encode(): value for name, value in (settings or {}).items()}
        self.ngx, self._lines = self.vm.run(
            _INSTALL, variant.half.encode(), self.vm.table(given)
        )

    def run(self, source, *args):
        """Run *source*, which finds ``ngx``, then *args*, in ``...``."""
        return self.vm.run(source, self.ngx, *args)

    @property
    def log(self):
        """The lines of the error log so far: level and text."""
        return [line.decode() for line in self._lines.values()]


@functools.cache
def regex_vm(variant):
    """Return the one RegexVM of *variant*."""
    return RegexVM(variant)
