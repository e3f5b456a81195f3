from __future__ import annotations

import time

import pytest
from json_vm import each_variant, json_vm

# text -> a Lua expression about `v`, what it decodes to, that is true
VALUES = {
    '"plain"': "v == 'plain'",
    '""': "v == ''",
    "null": "v == null",
    "true": "v == true",
    "false": "v == false",
    " \t\r\n1 \t\r\n": "v == 1",
    "-0": "v == 0",
    "0": "v == 0",
    "7": "v == 7",
    "[10, 999, 1234567, 4294967296, 12345678901, 123456789.5]": (
        "v[1] == 10 and v[2] == 999 and v[3] == 1234567 and v[4] == 4294967296 "
        "and v[5] == 12345678901 and v[6] == 123456789.5"
    ),
    "[1e2,12E1,123e-1]": "v[1] == 100 and v[2] == 120 and v[3] == 12.3",
    "-12.5e-1": "v == -1.25",
    "1E3": "v == 1000",
    "9007199254740993": "v == 9007199254740993",
    "1e400": "v == math.huge",
    "0x1F": "v == 31",
    "-0x1.8p3": "v == -12",
    "0x1" + 16 * "0": "v == 2 ^ 64",
    "-.5": "v == -0.5",
    "1.": "v == 1",
    "01": "v == 1",
    "nan": "v ~= v",
    "-NaN": "v ~= v",
    "Infinity": "v == math.huge",
    "-inf": "v == -math.huge",
    "[]": "next(v) == nil",
    "{}": "next(v) == nil",
    "[1,[2,[3]],4]": "v[2][2][1] == 3 and v[3] == 4 and #v == 3",
    '{"a":{"b":[]},"c":1}': "next(v.a.b) == nil and v.c == 1",
    '[{"a":1},{"a":2}]': "v[1].a == 1 and v[2].a == 2",
    '{"a":1,"a":2}': "v.a == 2",
    '{"1":"one"}': "v['1'] == 'one' and v[1] == nil",
    r'"\"\\\/\b\f\n\r\t"': r"v == '\"\\/\b\f\n\r\t'",
    r'"\u0041\u00e9\u20AC\ud83d\ude00"': (
        r"v == 'A\195\169\226\130\172\240\159\152\128'"
    ),
    r'"a\u0000b"': r"v == 'a\0b'",
    '"' + "long" * 20000 + r'\n"': r"v == ('long'):rep(20000) .. '\n'",
    r'{"\u0041":"x","b":"\n"}': r"v.A == 'x' and v.b == '\n'",
    '"a\tb"': r"v == 'a\tb'",
    "[1]\0trash": "v[1] == 1",
}

UNICODE = "invalid unicode escape code"

ERRORS = {
    "": "Expected value but found T_END at character 1",
    "  ": "Expected value but found T_END at character 3",
    "[": "Expected value but found T_END at character 2",
    "[1": "Expected comma or array end but found T_END at character 3",
    "[1,": "Expected value but found T_END at character 4",
    "[1,]": "Expected value but found T_ARR_END at character 4",
    "[1 2]": "Expected comma or array end but found T_INTEGER at character 4",
    "[1 2.5]": "Expected comma or array end but found T_NUMBER at character 4",
    "[1}": "Expected comma or array end but found T_OBJ_END at character 3",
    '["a" "b"]': "Expected comma or array end but found T_STRING at character 6",
    "{": "Expected object key string but found T_END at character 2",
    "{1:2}": "Expected object key string but found T_INTEGER at character 2",
    '{"a"}': "Expected colon but found T_OBJ_END at character 5",
    '{"a" null}': "Expected colon but found T_NULL at character 6",
    '{"a":}': "Expected value but found T_OBJ_END at character 6",
    '{"a":1]': "Expected comma or object end but found T_ARR_END at character 7",
    '{"a":1 true': "Expected comma or object end but found T_BOOLEAN at character 8",
    '{"a":1,}': "Expected object key string but found T_OBJ_END at character 8",
    "1 :": "Expected the end but found T_COLON at character 3",
    "1 ,": "Expected the end but found T_COMMA at character 3",
    "1 [": "Expected the end but found T_ARR_BEGIN at character 3",
    "1 {": "Expected the end but found T_OBJ_BEGIN at character 3",
    "xyz": "Expected value but found invalid token at character 1",
    "tru": "Expected value but found invalid token at character 1",
    "-": "Expected value but found invalid number at character 1",
    "[-x]": "Expected value but found invalid number at character 2",
    "1e": "Expected the end but found invalid token at character 2",
    "'a'": "Expected value but found invalid token at character 1",
    '"ab': "Expected value but found unexpected end of string at character 4",
    r'"a\x"': "Expected value but found invalid escape code at character 3",
    r'["\u12x4"]': f"Expected value but found {UNICODE} at character 3",
    r'"\ud800\u0041"': f"Expected value but found {UNICODE} at character 2",
    r'"\u12': f"Expected value but found {UNICODE} at character 2",
    r'"\ud83d\ude': f"Expected value but found {UNICODE} at character 2",
    '"\\': "Expected value but found invalid escape code at character 2",
    r'"\udc00"': f"Expected value but found {UNICODE} at character 2",
    r'"\ud800"': f"Expected value but found {UNICODE} at character 2",
    r'{"\q":1}': (
        "Expected object key string but found invalid escape code at character 3"
    ),
    "\0[]": "JSON parser does not support UTF-16 or UTF-32",
    "[\0]\0": "JSON parser does not support UTF-16 or UTF-32",
    '"a\0"': "Expected value but found unexpected end of string at character 3",
    "[1\v]": "Expected comma or array end but found invalid token at character 3",
}


@each_variant
@pytest.mark.parametrize("text", VALUES, ids=lambda text: text[:40])
def test_value(variant, text):
    source = f"local v = json.decode(...) return {VALUES[text]}"
    assert json_vm(variant).eval(source.encode(), text.encode()) is True


@each_variant
@pytest.mark.parametrize("text", ERRORS)
def test_error(variant, text):
    source = b"return pcall(json.decode, ...)"
    answer = json_vm(variant).eval(source, text.encode())
    assert answer == (False, ERRORS[text].encode())


@each_variant
def test_whole_numbers_are_integers_where_there_are_integers(variant):
    source = b"""
    local type = math.type
    return type(json.decode("1")), type(json.decode("1.0")),
           type(json.decode("123456789012345678901"))
    """
    if variant.flavour in ("lua53", "lua54", "lua55"):
        expected = (b"integer", b"float", b"float")
        assert json_vm(variant).eval(source) == expected


@each_variant
@pytest.mark.parametrize("text", [b"0" * 20_000, b"1" * 20_000 + b"e"])
def test_the_time_for_a_number_grows_with_its_digits(variant, text):
    began = time.process_time()
    json_vm(variant).eval(b"return pcall(json.decode, ...)", text)
    assert time.process_time() - began < 0.5


@each_variant
@pytest.mark.parametrize(
    ("text", "character"), [("[[[1]]]", 3), ('{"a":[{"b":1}]}', 7)]
)
def test_depth(variant, text, character):
    source = b"json.decode_max_depth(2) return pcall(json.decode, ...)"
    message = b"Found too many nested data structures (3) at character %d"
    answer = json_vm(variant).eval(source, text.encode())
    assert answer == (False, message % character)


@each_variant
def test_deep_text_needs_no_stack(variant):
    depth = 200_000
    source = b"json.decode_max_depth(1e6) local v, n = json.decode(...), 0 "
    source += b"while v do v, n = v[1], n + 1 end return n"
    text = b"[" * depth + b"]" * depth
    assert json_vm(variant).eval(source, text) == depth


@each_variant
def test_numbers_that_json_does_not_have(variant):
    source = b"json.decode_invalid_numbers(false) return pcall(json.decode, ...)"
    for text, found in {
        "0x10": "invalid number",
        "01": "invalid number",
        "-01": "invalid number",
        "-inf": "invalid number",
        "nan": "invalid token",
        "Infinity": "invalid token",
        "+1": "invalid token",
    }.items():
        message = f"Expected value but found {found} at character 1"
        answer = json_vm(variant).eval(source, text.encode())
        assert answer == (False, message.encode())
    assert json_vm(variant).eval(source, b"-10") == (True, -10)


@each_variant
def test_arrays_get_a_metatable_when_told(variant):
    source = b"""
    local plain = getmetatable(json.decode("[]"))
    json.decode_array_with_array_mt(true)
    local v = json.decode('[{"a":[]}]')
    return plain == nil, getmetatable(v) == json.array_mt,
           getmetatable(v[1]) == nil, json.encode(v)
    """
    assert json_vm(variant).eval(source) == (True, True, True, b'[{"a":[]}]')


@each_variant
def test_errors_of_arguments(variant):
    run = json_vm(variant).eval
    assert run(b"return pcall(json.decode)") == (
        False,
        b"bad argument #1 to '?' (expected 1 argument)",
    )
    assert run(b"return pcall(json.decode, {})") == (
        False,
        b"bad argument #1 to '?' (string expected, got table)",
    )
    assert run(b"return json.decode(15)") == 15


@each_variant
def test_errors_name_the_caller_s_line(variant):
    source = b"return pcall(function() local v = json.decode('x') return v end)"
    message = b"(python):1: Expected value but found invalid token at character 1"
    assert json_vm(variant).eval(source) == (False, message)


@each_variant
def test_safe_answers(variant):
    run = json_vm(variant).eval
    head = b"local safe = require 'cjson.safe' return "
    found = b"Expected value but found invalid token at character 1"
    assert run(head + b"safe.decode('x')") == (None, found)
    assert run(head + b"safe.decode(nil)") == (
        None,
        b"bad argument #1 to '?' (string expected, got nil)",
    )
    assert run(head + b"safe.new().decode('x')") == (None, found)
    assert run(head + b"safe.decode('false')") is False
    assert run(head + b"pcall(safe.decode)") == (
        False,
        b"bad argument #1 to '?' (expected 1 argument)",
    )
