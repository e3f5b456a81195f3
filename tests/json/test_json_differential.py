"""The same documents and values on lua-cjson, the C module, and on ours.

The C module is Debian's, lua-cjson 2.1.0, under the real nginx; OpenResty's
words some errors in another way (:data:`_WORDS`).
"""

from __future__ import annotations

import json
import math
import re
import tempfile
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from json_vm import VARIANTS, json_vm
from openresty_eval import OpenResty, OurVM, literal

_MODULE = 'require("cjson")'

_WORDS = {
    "T_INTEGER": "T_NUMBER",
    "NaN or Infinity": "NaN or Inf",
    "excessive depth": "excessive nesting",
}

JSON_ALPHABET = '[]{},:" \t\n\\ux0159aAdD8-+.eEtrufalsn\0é/I'

_NUMBERS = st.one_of(
    st.integers(-(2**53), 2**53),
    st.floats(allow_nan=False, allow_infinity=False),
)
_TEXTS = st.text(max_size=12)
_DOCUMENTS = st.recursive(
    st.one_of(st.none(), st.booleans(), _NUMBERS, _TEXTS),
    lambda inner: st.one_of(
        st.lists(inner, max_size=6), st.dictionaries(_TEXTS, inner, max_size=6)
    ),
    max_leaves=30,
)
_LAYOUTS = st.sampled_from([None, 1, "\t", "\r\n "])


@pytest.fixture(scope="module")
def nginx():
    with tempfile.TemporaryDirectory() as folder, OpenResty(Path(folder)) as real:
        yield real


@pytest.fixture(scope="module", params=VARIANTS, ids=str)
def ours(request):
    return OurVM(json_vm(request.param))


# Of two texts of 17 digits that are as near, Lua's printf and LuaJIT's own
# choose differently; the number is the same.
_FLOAT = re.compile(r"\d+\.\d+(?:e[+-]\d+)?")


def _exact(line):
    return _FLOAT.sub(lambda found: repr(float(found[0])), line)


def _neutral(line):
    for own, theirs in _WORDS.items():
        line = line.replace(own, theirs)
    return line


def _same(nginx, ours, expressions):
    expected = nginx.evaluate(expressions)
    found = map(_neutral, ours.evaluate(expressions))
    for expression, real, own in zip(expressions, expected, found, strict=True):
        assert _exact(own) == _exact(real), expression


def _decoded(text):
    return f"{_MODULE}.decode({literal(text)})"


@settings(max_examples=12, deadline=None)
@given(documents=st.lists(st.tuples(_DOCUMENTS, _LAYOUTS, st.booleans()), min_size=5))
def test_documents_decode_alike(nginx, ours, documents):
    texts = [
        json.dumps(document, indent=layout, ensure_ascii=ascii_only).encode(
            "utf-8", "surrogatepass"
        )
        for document, layout, ascii_only in documents
    ]
    _same(nginx, ours, [_decoded(text) for text in texts])


@settings(max_examples=12, deadline=None)
@given(texts=st.lists(st.text(JSON_ALPHABET, max_size=14), min_size=10, max_size=60))
def test_what_is_no_json_fails_alike(nginx, ours, texts):
    _same(nginx, ours, [_decoded(text.encode()) for text in texts])


@settings(max_examples=12, deadline=None)
@given(
    documents=st.lists(_DOCUMENTS, min_size=5, max_size=20),
    cuts=st.lists(
        st.tuples(st.integers(0, 60), st.sampled_from(JSON_ALPHABET)), min_size=20
    ),
)
def test_damaged_documents_fail_alike(nginx, ours, documents, cuts):
    expressions = []
    for document, (at, char) in zip(documents, cuts, strict=False):
        text = json.dumps(document)
        for damaged in (text[:at], text[:at] + char + text[at + 1 :]):
            expressions.append(_decoded(damaged.encode()))
    _same(nginx, ours, expressions)


def _lua(value):
    """Return *value* as a Lua expression, without nil in lists."""
    if value is None:
        return "ngx.null"
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, (int, float)):
        # Whole numbers of many digits are written out where there are integers.
        plain = isinstance(value, int) and abs(value) < 10**14
        return repr(value) if plain else f"({float(value)!r} + 0.0)"
    if isinstance(value, str):
        return literal(value.encode("utf-8", "surrogatepass"))
    if isinstance(value, list):
        return "{" + ", ".join(map(_lua, value)) + "}"
    items = (f"[{_lua(key)}] = {_lua(item)}" for key, item in value.items())
    return "{" + ", ".join(items) + "}"


@settings(max_examples=12, deadline=None)
@given(values=st.lists(_DOCUMENTS, min_size=5, max_size=20))
def test_values_encode_alike(nginx, ours, values):
    # Objects have no order, so those of several keys make a round trip.
    expressions = []
    for value in values:
        text = f"{_MODULE}.encode({_lua(value)})"
        several = re.search(r"\[.*\] = .*\[.*\] = ", text)
        expressions.append(f"{_MODULE}.decode({text})" if several else text)
    _same(nginx, ours, expressions)


@settings(max_examples=12, deadline=None)
@given(numbers=st.lists(st.floats(), min_size=20), precision=st.integers(1, 14))
def test_numbers_encode_alike(nginx, ours, numbers, precision):
    finite = [number for number in numbers if math.isfinite(number)]
    _same(
        nginx,
        ours,
        [
            "(function() local json = require('cjson').new() "
            f"json.encode_number_precision({precision}) "
            f"return json.encode({number!r} + 0.0) end)()"
            for number in finite
        ],
    )


@settings(max_examples=12, deadline=None)
@given(
    arrays=st.lists(
        st.dictionaries(st.integers(-1, 40), st.just(1), max_size=6), min_size=5
    ),
    convert=st.booleans(),
    ratio=st.integers(0, 6),
    safe=st.integers(0, 20),
)
def test_sparse_arrays_encode_alike(nginx, ours, arrays, convert, ratio, safe):
    expressions = [
        "(function() local json = require('cjson').new() "
        f"json.encode_sparse_array({str(convert).lower()}, {ratio}, {safe}) "
        f"local text = json.encode({_lua(array)}) "
        "return text:sub(1, 1) == '[' and text or json.decode(text) end)()"
        for array in arrays
    ]
    _same(nginx, ours, expressions)


@pytest.mark.parametrize(
    "expression",
    [
        "pcall(json.encode)",
        "pcall(json.encode, 1, 2)",
        "pcall(json.encode, print)",
        "pcall(json.encode, {[print] = 1})",
        "pcall(json.encode, {[print] = print})",
        "pcall(json.encode, 1/0)",
        "pcall(json.decode)",
        "pcall(json.decode, {})",
        "pcall(json.decode, 12)",
        "pcall(json.decode_max_depth, 2)",
        "pcall(json.decode, '[[[')",
        "pcall(json.encode_max_depth, 0)",
        "pcall(json.encode_max_depth, 'x')",
        "pcall(json.encode_max_depth, 1, 2)",
        "json.encode_sparse_array()",
        "pcall(json.encode_sparse_array, 'x')",
        "pcall(json.encode_sparse_array, true, 1, 2, 3)",
        "json.encode_invalid_numbers('null'), json.encode({1/0})",
        "pcall(json.encode_keep_buffer, 1)",
        "json.decode('[null]')[1] == ngx.null",
        "json.null == ngx.null",
        "json.decode('x')",
        "json.decode({})",
        "json.encode(print)",
        "json.encode_max_depth(0)",
        "safe.decode('x')",
        "safe.decode({})",
        "safe.decode()",
        "safe.encode(print)",
        "safe.encode()",
        "safe.encode({})",
        "json._NAME, safe._NAME",
    ],
)
def test_calls(nginx, ours, expression):
    head = "(function() local json, safe = require('cjson').new(), "
    head += "require('cjson.safe') local a, b, c = "
    _same(nginx, ours, [head + expression + " return a, b, c end)()"])
