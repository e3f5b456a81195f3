from __future__ import annotations

import pytest
from codec_vm import VARIANTS, codec_vm

# MySQL's manual, "String Literals": the escape sequences it names, less \%
# and \_, which are for patterns alone.
ESCAPES = {
    b"\0": b"\\0",
    b"'": b"\\'",
    b'"': b'\\"',
    b"\b": b"\\b",
    b"\n": b"\\n",
    b"\r": b"\\r",
    b"\t": b"\\t",
    b"\x1a": b"\\Z",
    b"\\": b"\\\\",
}

each_variant = pytest.mark.parametrize("variant", VARIANTS, ids=str)


@each_variant
def test_every_byte(variant):
    quote = codec_vm(variant).codec("sql")["quote_sql_str"]
    for value in range(256):
        byte = bytes([value])
        assert quote(byte) == b"'" + ESCAPES.get(byte, byte) + b"'"


@each_variant
def test_strings(variant):
    quote = codec_vm(variant).codec("sql")["quote_sql_str"]
    assert quote(b"") == b"''"
    assert quote(b"it's \\0\0") == b"'it\\'s \\\\0\\0'"
