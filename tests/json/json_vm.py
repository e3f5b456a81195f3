"""VMs with cjson and cjson.safe: every flavour, both halves of the JSON code."""

from __future__ import annotations

import functools
from dataclasses import dataclass

import pytest

from resty_py.host import null
from resty_py.vm import FLAVOURS, VM

# Sits where json/twin.lua would: takes one half, whatever suits the flavour.
_FORCE_HALF = b"""
local half = ...
package.loaded["resty_py.json.twin"] = function(name)
    return require("resty_py.json." .. half .. "." .. name)
end
"""

_NGX = b"""
return {null = require "resty_py.api.null"}
"""


@dataclass(frozen=True)
class Variant:
    """A flavour with one half of the JSON code."""

    flavour: str
    half: str

    def __str__(self):
        return f"{self.flavour}-{self.half}"


VARIANTS = [
    Variant(name, half)
    for name, flavour in FLAVOURS.items()
    for half in (["ffi", "portable"] if flavour.has_ffi else ["portable"])
]

each_variant = pytest.mark.parametrize("variant", VARIANTS, ids=str)


class JsonVM:
    """A VM of *variant*; ``ngx`` is a table with ``null``."""

    def __init__(self, variant):
        host = {"null": null.functions(FLAVOURS[variant.flavour])}
        self.vm = VM(variant.flavour, host)
        self.vm.run(_FORCE_HALF, variant.half.encode())
        self.ngx = self.vm.run(_NGX)

    def run(self, source, *args):
        """Run *source*, which finds ``ngx``, then *args*, in ``...``."""
        return self.vm.run(source, self.ngx, *args)

    def eval(self, source, *args):
        """Run *source*, which finds a new ``json`` and ``null``, args in ``...``."""
        head = b"local json, null = require('cjson').new(), require('cjson').null "
        return self.vm.run(head + source, *args)


@functools.cache
def json_vm(variant):
    """Return the one JsonVM of *variant*."""
    return JsonVM(variant)
