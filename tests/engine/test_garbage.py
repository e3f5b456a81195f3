"""The pace of the collector (lualib/resty_py/garbage.lua)."""

import pytest
from lua_worker import VARIANTS, each_variant, open_rig

# KiB of garbage that a cycle waits for.
ROOM = 16384

paced = pytest.mark.parametrize(
    "variant",
    [one for one in VARIANTS if one.flavour == "luajit21"],
    ids=str,
)

HIGHEST = """
    collectgarbage()
    local first, highest = collectgarbage("count"), 0
    for i = 1, 8e5 do
        last = {i, i}
        highest = math.max(highest, collectgarbage("count"))
    end
    return highest - first
"""

PAUSE = """
    local live = {}
    for i = 1, ... do
        live[i] = ("x"):rep(1e6) .. i
    end
    collectgarbage()
    local pause = collectgarbage("setpause", 200)
    return pause, #live
"""


@paced
async def test_a_small_heap_waits_for_garbage(variant, tmp_path):
    async with open_rig(variant, tmp_path) as rig:
        for _ in range(3):
            assert ROOM * 0.8 < await rig.run(HIGHEST) < ROOM * 1.8


@paced
async def test_a_large_heap_doubles(variant, tmp_path):
    async with open_rig(variant, tmp_path) as rig:
        assert (await rig.run(PAUSE, 32))[0] == 200


@each_variant
async def test_a_pause_of_a_program_stays(variant, tmp_path):
    async with open_rig(variant, tmp_path) as rig:
        await rig.run("collectgarbage('setpause', 300) collectgarbage()")
        assert (await rig.run(PAUSE, 0))[0] in (300, 320)
        assert (await rig.run("collectgarbage() " + PAUSE, 0))[0] == 200
