from __future__ import annotations

import pytest
from json_vm import each_variant, json_vm

from resty_py.vm import LUALIB

DEFAULTS = {
    "decode_allow_comment": False,
    "decode_array_with_array_mt": False,
    "decode_invalid_numbers": True,
    "decode_max_depth": 1000,
    "encode_empty_table_as_object": True,
    "encode_escape_forward_slash": True,
    "encode_indent": b"",
    "encode_invalid_numbers": False,
    "encode_keep_buffer": True,
    "encode_max_depth": 1000,
    "encode_number_precision": 14,
    "encode_skip_unsupported_value_types": False,
    "encode_sparse_array": (False, 2, 10),
}

CALLS = {
    "encode_max_depth(5)": 5,
    "encode_max_depth('7')": 7,
    "encode_max_depth(1.7)": 1,
    "encode_invalid_numbers('null')": b"null",
    "encode_invalid_numbers('on')": True,
    "decode_invalid_numbers('off')": False,
    "decode_invalid_numbers(false)": False,
    "encode_keep_buffer(nil)": True,
    "encode_indent('  ')": b"  ",
    "encode_indent(1)": b"1",
    "decode_allow_comment('on')": True,
    "encode_sparse_array(true, 3)": (True, 3, 10),
    "encode_sparse_array('off', 0, 0)": (False, 0, 0),
}

ERRORS = {
    "encode_max_depth, 0": "#1 to '?' (expected integer between 1 and 2147483647)",
    "encode_max_depth, 0/0": "#1 to '?' (expected integer between 1 and 2147483647)",
    "decode_max_depth, 'x'": "#1 to '?' (number expected, got string)",
    "encode_max_depth, 1, 2": "#2 to '?' (found too many arguments)",
    "encode_number_precision, 17": "#1 to '?' (expected integer between 1 and 16)",
    "encode_invalid_numbers, 'q'": "#1 to '?' (invalid option 'q')",
    "encode_keep_buffer, 1": "#1 to '?' (invalid option '1')",
    "encode_keep_buffer, 'null'": "#1 to '?' (invalid option 'null')",
    "encode_indent, {}": "#1 to '?' (string expected, got table)",
    "encode_keep_buffer, {}": "#1 to '?' (string expected, got table)",
    "encode_sparse_array, 1, 2, 3, 4": "#4 to '?' (found too many arguments)",
    "encode_sparse_array, true, -1": (
        "#2 to '?' (expected integer between 0 and 2147483647)"
    ),
    "encode_sparse_array, true, 1, print": "#3 to '?' (number expected, got function)",
}


@each_variant
@pytest.mark.parametrize("name", DEFAULTS)
def test_default(variant, name):
    answer = json_vm(variant).eval(f"return json.{name}()".encode())
    assert answer == DEFAULTS[name]
    assert isinstance(answer, type(DEFAULTS[name]))


@each_variant
@pytest.mark.parametrize("call", CALLS)
def test_change(variant, call):
    name = call.partition("(")[0]
    source = f"local function pack(...) return ... end json.{call} return json.{name}()"
    assert json_vm(variant).eval(source.encode()) == CALLS[call]
    assert json_vm(variant).eval(f"return json.{call}".encode()) == CALLS[call]


@each_variant
@pytest.mark.parametrize("call", ERRORS)
def test_error(variant, call):
    answer = json_vm(variant).eval(f"return pcall(json.{call})".encode())
    assert answer == (False, f"bad argument {ERRORS[call]}".encode())


@each_variant
def test_error_names_function_and_line(variant):
    source = b"return pcall(function() local v = json.encode_max_depth(0) end)"
    message = b"(python):1: bad argument #1 to 'encode_max_depth' "
    message += b"(expected integer between 1 and 2147483647)"
    assert json_vm(variant).eval(source) == (False, message)


@each_variant
def test_instances_have_settings_of_their_own(variant):
    source = b"""
    local other = json.new()
    other.encode_max_depth(3)
    return json.encode_max_depth(), other.encode_max_depth(),
           other.null == json.null, other.array_mt == json.array_mt
    """
    assert json_vm(variant).eval(source) == (1000, 3, True, True)


@each_variant
def test_names(variant):
    source = b"""
    local safe = require "cjson.safe"
    return json._NAME, json._VERSION, safe._NAME, safe._VERSION,
           json.null == (...), type(json.empty_array)
    """
    vm = json_vm(variant)
    answer = vm.eval(source, vm.ngx[b"null"])
    version = b"2.1.0.14"
    assert answer == (b"cjson", version, b"cjson", version, True, b"userdata")


@each_variant
@pytest.mark.parametrize("module", ["cjson", "cjson.safe"])
def test_ours_comes_before_compiled_ones(variant, module):
    source = f"return package.searchpath('{module}', package.path)"
    found = json_vm(variant).eval(source.encode()).decode()
    assert found == f"{LUALIB}/{module.replace('.', '/')}.lua"
