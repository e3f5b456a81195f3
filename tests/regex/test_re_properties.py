"""What holds for any pattern and subject."""

from __future__ import annotations

import functools

import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st
from re_corpus import pattern_of
from regex_vm import VARIANTS, RegexVM, each_variant

PATTERNS = st.builds(
    lambda rng: pattern_of(rng).encode(), st.randoms(use_true_random=False)
)
SUBJECTS = st.one_of(
    st.text("aabbcx1 \n", max_size=30).map(str.encode), st.binary(max_size=30)
)
OPTIONS = st.lists(st.sampled_from("ijmosU"), unique=True).map(
    lambda letters: "".join(letters).encode()
)

examples = settings(max_examples=60, deadline=None)


# Some generated patterns backtrack without end; this ends them soon.
LIMITED = b"pcre_exec() failed: -8"


@functools.cache
def limited_vm(variant):
    return RegexVM(variant, {"lua_regex_match_limit": 100_000})


def run(variant, source, *args):
    body = b"local ngx, subject, pattern, options = ... local re = ngx.re " + source
    return limited_vm(variant).run(body, *args)


@each_variant
@given(SUBJECTS, PATTERNS, OPTIONS)
@examples
def test_replacing_matches_by_themselves_changes_nothing(
    variant, subject, pattern, options
):
    source = b"""
    local called, n, err = re.gsub(subject, pattern, function(m)
        return m[0]
    end, options)
    local templated, n2 = re.gsub(subject, pattern, "$0", options)
    return called, templated, n == n2, err
    """
    called, templated, same_count, err = run(variant, source, subject, pattern, options)
    assume(err != LIMITED)
    assert (called, templated, same_count, err) == (subject, subject, True, None)


@each_variant
@given(SUBJECTS, PATTERNS, OPTIONS)
@examples
def test_find_and_match_agree(variant, subject, pattern, options):
    source = b"""
    local m = re.match(subject, pattern, options)
    for nth = 0, m and #m or 0 do
        local from, to = re.find(subject, pattern, options, nil, nth)
        local text = from and subject:sub(from, to) or false
        if (m and m[nth] or false) ~= text then
            return nth
        end
    end
    return true
    """
    assert run(variant, source, subject, pattern, options) is True


@each_variant
@given(SUBJECTS, PATTERNS, OPTIONS)
@examples
def test_gmatch_yields_what_gsub_replaces(variant, subject, pattern, options):
    source = b"""
    local iterated, replaced = {}, {}
    for m in re.gmatch(subject, pattern, options) do
        iterated[#iterated + 1] = m[0]
    end
    re.gsub(subject, pattern, function(m)
        replaced[#replaced + 1] = m[0]
        return ""
    end, options)
    return table.concat(iterated, "|") == table.concat(replaced, "|")
    """
    assert run(variant, source, subject, pattern, options) is True


@each_variant
@given(SUBJECTS, st.sampled_from([b"(a+)", b"([ab1])", b"(x|bc)", b"( )", b"(\n)"]))
@examples
def test_parts_and_separators_make_the_subject(variant, subject, pattern):
    source = b"""
    local parts = require("ngx.re").split(subject, pattern, "jo", nil,
                                          #subject + 2)
    return table.concat(parts)
    """
    assert run(variant, source, subject, pattern) == subject


@pytest.mark.skipif(len({v.half for v in VARIANTS}) < 2, reason="one engine only")
@given(SUBJECTS, PATTERNS, OPTIONS)
@examples
def test_both_engines_agree(subject, pattern, options):
    source = b"""
    local out = {}
    local answer, n, err = re.gsub(subject, pattern, function(m)
        for i = 0, #m do
            out[#out + 1] = tostring(m[i])
        end
        return "-"
    end, options)
    return answer, n, err, table.concat(out, "|")
    """
    answers = {
        run(v, source, subject, pattern, options)
        for v in VARIANTS
        if v.flavour == "luajit21"
    }
    assert len(answers) == 1


# Any byte strings at all: no crash, and either an answer or a text.
@each_variant
@given(st.binary(max_size=12), st.binary(max_size=12), st.binary(max_size=6))
@settings(max_examples=100, deadline=None)
def test_bytes_never_do_worse_than_an_error(variant, subject, pattern, options):
    source = b"""
    options = "j" .. options:gsub("[^dDiJmsuUx]", "")
    local answer, n, err = re.gsub(subject, pattern, "", options)
    return answer == nil, type(err)
    """
    failed, kind = run(variant, source, subject, pattern, options)
    assert kind == (b"string" if failed else b"nil")
