"""ngx.print and ngx.say, where they do not do as nginx."""

import pytest
from app_server import serving

from resty_py.vm import FLAVOURS

pytestmark = pytest.mark.parametrize("flavour", FLAVOURS)


async def test_an_index_beyond_any_array_keeps_nobody_busy(flavour):
    lua = """
        for _, index in ipairs {2 ^ 31, 2 ^ 53, math.huge} do
            ngx.say(select(2, pcall(ngx.print, {1, [index] = 2})))
        end
    """
    refused = "bad argument #1 to 'print' (non-array table found)"
    async with serving(lua, flavour) as app:
        assert await app.say() == [refused] * 3
