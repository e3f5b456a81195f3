"""The shim's errors read as the C library's and blame the caller's line."""

import pytest

# The text that luaL_argerror gives, by call.
CALLS = {
    "table.maxn(5)": "bad argument #1 to 'maxn' (table expected, got number)",
    "math.mod(nil, 1)": "bad argument #1 to 'mod' (number expected, got nil)",
    "bit.band(1, {})": "bad argument #2 to 'band' (number expected, got table)",
    "bit.rol('x', 1)": "bad argument #1 to 'rol' (number expected, got string)",
    "setfenv(1, nil)": "bad argument #2 to 'setfenv' (table expected, got nil)",
    "ipairs(nil)": "bad argument #1 to 'ipairs' (table expected, got nil)",
    "rawlen(5)": "bad argument #1 to 'rawlen' (table or string expected",
    "require(nil)": "bad argument #1 to 'require' (string expected, got nil)",
    "string.format('%d', {})": (
        "bad argument #2 to 'format' (number expected, got table)"
    ),
    "string.format('%s %d', 1)": "bad argument #3 to 'format' (",
    "string.rep({}, 1)": "bad argument #1 to 'rep' (string expected, got table)",
    "math.random({})": "bad argument #1 to 'random' (number expected, got table)",
    "coroutine.create(1)": "bad argument #1 to 'create' (function expected",
    "coroutine.wrap(1)": "bad argument #1 to 'wrap' (function expected",
    "tonumber('7', 99)": "bad argument #2 to 'tonumber' (base out of range)",
    "collectgarbage('what')": (
        "bad argument #1 to 'collectgarbage' (invalid option 'what')"
    ),
    "load({})": "bad argument #1 to 'load' (function expected, got table)",
    "os.time(5)": "bad argument #1 to 'time' (table expected, got number)",
    "io.stdout:write({})": "(string expected, got table)",
    "io.tmpfile():read('x')": "(invalid format)",
}


@pytest.mark.parametrize("call", CALLS)
def test_error_names_the_function_and_the_line(vm, call):
    source = f"local ok, err = pcall(function()\n\n  local x = {call}\nend) return err"
    message = vm.run(source.encode(), name="=user").decode()
    assert message.startswith("user:3: ")
    assert CALLS[call] in message


def test_method_call_does_not_count_self(vm):
    message = vm.run(
        b"""
        string.maxn = table.maxn
        local _, message = pcall(function() local x = ("x"):maxn() end)
        return message
        """,
        name="=user",
    )
    assert message == (
        b"user:3: calling 'maxn' on bad self (table expected, got string)"
    )
