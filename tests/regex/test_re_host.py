"""The host side of ngx.re: finding the library, and what it keeps."""

from __future__ import annotations

import ctypes
import gc

import pytest

from resty_py.host import regex
from resty_py.vm import HostError

CASELESS = 0x8


@pytest.fixture
def functions():
    return regex.functions()


def test_compile_tells_groups_and_names(functions):
    answer = functions["compile"](b"(?<year>\\d+)-(\\d+)-(?<day>\\d+)", 0, 0, True)
    assert answer == (3, b"day", 3, b"year", 1)


def test_compile_tells_code_and_offset(functions):
    assert functions["compile"](b"ab(", 0, 0, False) == (None, 114, 3)
    assert functions["message"](114) == b"missing closing parenthesis"


def test_match_tells_the_offsets(functions):
    functions["load"](b"xxAB")
    options = b"(a)(c)?(b)(d)?", CASELESS, 0, True
    assert functions["match"](*options, 0) == (4, 2, 4, 2, 3, -1, -1, 3, 4)
    assert functions["match"](*options, 3) == (-1,)
    assert functions["match"](*options, 5) == (-33,)


def test_dfa_match_tells_the_longest(functions):
    functions["load"](b"xfoobar")
    assert functions["dfa_match"](b"foo|foobar", 0, 0, False, 0) == (1, 1, 7)
    assert functions["dfa_match"](b"no", 0, 0, False, 0) == (-1,)


def test_dropped_patterns_are_freed_and_compiled_again(monkeypatch):
    freed = []
    for name in ("code_free", "match_data_free"):
        # Notes the call in place of making it.
        monkeypatch.setattr(
            regex._library(), name, lambda _pointer, name=name: freed.append(name)
        )
    monkeypatch.setattr(regex, "KEPT_MAX", 2)
    functions = regex.functions()
    functions["load"](b"abc")
    for pattern in (b"a", b"b", b"a"):
        functions["match"](pattern, 0, 0, False, 0)
    assert freed == []
    functions["match"](b"c", 0, 0, False, 0)  # drops b
    functions["match"](b"a", 0, 0, False, 0)
    gc.collect()
    assert sorted(freed) == ["code_free", "match_data_free"]
    assert functions["match"](b"b", 0, 0, False, 0) == (1, 1, 2)
    gc.collect()
    assert len(freed) == 4


def test_a_missing_library_is_said_with_its_cure(monkeypatch):
    def refuse(name):
        raise OSError(f"{name}: cannot open shared object file")

    monkeypatch.setattr(ctypes, "CDLL", refuse)
    regex.find_library.cache_clear()
    try:
        with pytest.raises(HostError, match="apt-get install libpcre2-8-0"):
            regex.functions()["library"]()
    finally:
        regex.find_library.cache_clear()


def test_engines_do_not_share_subjects():
    one, two = regex.functions(), regex.functions()
    one["load"](b"one")
    two["load"](b"two")
    assert one["match"](b"o", 0, 0, False, 0) == (1, 0, 1)
    assert two["match"](b"o", 0, 0, False, 0) == (1, 2, 3)
