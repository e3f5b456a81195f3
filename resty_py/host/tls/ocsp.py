"""OCSP for Lua: ``ngx.ocsp`` without a connection.

Source: ngx_http_lua_ssl_ocsp.c.
"""

from __future__ import annotations

import ctypes
from contextlib import ExitStack
from ctypes import c_int, c_void_p
from typing import TYPE_CHECKING

from ...vm import HostError
from .library import load
from .x509 import at_end, memory, serialized

if TYPE_CHECKING:
    from .library import Library

__all__ = ["create_request", "responder", "validate_response"]

_SUCCESSFUL = 0
_GOOD = 0
_NO_VERIFY = 0x10

# Seconds that clocks may differ by.
_CLOCK_SKEW = 300


def _certificate(library: Library, bio: int, stack: ExitStack) -> int:
    certificate: int = library.d2i_X509_bio(bio, None)
    if not certificate:
        raise HostError("d2i_X509_bio() failed")
    stack.callback(library.X509_free, certificate)
    return certificate


def _issuer(library: Library, bio: int, stack: ExitStack) -> int:
    if at_end(bio):
        raise HostError("no issuer certificate in chain")
    return _certificate(library, bio, stack)


def responder(chain: bytes) -> bytes | None:
    """Return the URL of the responder that the first certificate names, or None.

    Args:
        chain: certificates in DER, the issuer second.

    Raises:
        HostError: a certificate is malformed, or the second is not the issuer.
    """
    library = load()
    with ExitStack() as stack:
        bio = stack.enter_context(memory(chain))
        certificate = _certificate(library, bio, stack)
        urls = library.X509_get1_ocsp(certificate)
        if not urls:
            return None
        stack.callback(library.X509_email_free, urls)
        url: bytes = ctypes.string_at(library.OPENSSL_sk_value(urls, 0))
        issuer = _issuer(library, bio, stack)
        if library.X509_check_issued(issuer, certificate):
            raise HostError("issuer certificate not next to leaf")
        return url


def create_request(chain: bytes) -> bytes:
    """Return a request for the status of the first certificate, in DER.

    Args:
        chain: as :func:`responder` takes it.

    Raises:
        HostError: a certificate is malformed or missing.
    """
    library = load()
    with ExitStack() as stack:
        bio = stack.enter_context(memory(chain))
        certificate = _certificate(library, bio, stack)
        issuer = _issuer(library, bio, stack)
        request = library.OCSP_REQUEST_new()
        stack.callback(library.OCSP_REQUEST_free, request)
        identity = library.OCSP_cert_to_id(None, certificate, issuer)
        if not identity:
            raise HostError("OCSP_cert_to_id() failed")
        if not library.OCSP_request_add0_id(request, identity):
            raise HostError("OCSP_request_add0_id() failed")
        der = serialized(library.i2d_OCSP_REQUEST, request)
        if der is None:
            raise HostError("i2d_OCSP_REQUEST() failed")
        return der


def validate_response(response: bytes, chain: bytes) -> bool:
    """Return True where *response* says that the first certificate is good.

    Args:
        response: in DER.
        chain: as :func:`responder` takes it.

    Raises:
        HostError: it says something else, or is not to be trusted.
    """
    library = load()
    with ExitStack() as stack:
        library.ERR_clear_error()
        stack.callback(library.ERR_clear_error)
        basic = _basic_response(library, response, stack)
        bio = stack.enter_context(memory(chain))
        certificate = _certificate(library, bio, stack)
        issuer = _issuer(library, bio, stack)
        issuers = library.OPENSSL_sk_new_null()
        stack.callback(library.OPENSSL_sk_free, issuers)
        library.OPENSSL_sk_push(issuers, issuer)
        if library.OCSP_basic_verify(basic, issuers, None, _NO_VERIFY) != 1:
            raise HostError("OCSP_basic_verify() failed")
        identity = library.OCSP_cert_to_id(None, certificate, issuer)
        if not identity:
            raise HostError("OCSP_cert_to_id() failed")
        stack.callback(library.OCSP_CERTID_free, identity)
        _check_status(library, basic, identity)
    return True


def _basic_response(library: Library, response: bytes, stack: ExitStack) -> int:
    buffer = ctypes.create_string_buffer(response, len(response))
    pointer = c_void_p(ctypes.addressof(buffer))
    parsed = library.d2i_OCSP_RESPONSE(None, ctypes.byref(pointer), len(response))
    if not parsed:
        raise HostError("d2i_OCSP_RESPONSE() failed")
    stack.callback(library.OCSP_RESPONSE_free, parsed)
    status = library.OCSP_response_status(parsed)
    if status != _SUCCESSFUL:
        text = library.OCSP_response_status_str(status).decode()
        raise HostError(f"OCSP response not successful ({status}: {text})")
    basic: int = library.OCSP_response_get1_basic(parsed)
    if not basic:
        raise HostError("OCSP_response_get1_basic() failed")
    stack.callback(library.OCSP_BASICRESP_free, basic)
    return basic


def _check_status(library: Library, basic: int, identity: int) -> None:
    status = c_int()
    this_update, next_update = c_void_p(), c_void_p()
    found = library.OCSP_resp_find_status(
        basic,
        identity,
        ctypes.byref(status),
        None,
        None,
        ctypes.byref(this_update),
        ctypes.byref(next_update),
    )
    if found != 1:
        raise HostError("certificate status not found in the OCSP response")
    if status.value != _GOOD:
        text = library.OCSP_cert_status_str(status.value).decode()
        raise HostError(f'certificate status "{text}" in the OCSP response')
    if library.OCSP_check_validity(this_update, next_update, _CLOCK_SKEW, -1) != 1:
        raise HostError("OCSP_check_validity() failed")
