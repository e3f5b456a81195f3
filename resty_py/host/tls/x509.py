"""Certificates and private keys for Lua: ``ngx.ssl`` without a connection.

Source: ngx_http_lua_ssl_certby.c.
"""

from __future__ import annotations

import ctypes
from contextlib import contextmanager
from ctypes import c_void_p
from typing import TYPE_CHECKING, Any

from ...vm import HostError
from .library import load

if TYPE_CHECKING:
    from collections.abc import Iterator

    from .library import Library

__all__ = [
    "NO_MORE",
    "cert_pem_to_der",
    "free_cert",
    "free_priv_key",
    "memory",
    "parse_der_cert",
    "parse_der_priv_key",
    "parse_pem_cert",
    "parse_pem_priv_key",
    "priv_key_pem_to_der",
    "serialized",
]

#: ERR_LIB_PEM and PEM_R_NO_START_LINE: the text has no more certificates.
NO_MORE = (9, 108)

_BIO_CTRL_EOF = 2


@contextmanager
def memory(data: bytes) -> Iterator[int]:
    """Yield a BIO that reads *data*; the error queue is empty before and after."""
    library = load()
    library.ERR_clear_error()
    bio = library.BIO_new_mem_buf(data, len(data))
    if not bio:
        raise HostError("BIO_new_mem_buf() failed")
    try:
        yield bio
    finally:
        library.BIO_free(bio)
        library.ERR_clear_error()


def at_end(bio: int) -> bool:
    """Say whether a BIO has nothing more to read."""
    return bool(load().BIO_ctrl(bio, _BIO_CTRL_EOF, 0, None))


def serialized(function: Any, thing: int) -> bytes | None:
    """Return what one of OpenSSL's ``i2d`` functions makes of *thing*, or None."""
    size = function(thing, None)
    if size <= 0:
        return None
    buffer = ctypes.create_string_buffer(size)
    pointer = c_void_p(ctypes.addressof(buffer))
    function(thing, ctypes.byref(pointer))
    return buffer.raw


# Certificates ---------------------------------------------------------------


def _read_pem(library: Library, bio: int) -> Iterator[int]:
    """Yield the certificates of a chain in PEM; whoever gets one frees it."""
    certificate = library.PEM_read_bio_X509_AUX(bio, None, None, None)
    if not certificate:
        raise HostError("PEM_read_bio_X509_AUX() failed")
    while certificate:
        yield certificate
        certificate = library.PEM_read_bio_X509(bio, None, None, None)
    if library.reason() != NO_MORE:
        raise HostError("PEM_read_bio_X509() failed")


def parse_pem_cert(pem: bytes) -> int:
    """Return a ``STACK_OF(X509) *`` of the certificates in PEM.

    Raises:
        HostError: there is none, or one is malformed.
    """
    library = load()
    with memory(pem) as bio:
        chain: int = library.OPENSSL_sk_new_null()
        try:
            for certificate in _read_pem(library, bio):
                library.OPENSSL_sk_push(chain, certificate)
        except HostError:
            free_cert(chain)
            raise
    return chain


def parse_der_cert(der: bytes) -> int:
    """Return a ``STACK_OF(X509) *`` of the certificates in DER, one after another.

    Raises:
        HostError: there is none, or one is malformed.
    """
    library = load()
    with memory(der) as bio:
        chain: int = library.OPENSSL_sk_new_null()
        while not library.OPENSSL_sk_num(chain) or not at_end(bio):
            certificate = library.d2i_X509_bio(bio, None)
            if not certificate:
                free_cert(chain)
                raise HostError("d2i_X509_bio() failed")
            library.OPENSSL_sk_push(chain, certificate)
    return chain


def cert_pem_to_der(pem: bytes) -> bytes:
    """Return certificates in PEM as DER.

    Raises:
        HostError: there is none, or one is malformed.
    """
    library = load()
    pieces = []
    with memory(pem) as bio:
        for certificate in _read_pem(library, bio):
            piece = serialized(library.i2d_X509, certificate)
            library.X509_free(certificate)
            if piece is None:
                raise HostError("i2d_X509() failed")
            pieces.append(piece)
    return b"".join(pieces)


def free_cert(chain: float) -> None:
    """Let go of a chain and of the certificates in it."""
    library = load()
    stack = int(chain)
    for place in range(library.OPENSSL_sk_num(stack)):
        library.X509_free(library.OPENSSL_sk_value(stack, place))
    library.OPENSSL_sk_free(stack)


# Private keys ---------------------------------------------------------------


def _read_key(library: Library, bio: int, passphrase: bytes | None) -> int:
    # An empty passphrase keeps OpenSSL from asking for one at the terminal.
    key: int = library.PEM_read_bio_PrivateKey(bio, None, None, passphrase or b"")
    if not key:
        raise HostError("PEM_read_bio_PrivateKey() failed")
    return key


def parse_pem_priv_key(pem: bytes) -> int:
    """Return the ``EVP_PKEY *`` of a private key in PEM.

    Raises:
        HostError: it is none, or it is encrypted.
    """
    with memory(pem) as bio:
        return _read_key(load(), bio, None)


def parse_der_priv_key(der: bytes) -> int:
    """Return the ``EVP_PKEY *`` of a private key in DER.

    Raises:
        HostError: it is none.
    """
    with memory(der) as bio:
        key: int = load().d2i_PrivateKey_bio(bio, None)
        if not key:
            raise HostError("d2i_PrivateKey_bio() failed")
        return key


def priv_key_pem_to_der(pem: bytes, passphrase: bytes | None = None) -> bytes:
    """Return a private key in PEM as DER.

    Args:
        pem: the key.
        passphrase: what it is encrypted with, or None.

    Raises:
        HostError: it is none, or the passphrase is not its own.
    """
    library = load()
    with memory(pem) as bio:
        key = _read_key(library, bio, passphrase)
        der = serialized(library.i2d_PrivateKey, key)
        library.EVP_PKEY_free(key)
        if der is None:
            raise HostError("i2d_PrivateKey() failed")
        return der


def free_priv_key(key: float) -> None:
    """Let go of a private key."""
    load().EVP_PKEY_free(int(key))
