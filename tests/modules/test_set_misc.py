"""The set-misc functions, on every flavour.

There is no set-misc module for the real nginx that the other tests ask. What is
expected here is the standards, Python's own encoders, and the module's README.
"""

from __future__ import annotations

import base64
import datetime
import hashlib
import hmac
import json
import re
import string
import time
from urllib.parse import quote

import pytest
from hypothesis import given
from hypothesis import strategies as st
from modules_vm import each_flavour, modules_vm

HEX_ALPHABET = "0123456789abcdefghijklmnopqrstuv"
STANDARD_ALPHABET = "ABCDEFGHIJKLMNOPQRSTUVWXYZ234567"

_CALL = b"""
local name, settings, first, second, third = ...
local FUNCTIONS = require "resty_py.modules.set_misc".FUNCTIONS
return FUNCTIONS[name]({settings = settings}, first, second, third)
"""


def call(flavour, function, *args, settings=None):
    """Return what *function* makes of *args*, the variable's own value last."""
    vm = modules_vm(flavour)
    table = vm.vm.table({}) if settings is None else settings
    return vm.run(_CALL, function.encode(), table, *args)


def settings_of(flavour, alphabet=HEX_ALPHABET, padding=True):
    """Return the settings of a location that was prepared."""
    vm = modules_vm(flavour)
    table = vm.vm.table(
        {b"set_base32_alphabet": alphabet.encode(), b"set_base32_padding": padding}
    )
    vm.run(b'require "resty_py.modules.set_misc".prepare((...))', table)
    return table


@each_flavour
class TestText:
    def test_if_empty(self, flavour):
        assert call(flavour, "set_if_empty", b"default", b"") == b"default"
        assert call(flavour, "set_if_empty", b"default", b"own") == b"own"

    def test_quote_sql_str(self, flavour):
        assert call(flavour, "set_quote_sql_str", b"") == b"''"
        text = b"hello\n\r'\"\\\x1a\0"
        assert (
            call(flavour, "set_quote_sql_str", text)
            == b"'hello\\n\\r\\'\\\"\\\\\\Z\\0'"
        )

    @pytest.mark.parametrize(
        ("text", "quoted"),
        [
            (b"", b"''"),
            (b"plain", b"E'plain'"),
            (b"hello\n\r'\"\\", b"E'hello\\n\\r\\'\\\"\\\\'"),
            ("你好".encode(), "E'你好'".encode()),
            ("你好".encode("gbk"), rb"E'\\304\\343\\272\\303'"),
            (b"\xff", rb"E'\\377'"),
            (b"\xe4\xbd", rb"E'\\344\\275'"),
            (b"\xe4\xbd a", rb"E'\\344\\275 a'"),
            ("é\N{GRINNING FACE}".encode(), "E'é\N{GRINNING FACE}'".encode()),
            (b"\xfb\x80\x80\x80\x80\xfd\x80\x80\x80\x80\x80",
             b"E'\xfb\x80\x80\x80\x80\xfd\x80\x80\x80\x80\x80'"),
        ],
    )  # fmt: skip
    def test_quote_pgsql_str(self, flavour, text, quoted):
        assert call(flavour, "set_quote_pgsql_str", text) == quoted

    @given(text=st.text())
    def test_quote_json_str(self, flavour, text):
        quoted = call(flavour, "set_quote_json_str", text.encode("utf-8", "replace"))
        expected = text.encode("utf-8", "replace").decode()
        assert json.loads(quoted, strict=True) == (expected or None)

    def test_quote_json_str_spells(self, flavour):
        text = b'"\\/\b\f\n\r\t\x1f\x7f\xc3'
        assert (
            call(flavour, "set_quote_json_str", text)
            == b'"\\"\\\\/\\b\\f\\n\\r\\t\\u001F\x7f\xc3"'
        )

    @pytest.mark.parametrize(
        ("escaped", "text"),
        [
            (b"", b""),
            (b"hello+world%21", b"hello world!"),
            (b"%2b%2B%00", b"++\0"),
            (b"a%zb", b"azb"),
            (b"a%4zb", b"ab"),
            (b"a%%41", b"a%41"),
            (b"a%", b"a"),
            (b"a%4", b"a"),
        ],
    )
    def test_unescape_uri(self, flavour, escaped, text):
        assert call(flavour, "set_unescape_uri", escaped) == text

    @given(data=st.binary())
    def test_escape_uri_is_undone(self, flavour, data):
        escaped = call(flavour, "set_escape_uri", data)
        assert escaped == quote(data, "!~*'()").encode()
        assert call(flavour, "set_unescape_uri", escaped) == data


@each_flavour
class TestBase32:
    @pytest.mark.parametrize(
        ("text", "encoded"),
        [
            (b"", b""),
            (b"f", b"co======"),
            (b"fo", b"cpng===="),
            (b"foo", b"cpnmu==="),
            (b"foob", b"cpnmuog="),
            (b"fooba", b"cpnmuoj1"),
            (b"foobar", b"cpnmuoj1e8======"),
        ],
    )
    def test_extended_alphabet_is_the_default(self, flavour, text, encoded):
        # RFC 4648, section 10, in lower case.
        assert call(flavour, "set_encode_base32", text) == encoded
        assert call(flavour, "set_decode_base32", encoded) == text
        assert call(flavour, "set_decode_base32", encoded.rstrip(b"=")) == text

    @given(data=st.binary(max_size=40))
    def test_standard_alphabet(self, flavour, data):
        settings = settings_of(flavour, STANDARD_ALPHABET)
        encoded = call(flavour, "set_encode_base32", data, settings=settings)
        assert encoded == base64.b32encode(data)
        assert call(flavour, "set_decode_base32", encoded, settings=settings) == data

    def test_no_padding(self, flavour):
        settings = settings_of(flavour, padding=False)
        assert call(flavour, "set_encode_base32", b"f", settings=settings) == b"co"
        assert call(flavour, "set_decode_base32", b"co", settings=settings) == b"f"

    @pytest.mark.parametrize(
        "text", [b"c", b"cpn", b"cpnmuo", b"cW", b"c!", b"CO", b"c\xff"]
    )
    def test_what_is_none_becomes_empty(self, flavour, text):
        assert call(flavour, "set_decode_base32", text) == b""


@each_flavour
class TestEncodings:
    @given(data=st.binary())
    def test_base64(self, flavour, data):
        encoded = base64.b64encode(data)
        assert call(flavour, "set_encode_base64", data) == encoded
        assert call(flavour, "set_decode_base64", encoded) == data

    @given(data=st.binary())
    def test_base64url(self, flavour, data):
        encoded = base64.urlsafe_b64encode(data).rstrip(b"=")
        assert call(flavour, "set_encode_base64url", data) == encoded
        assert call(flavour, "set_decode_base64url", encoded) == data

    def test_what_is_no_base64_becomes_empty(self, flavour):
        assert call(flavour, "set_decode_base64", b"a!bc") == b""
        assert call(flavour, "set_decode_base64url", b"a+bc") == b""

    @given(data=st.binary())
    def test_hex(self, flavour, data):
        assert call(flavour, "set_encode_hex", data) == data.hex().encode()
        assert call(flavour, "set_decode_hex", data.hex().upper().encode()) == data

    @pytest.mark.parametrize("text", [b"a", b"abc", b"ag", b"0x"])
    def test_what_is_no_hex_fails(self, flavour, text):
        modules_vm(flavour).take_log()
        assert call(flavour, "set_decode_hex", text) is None
        assert modules_vm(flavour).take_log() == ["4: set_decode_hex: invalid value"]

    @given(data=st.binary(), key=st.binary())
    def test_digests(self, flavour, data, key):
        assert call(flavour, "set_md5", data) == hashlib.md5(data).hexdigest().encode()
        digest = hashlib.sha1(data).hexdigest().encode()
        assert call(flavour, "set_sha1", data) == digest
        for name in ("sha1", "sha256"):
            digest = hmac.digest(key, data, name)
            assert call(flavour, f"set_hmac_{name}", key, data) == digest


@each_flavour
class TestNumbers:
    def test_random_is_within_its_bounds(self, flavour):
        drawn = {call(flavour, "set_random", b"5", b"7") for _ in range(100)}
        assert drawn == {b"5", b"6", b"7"}
        drawn = {call(flavour, "set_random", b"7", b"5") for _ in range(100)}
        assert drawn == {b"5", b"6", b"7"}
        assert call(flavour, "set_random", b"3", b"3") == b"3"

    @pytest.mark.parametrize(
        ("bounds", "which"),
        [
            ((b"a", b"1"), 'from" argument: "a'),
            ((b"1", b"-2"), 'to" argument: "-2'),
            ((b"", b"1"), 'from" argument: "'),
            ((b"0", b"9" * 30), f'to" argument: "{"9" * 30}'),
        ],
    )
    def test_random_needs_numbers(self, flavour, bounds, which):
        modules_vm(flavour).take_log()
        assert call(flavour, "set_random", *bounds) is None
        assert modules_vm(flavour).take_log() == [f'4: set_random: bad "{which}"']

    def test_rotation_goes_on_where_it_ended(self, flavour):
        here, there = settings_of(flavour), settings_of(flavour)

        def rotate(own, settings=here, low=b"1", high=b"3"):
            return call(flavour, "set_rotate", low, high, own, settings=settings)

        assert [rotate(b"") for _ in range(4)] == [b"1", b"2", b"3", b"1"]
        assert rotate(b"", there) == b"1"
        assert rotate(b"bad") == b"2"
        assert rotate(b"2") == b"3"
        assert rotate(b"9") == b"1"
        assert rotate(b"0") == b"1"
        assert rotate(b"", there, b"5", b"2") == b"2"

    @pytest.mark.parametrize(
        ("bounds", "which"),
        [((b"a", b"1"), 'from" argument value: "a'),
         ((b"1", b"b"), 'to" argument value: "b')],
    )  # fmt: skip
    def test_rotation_needs_numbers(self, flavour, bounds, which):
        modules_vm(flavour).take_log()
        assert call(flavour, "set_rotate", *bounds, b"") is None
        assert modules_vm(flavour).take_log() == [f'4: set_rotate: bad "{which}"']

    @pytest.mark.parametrize(
        ("name", "letters"),
        [
            ("alphanum", string.ascii_letters + string.digits),
            ("lcalpha", string.ascii_lowercase),
        ],
    )
    def test_secure_random(self, flavour, name, letters):
        function = f"set_secure_random_{name}"
        text = b"".join(call(flavour, function, b"64") for _ in range(40))
        assert set(text.decode()) == set(letters)
        assert re.fullmatch(rf"[{letters}]", call(flavour, function, b"1").decode())

    @pytest.mark.parametrize("length", [b"0", b"65", b"x", b"", b"-1"])
    def test_secure_random_is_of_1_to_64(self, flavour, length):
        modules_vm(flavour).take_log()
        assert call(flavour, "set_secure_random_alphanum", length) is None
        assert modules_vm(flavour).take_log() == [
            f'4: set_random: bad "length" argument: {length.decode()}'
        ]


# The conversions of strftime(3) and the flags that glibc adds.
CONVERSIONS = "aAbBcCdDeFgGhHIjklmMnprRsStTuUVwWxXyYzZP%"
FLAGGED = ["%-d", "%_d", "%_H", "%-j", "%0e", "%^a", "%Ey", "%Od", "%-H", "%-M"]

SECONDS = st.integers(0, 4_000_000_000)


@pytest.fixture(params=["UTC", "America/St_Johns", "Asia/Kathmandu"])
def zone(request, monkeypatch):
    """Make it the time zone of this process."""
    monkeypatch.setenv("TZ", request.param)
    time.tzset()
    yield request.param
    monkeypatch.undo()
    time.tzset()


class TestDates:
    @given(seconds=SECONDS)
    @pytest.mark.parametrize("text", [f"%{c}" for c in CONVERSIONS] + FLAGGED)
    def test_gmt_is_as_in_c(self, text, seconds):
        vm = modules_vm("lua54")
        vm.clock[b"wall"] = seconds + 0.5
        expected = time.strftime(text, time.gmtime(seconds)).encode()
        if text == "%s":
            expected = str(seconds).encode()
        assert call("lua54", "set_formatted_gmt_time", text.encode()) == expected

    @each_flavour
    def test_local_is_as_in_c(self, flavour, zone):
        vm = modules_vm(flavour)
        for seconds in (0, 1_709_294_400, 1_720_000_000, 1_735_689_599):
            vm.clock[b"wall"] = seconds
            vm.run(b'package.loaded["resty_py.codec.zone"].utc_offset(-1e6)')
            for letter in CONVERSIONS:
                text = f"<%{letter}>"
                expected = time.strftime(text, time.localtime(seconds))
                if flavour == "lua52" and letter == "Z":
                    expected = "<>"
                found = call(flavour, "set_formatted_local_time", text.encode())
                assert found.decode() == expected

    @each_flavour
    def test_text_stays(self, flavour):
        modules_vm(flavour).clock[b"wall"] = 0
        text = b"100%% of %Y, %Q and %"
        found = call(flavour, "set_formatted_gmt_time", text)
        assert found == b"100% of 1970, %Q and %"

    @each_flavour
    def test_today(self, flavour, zone):
        vm = modules_vm(flavour)
        vm.run(b'package.loaded["resty_py.codec.zone"].utc_offset(-1e6)')
        vm.clock[b"wall"] = seconds = 1_709_335_800 + len(zone)
        today = datetime.datetime.fromtimestamp(seconds).date().isoformat()
        assert call(flavour, "set_local_today", b"") == today.encode()


_NDK = b"""
local ndk, current = {}, nil
package.loaded["resty_py.request.phases"] = {
    request = function() return current or error("no request found", 3) end,
}
require "resty_py.api.ndk".install(ndk)
current = {settings = {}}
return pcall(function(...) return assert(loadstring or load)(...)(ndk) end, ...)
"""


@each_flavour
class TestNdk:
    def test_calls_a_directive(self, flavour):
        source = b"return (...).set_var.set_encode_hex('a' .. 1)"
        assert modules_vm(flavour).run(_NDK, source) == (True, b"6131")

    def test_argument_becomes_text(self, flavour):
        source = b"""
        local ndk = ...
        return ndk.set_var.set_escape_uri(7) .. ndk.set_var.set_escape_uri()
            .. ndk.set_var.set_escape_uri(true)
        """
        assert modules_vm(flavour).run(_NDK, source) == (True, b"7niltrue")

    @pytest.mark.parametrize("name", ["set_nothing", "set_hmac_sha1", "set_if_empty"])
    def test_unknown(self, flavour, name):
        source = f"local ndk = ... local x = ndk.set_var.{name} return x"
        assert modules_vm(flavour).run(_NDK, source.encode(), b"=code") == (
            False,
            f'code:1: ndk.set_var: directive "{name}" not found or does not use '
            "ndk_set_var_value".encode(),
        )

    def test_failure(self, flavour):
        source = b"local ndk = ... local x = ndk.set_var.set_decode_hex('x') return x"
        assert modules_vm(flavour).run(_NDK, source, b"=code") == (
            False,
            b"code:1: calling directive set_decode_hex failed with code -1",
        )

    def test_nothing_can_be_put_there(self, flavour):
        source = b"(...).set_var.mine = 1"
        ok, err = modules_vm(flavour).run(_NDK, source, b"=code")
        assert (ok, err) == (False, b"code:1: not allowed")
