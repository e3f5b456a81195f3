"""lualib/resty_py/http/octets.lua: what bytes a string is made of."""

import pytest

from resty_py.vm import FLAVOURS, VM

VISIBLE = set(range(33, 127))

GOOD = {
    "are_visible": VISIBLE,
    "are_text": {9, *range(32, 256)} - {127},
    "are_plain": {*range(32, 127)} - {34, 92},
}


@pytest.mark.parametrize("flavour", FLAVOURS)
@pytest.mark.parametrize("name", GOOD)
def test_each_byte_in_each_place(flavour, name):
    answers = VM(flavour).run(
        b"""
        local ask = require("resty_py.http.octets")[...]
        local answers = {ask("") and "" or "wrong"}
        for code = 0, 255 do
            local char = string.char(code)
            local wanted = ask(char)
            for _, text in ipairs {char .. "ab", "a" .. char .. "b", "ab" .. char} do
                assert(ask(text) == wanted, code)
            end
            answers[#answers + 1] = wanted and char or ""
        end
        return table.concat(answers)
        """,
        name.encode(),
    )
    assert set(answers) == GOOD[name]
