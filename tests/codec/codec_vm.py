"""VMs with the codecs and the computing part of the ngx API."""

from __future__ import annotations

import functools
from dataclasses import dataclass

from resty_py.host import base64, clock, digest, null
from resty_py.vm import FLAVOURS, VM

# Sits where codec/twin.lua would: takes one half, whatever suits the flavour.
_FORCE_HALF = b"""
local half = ...
package.loaded["resty_py.codec.twin"] = function(name)
    return require("resty_py.codec." .. half .. "." .. name)
end
"""

_INSTALL = b"""
local ngx, clock = {req = {}}, {wall = 0, refresh = function() end}
require("resty_py.api.constants").install(ngx)
require("resty_py.api.codec").install(ngx)
require("resty_py.api.time").install(ngx, clock)

local args = require "resty_py.codec.args"
local query
function ngx.req.set_uri_args(s) query = s end
function ngx.req.get_uri_args(max, into)
    return args.decode_query(query, max, into)
end

local base64 = require "resty_py.codec.base64"
ngx.base64 = {
    encode_base64url = base64.encode_url,
    decode_base64url = base64.decode_url,
}
return ngx, clock
"""


@dataclass(frozen=True)
class Variant:
    """A flavour with one half of the codecs."""

    flavour: str
    half: str

    def __str__(self):
        return f"{self.flavour}-{self.half}"


VARIANTS = [
    Variant(name, half)
    for name, flavour in FLAVOURS.items()
    for half in (["ffi", "portable"] if flavour.has_ffi else ["portable"])
]


class CodecVM:
    """A VM of *variant*; ``ngx`` and ``clock`` are the tables in it."""

    def __init__(self, variant):
        host = {
            "base64": base64.functions(),
            "clock": {"utc_offset": clock.utc_offset},
            "digest": digest.functions(),
            "null": null.functions(FLAVOURS[variant.flavour]),
        }
        self.vm = VM(variant.flavour, host)
        self.vm.run(_FORCE_HALF, variant.half.encode())
        self.ngx, self.clock = self.vm.run(_INSTALL)

    def codec(self, module):
        """Return the functions of ``resty_py.codec.<module>`` by name."""
        table = self.vm.require(f"resty_py.codec.{module}")
        return {name.decode(): function for name, function in table.items()}

    def run(self, source, *args):
        """Run *source*, which finds ``ngx``, then *args*, in ``...``."""
        return self.vm.run(source, self.ngx, *args)


@functools.cache
def codec_vm(variant):
    """Return the one CodecVM of *variant*."""
    return CodecVM(variant)
