"""ngx.ssl and ngx.ocsp as far as they need no connection, beside OpenResty's."""

from __future__ import annotations

import base64
import datetime

import pytest
from authority import RESPONDER
from cryptography.hazmat.primitives.serialization import (
    BestAvailableEncryption,
    Encoding,
    PrivateFormat,
    load_pem_private_key,
)
from cryptography.x509 import ocsp
from differential import Comparison, short_folder
from lua_worker import VARIANTS, each_variant, open_rig

#: Functions of text, and whether their results are data.
TAKING_TEXT = {
    "ssl.cert_pem_to_der": True,
    "ssl.priv_key_pem_to_der": True,
    "ssl.parse_pem_cert": False,
    "ssl.parse_pem_priv_key": False,
    "ocsp.get_ocsp_responder_from_der_chain": True,
    "ocsp.create_ocsp_request": True,
}

CASE = """
local ssl, ocsp = require "ngx.ssl", require "ngx.ocsp"
local text = ngx.decode_base64("{text}")
local value, err = {function}(text)
show(value and {value}, err)
"""


def _base64(data: bytes) -> str:
    return base64.b64encode(data).decode()


def _texts(authority) -> dict[str, bytes]:
    leaf, issuer = authority.leaf(), authority.certificate
    plain = authority.leaf(responder=None)
    der = {one: one.public_bytes(Encoding.DER) for one in (leaf, issuer, plain)}
    server = authority.server.read_bytes()
    return {
        "nothing": b"",
        "garbage": b"-----BEGIN CERTIFICATE-----\nxx\n-----END CERTIFICATE-----\n",
        "pem": server,
        "chained": authority.chained.read_bytes(),
        "cut_pem": server[:-40] + b"\n-----BEGIN CERTIFICATE-----\nMIIB\n",
        "chain": der[leaf] + der[issuer],
        "alone": der[leaf],
        "disorder": der[leaf] + der[plain],
        "mute": der[plain] + der[issuer],
        "bad_issuer": der[leaf] + b"\x30\x03abc",
    }


def _status_texts(authority) -> dict[str, tuple[bytes, bytes]]:
    leaf, other = authority.leaf(), authority.leaf()
    der = {one: one.public_bytes(Encoding.DER) for one in (leaf, other)}
    issuer = authority.certificate.public_bytes(Encoding.DER)
    chain = der[leaf] + issuer
    old = datetime.timedelta(days=3)
    good = authority.status(leaf)
    later = ocsp.OCSPResponseBuilder.build_unsuccessful(
        ocsp.OCSPResponseStatus.TRY_LATER
    )
    return {
        "good": (good, chain),
        "revoked": (authority.status(leaf, ocsp.OCSPCertStatus.REVOKED), chain),
        "unknown": (authority.status(leaf, ocsp.OCSPCertStatus.UNKNOWN), chain),
        "stale": (authority.status(leaf, age=old), chain),
        "early": (authority.status(leaf, age=-old), chain),
        "another": (good, der[other] + issuer),
        "no_issuer": (good, der[leaf]),
        "stranger": (good, der[leaf] + der[other]),
        "busy": (later.public_bytes(Encoding.DER), chain),
        "rubbish": (b"rubbish", chain),
        "broken": (good[:-20] + bytes(20), chain),
    }


def _cases(authority) -> dict[str, str]:
    cases = {}
    for name, text in _texts(authority).items():
        for function, is_data in TAKING_TEXT.items():
            cases[f"{function.partition('.')[2]}_{name}"] = CASE.format(
                text=_base64(text),
                function=function,
                value="ngx.encode_base64(value)" if is_data else "true",
            )
    for name, (response, chain) in _status_texts(authority).items():
        cases[f"validate_{name}"] = (
            'local ocsp = require "ngx.ocsp"\n'
            "show(ocsp.validate_ocsp_response("
            f'ngx.decode_base64("{_base64(response)}"), '
            f'ngx.decode_base64("{_base64(chain)}")))\n'
        )
    chain = _base64(_texts(authority)["chain"])
    cases["sizes"] = f"""
    local ocsp = require "ngx.ocsp"
    local chain = ngx.decode_base64("{chain}")
    show(ocsp.get_ocsp_responder_from_der_chain(chain, 5))
    show(ocsp.create_ocsp_request(chain, 5))
    show(ocsp.validate_ocsp_response("x", chain, 5))
    """
    return cases


@pytest.fixture(scope="module")
def comparison(authority):
    with short_folder() as folder:
        yield Comparison(_cases(authority), folder)


@pytest.mark.parametrize("variant", VARIANTS, ids=str)
async def test_same_as_openresty(comparison, variant):
    for name in comparison._cases:
        expected = await comparison.expected(name)
        assert await comparison.actual(name, variant) == expected, name


async def test_the_responder(comparison):
    transcript = await comparison.expected("get_ocsp_responder_from_der_chain_chain")
    assert transcript.body[0] == f'"{_base64(RESPONDER.encode())}" nil'


@each_variant
async def test_arguments_have_their_types(variant, tmp_path, authority):
    async with open_rig(variant, tmp_path) as rig:
        errors = await rig.run(
            """
            local ssl, pem = require "ngx.ssl", ...
            local errors = {}
            for _, bad in ipairs {true, 1.5, {}, print} do
                local _, key = pcall(ssl.priv_key_pem_to_der, pem, bad)
                local _, cert = pcall(ssl.cert_pem_to_der, bad)
                local _, depth = pcall(ssl.verify_client, nil, tostring(bad))
                errors[#errors + 1] = key .. cert .. depth
            end
            return errors
            """,
            authority.server.read_bytes(),
        )
    assert errors == [
        b"bad argument #2 to 'priv_key_pem_to_der' (string expected, got %s)"
        b"bad argument #1 to 'cert_pem_to_der' (string expected, got %s)"
        b"bad argument #2 to 'verify_client' (number expected, got string)"
        % (kind, kind)
        for kind in (b"boolean", b"number", b"table", b"function")
    ]


@each_variant
async def test_encrypted_keys(variant, tmp_path, authority):
    key = authority.server.read_bytes()
    encrypted = load_pem_private_key(key, None).private_bytes(
        Encoding.PEM, PrivateFormat.PKCS8, BestAvailableEncryption(b"secret")
    )
    async with open_rig(variant, tmp_path) as rig:
        results = await rig.run(
            """
            local plain, encrypted = ...
            local ssl = require "ngx.ssl"
            local der = ssl.priv_key_pem_to_der(plain)
            local _, none = ssl.priv_key_pem_to_der(encrypted)
            local _, wrong = ssl.priv_key_pem_to_der(encrypted, "wrong")
            local _, unparsed = ssl.parse_pem_priv_key(encrypted)
            return der == ssl.priv_key_pem_to_der(encrypted, "secret"), none, wrong,
                unparsed, ssl.parse_der_priv_key(der) ~= nil,
                (select(2, ssl.parse_der_priv_key("x"))),
                ssl.parse_der_cert(ssl.cert_pem_to_der(plain)) ~= nil,
                (select(2, ssl.parse_der_cert("x")))
            """,
            key,
            encrypted,
        )
    failed = b"PEM_read_bio_PrivateKey() failed"
    assert results == (
        True,
        failed,
        failed,
        failed,
        True,
        b"d2i_PrivateKey_bio() failed",
        True,
        b"d2i_X509_bio() failed",
    )
