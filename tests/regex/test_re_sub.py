"""ngx.re.sub and gsub: expectations from lua-nginx-module's README."""

from __future__ import annotations

import pytest
from regex_vm import RegexVM, each_variant, regex_vm

from resty_py.vm import LuaError


def run(variant, source, *args):
    body = b"local ngx = (...) local re = ngx.re " + source
    return regex_vm(variant).run(body, *args)


@each_variant
def test_sub_replaces_the_first_match(variant):
    source = b'return re.sub("hello, 1234", "([0-9])[0-9]", "[$0][$1]")'
    assert run(variant, source) == (b"hello, [12][1]34", 1)


@each_variant
def test_gsub_replaces_all(variant):
    source = b'return re.gsub("hello, world", "([a-z])[a-z]+", "[$0,$1]", "i")'
    assert run(variant, source) == (b"[hello,h], [world,w]", 2)


@each_variant
def test_braces_and_dollars(variant):
    assert run(variant, b'return re.sub("hello, 1234", "[0-9]", "${0}00")') == (
        b"hello, 100234",
        1,
    )
    assert run(variant, b'return re.sub("hello, 1234", "[0-9]", "$$")') == (
        b"hello, $234",
        1,
    )


@each_variant
def test_a_function_s_result_is_literal(variant):
    source = b"""
    local function func(m)
        return "[" .. m[0] .. "][" .. m[1] .. "]$1"
    end
    return re.sub("hello, 1234", "( [0-9] ) [0-9]", func, "x")
    """
    assert run(variant, source) == (b"hello, [12][1]$134", 1)


@each_variant
def test_no_match_gives_the_subject(variant):
    assert run(variant, b'return re.gsub("hello", "x", "y")') == (b"hello", 0)


@each_variant
def test_long_results_grow(variant):
    source = b'return re.gsub(("a"):rep(3000), "a", ("b"):rep(100), "jo")'
    assert run(variant, source) == (b"b" * 300_000, 3000)
    source = b'return re.gsub(("a"):rep(9), "a", function() return "b" end)'
    assert run(variant, source) == (b"b" * 9, 9)


BAD_TEMPLATES = {
    b"[$0] [$1] [${": "lua script: invalid capturing variable name found in "
    '"[$0] [$1] [${"',
    b"[$": 'lua script: invalid capturing variable name found in "[$"',
    b"$hello": 'attempt to use named capturing variable "hello" (named captures'
    " not supported yet)",
    b"${hello}": 'attempt to use named capturing variable "hello" (named captures'
    " not supported yet)",
    b"${134": 'the closing bracket in "134" variable is missing',
    b"${134a}": 'the closing bracket in "134" variable is missing',
    b"${ab-}": 'the closing bracket in "ab" variable is missing',
}


@each_variant
def test_bad_templates_fail_and_are_logged(variant):
    vm = RegexVM(variant)
    for template in BAD_TEMPLATES:
        source = b'local ngx, t = ... return ngx.re.sub("a", "a", t)'
        answer = vm.run(source, template)
        assert answer == (None, None, b"failed to compile the replacement template")
    assert vm.log == [f"4 {line}" for line in BAD_TEMPLATES.values()]


@each_variant
def test_a_bad_pattern_comes_before_a_bad_template(variant):
    vm = RegexVM(variant)
    answer = vm.run(b'return (...).re.sub("a", "(", "$")')
    assert answer == (None, None, b'pcre_compile() failed: missing ) in "("')
    assert vm.log == []


@each_variant
def test_a_callback_may_use_the_same_pattern(variant):
    source = b"""
    local function inner(m)
        return (re.gsub(m[0], "[a-z]", function(n)
            return n[0]:upper()
        end, "jo")) .. "."
    end
    return re.gsub("ab cd", "[a-z]", inner, "jo")
    """
    assert run(variant, source) == (b"A.B. C.D.", 4)


@each_variant
def test_a_callback_may_yield(variant):
    source = b"""
    local function worker(subject)
        return coroutine.wrap(function()
            return re.gsub(subject, "[a-z]", function(m)
                return coroutine.yield(m[0])
            end, "jo")
        end)
    end
    local one, two = worker("abc"), worker("xyz")
    local a, x = one(), two()
    for i = 1, 2 do
        a, x = one(a .. i), two(x .. i)
    end
    return (one(a)), (two(x))
    """
    assert run(variant, source) == (b"a1b2c", b"x1y2z")


@each_variant
def test_a_callback_s_error_passes_and_leaves_nothing_behind(variant):
    with pytest.raises(LuaError, match="mine"):
        run(variant, b'return re.gsub("aXa", "a", function() error("mine") end)')
    assert run(variant, b'return re.gsub("ab", "a", "c")') == (b"cb", 1)
