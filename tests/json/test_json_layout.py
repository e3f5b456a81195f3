"""encode_indent, encode_skip_unsupported_value_types and decode_allow_comment."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from json_vm import VARIANTS, each_variant, json_vm

from resty_py.vm import from_lua

DOCUMENT = [1, [], {}, [[2.5, "a/b"], {"k": [{"l": None}]}], True]


@each_variant
@pytest.mark.parametrize("indent", ["  ", "\t", "->"])
def test_indent(variant, indent):
    text = json.dumps(DOCUMENT)
    answer = json_vm(variant).eval(
        b"""
        local text, indent = ...
        json.encode_escape_forward_slash(false)
        json.encode_indent(indent)
        local value = json.decode(text)
        value[2] = json.empty_array
        return json.encode(value)
        """,
        text.encode(),
        indent.encode(),
    )
    # lua-cjson and Python agree on where lines end.
    assert answer.decode() == json.dumps(DOCUMENT, indent=indent)


@each_variant
def test_no_indent(variant):
    source = b"""
    json.encode_indent("  ")
    json.encode_indent("")
    return json.encode({1, {a = 2}}), json.new().encode({1})
    """
    assert json_vm(variant).eval(source) == (b'[1,{"a":2}]', b"[1]")


@each_variant
def test_skip_unsupported_values(variant):
    source = b"""
    local f, null = print, json.null
    local refused = select(2, pcall(json.encode, {f}))
    json.encode_skip_unsupported_value_types(true)
    return refused, json.encode {f, 1, f, f, null, f}, json.encode {a = f},
           json.encode {a = f, b = {f}}, json.encode {f}, json.encode(f),
           json.encode {json.empty_array, coroutine.create(function() end)},
           select(2, pcall(json.encode, {[f] = 1}))
    """
    assert json_vm(variant).eval(source) == (
        b"Cannot serialise function: type not supported",
        b"[1,null]",
        b"{}",
        b'{"b":[]}',
        b"[]",
        b"",
        b"[[]]",
        b"Cannot serialise function: table key must be a number or string",
    )


COMMENTED = {
    b"/**/1": 1,
    b"// one\n[1, // two ]\n 2 /* three\n */]// end": [1, 2],
    b'{"a//b": "c/*d*/" /* " */, // "\n"e\\"//": 3}': {
        b"a//b": b"c/*d*/",
        b'e"//': 3,
    },
    b"[1/*,2*/,3]": [1, 3],
}

FAULTS = {
    b"[1] /* x": (
        b"Expected the end but found unclosed multiline comment at character 9"
    ),
    b"[1 / 2]": b"Expected comma or array end but found invalid token at character 4",
    b"/*/ 1": b"Expected value but found unclosed multiline comment at character 6",
    b"// 1": b"Expected value but found T_END at character 5",
    b"/* 1 */ [1,]": b"Expected value but found T_ARR_END at character 12",
}


@each_variant
def test_comments(variant):
    vm = json_vm(variant)
    switch = b"json.decode_allow_comment(true) "
    for text, value in COMMENTED.items():
        got = vm.eval(switch + b"return json.decode(...)", text)
        assert from_lua(got) == value
    for text, fault in FAULTS.items():
        got = vm.eval(switch + b"return pcall(json.decode, ...)", text)
        assert got == (False, fault)
    assert vm.eval(b"return pcall(json.decode, '1 // x')") == (
        False,
        b"Expected the end but found invalid token at character 3",
    )


@given(
    st.recursive(
        st.integers(-99, 99) | st.text('a/*"\\n ', max_size=4),
        lambda inner: st.lists(inner, max_size=3),
        max_leaves=6,
    ),
    st.lists(st.sampled_from(["/* x */", '// "y\n', " ", "/*//*/"]), min_size=1),
)
@settings(max_examples=60, deadline=None)
def test_comments_change_nothing(value, comments):
    plain = json.dumps([value])
    pieces = json.dumps([value], separators=(",", ":"), indent=0).split("\n")
    text = "".join(
        comments[i % len(comments)] + piece for i, piece in enumerate(pieces)
    )
    source = b"""
        json.decode_allow_comment(true)
        local text, plain = ...
        return json.encode(json.decode(text)) == json.encode(json.decode(plain))
    """
    assert json_vm(VARIANTS[0]).eval(source, text.encode(), plain.encode())


CJSON = Path(f"/usr/lib/{os.uname().machine}-linux-gnu/lua/5.1/cjson.so")

COMPILED = """
from resty_py.vm import VM
print(VM("luajit21").run(b'''
    local cjson, safe = require "cjson", require "cjson.safe"
    return cjson.encode {1}, cjson._VERSION, (select(2, safe.decode "x")), package.cpath
''')[:3])
"""


@pytest.mark.skipif(not CJSON.exists(), reason="needs Debian's lua-cjson")
@pytest.mark.parametrize(
    ("wish", "version"), [("", b"2.1.0.14"), ("compiled", b"2.1.0")]
)
def test_a_compiled_one_may_be_preferred(wish, version):
    done = subprocess.run(
        [sys.executable, "-c", COMPILED],
        env={**os.environ, "RESTY_PY_CJSON": wish},
        capture_output=True,
        text=True,
        check=True,
    )
    fault = b"Expected value but found invalid token at character 1"
    assert done.stdout == f"{(b'[1]', version, fault)}\n"
