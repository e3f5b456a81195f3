"""The same Lua on the real nginx and on ours, line by line.

Inputs are generated, with a fixed seed, where a grammar has edges that no
list of examples would reach.
"""

from __future__ import annotations

import calendar
import random

import pytest
from codec_vm import VARIANTS, codec_vm
from openresty_eval import OpenResty, OurVM, literal

ALL_BYTES = bytes(range(256))

ESCAPES = ["", ", 0", ", 1", ", 2", ", 3", ", 4", ", 5", ", 6", ", 1.5", ", nil"]

DIGITS = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/"

DATES = [
    "Sun, 06 Nov 1994 08:49:37 GMT",
    "Sunday, 06-Nov-94 08:49:37 GMT",
    "Sun Nov  6 08:49:37 1994",
    "Sun Nov 16 08:49:37 1994",
    "Thu, 29 Feb 1996 00:00:00 GMT",
    "Thursday, 29-Feb-96 23:59:59 GMT",
    "Tue Feb 29 00:00:00 2000",
]


def bytes_of(rng, alphabet, longest):
    return bytes(rng.choices(alphabet, k=rng.randint(0, longest)))


def uri_cases():
    rng = random.Random(1)
    strings = [ALL_BYTES, b"", b"abc", b"hello world/?a=b&c=\xe4\xbd\xa0"]
    strings += [bytes_of(rng, ALL_BYTES, 40) for _ in range(20)]
    yield from (
        f"ngx.escape_uri({literal(s)}{kind})" for s in strings for kind in ESCAPES
    )
    pairs = [f"%{a:c}{b:c}".encode() for a in b"09afAFgG/:@`%" for b in b"09afAFgG+%"]
    malformed = [b"%", b"%%", b"%a", b"%u", b"a%", b"a%2", b"%ua%%20%au", b"%+1%1+"]
    malformed += [bytes_of(rng, b"%%%+0aFgz", 12) for _ in range(120)]
    yield from (
        f"ngx.unescape_uri({literal(s)})" for s in [*strings, *pairs, *malformed]
    )


def args_cases():
    rng = random.Random(2)
    strings = [b"", b"&", b"=", b"a", b"a=", b"=a", b"a=1&", b"a=1&a=2&a", b"&&a=1=2"]
    strings += [bytes_of(rng, b"aabb==&&&%2+", 16) for _ in range(80)]
    strings.append(b"&".join(b"k%d=%d" % (i % 7, i) for i in range(103)))
    strings.append(b"&".join([b"k"] * 100))
    for s in strings:
        for limit in ["", ", 0", ", -1", ", 1", ", 2", ", '3'", ", 1.9"]:
            yield f"ngx.decode_args({literal(s)}{limit})"
        for limit in ["", "nil", "0", "-1", "1", "2", "5"]:
            yield (
                f"(function() ngx.req.set_uri_args({literal(s)}) "
                f"return ngx.req.get_uri_args({limit}) end)()"
            )


def encode_cases():
    values = [
        literal(ALL_BYTES),
        "1",
        "1.5",
        "3.0",
        "-0.25",
        "1e15",
        "true",
        "false",
        "{}",
        '{"x", "y z", 3, true, false}',
        "{false, false}",
        "{false, 1}",
        "print",
        "{print}",
        "{{}}",
        "ngx.null",
        "coroutine.create(function() end)",
    ]
    yield from (f"ngx.encode_args{{a = {value}}}" for value in values)
    yield from (
        f"ngx.encode_args{{{table}}}"
        for table in ["", '["a b"] = "c d"', '[""] = "x"', "1", "[true] = 1"]
    )
    yield f"ngx.encode_args{{[{literal(ALL_BYTES)}] = true}}"


def base64_cases():
    rng = random.Random(3)
    plain = [ALL_BYTES[:n] for n in (0, 1, 2, 3, 4, 5, 255, 256)]
    plain += [bytes_of(rng, ALL_BYTES, 70) for _ in range(20)]
    for s in plain:
        for padding in ["", ", true", ", false", ", nil"]:
            yield f"ngx.encode_base64({literal(s)}{padding})"
    coded = [b"=", b"a", b"a=", b"ab", b"abc", b"abcd=junk", b"ab=d", b"^*~", b"a b "]
    coded += [bytes([value]) + b"AAA" for value in range(256)]
    coded += [space * 4 + b"AAAA" for space in (b" ", b"\n", b"-", b"\t")]
    coded += [b"AAAA" + space * 4 for space in (b" ", b"\n", b"-", b"\t")]
    coded += [bytes_of(rng, DIGITS, 40) for _ in range(40)]
    coded += [bytes_of(rng, DIGITS + b"=- \n", 20) for _ in range(60)]
    yield from (f"ngx.decode_base64({literal(s)})" for s in coded)


def base64url_cases():
    rng = random.Random(4)
    strings = [ALL_BYTES, *(bytes_of(rng, ALL_BYTES, 40) for _ in range(15))]
    yield from (f"ngx_base64.encode_base64url({literal(s)})" for s in strings)
    coded = [bytes_of(rng, DIGITS[:-2] + b"-_-_-_+=", 12) for _ in range(80)]
    yield from (f"(ngx_base64.decode_base64url({literal(s)}))" for s in coded)


def hash_cases():
    rng = random.Random(5)
    strings = [b"", b"hello", ALL_BYTES * 5]
    strings += [bytes_of(rng, ALL_BYTES, 300) for _ in range(15)]
    for s in strings:
        for name in ["md5", "md5_bin", "sha1_bin", "crc32_short", "crc32_long"]:
            yield f"ngx.{name}({literal(s)})"
        yield f"ngx.hmac_sha1({literal(s)}, {literal(s[::-1])})"
        yield f"ngx.hmac_sha1('key', {literal(s)})"


def sql_cases():
    rng = random.Random(6)
    strings = [b"", b"abc", ALL_BYTES, b"\0001", b"\\'\\"]
    strings += [bytes_of(rng, b"\0\b\t\n\r\x1a\"'\\ab", 12) for _ in range(20)]
    yield from (f"ngx.quote_sql_str({literal(s)})" for s in strings)
    yield "ngx.quote_sql_str(1.5)"


def formatted_date_cases():
    rng = random.Random(7)
    times = [0, 59, 86399, 86400, 951782400, 951868799, 951868800, 4102444800]
    times += [2145916799, 2145916800, 253402300799, 253402300800, 10**15, -1, -(10**9)]
    times += [rng.randint(0, 2**32) for _ in range(60)]
    for time in [*times, "0.5", "1290079655.999", "-0.5", "2^62", "2^63", "1/0", "0/0"]:
        yield f"ngx.http_time({time})"
        yield f"ngx.cookie_time({time})"


def mutated(rng, date):
    """Return *date* with a few characters replaced, dropped or doubled."""
    characters = list(date)
    for _ in range(rng.randint(1, 3)):
        at = rng.randrange(len(characters))
        change = rng.choice(["replace", "drop", "double"])
        if change == "replace":
            characters[at] = rng.choice("0123456789 ,-:JanFebMrpyugSOtNvDc")
        elif change == "drop":
            del characters[at]
        else:
            characters.insert(at, characters[at])
    return "".join(characters)


def parsed_date_cases():
    rng = random.Random(8)
    months = [*calendar.month_abbr[1:], "Jxx", "Axx", "Mxx", "Xxx"]
    years = [1, 100, 1900, 1969, 1970, 2000, 2023, 2024, 2100, 9999]
    yield from (
        f"ngx.parse_http_time('X, {day} {month} {year:04} 00:00:00')"
        for day in ("00", "01", "28", "29", "30", "31", "32")
        for month in months
        for year in years
    )
    yield from (
        f"ngx.parse_http_time('X, 01-Jan-{year} {time} GMT')"
        for year in ("00", "37", "69", "70", "99")
        for time in ("00:00:00", "23:59:59", "24:00:00", "00:60:00", "00:00:60")
    )
    yield "ngx.parse_http_time('Wed, 31 Dec 1969 23:59:59 GMT')"
    for date in DATES:
        yield f"ngx.parse_http_time('{date}')"
        yield from (
            f"ngx.parse_http_time({literal(mutated(rng, date).encode())})"
            for _ in range(120)
        )
        yield from (f"ngx.parse_http_time('{date[:end]}')" for end in range(len(date)))


def argument_cases():
    one = [
        "escape_uri",
        "unescape_uri",
        "md5",
        "md5_bin",
        "sha1_bin",
        "crc32_short",
        "crc32_long",
        "encode_base64",
        "decode_base64",
        "encode_args",
        "decode_args",
        "hmac_sha1",
        "quote_sql_str",
        "http_time",
        "cookie_time",
        "parse_http_time",
    ]
    values = ["", "nil", "1, 2, 3", "32", "1.5", "3.0", "-1e15", "true", "false", "'7'"]
    values += ["print", "{}", "ngx.null"]
    # How a table or function prints differs from VM to VM, NULL's pointer
    # from one flavour to another.
    unstable = {"print", "{}", "ngx.null"}
    coercing = set(one[:8])
    for name in one:
        for value in values:
            if not (value in unstable and name in coercing):
                yield f"ngx.{name}({value})"
    for kind in ["-1", "7", "10", "1/0", "-0.5", "6.5", "true", "'2'", "false"]:
        yield f"ngx.escape_uri('a b', {kind})"
    for padding in ["0", "1", "'x'", "{}", "print"]:
        yield f"ngx.encode_base64('w', {padding})"
    for arguments in ["'k', nil", "nil, 's'", "1, 2", "{}, 1", "'a'", "1, 2, 3"]:
        yield f"ngx.hmac_sha1({arguments})"
    for limit in ["nil", "{}", "true", "'x'", "' 1 '", "'0x1'", "-0.5", "1, 2"]:
        yield f"ngx.decode_args('a&b', {limit})"


def constant_cases():
    yield """(function()
        local t = {}
        for key, value in pairs(ngx) do
            if type(value) == "number" and key:find("^[A-Z_]+$") then
                t[key] = value
            end
        end
        return t
    end)()""".replace("\n", " ")
    yield "type(ngx.null), ngx.null == nil, not ngx.null"


CASES = {
    "uri": uri_cases,
    "args": args_cases,
    "encode": encode_cases,
    "base64": base64_cases,
    "base64url": base64url_cases,
    "hash": hash_cases,
    "sql": sql_cases,
    "formatted_date": formatted_date_cases,
    "parsed_date": parsed_date_cases,
    "argument": argument_cases,
    "constant": constant_cases,
}


@pytest.fixture(scope="module")
def answers(tmp_path_factory):
    """What the real nginx says to each group of expressions."""
    with OpenResty(tmp_path_factory.mktemp("nginx")) as real:
        return {
            name: real.evaluate([in_real(case) for case in cases()])
            for name, cases in CASES.items()
        }


def in_real(expression):
    return expression.replace("ngx_base64", 'require("ngx.base64")')


def in_ours(expression):
    return expression.replace("ngx_base64", "ngx.base64")


@pytest.mark.parametrize("name", CASES)
@pytest.mark.parametrize("variant", VARIANTS, ids=str)
def test_answers_as_the_real_nginx(variant, name, answers):
    expressions = list(CASES[name]())
    ours = OurVM(codec_vm(variant)).evaluate([in_ours(e) for e in expressions])
    assert len(ours) == len(answers[name]) == len(expressions)
    different = [
        (expression, real, mine)
        for expression, real, mine in zip(expressions, answers[name], ours, strict=True)
        if real != mine
    ]
    assert different == []
