from __future__ import annotations

from urllib.parse import parse_qsl, quote

import pytest
from codec_vm import VARIANTS, codec_vm
from hypothesis import given
from hypothesis import strategies as st

each_variant = pytest.mark.parametrize("variant", VARIANTS, ids=str)

# Describes a table of arguments as bytes: "key=value" and "key", sorted.
DESCRIBE = b"""
local _, decoder, s, max = ...
local args, err = require("resty_py.codec.args")[decoder](s, max)
local lines = {}
for key, values in pairs(args) do
    if type(values) ~= "table" then
        values = {values}
    end
    for i, value in ipairs(values) do
        local suffix = value == true and "" or "=" .. value
        lines[#lines + 1] = key .. "#" .. i .. suffix
    end
end
table.sort(lines)
return table.concat(lines, "\\n"), err
"""

REUSE = b"""
local args = require "resty_py.codec.args"
local into = {old = 1, "old"}
local result = args[...]("a=1&a=2", 100, into)
local count = 0
for _ in pairs(into) do count = count + 1 end
return result == into, count, into.a[1], into.a[2]
"""


def decode(variant, decoder, query, limit):
    lines, err = codec_vm(variant).run(DESCRIBE, decoder, query, limit)
    return lines.split(b"\n") if lines else [], err


def expected_lines(query):
    """Return what DESCRIBE says, by urllib's reading of *query*."""
    seen, lines = {}, []
    for pair in query.split("&"):
        for key, value in parse_qsl(pair, True, encoding="latin-1"):
            if key:
                seen[key] = seen.get(key, 0) + 1
                suffix = f"={value}" if "=" in pair else ""
                lines.append(f"{key}#{seen[key]}{suffix}".encode("latin-1"))
    return sorted(lines)


@each_variant
@pytest.mark.parametrize("decoder", [b"decode", b"decode_query"])
@given(query=st.text("ab=&%2+6", max_size=30))
def test_pairs_are_those_of_urllib(variant, decoder, query):
    assert decode(variant, decoder, query.encode(), 0) == (
        expected_lines(query),
        None,
    )


@each_variant
@pytest.mark.parametrize("decoder", [b"decode", b"decode_query"])
@pytest.mark.parametrize(
    ("query", "limit", "kept", "err"),
    [
        (b"a=1&b=2&c=3", 2, [b"a#1=1", b"b#1=2"], b"truncated"),
        (b"a=1&b=2", 2, [b"a#1=1", b"b#1=2"], None),
        (b"a=1&b=2", 0, [b"a#1=1", b"b#1=2"], None),
        (b"a=1&", 1, [b"a#1=1"], b"truncated"),
    ],
)
def test_limit(variant, decoder, query, limit, kept, err):
    assert decode(variant, decoder, query, limit) == (kept, err)


@each_variant
@pytest.mark.parametrize("decoder", [b"decode", b"decode_query"])
def test_a_hundred_pairs_by_default(variant, decoder):
    hundred = b"&".join(b"k%02d=" % i for i in range(100))
    lines, err = decode(variant, decoder, hundred, None)
    assert (len(lines), err) == (100, None)
    lines, err = decode(variant, decoder, hundred + b"&more", None)
    assert (len(lines), err) == (100, b"truncated")


@each_variant
def test_dropped_pairs_count_in_a_string_but_not_in_a_query(variant):
    # ngx_http_lua_parse_args counts each "&", the other what it keeps.
    assert decode(variant, b"decode", b"&&a&b", 2) == ([], b"truncated")
    assert decode(variant, b"decode_query", b"&&a&b", 2) == (
        [b"a#1", b"b#1"],
        b"truncated",
    )


@each_variant
@pytest.mark.parametrize("decoder", [b"decode", b"decode_query"])
def test_a_table_is_emptied_and_used_again(variant, decoder):
    vm = codec_vm(variant).vm
    assert vm.run(REUSE, decoder) == (True, 1, b"1", b"2")


# Decodes a string over and over; returns the CPU time that one pair took.
MEASURE = b"""
local _, s, pairs_of_s, times = ...
local decode = require("resty_py.codec.args").decode
local start = os.clock()
for _ = 1, times do
    decode(s, 0)
end
return (os.clock() - start) / pairs_of_s / times
"""


@each_variant
def test_pairs_without_value_take_linear_time(variant):
    """A search for "=" from every pair to the end would make it quadratic."""
    run = codec_vm(variant).run
    pair = b"k" * 199 + b"&"
    few = run(MEASURE, pair * 500, 500, 20)
    many = run(MEASURE, pair * 10_000, 10_000, 1)
    assert many < 5 * few


@each_variant
@given(key=st.binary(min_size=1, max_size=20), value=st.binary(max_size=20))
def test_encode_quotes_both_sides(variant, key, value):
    source = b"""
    local _, key, value = ...
    return require("resty_py.codec.args").encode {[key] = value}
    """
    expected = "=".join(quote(text, "!'()*") for text in (key, value))
    assert codec_vm(variant).run(source, key, value) == expected.encode()


@each_variant
@pytest.mark.parametrize(
    ("table", "expected"),
    [
        (b"{}", b""),
        (b"{a = true}", b"a"),
        (b"{a = false}", b""),
        (b"{['a b'] = false}", b""),
        (b"{['a b'] = {}}", b""),
        (b"{a = {'x', true, 3, false}}", b"a=x&a&a=3"),
        (b"{a = 3.0}", b"a=3"),
    ],
)
def test_encode(variant, table, expected):
    source = b'return require("resty_py.codec.args").encode ' + table
    assert codec_vm(variant).run(source) == expected


@each_variant
@pytest.mark.parametrize(
    ("table", "message"),
    [
        (b"{1}", b'attempt to use a non-string key in the "args" option table'),
        (b"{a = print}", b"attempt to use function as query arg value"),
        (b"{a = {{}}}", b"attempt to use table as query arg value"),
    ],
)
def test_what_cannot_be_encoded(variant, table, message):
    source = b'return require("resty_py.codec.args").encode ' + table
    assert codec_vm(variant).run(source) == (None, message)
