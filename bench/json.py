"""Measure cjson here against lua-cjson, the C module: python -m bench.json.

Both run in one VM, on the same document of about 10 KB; what is reported is the
best of many rounds, in microseconds of CPU time, and how many times as fast as
the C module ours is.
"""

from __future__ import annotations

import argparse
import ctypes
import importlib
import json
import random
import sys
from pathlib import Path
from typing import TYPE_CHECKING

from resty_py.host import null
from resty_py.vm import FLAVOURS, VM

if TYPE_CHECKING:
    from collections.abc import Sequence

_MODULES = "/usr/lib/x86_64-linux-gnu/lua/{}/cjson.so"
_SIZE = 10 * 1024
_WORDS = ("lorem", "ipsum", "dolor", "sit", "amet", "consectetur", "elit", "sed")

_MEASURE = b"""
local text, path = ...
local compiled = assert(package.loadlib(path, "luaopen_cjson"))()
local ours = require "cjson"
local clock = os.clock
local ROUNDS, CALLS = 40, 50


local function best(f, argument)
    local least = math.huge
    for _ = 1, ROUNDS do
        local begin = clock()
        for _ = 1, CALLS do
            f(argument)
        end
        least = math.min(least, (clock() - begin) / CALLS)
    end
    return least * 1e6
end


local value = ours.decode(text)
assert(compiled.encode(value) == ours.encode(value))
return best(compiled.decode, text), best(ours.decode, text),
       best(compiled.encode, value), best(ours.encode, value)
"""


def document() -> bytes:
    """Return a list of records as applications exchange them."""
    dice = random.Random(7)
    records: list[dict[str, object]] = []
    while len(json.dumps(records)) < _SIZE:
        number = len(records) + 1
        records.append(
            {
                "id": number,
                "name": _sentence(dice, 2).title(),
                "email": f"user{number}@example.com",
                "active": number % 3 != 0,
                "balance": round(dice.uniform(-1000, 1000), 2),
                "ratio": dice.random(),
                "tags": [dice.choice(_WORDS) for _ in range(4)],
                "parent": None if number % 2 else number // 2,
                "address": {"street": f"{number} Main St.", "city": "Köln"},
                "note": _sentence(dice, 8) + '\n"a/b"' * (number % 4 == 0),
            }
        )
    return json.dumps(records, separators=(",", ":"), ensure_ascii=False).encode()


def _sentence(dice: random.Random, length: int) -> str:
    return " ".join(dice.choice(_WORDS) for _ in range(length))


def main(argv: Sequence[str] | None = None) -> int:
    """Print the table; return 0, or 1 where the C module is not installed."""
    parser = argparse.ArgumentParser(prog="python -m bench.json", description=__doc__)
    parser.add_argument("--lua", choices=list(FLAVOURS)[:-1], default="luajit21")
    flavour = FLAVOURS[parser.parse_args(argv).lua]
    version = "5.1" if flavour.has_ffi else ".".join(flavour.name[3:])
    path = Path(_MODULES.format(version))
    if not path.exists():
        print(f"bench: {path} is not installed (package lua-cjson)", file=sys.stderr)
        return 1
    # The C module finds Lua's functions among the symbols of the process.
    extension = importlib.import_module(f"lupa.{flavour.name}").__file__
    ctypes.CDLL(extension, ctypes.RTLD_GLOBAL)
    vm = VM(flavour, {"null": null.functions(flavour)})
    text = document()
    decode, ours_decode, encode, ours_encode = vm.run(_MEASURE, text, bytes(path))
    print(f"{len(text)} bytes, {flavour.language}    lua-cjson    here    speed")
    for name, theirs, ours in [
        ("decode", decode, ours_decode),
        ("encode", encode, ours_encode),
    ]:
        print(f"{name}  {theirs:8.1f} us {ours:8.1f} us   {theirs / ours:.2f}x")
    return 0


if __name__ == "__main__":
    sys.exit(main())
