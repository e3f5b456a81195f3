"""Certificates for one connection, chosen by Lua: ``ngx.ssl`` in a handshake.

Source: ngx_http_lua_ssl_certby.c and ngx_http_lua_ssl_ocsp.c.
"""

from __future__ import annotations

import ctypes
from typing import Any

from ...vm import HostError
from .context import accept_any
from .library import load
from .x509 import at_end, memory

__all__ = [
    "clear_certs",
    "set_cert",
    "set_der_cert",
    "set_der_priv_key",
    "set_ocsp_status",
    "set_priv_key",
    "verify_client",
]

_CTRL_CHAIN, _CTRL_CHAIN_CERT = 88, 89
_CTRL_STATUS_TYPE, _CTRL_STATUS_RESPONSE = 127, 71
_STATUS_OCSP = 1
_VERIFY_PEER = 1
_MAX_DEPTH = 2**31 - 1


def clear_certs(ssl: float) -> bool:
    """Forget the certificates of the connection, and their keys."""
    load().SSL_certs_clear(int(ssl))
    return True


def set_der_cert(ssl: float, der: bytes) -> bool:
    """Present certificates in DER: the first, and its chain."""
    library, pointer = load(), int(ssl)
    with memory(der) as bio:
        certificate = library.d2i_X509_bio(bio, None)
        if not certificate:
            raise HostError("d2i_X509_bio() failed")
        used = library.SSL_use_certificate(pointer, certificate)
        library.X509_free(certificate)
        if not used:
            raise HostError("SSL_use_certificate() failed")
        library.SSL_ctrl(pointer, _CTRL_CHAIN, 0, None)
        while not at_end(bio):
            certificate = library.d2i_X509_bio(bio, None)
            if not certificate:
                raise HostError("d2i_X509_bio() failed")
            # The connection owns it now.
            library.SSL_ctrl(pointer, _CTRL_CHAIN_CERT, 0, certificate)
    return True


def set_der_priv_key(ssl: float, der: bytes) -> bool:
    """Use a private key in DER."""
    library = load()
    with memory(der) as bio:
        key = library.d2i_PrivateKey_bio(bio, None)
        if not key:
            raise HostError("d2i_PrivateKey_bio() failed")
        used = library.SSL_use_PrivateKey(int(ssl), key)
        library.EVP_PKEY_free(key)
        if not used:
            raise HostError("SSL_use_PrivateKey() failed")
    return True


def set_cert(ssl: float, chain: float) -> bool:
    """Present a ``STACK_OF(X509) *``, which stays the caller's."""
    library, pointer, stack = load(), int(ssl), int(chain)
    library.ERR_clear_error()
    count = library.OPENSSL_sk_num(stack)
    if count < 1:
        raise HostError("invalid certificate chain")
    if not library.SSL_use_certificate(pointer, library.OPENSSL_sk_value(stack, 0)):
        library.ERR_clear_error()
        raise HostError("SSL_use_certificate() failed")
    library.SSL_ctrl(pointer, _CTRL_CHAIN, 0, None)
    for place in range(1, count):
        certificate = library.OPENSSL_sk_value(stack, place)
        if not library.SSL_ctrl(pointer, _CTRL_CHAIN_CERT, 1, certificate):
            library.ERR_clear_error()
            raise HostError("SSL_add1_chain_cert() failed")
    return True


def set_priv_key(ssl: float, key: float) -> bool:
    """Use an ``EVP_PKEY *``, which stays the caller's."""
    library = load()
    if not key:
        raise HostError("invalid private key failed")
    if not library.SSL_use_PrivateKey(int(ssl), int(key)):
        library.ERR_clear_error()
        raise HostError("SSL_use_PrivateKey() failed")
    return True


def verify_client(ssl: float, chain: float, depth: float) -> bool:
    """Ask the client for a certificate, by authorities where some are given.

    Args:
        ssl: the connection.
        chain: a ``STACK_OF(X509) *`` of authorities, or 0.
        depth: how long a chain may be; negative: as the server has it.
    """
    library, pointer = load(), int(ssl)
    library.SSL_set_verify(pointer, _VERIFY_PEER, accept_any)
    if depth >= 0:
        library.SSL_set_verify_depth(pointer, int(min(depth, _MAX_DEPTH)))
    stack = int(chain)
    if not stack:
        return True
    store = library.X509_STORE_new()
    names = library.OPENSSL_sk_new_null()
    for place in range(library.OPENSSL_sk_num(stack)):
        certificate = library.OPENSSL_sk_value(stack, place)
        library.X509_STORE_add_cert(store, certificate)
        name = library.X509_NAME_dup(library.X509_get_subject_name(certificate))
        library.OPENSSL_sk_push(names, name)
    # The connection owns both now.
    library.SSL_ctrl(pointer, 106, 0, store)
    library.SSL_set_client_CA_list(pointer, names)
    library.ERR_clear_error()
    return True


def set_ocsp_status(ssl: float, response: bytes) -> Any:
    """Let the handshake carry an OCSP response; None: the client wants none."""
    library, pointer = load(), int(ssl)
    if library.SSL_ctrl(pointer, _CTRL_STATUS_TYPE, 0, None) != _STATUS_OCSP:
        return None
    copy = library.CRYPTO_malloc(len(response), None, 0)
    ctypes.memmove(copy, response, len(response))
    library.SSL_ctrl(pointer, _CTRL_STATUS_RESPONSE, len(response), copy)
    return True
