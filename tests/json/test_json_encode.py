from __future__ import annotations

import pytest
from json_vm import each_variant, json_vm

TEXTS = {
    "nil": "null",
    "null": "null",
    "true": "true",
    "false": "false",
    "'text'": '"text"',
    "''": '""',
    r"'\"\\/\b\f\n\r\t\1\31\127'": r'"\"\\\/\b\f\n\r\t\u0001\u001f\u007f"',
    r"'a\0b'": r'"a\u0000b"',
    r"'\195\169\255'": b'"\xc3\xa9\xff"',
    "0": "0",
    "-0.5": "-0.5",
    "1": "1",
    "-15": "-15",
    "3.0": "3",
    "0.1": "0.1",
    "1/3": "0.33333333333333",
    "1e15 + 0.0": "1e+15",
    "123456.75": "123456.75",
    "1e14 + 0.0": "1e+14",
    "99999999999999": "99999999999999",
    "-1e300": "-1e+300",
    "5e-324": "4.9406564584125e-324",
    "{}": "{}",
    "{1, 2, 3}": "[1,2,3]",
    "{{}, {{}}}": "[{},[{}]]",
    "{1, nil, 3}": "[1,null,3]",
    "{[1] = 'a', [3] = 'b'}": '["a",null,"b"]',
    "{[10] = 1}": "[" + "null," * 9 + "1]",
    "{a = 1}": '{"a":1}',
    "{[1.5] = 2}": '{"1.5":2}',
    "{[0] = 2}": '{"0":2}',
    "{[2147483648] = 1}": '{"2147483648":1}',
    "{[-1] = {a = {}}}": '{"-1":{"a":{}}}',
    r"{['a\n\"'] = {1}}": r'{"a\n\"":[1]}',
    "json.empty_array": "[]",
    "{a = json.empty_array}": '{"a":[]}',
    "setmetatable({}, json.array_mt)": "[]",
    "setmetatable({1, 2, a = 3}, json.array_mt)": "[1,2]",
    "setmetatable({}, json.empty_array_mt)": "[]",
    "setmetatable({a = 1}, json.empty_array_mt)": '{"a":1}',
    "setmetatable({}, {__len = function() return 2 end, "
    "__index = function(_, i) return i * 10 end})": "[10,20]",
    "setmetatable({1, 2}, {__index = error})": "[1,2]",
}

ERRORS = {
    "print": "Cannot serialise function: type not supported",
    "{{a = print}}": "Cannot serialise function: type not supported",
    "newproxy()": "Cannot serialise userdata: type not supported",
    "coroutine.create(function() end)": "Cannot serialise thread: type not supported",
    "{[true] = 1}": "Cannot serialise boolean: table key must be a number or string",
    "{[{}] = 1}": "Cannot serialise table: table key must be a number or string",
    "{[11] = 1}": "Cannot serialise table: excessively sparse array",
    "{a = {1, [30] = 1}}": "Cannot serialise table: excessively sparse array",
    "1/0": "Cannot serialise number: must not be NaN or Infinity",
    "{[1/0] = 1}": "Cannot serialise number: must not be NaN or Infinity",
    "{-1/0}": "Cannot serialise number: must not be NaN or Infinity",
    "0/0": "Cannot serialise number: must not be NaN or Infinity",
}


def as_bytes(text):
    return text if isinstance(text, bytes) else text.encode()


@each_variant
@pytest.mark.parametrize("value", TEXTS)
def test_text(variant, value):
    source = f"return json.encode({value})"
    assert json_vm(variant).eval(source.encode()) == as_bytes(TEXTS[value])


@each_variant
@pytest.mark.parametrize("value", ERRORS)
def test_error(variant, value):
    answer = json_vm(variant).eval(f"return pcall(json.encode, {value})".encode())
    assert answer == (False, ERRORS[value].encode())


@each_variant
@pytest.mark.parametrize("size", [10, 9999, 20000])
def test_many_escapes(variant, size):
    source = b"return json.encode((...))"
    text = b'"a\\\x01' * size
    expected = b'"' + rb"\"a\\\u0001" * size + b'"'
    assert json_vm(variant).eval(source, text) == expected


@each_variant
def test_several_keys(variant):
    source = b"""
    local v = json.decode(json.encode {a = 1, b = {true, false}, [3] = "c"})
    return v.a, v.b[1], v.b[2], v["3"]
    """
    assert json_vm(variant).eval(source) == (1, True, False, b"c")


@each_variant
def test_depth(variant):
    source = b"json.encode_max_depth(2) return pcall(json.encode, ...)"
    run = json_vm(variant).eval
    head = b"json.encode_max_depth(2) return pcall(json.encode, "
    assert run(head + b"{{1}})") == (True, b"[[1]]")
    message = b"Cannot serialise, excessive depth (3)"
    assert run(head + b"{{{}}})") == (False, message)
    source = b"local t = {} t[1] = t return pcall(json.encode, t)"
    assert run(source) == (False, b"Cannot serialise, excessive depth (1001)")


@each_variant
def test_sparse_arrays(variant):
    run = json_vm(variant).eval
    encode = b" return json.encode {[1] = 1, [12] = 2}"
    assert run(b"json.encode_sparse_array(true)" + encode) in (
        b'{"1":1,"12":2}',
        b'{"12":2,"1":1}',
    )
    array = b"[1," + b"null," * 10 + b"2]"
    assert run(b"json.encode_sparse_array(false, 0)" + encode) == array
    assert run(b"json.encode_sparse_array(nil, 6)" + encode) == array
    assert run(b"json.encode_sparse_array(nil, nil, 12)" + encode) == array


@each_variant
def test_invalid_numbers(variant):
    run = json_vm(variant).eval
    encode = b" return json.encode {1/0, -1/0, 0/0}"
    on = b"json.encode_invalid_numbers(true)"
    assert run(on + encode) == b"[Infinity,-Infinity,NaN]"
    null = b"json.encode_invalid_numbers('null')"
    assert run(null + encode) == b"[null,null,null]"


@each_variant
def test_precision(variant):
    run = json_vm(variant).eval
    short = b"json.encode_number_precision(3) return json.encode {1/3, 12345.5}"
    assert run(short) == b"[0.333,1.23e+04]"
    exact = b"json.encode_number_precision(16) return json.encode(123456789012345.5)"
    assert run(exact) == b"123456789012345.5"


@each_variant
def test_empty_tables_and_slashes(variant):
    source = b"""
    json.encode_empty_table_as_object(false)
    json.encode_escape_forward_slash(false)
    return json.encode {{}, "a/b", {["c/d"] = 1}}
    """
    assert json_vm(variant).eval(source) == b'[[],"a/b",{"c/d":1}]'


@each_variant
def test_keys_are_remembered_for_their_spelling(variant):
    source = b"""
    local one = json.encode {["a/b"] = 1}
    json.encode_escape_forward_slash(false)
    return one, json.encode {["a/b"] = 1}, json.encode {[5000] = "x"} == nil
    """
    source = source.replace(b', json.encode {[5000] = "x"} == nil', b"")
    assert json_vm(variant).eval(source) == (rb'{"a\/b":1}', b'{"a/b":1}')


@each_variant
def test_many_keys(variant):
    source = b"""
    local t = {}
    for i = 1, 5000 do t["key" .. i] = i end
    local v = json.decode(json.encode(t))
    for i = 1, 5000 do assert(v["key" .. i] == i) end
    """
    assert json_vm(variant).eval(source) is None


@each_variant
def test_errors_of_arguments(variant):
    run = json_vm(variant).eval
    message = b"bad argument #1 to '?' (expected 1 argument)"
    assert run(b"return pcall(json.encode)") == (False, message)
    assert run(b"return pcall(json.encode, 1, 2)") == (False, message)


@each_variant
def test_errors_name_the_caller_s_line(variant):
    source = b"return pcall(function() local v = json.encode(print) return v end)"
    message = b"(python):1: Cannot serialise function: type not supported"
    assert json_vm(variant).eval(source) == (False, message)


@each_variant
def test_safe_answers(variant):
    source = b"return require('cjson.safe').encode {print}"
    message = b"Cannot serialise function: type not supported"
    assert json_vm(variant).eval(source) == (None, message)
