"""string.rep's separator (Lua 5.2) and string.gfind (Lua 5.0)."""

import pytest


@pytest.mark.parametrize(
    ("arguments", "text"),
    [
        ("'a', 3, ','", b"a,a,a"),
        ("'a', 1, ','", b"a"),
        ("'a', 0, ','", b""),
        ("'a', -1, ','", b""),
        ("'', 3, '--'", b"----"),
        ("'ab', 2", b"abab"),
        ("'ab', '2', '-'", b"ab-ab"),
        ("5, 2, 0", b"505"),
    ],
)
def test_rep(vm, arguments, text):
    assert vm.run(f"return string.rep({arguments})".encode()) == text


def test_gfind_is_gmatch(vm):
    assert (
        vm.run(
            b"""
        local text = ""
        for word in string.gfind("one two", "%a+") do text = text .. word .. "." end
        return text
        """
        )
        == b"one.two."
    )
