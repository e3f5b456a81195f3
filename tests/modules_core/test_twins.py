"""The twins of lua-resty-string: against hashlib and the like."""

import hashlib

import pytest
from app_server import serving
from cryptography.hazmat.primitives.ciphers import Cipher, algorithms, modes
from cryptography.hazmat.primitives.padding import PKCS7

from resty_py.vm import FLAVOURS

pytestmark = pytest.mark.parametrize("flavour", FLAVOURS)

DIGESTS = ("md5", "sha1", "sha224", "sha256", "sha384", "sha512")


@pytest.mark.parametrize("name", DIGESTS)
async def test_digest(flavour, name):
    lua = f"""
        local digest, text = require "resty.{name}", require "resty.string"
        local d = digest:new()
        ngx.say(text.to_hex(d:final()))
        ngx.say(d:update("abc"), d:update(("x"):rep(100000)), d:update("\\0"))
        ngx.say(text.to_hex(d:final()))
        ngx.say(d:reset(), d:update("again"))
        ngx.say(text.to_hex(d:final()), pcall(d.update, d, {{}}))
    """
    expected = hashlib.new(name, b"abc" + b"x" * 100000 + b"\0").hexdigest()
    async with serving(lua, flavour) as app:
        said = await app.say()
        assert said[0] == hashlib.new(name).hexdigest()
        assert said[1:4] == ["truetruetrue", expected, "truetrue"]
        assert said[4].startswith(hashlib.new(name, b"again").hexdigest() + "false")


async def test_random_and_string(flavour):
    lua = """
        local random, text = require "resty.random", require "resty.string"
        ngx.say(#random.bytes(16), #random.bytes(20, true),
                random.bytes(16) ~= random.bytes(16))
        ngx.say(text.to_hex("\\0\\255 a"), text.to_hex(""))
        ngx.say(text.atoi("0042"), " ", text.atoi("12x"), " ", text.atoi(""))
    """
    async with serving(lua, flavour) as app:
        assert await app.say() == ["1620true", "00ff2061", "42 -1 -1"]


async def test_originals_come_first_where_they_run(flavour, tmp_path):
    lua = "return package.path"
    async with serving(lua, flavour) as app:
        path = app.worker.vm.run(b"return package.path").decode().split(";")
        twins = next(place for place in path if "/twins/?.lua" in place)
        tree = path.index("/usr/share/lua/5.1/?.lua")
        assert (path.index(twins) > tree) == FLAVOURS[flavour].has_ffi


# Expressions and what `openssl enc` makes of "hello world" with the same.
_AES = {
    "aes:new('secret')": "25f3160d93859d62b732fcfc970f00d0",
    "aes:new('secret', 'saltsalt', aes.cipher(256, 'cbc'), aes.hash.sha256)": (
        "22acee299521fe914febea4f9813e4b1"
    ),
    "aes:new(key, nil, aes.cipher(256, 'cbc'), {iv = iv})": (
        "8a828d14c849d54e503c6ed18b76d99c"
    ),
    "aes:new(key, nil, aes.cipher(256, 'ecb'), {iv = iv})": (
        "c03bc9ebb92de9643d20418b55fc22ab"
    ),
    "aes:new(key, nil, aes.cipher(256, 'ctr'), {iv = iv})": "72d44e8d6c10dc4c22333d",
    "aes:new('x', nil, aes.cipher(256, 'ctr'),"
    "{iv = iv, method = function(k) return k:rep(32):gsub('x', 'k') end})": (
        "72d44e8d6c10dc4c22333d"
    ),
}

_AES_ERRORS = {
    "aes:new('short', nil, aes.cipher(256, 'cbc'), {iv = iv})": "bad key length",
    "aes:new(key, nil, aes.cipher(256, 'cbc'), {})": "bad iv",
    "aes:new(key, 'salt')": "salt must be 8 characters or nil",
    "raw:decrypt('no cipher text')": "EVP_DecryptFinal_ex failed",
    "unpadded:encrypt('x')": "EVP_EncryptFinal_ex failed",
    "gcm:decrypt(gcm:encrypt('x')[1], ('t'):rep(16))": "EVP_DecryptFinal_ex failed",
}

_AES_HEAD = """
    local aes, text = require "resty.aes", require "resty.string"
    local key, iv = ("k"):rep(32), ("i"):rep(16)
    local cbc, gcm = aes.cipher(256, "cbc"), aes.cipher(256, "gcm")
    local raw = aes:new(key, nil, cbc, {iv = iv})
    local unpadded = aes:new(key, nil, cbc, {iv = iv}, 1, 16, false)
    gcm = aes:new(key, nil, gcm, {iv = iv:sub(1, 12)})
"""


async def test_aes(flavour):
    lines = [
        f"""do local object = {expression} local secret = object:encrypt("hello world")
        ngx.say(text.to_hex(secret), " ", object:decrypt(secret)) end"""
        for expression in _AES
    ]
    async with serving(_AES_HEAD + "\n".join(lines), flavour) as app:
        assert await app.say() == [f"{secret} hello world" for secret in _AES.values()]


_MODES = {"cbc": modes.CBC, "ctr": modes.CTR, "ecb": modes.ECB, "gcm": modes.GCM}


def _secret(size, mode, text):
    """Return what the library ``cryptography`` makes of *text*, and the tag."""
    if mode in ("cbc", "ecb"):
        padder = PKCS7(128).padder()
        text = padder.update(text) + padder.finalize()
    given = {"ecb": (), "gcm": (b"i" * 12,)}.get(mode, (b"i" * 16,))
    made = Cipher(algorithms.AES(b"k" * (size // 8)), _MODES[mode](*given)).encryptor()
    text = made.update(text) + made.finalize()
    return text.hex() + (made.tag.hex() if mode == "gcm" else "")


@pytest.mark.parametrize("mode", _MODES)
async def test_aes_as_cryptography(flavour, mode):
    lua = f"""
        local aes, to_hex = require "resty.aes", require "resty.string".to_hex
        local iv = ("i"):rep({12 if mode == "gcm" else 16})
        for _, size in ipairs {{128, 192, 256}} do
            local key = ("k"):rep(size / 8)
            local object = aes:new(key, nil, aes.cipher(size, "{mode}"), {{iv = iv}})
            for _, length in ipairs {{0, 1, 16, 1000}} do
                local secret = object:encrypt(("x"):rep(length))
                ngx.say(to_hex(type(secret) == "table" and secret[1] .. secret[2]
                               or secret))
            end
        end
    """
    async with serving(lua, flavour) as app:
        assert await app.say() == [
            _secret(size, mode, b"x" * length)
            for size in (128, 192, 256)
            for length in (0, 1, 16, 1000)
        ]


async def test_aes_takes_no_key_of_another_size(flavour):
    """libcrypto would read past it."""
    forged = "{size = 8, cipher = 'cbc', method = '256_cbc'}"
    lua = f"""
        ngx.say(aes.cipher(256, "xts"), aes.cipher(256, "cbc\\0x"))
        local object = aes:new("k", nil, {forged}, {{iv = iv}})
        ngx.say(object:encrypt("x"))
    """
    async with serving(_AES_HEAD + lua, flavour) as app:
        assert await app.say() == ["nilnil", "nilbad key or iv length"]


async def test_aes_gcm_and_padding(flavour):
    lua = """
        local secret = gcm:encrypt("hello world")
        ngx.say(#secret[1], " ", #secret[2], " ", gcm:decrypt(secret[1], secret[2]))
        ngx.say(#unpadded:encrypt(("x"):rep(32)))
        ngx.say(aes.cipher(256, "none"), aes.cipher().size, aes.cipher().cipher)
    """
    async with serving(_AES_HEAD + lua, flavour) as app:
        assert await app.say() == ["11 16 hello world", "32", "nil128cbc"]


async def test_aes_errors(flavour):
    lines = [
        f"do local a, err = {expression} ngx.say(a, ' ', err) end"
        for expression in _AES_ERRORS
    ]
    async with serving(_AES_HEAD + "\n".join(lines), flavour) as app:
        assert await app.say() == [f"nil {error}" for error in _AES_ERRORS.values()]


# What programs do wrong, and what of it they are told.
_ODD = {
    "aes:new()": "bad argument #1 to 'new' (string expected, got nil)",
    "aes:new('x', 12345678)": "bad argument #2 to 'new' (string expected, got number)",
    "aes:new('x', nil, 'c')": "bad argument #3 to 'new' (cipher expected, got string)",
    "aes:new('x', nil, nil, 'bogus')": (
        "bad argument #4 to 'new' (hash expected, got string)"
    ),
    "aes:new('x', nil, nil, nil, 'x')": (
        "bad argument #5 to 'new' (number expected, got string)"
    ),
    "raw:encrypt(nil)": "bad argument #1 to 'encrypt' (string expected, got nil)",
    "aes:encrypt('x')": "bad argument #0 to 'encrypt' (object expected, got table)",
    "raw:decrypt(5)": "bad argument #1 to 'decrypt' (string expected, got number)",
    "gcm:decrypt('x', 5)": "bad argument #2 to 'decrypt' (string expected, got number)",
    "md5.final({})": "bad self of 'final' (digest expected)",
    "random.bytes(nil)": "bad argument #1 to 'bytes' (number expected, got nil)",
    "random.bytes('x')": "bad argument #1 to 'bytes' (number expected, got string)",
    **dict.fromkeys(
        ("random.bytes(0/0)", "random.bytes(-1)", "random.bytes(1e10)"),
        "bad argument #1 to 'bytes' (not in the range 0 to 2^30)",
    ),
}


async def test_odd_arguments(flavour):
    """Where lua-resty-string's own has an error of FFI's, or kills the process."""
    lines = [
        f"ngx.say((select(2, pcall(function() local _ = {expression} end))))"
        for expression in _ODD
    ]
    lua = (
        'local md5, random = require "resty.md5", require "resty.random"'
        + _AES_HEAD
        + "\n".join(lines)
    )
    async with serving(lua, flavour) as app:
        said = await app.say()
    assert [line.partition("bad ")[2] for line in said] == [
        error.removeprefix("bad ") for error in _ODD.values()
    ]


async def test_odd_arguments_that_make_do(flavour):
    lua = """
        ngx.say(select(2, aes:new(key, nil, cbc, {iv = 5})), " ",
                select(2, aes:new(nil, nil, cbc, {iv = iv})))
        ngx.say(aes.cipher(512 / 2, "cbc").method, aes.cipher(true))
        local function made(rounds)
            return aes:new("secret", nil, nil, nil, rounds):encrypt("x")
        end
        ngx.say(made(0 / 0) == made(1), made(-1) == made(1), made(2) == made(1))
        ngx.say(text.atoi("9223372036854775807") > 2 ^ 62,
                text.atoi("9223372036854775808"), text.atoi(("0"):rep(20) .. 7))
    """
    async with serving(_AES_HEAD + lua, flavour) as app:
        assert await app.say() == [
            "bad iv bad key length",
            "256_cbcnil",
            "truetruefalse",
            "true-17",
        ]
