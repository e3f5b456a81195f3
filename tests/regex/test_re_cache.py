"""Kept patterns and limits: lua_regex_cache_max_entries, lua_regex_match_limit."""

from __future__ import annotations

from regex_vm import RegexVM, each_variant

# Whether compiling anew, in the order of the letters, gives the kept record.
IDENTITIES = b"""
local regex = require "resty_py.regex"
local seen, answers = {}, {}
for letter in (select(2, ...)):gmatch(".") do
    local re = regex.compile(letter, "o")
    answers[#answers + 1] = re == seen[letter] and "+" or "-"
    seen[letter] = re
end
return table.concat(answers)
"""


def identities(variant, settings, letters):
    """Return for each of *letters*: "+" its pattern was kept, "-" it was not."""
    return RegexVM(variant, settings).run(IDENTITIES, letters.encode()).decode()


@each_variant
def test_letter_o_keeps(variant):
    assert identities(variant, {}, "aabab") == "-+-++"


@each_variant
def test_the_least_recently_used_goes_first(variant):
    settings = {"lua_regex_cache_max_entries": 3}
    # d drops b, for a was used since; b drops c, and c drops d.
    assert identities(variant, settings, "abcadabca") == "---+-+--+"
    assert identities(variant, {"lua_regex_cache_max_entries": 1}, "aabbab") == "-+-+--"


@each_variant
def test_nothing_is_kept_where_the_size_is_0(variant):
    assert identities(variant, {"lua_regex_cache_max_entries": 0}, "aaa") == "---"


@each_variant
def test_the_default_is_1024(variant):
    source = b"""
    local regex = require "resty_py.regex"
    local first = regex.compile("first", "o")
    for i = 1, 1023 do
        regex.compile("p" .. i, "o")
    end
    local kept = first == regex.compile("first", "o")
    for i = 1, 1024 do
        regex.compile("q" .. i, "o")
    end
    return kept, first == regex.compile("first", "o")
    """
    assert RegexVM(variant).run(source) == (True, False)


@each_variant
def test_options_are_part_of_the_key(variant):
    source = b"""
    local re = (...).re
    local plain, folded = re.match("A", "a", "o"), re.match("A", "a", "io")
    return plain, folded[0], re.match("A", "a", "o"), re.match("A", "a", "oi")[0]
    """
    assert RegexVM(variant).run(source) == (None, b"A", None, b"A")


@each_variant
def test_a_dropped_pattern_still_serves_its_iterator(variant):
    source = b"""
    local re, found = (...).re, {}
    for m in re.gmatch("a1b2", "[a-z]", "o") do
        re.match("x", m[0], "o")
        collectgarbage()
        found[#found + 1] = m[0]
    end
    return table.concat(found)
    """
    assert RegexVM(variant, {"lua_regex_cache_max_entries": 1}).run(source) == b"ab"


BACKTRACKING = b"""
local re = (...).re
local subject = ("a"):rep(24) .. "b"
local _, plain = re.match(subject, "^(a+)+$")
local _, jit = re.match(subject, "^(a+)+$", "jo")
local _, _, found = re.find(subject, "^(a+)+$")
local _, _, replaced = re.gsub(subject, "^(a+)+$", "")
local it = re.gmatch(subject, "^(a+)+$")
local _, iterated = it()
return plain, jit, found, replaced, iterated
"""


@each_variant
def test_the_match_limit_ends_backtracking(variant):
    vm = RegexVM(variant, {"lua_regex_match_limit": 5000})
    assert vm.run(BACKTRACKING) == (b"pcre_exec() failed: -8",) * 5


@each_variant
def test_the_match_limit_spares_the_rest(variant):
    vm = RegexVM(variant, {"lua_regex_match_limit": 5000})
    assert vm.run(b'return (...).re.match("aaab", "^(a+)+b$")[1]') == b"aaa"


@each_variant
def test_the_match_limit_does_not_bind_the_dfa_matcher(variant):
    vm = RegexVM(variant, {"lua_regex_match_limit": 2})
    source = b"""
    local re = (...).re
    return select(2, re.match("aaa", "^(a+)+$")), re.match("aaa", "^(a+)+$", "d")[0]
    """
    assert vm.run(source) == (b"pcre_exec() failed: -8", b"aaa")


@each_variant
def test_0_leaves_the_library_s_own_limit(variant):
    source = b'return select("#", (...).re.match(("a"):rep(14) .. "b", "^(a+)+$"))'
    assert RegexVM(variant, {"lua_regex_match_limit": 0}).run(source) == 1
    limited = RegexVM(variant, {"lua_regex_match_limit": 5000})
    assert limited.run(source) == 2
