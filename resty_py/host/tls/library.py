"""libssl and libcrypto: found, typed, and their errors as nginx words them."""

from __future__ import annotations

import ctypes
import functools
from ctypes import (
    POINTER,
    c_char_p,
    c_int,
    c_long,
    c_size_t,
    c_uint,
    c_uint64,
    c_ulong,
    c_void_p,
)
from typing import Any

from ...vm import HostError

__all__ = ["Library", "TlsError", "load", "names"]

# What the dynamic linker knows: OpenSSL 3, then 1.1.1. Of one version, both.
_PAIRS = (
    ("libssl.so.3", "libcrypto.so.3"),
    ("libssl.so.1.1", "libcrypto.so.1.1"),
)

_MISSING = (
    "the library libssl is not installed (Debian and Ubuntu: apt-get install libssl3;"
    " Fedora: dnf install openssl-libs; Alpine: apk add libssl3)"
)

_P, _S, _I, _L, _Z = c_void_p, c_char_p, c_int, c_long, c_size_t
_OUT = POINTER(c_void_p)

# Functions: result, arguments.
_SSL: dict[str, tuple[Any, tuple[Any, ...]]] = {
    "TLS_method": (_P, ()),
    "SSL_CTX_new": (_P, (_P,)),
    "SSL_CTX_free": (None, (_P,)),
    "SSL_CTX_ctrl": (_L, (_P, _I, _L, _P)),
    "SSL_CTX_callback_ctrl": (_L, (_P, _I, _P)),
    "SSL_CTX_set_options": (c_uint64, (_P, c_uint64)),
    "SSL_CTX_set_cipher_list": (_I, (_P, _S)),
    "SSL_CTX_set_verify": (None, (_P, _I, _P)),
    "SSL_CTX_set_verify_depth": (None, (_P, _I)),
    "SSL_CTX_load_verify_locations": (_I, (_P, _S, _S)),
    "SSL_CTX_get_cert_store": (_P, (_P,)),
    "SSL_CTX_use_certificate_chain_file": (_I, (_P, _S)),
    "SSL_CTX_use_certificate": (_I, (_P, _P)),
    "SSL_CTX_use_PrivateKey_file": (_I, (_P, _S, _I)),
    "SSL_CTX_use_PrivateKey": (_I, (_P, _P)),
    "SSL_CTX_set_keylog_callback": (None, (_P, _P)),
    "SSL_CTX_set_session_id_context": (_I, (_P, _S, c_uint)),
    "SSL_CTX_set_cert_cb": (None, (_P, _P, _P)),
    "SSL_CTX_set_client_hello_cb": (None, (_P, _P, _P)),
    "SSL_CTX_set_timeout": (_L, (_P, _L)),
    "SSL_CTX_set_client_CA_list": (None, (_P, _P)),
    "SSL_load_client_CA_file": (_P, (_S,)),
    "SSL_CTX_sess_set_new_cb": (None, (_P, _P)),
    "SSL_CTX_sess_set_get_cb": (None, (_P, _P)),
    "SSL_CONF_CTX_new": (_P, ()),
    "SSL_CONF_CTX_free": (None, (_P,)),
    "SSL_CONF_CTX_set_flags": (c_ulong, (_P, c_ulong)),
    "SSL_CONF_CTX_set_ssl_ctx": (None, (_P, _P)),
    "SSL_CONF_cmd": (_I, (_P, _S, _S)),
    "SSL_CONF_CTX_finish": (_I, (_P,)),
    "SSL_new": (_P, (_P,)),
    "SSL_free": (None, (_P,)),
    "SSL_ctrl": (_L, (_P, _I, _L, _P)),
    "SSL_set_fd": (_I, (_P, _I)),
    "SSL_set_connect_state": (None, (_P,)),
    "SSL_set_accept_state": (None, (_P,)),
    "SSL_do_handshake": (_I, (_P,)),
    "SSL_get_error": (_I, (_P, _I)),
    "SSL_read": (_I, (_P, _P, _I)),
    "SSL_peek": (_I, (_P, _P, _I)),
    "SSL_write": (_I, (_P, _P, _I)),
    "SSL_shutdown": (_I, (_P,)),
    "SSL_set_quiet_shutdown": (None, (_P, _I)),
    "SSL_in_init": (_I, (_P,)),
    "SSL_set_session": (_I, (_P, _P)),
    "SSL_get_session": (_P, (_P,)),
    "SSL_get1_session": (_P, (_P,)),
    "SSL_SESSION_free": (None, (_P,)),
    "SSL_SESSION_is_resumable": (_I, (_P,)),
    "SSL_SESSION_get_id": (_P, (_P, POINTER(c_uint))),
    "SSL_session_reused": (_I, (_P,)),
    "SSL_get_verify_result": (_L, (_P,)),
    "SSL_use_certificate": (_I, (_P, _P)),
    "SSL_use_PrivateKey": (_I, (_P, _P)),
    "SSL_certs_clear": (None, (_P,)),
    "SSL_get_version": (_S, (_P,)),
    "SSL_version": (_I, (_P,)),
    "SSL_get_current_cipher": (_P, (_P,)),
    "SSL_CIPHER_get_name": (_S, (_P,)),
    "SSL_get_servername": (_S, (_P, _I)),
    "SSL_get_SSL_CTX": (_P, (_P,)),
    "SSL_set_SSL_CTX": (_P, (_P, _P)),
    "SSL_set_verify": (None, (_P, _I, _P)),
    "SSL_set_verify_depth": (None, (_P, _I)),
    "SSL_CTX_get_options": (c_uint64, (_P,)),
    "SSL_clear_options": (c_uint64, (_P, c_uint64)),
    "SSL_set_options": (c_uint64, (_P, c_uint64)),
    "SSL_CTX_get_verify_mode": (_I, (_P,)),
    "SSL_CTX_get_verify_callback": (_P, (_P,)),
    "SSL_CTX_get_verify_depth": (_I, (_P,)),
    "SSL_set_client_CA_list": (None, (_P, _P)),
    "SSL_get_options": (c_uint64, (_P,)),
    "SSL_CIPHER_description": (_S, (_P, _P, _I)),
    "SSL_CIPHER_find": (_P, (_P, _S)),
    "SSL_CTX_set_alpn_select_cb": (None, (_P, _P, _P)),
    "SSL_select_next_proto": (_I, (_P, _P, _S, c_uint, _P, c_uint)),
    "SSL_client_hello_get1_extensions_present": (_I, (_P, _P, POINTER(_Z))),
    "SSL_client_hello_get0_ext": (_I, (_P, c_uint, _P, POINTER(_Z))),
    "SSL_client_hello_get0_ciphers": (_Z, (_P, _P)),
    "SSL_client_hello_get0_session_id": (_Z, (_P, _P)),
    "d2i_SSL_SESSION": (_P, (_P, _OUT, _L)),
    "i2d_SSL_SESSION": (_I, (_P, _OUT)),
    "SSL_get0_alpn_selected": (None, (_P, _OUT, POINTER(c_uint))),
}

_CRYPTO: dict[str, tuple[Any, tuple[Any, ...]]] = {
    "ERR_clear_error": (None, ()),
    "ERR_get_error_line_data": (
        c_ulong,
        (_P, _P, POINTER(c_char_p), POINTER(c_int)),
    ),
    "ERR_peek_error": (c_ulong, ()),
    "ERR_peek_last_error": (c_ulong, ()),
    "ERR_error_string_n": (None, (c_ulong, _P, _Z)),
    "CRYPTO_free": (None, (_P, _S, _I)),
    "BIO_new_mem_buf": (_P, (_S, _I)),
    "BIO_new_file": (_P, (_S, _S)),
    "BIO_free": (_I, (_P,)),
    "BIO_ctrl": (_L, (_P, _I, _L, _P)),
    "BIO_new": (_P, (_P,)),
    "BIO_s_mem": (_P, ()),
    "PEM_read_bio_X509_AUX": (_P, (_P, _P, _P, _P)),
    "PEM_read_bio_X509": (_P, (_P, _P, _P, _P)),
    "PEM_read_bio_PrivateKey": (_P, (_P, _P, _P, _S)),
    "PEM_write_bio_X509": (_I, (_P, _P)),
    "d2i_X509_bio": (_P, (_P, _P)),
    "d2i_PrivateKey_bio": (_P, (_P, _P)),
    "i2d_X509": (_I, (_P, _OUT)),
    "i2d_PrivateKey": (_I, (_P, _OUT)),
    "X509_free": (None, (_P,)),
    "X509_check_host": (_I, (_P, _S, _Z, c_ulong, _P)),
    "X509_verify_cert_error_string": (_S, (_L,)),
    "X509_check_issued": (_I, (_P, _P)),
    "X509_get1_ocsp": (_P, (_P,)),
    "X509_email_free": (None, (_P,)),
    "X509_STORE_add_lookup": (_P, (_P, _P)),
    "X509_LOOKUP_file": (_P, ()),
    "X509_LOOKUP_ctrl": (_I, (_P, _I, _S, _L, _P)),
    "X509_STORE_set_flags": (_I, (_P, c_ulong)),
    "X509_get_subject_name": (_P, (_P,)),
    "X509_get_issuer_name": (_P, (_P,)),
    "X509_NAME_print_ex": (_I, (_P, _P, _I, c_ulong)),
    "X509_NAME_oneline": (_P, (_P, _P, _I)),
    "X509_NAME_dup": (_P, (_P,)),
    "X509_STORE_new": (_P, ()),
    "X509_STORE_add_cert": (_I, (_P, _P)),
    "OBJ_nid2sn": (_S, (_I,)),
    "CRYPTO_malloc": (_P, (_Z, _S, _I)),
    "X509_get_serialNumber": (_P, (_P,)),
    "i2a_ASN1_INTEGER": (_I, (_P, _P)),
    "X509_get0_notBefore": (_P, (_P,)),
    "X509_get0_notAfter": (_P, (_P,)),
    "ASN1_TIME_print": (_I, (_P, _P)),
    "X509_digest": (_I, (_P, _P, _P, POINTER(c_uint))),
    "EVP_sha1": (_P, ()),
    "EVP_PKEY_free": (None, (_P,)),
    "OPENSSL_sk_new_null": (_P, ()),
    "OPENSSL_sk_push": (_I, (_P, _P)),
    "OPENSSL_sk_num": (_I, (_P,)),
    "OPENSSL_sk_value": (_P, (_P, _I)),
    "OPENSSL_sk_free": (None, (_P,)),
    "OCSP_REQUEST_new": (_P, ()),
    "OCSP_REQUEST_free": (None, (_P,)),
    "OCSP_cert_to_id": (_P, (_P, _P, _P)),
    "OCSP_CERTID_free": (None, (_P,)),
    "OCSP_request_add0_id": (_P, (_P, _P)),
    "i2d_OCSP_REQUEST": (_I, (_P, _OUT)),
    "d2i_OCSP_RESPONSE": (_P, (_P, _OUT, _L)),
    "OCSP_RESPONSE_free": (None, (_P,)),
    "OCSP_response_status": (_I, (_P,)),
    "OCSP_response_status_str": (_S, (_L,)),
    "OCSP_response_get1_basic": (_P, (_P,)),
    "OCSP_BASICRESP_free": (None, (_P,)),
    "OCSP_basic_verify": (_I, (_P, _P, _P, c_ulong)),
    "OCSP_resp_find_status": (_I, (_P, _P, POINTER(c_int), _P, _P, _OUT, _OUT)),
    "OCSP_cert_status_str": (_S, (_L,)),
    "OCSP_check_validity": (_I, (_P, _P, _L, _L)),
}

# One function under two names: of OpenSSL 3, then of 1.1.1.
_PEER_CERTIFICATE = ("SSL_get1_peer_certificate", "SSL_get_peer_certificate")

# Errors that the peer is to blame for: ngx_ssl_connection_error. Reasons of
# 1000 and more are alerts that it has sent.
_PEER_REASONS = frozenset(
    {101, 103, 108, 110, 118, 129, 149, 151, 152, 155, 156, 159, 183, 187, 193, 213,
     226, 227, 234, 235, 244, 245, 246, 252, 258, 267, 281, 335, 336, 337, 338, 345,
     373, 377, 396}
)  # fmt: skip
_FIRST_ALERT = 1000
_REASON_MASK = 0x7FFFFF
_LIBRARY_MASK = 0xFF
_LIBRARY_SHIFT = 23
_SYSTEM_FLAG = 0x80000000

# ERR_TXT_STRING: the data of an error is text.
_IS_TEXT = 2

_LINE_SIZE = 256

# ngx_ssl_error() writes into NGX_MAX_CONF_ERRSTR.
_TEXT_SIZE = 1024


class TlsError(Exception):
    """A call of OpenSSL failed.

    Attributes:
        text: the call, and the errors of the queue as nginx logs them.
        is_peers: whether the peer is to blame.
    """

    def __init__(self, text: str, *, is_peers: bool = False) -> None:
        super().__init__(text)
        self.text = text
        self.is_peers = is_peers


class Library:
    """The functions of both libraries, typed, as attributes.

    They leave Python's lock to others while they run, and ``errno`` to
    :func:`ctypes.get_errno`.

    Raises:
        HostError: they are not installed.
    """

    def __init__(self) -> None:
        ssl, crypto = (ctypes.CDLL(name, use_errno=True) for name in names())
        for library, table in ((ssl, _SSL), (crypto, _CRYPTO)):
            for name, (result, arguments) in table.items():
                function = getattr(library, name)
                function.restype, function.argtypes = result, arguments
                setattr(self, name, function)
        self.SSL_get1_peer_certificate = _first(ssl, _PEER_CERTIFICATE)

    def __getattr__(self, name: str) -> Any:
        raise AttributeError(name)

    def failure(self, call: str) -> TlsError:
        """Take the errors off the queue: ``ngx_ssl_error``.

        Args:
            call: what failed, such as ``SSL_do_handshake() failed``.
        """
        first: int = self.ERR_peek_error()
        if not first:
            return TlsError(call)
        text = f"{call} (SSL:"
        data, flags = c_char_p(), c_int()
        while code := self.ERR_get_error_line_data(
            None, None, ctypes.byref(data), ctypes.byref(flags)
        ):
            more = data.value if flags.value & _IS_TEXT else None
            if len(text) < _TEXT_SIZE:
                text += f" {self._line(code)}"
                text += f":{more.decode(errors='replace')}" if more else ""
        reason = first & _REASON_MASK
        is_peers = reason in _PEER_REASONS or reason >= _FIRST_ALERT
        return TlsError(f"{text})", is_peers=is_peers)

    def _line(self, code: int) -> str:
        line = ctypes.create_string_buffer(_LINE_SIZE)
        self.ERR_error_string_n(code, line, _LINE_SIZE)
        return line.value.decode(errors="replace")

    def reason(self) -> tuple[int, int]:
        """Return library and reason of the last error on the queue."""
        code: int = self.ERR_peek_last_error()
        if code & _SYSTEM_FLAG:
            return 2, code & ~_SYSTEM_FLAG
        return (code >> _LIBRARY_SHIFT) & _LIBRARY_MASK, code & _REASON_MASK


def _first(library: Any, candidates: tuple[str, ...]) -> Any:
    for name in candidates:
        function = getattr(library, name, None)
        if function is not None:
            function.restype, function.argtypes = c_void_p, (c_void_p,)
            return function
    raise HostError(_MISSING)


@functools.cache
def names() -> tuple[str, str]:
    """Return the names by which the dynamic linker finds libssl and libcrypto.

    Raises:
        HostError: they are not installed; the text says how to get them.
    """
    for pair in _PAIRS:
        try:
            for name in pair:
                ctypes.CDLL(name)
        except OSError:
            continue
        return pair
    raise HostError(_MISSING)


@functools.cache
def load() -> Library:
    """Return the libraries.

    Raises:
        HostError: they are not installed.
    """
    return Library()
