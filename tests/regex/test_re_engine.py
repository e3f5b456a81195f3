"""PCRE2 under ngx.re: where it differs from the PCRE1 of the real one here.

Expectations are from pcre2pattern(3) and pcre2api(3): what OpenResty answers
since it runs PCRE2 itself, but in PCRE1's words and numbers.
"""

from __future__ import annotations

import pytest
from regex_vm import each_variant, regex_vm


def match(variant, subject, pattern, options=""):
    """Return the match and its captures, or nil and the error."""
    source = b"""
    local ngx, subject, pattern, options = ...
    local m, err = ngx.re.match(subject, pattern, options)
    if m then
        return m[0], m[1]
    end
    return nil, err
    """
    return regex_vm(variant).run(source, subject, pattern, options.encode())


@each_variant
def test_unknown_escapes_are_the_letter(variant):
    assert match(variant, b"xyz", b"\\y\\z") == (None, None)
    assert match(variant, b"xy", b"\\y\\z") == (b"y", None)
    assert match(variant, b"a-y", b"[\\y-]+", "j") == (b"-y", None)


@each_variant
def test_other_bad_escapes_stay_errors(variant):
    _, err = match(variant, b"x", b"\\p{Foo}")
    assert err == (
        b"pcre_compile() failed: unknown property name after \\P or \\p in"
        b' "\\p{Foo}" at "}"'
    )


@each_variant
def test_a_pattern_may_hold_nul(variant):
    assert match(variant, b"xa\0b", b"a\0b") == (b"a\0b", None)
    assert match(variant, b"a\0c", b"a\0b") == (None, None)


@each_variant
def test_ranges_from_or_to_a_class_are_errors(variant):
    _, err = match(variant, b"-", b"[\\d-z]")
    assert err.startswith(b"pcre_compile() failed: invalid range in character class")


@each_variant
def test_endless_recursion_is_a_match_error(variant):
    assert match(variant, b"aaa", b"(?R)") == (None, b"pcre_exec() failed: -26")


@each_variant
def test_a_bracket_alone_is_itself_with_j(variant):
    assert match(variant, b"a]", b"]", "J") == (b"]", None)


@each_variant
def test_more_groups_than_are_shared(variant):
    for groups in (31, 32, 33, 500):
        subject, pattern = b"a" * groups, b"(a)" * groups
        source = b"""
        local ngx, subject, pattern = ...
        local m = ngx.re.match(subject, pattern, "jo")
        local from, to = ngx.re.find(subject, pattern, "jo", nil, #subject)
        return #m, m[#subject], from, to
        """
        answer = regex_vm(variant).run(source, subject, pattern)
        assert answer == (groups, b"a", groups, groups)


@each_variant
def test_the_dfa_matcher_takes_the_longest_and_no_captures(variant):
    assert match(variant, b"foobar", b"foo|foobar") == (b"foo", None)
    assert match(variant, b"foobar", b"foo|foobar|(f)oo", "d") == (b"foobar", None)
    # One of a hundred matches that begin at the same place.
    assert match(variant, b"a" * 100, b"a*", "d") == (b"a" * 100, None)


@each_variant
def test_what_the_dfa_matcher_cannot_do(variant):
    assert match(variant, b"aa", b"(a)\\1", "d") == (None, b"pcre_exec() failed: -16")
    subject, pattern = b"a" * 3000, b"(a|b|c|d|e)*(a|b|c)*(x|y)*"
    assert match(variant, subject, pattern, "d") == (None, b"pcre_exec() failed: -19")


MALFORMED = [b"\xff", b"a\xc3", b"\xed\xa0\x80", b"\xf4\x90\x80\x80", b"\xe4\xbd\xff"]


@each_variant
@pytest.mark.parametrize("malformed", MALFORMED)
def test_letter_u_refuses_malformed_subjects(variant, malformed):
    for options in ("u", "ju", "du"):
        answer = match(variant, b"ab" + malformed, b"b", options)
        assert answer == (None, b"pcre_exec() failed: -10")
    for options in ("", "j"):
        answer = match(variant, b"ab" + malformed, b"(*UTF)b", options)
        assert answer == (None, b"pcre_exec() failed: -10")


@each_variant
@pytest.mark.parametrize("malformed", MALFORMED)
def test_capital_u_matches_around_malformed_parts(variant, malformed):
    you = "你".encode()
    for options in ("U", "jU"):
        subject = malformed + b"b" + you + b"c" + malformed
        assert match(variant, subject, b"b(.)c", options)[1] == you
        source = b"local ngx, s, o = ... return ngx.re.gsub(s, '.', '', o)"
        rest, count = regex_vm(variant).run(source, subject, options.encode())
        assert count >= 3
        assert you not in rest


@each_variant
def test_the_dfa_matcher_checks_for_capital_u_too(variant):
    assert match(variant, "你b".encode(), b".", "dU") == ("你".encode(), None)
    assert match(variant, b"\xff", b".", "dU") == (None, b"pcre_exec() failed: -10")


@each_variant
def test_patterns_must_be_utf_8_for_u_and_capital_u(variant):
    for options in ("u", "U"):
        _, err = match(variant, b"x", b"\xff", options)
        assert err.startswith(b"pcre_compile() failed: invalid UTF-8 string in ")


@each_variant
def test_unicode_case(variant):
    assert match(variant, "É".encode(), "é".encode(), "iu") == ("É".encode(), None)
    assert match(variant, "É".encode(), "é".encode(), "i") == (None, None)


@each_variant
def test_errors_are_cut_as_openresty_cuts_them(variant):
    _, err = match(variant, b"x", b"(" + b"a" * 300)
    assert err == (b'pcre_compile() failed: missing ) in "(' + b"a" * 300)[:127]


@each_variant
def test_lasting_subjects_are_not_confused(variant):
    """The host keeps the latest subject; equal lengths, other bytes."""
    assert match(variant, b"one", b"...") == (b"one", None)
    assert match(variant, b"two", b"...") == (b"two", None)
    assert match(variant, b"one", b"...") == (b"one", None)
