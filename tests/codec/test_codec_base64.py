from __future__ import annotations

import base64

import pytest
from codec_vm import VARIANTS, codec_vm
from hypothesis import given
from hypothesis import strategies as st

LONG = bytes(range(256)) * 1024

each_variant = pytest.mark.parametrize("variant", VARIANTS, ids=str)


@each_variant
@given(data=st.binary(max_size=100))
def test_encodes_as_python(variant, data):
    codec = codec_vm(variant).codec("base64")
    standard, url = base64.b64encode(data), base64.urlsafe_b64encode(data)
    assert codec["encode"](data) == standard
    assert codec["encode"](data, True) == standard.rstrip(b"=")
    assert codec["encode_url"](data) == url.rstrip(b"=")


@each_variant
@given(data=st.binary(max_size=100))
def test_decodes_what_python_encodes(variant, data):
    codec = codec_vm(variant).codec("base64")
    standard, url = base64.b64encode(data), base64.urlsafe_b64encode(data)
    assert codec["decode"](standard) == data
    assert codec["decode"](standard.rstrip(b"=")) == data
    assert codec["decode_url"](url) == data
    assert codec["decode_mime"](base64.encodebytes(data)) == data


@each_variant
def test_long_strings(variant):
    codec = codec_vm(variant).codec("base64")
    text = base64.b64encode(LONG)
    assert codec["encode"](LONG) == text
    assert codec["decode"](text) == LONG
    assert codec["decode_mime"](base64.encodebytes(LONG)) == LONG


@each_variant
@pytest.mark.parametrize("text", [b"a", b"abcde", b"a=", b"ab\n", b"ab cd", b"^*~"])
def test_malformed(variant, text):
    codec = codec_vm(variant).codec("base64")
    assert codec["decode"](text) is None
    assert codec["decode_url"](text) is None


@each_variant
def test_alphabets_do_not_mix(variant):
    codec = codec_vm(variant).codec("base64")
    assert codec["decode"](b"-_") is None
    assert codec["decode_url"](b"+/") is None


@each_variant
@pytest.mark.parametrize(
    ("text", "data"),
    [
        (b"aGVs\r\nbG8=", b"hello"),
        (b"!a@G#V$s%b^G&8*", b"hello"),
        (b"aGVsbG8=aGVsbG8=", b"hello"),
        (b"", b""),
        (b"****", b""),
        (b"a", None),
        (b"*a*", None),
    ],
)
def test_mime_skips_what_is_no_digit(variant, text, data):
    assert codec_vm(variant).codec("base64")["decode_mime"](text) == data
