"""ngx.re.split and opt: expectations from lua-resty-core's ngx/re.md."""

from __future__ import annotations

import pytest
from regex_vm import RegexVM, each_variant, regex_vm

from resty_py.vm import LuaError


def split(variant, arguments):
    """Return the parts, joined, of split(*arguments*), and what ctx became."""
    source = f"""
    local ctx = {{}}
    local parts, err = require("ngx.re").split({arguments})
    return parts and table.concat(parts, "|") or err, ctx.pos
    """
    parts, pos = regex_vm(variant).run(source.encode())
    return parts.decode(), pos


@each_variant
def test_splits(variant):
    assert split(variant, '"a,b,c,d", ","') == ("a|b|c|d", None)


@each_variant
def test_the_first_capture_comes_in_between(variant):
    assert split(variant, '"a,b,c,d", "(,)"') == ("a|,|b|,|c|,|d", None)


@each_variant
def test_begins_at_ctx_pos(variant):
    assert split(variant, '"a,b,c,d", ",", nil, {pos = 5}') == ("c|d", None)


@each_variant
def test_max_bounds_the_parts(variant):
    assert split(variant, '"a,b,c,d", ",", nil, ctx, 3') == ("a|b|c,d", 4)


@each_variant
def test_an_empty_pattern_gives_characters(variant):
    assert split(variant, '"abcd", ""') == ("a|b|c|d", None)


@each_variant
def test_empty_parts_at_the_end_go_unless_max_is_given(variant):
    assert split(variant, '"a,,b,,", ","') == ("a||b", None)
    assert split(variant, '"a,,b,,", ",", nil, nil, 10') == ("a||b||", None)


@each_variant
def test_res_gets_a_nil_behind_its_last_part(variant):
    source = b"""
    local mine = {1, 2, 3, 4}
    local res = require("ngx.re").split("a,b", ",", nil, nil, nil, mine)
    return res == mine, res[1], res[2], res[3], res[4]
    """
    assert regex_vm(variant).run(source) == (True, b"a", b"b", None, 4)


@each_variant
def test_a_group_that_took_no_part_puts_nothing_in(variant):
    """Where lua-resty-core 0.1.25 puts the whole subject."""
    assert split(variant, '"a,b;c", "(,)|(;)"') == ("a|,|b|c", None)


@each_variant
def test_a_bad_pattern_is_an_answer(variant):
    expected = 'pcre_compile() failed: missing ) in "("'
    assert split(variant, '"a", "("') == (expected, None)


@each_variant
def test_a_failing_match_is_an_answer(variant):
    assert split(variant, '"a\\255", "b", "u"') == ("pcre_exec() failed: -10", None)


# A JIT-compiled pattern that wants more stack than it gets by default; so it is
# with PCRE1 on the real one, too.
DEEP = b"return (...).re.find(('a'):rep(20000), '(?:(a)|b)*$', 'j')"


@each_variant
def test_jit_stack_size(variant):
    vm = RegexVM(variant)
    assert vm.run(DEEP) == (None, None, b"pcre_exec() failed: -27")
    vm.run(b"require('ngx.re').opt('jit_stack_size', 1024)")
    assert vm.run(DEEP) == (None, None, b"pcre_exec() failed: -27")
    vm.run(b"require('ngx.re').opt('jit_stack_size', 4 * 1024 * 1024)")
    assert vm.run(DEEP) == (1, 20000)
    vm.run(b"require('ngx.re').opt('jit_stack_size', 8 * 1024 * 1024)")
    assert vm.run(DEEP) == (1, 20000)


@each_variant
def test_jit_stack_size_is_too_late_once_a_pattern_is_kept(variant):
    vm = RegexVM(variant)
    vm.run(b"(...).re.match('a', 'a', 'j')")
    vm.run(b"require('ngx.re').opt('jit_stack_size', 65536)")
    vm.run(b"(...).re.match('a', 'a', 'o')")
    message = (
        "changing jit stack size is not allowed when some regexs have already"
        " been compiled and cached"
    )
    with pytest.raises(LuaError, match=message):
        vm.run(b"require('ngx.re').opt('jit_stack_size', 65536)")


@each_variant
def test_other_options_are_refused(variant):
    with pytest.raises(LuaError, match="unrecognized option name"):
        regex_vm(variant).run(b"require('ngx.re').opt('jit_stack', 1)")
