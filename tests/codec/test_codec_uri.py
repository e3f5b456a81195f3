from __future__ import annotations

from urllib.parse import quote, unquote_to_bytes

import pytest
from codec_vm import VARIANTS, codec_vm
from hypothesis import given
from hypothesis import strategies as st

# t/006-escape.t of lua-nginx-module: what component escaping leaves alone
# besides what Python's quote() does.
COMPONENT = "!'()*"

# Longer than the memory that codec/ffi/scratch.lua keeps.
LONG = bytes(range(256)) * 1024

each_variant = pytest.mark.parametrize("variant", VARIANTS, ids=str)


def uri(variant, name):
    return codec_vm(variant).codec("uri")[name]


@each_variant
@given(data=st.binary(max_size=80))
def test_component_is_quoted_as_by_urllib(variant, data):
    assert uri(variant, "escape")(data) == quote(data, COMPONENT).encode()


@each_variant
@given(data=st.binary(max_size=80))
def test_unescape_takes_escaped_text_back(variant, data):
    escaped = uri(variant, "escape")(data)
    assert uri(variant, "unescape")(escaped) == data


@each_variant
@given(data=st.text("%+0aAfFgG1 ", max_size=30).map(str.encode))
def test_unescape_reads_as_urllib_and_plus_as_space(variant, data):
    expected = unquote_to_bytes(data.replace(b"+", b" "))
    assert uri(variant, "unescape")(data) == expected


@each_variant
def test_long_strings(variant):
    escaped = quote(LONG, COMPONENT).encode()
    assert uri(variant, "escape")(LONG) == escaped
    assert uri(variant, "unescape")(escaped) == LONG


@each_variant
@pytest.mark.parametrize(
    ("kind", "expected"),
    [
        (0, b"https://www.google.com/%3Ft=abc@%20:"),
        (1, b"https://www.google.com/%3Ft=abc@%20:"),
        (2, b"https%3A%2F%2Fwww.google.com%2F%3Ft%3Dabc%40%20%3A"),
        (3, b"https://www.google.com/?t=abc@%20:"),
        (4, b"https://www.google.com/?t=abc@%20:"),
        (5, b"https://www.google.com/?t=abc@%20:"),
        (6, b"https://www.google.com/?t=abc@%20:"),
    ],
)
def test_kinds_of_escaping(variant, kind, expected):
    # Expected values: t/006-escape.t, TEST 18.
    escape = uri(variant, "escape")
    assert escape(b"https://www.google.com/?t=abc@ :", kind) == expected
