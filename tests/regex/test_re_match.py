"""ngx.re.match, find and gmatch: expectations from lua-nginx-module's README."""

from __future__ import annotations

import pytest
from regex_vm import RegexVM, each_variant, regex_vm

from resty_py.vm import LuaError


def run(variant, source, *args):
    body = b"local ngx = (...) local re = ngx.re " + source
    return regex_vm(variant).run(body, *args)


@each_variant
def test_match_gives_the_whole_and_its_captures(variant):
    source = b"""
    local m = re.match("hello, 1234", [[([0-9])[0-9]+]])
    return m[0], m[1], m[2]
    """
    assert run(variant, source) == (b"1234", b"1", None)


@each_variant
def test_groups_that_took_no_part_are_false(variant):
    source = b"""
    local m = re.match("hello, world", "(world)|(hello)|(?<named>howdy)")
    return m[0], m[1], m[2], m[3], m.named
    """
    assert run(variant, source) == (b"hello", False, b"hello", False, False)


@each_variant
def test_names_are_keys_beside_numbers(variant):
    source = b"""
    local m = re.match("hello, 1234", "([0-9])(?<remaining>[0-9]+)")
    return m[0], m[1], m[2], m.remaining
    """
    assert run(variant, source) == (b"1234", b"1", b"234", b"234")


@each_variant
def test_duplicate_names_give_lists(variant):
    source = b"""
    local m = re.match("hello, world",
                       "(?<named>\\\\w+), (?<named>\\\\w+)", "D")
    return m[0], table.concat(m.named, "|")
    """
    assert run(variant, source) == (b"hello, world", b"hello|world")


@each_variant
def test_ctx_pos_goes_in_and_out(variant):
    source = b"""
    local ctx = {pos = 2}
    local m = re.match("1234, hello", "[0-9]+", "", ctx)
    local first, pos = m[0], ctx.pos
    local none = re.match("1234, hello", "[0-9]+", "", ctx)
    return first, pos, none, ctx.pos
    """
    assert run(variant, source) == (b"234", 5, None, 5)


@each_variant
def test_the_fifth_argument_takes_the_captures(variant):
    source = b"""
    local res = {}
    local m = re.match("hello, 1234", "([0-9])[0-9]+", "", nil, res)
    return m == res, res[0], res[1]
    """
    assert run(variant, source) == (True, b"1234", b"1")


@each_variant
def test_find_gives_offsets_of_the_nth_group(variant):
    source = b"""
    local from, to = re.find("hello, 1234", "([0-9])([0-9]+)", "jo")
    local from2, to2 = re.find("hello, 1234", "([0-9])([0-9]+)", "jo", nil, 2)
    local none, none2, err = re.find("hello, 1234", "([0-9])([0-9]+)", "jo",
                                     nil, 3)
    return from, to, from2, to2, none, none2, err
    """
    expected = (8, 11, 9, 11, None, None, b"nth out of bound")
    assert run(variant, source) == expected


@each_variant
def test_no_match_is_one_nil(variant):
    assert run(variant, b'return select("#", re.match("a", "b"))') == 1
    assert run(variant, b'return select("#", re.find("a", "b"))') == 1


@each_variant
def test_gmatch_iterates_and_stays_exhausted(variant):
    source = b"""
    local it, found = re.gmatch("hello, world!", "([a-z]+)", "i"), {}
    for m in it do
        found[#found + 1] = m[1]
    end
    return table.concat(found, "|"), it(), it()
    """
    assert run(variant, source) == (b"hello|world", None, None)


@each_variant
def test_iterators_of_one_pattern_do_not_disturb_each_other(variant):
    source = b"""
    local one = re.gmatch("abc", "[a-z]", "jo")
    local two, found = re.gmatch("xyz", "[a-z]", "jo"), {}
    for m in one do
        found[#found + 1] = m[0] .. two()[0]
    end
    return table.concat(found, "|")
    """
    assert run(variant, source) == b"ax|by|cz"


@each_variant
def test_gmatch_fails_in_the_midst(variant):
    source = b"""
    local it = re.gmatch("\\228\\189\\160", "", "u")
    return #it()[0], select(2, it()), it()
    """
    assert run(variant, source) == (0, b"pcre_exec() failed: -11", None)


@each_variant
def test_an_unknown_letter_blames_the_caller(variant):
    source = b"""
    local function bad(f, ...)
        return select(2, pcall(f, ...))
    end
    local unpack = unpack or table.unpack
    local messages = {}
    for i, name in ipairs {"match", "find", "gmatch", "sub", "gsub"} do
        local args = {"a", "a", "Hm"}
        if i > 3 then args = {"a", "a", "b", "Hm"} end
        messages[i] = bad(function() local x = re[name](unpack(args)) end)
    end
    messages[6] = bad(function()
        local x = ngx_re.split("a", "a", "Hm")
    end)
    return table.concat(messages, "\\n")
    """
    source = b'local ngx_re = require "ngx.re" ' + source
    for line in run(variant, source).decode().split("\n"):
        position, _, text = line.partition(": ")
        assert position.startswith("(python):"), line
        assert text == 'unknown flag "H" (flags "Hm")'


@each_variant
def test_without_the_library_each_function_says_so(variant):
    host = {"library": lambda: (None, b"no such library")}
    vm = RegexVM(variant, host=host)
    for name in (b"match", b"find", b"gmatch", b"sub", b"gsub"):
        with pytest.raises(LuaError) as caught:
            vm.run(b"local ngx, name = ... return ngx.re[name]('a', 'a')", name)
        expected = f"no support for 'ngx.re.{name.decode()}': no such library"
        assert expected in str(caught.value)
    with pytest.raises(LuaError, match="no support for 'ngx\\.re' module"):
        vm.run(b'require "ngx.re"')
