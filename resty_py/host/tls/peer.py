"""What is known of a TLS connection and of the client behind it: ``$ssl_*``.

Source: the variables of ngx_http_ssl_module.c and ngx_ssl_get_* of
ngx_event_openssl.c.
"""

from __future__ import annotations

import ctypes
import datetime
import urllib.parse
from contextlib import contextmanager
from ctypes import POINTER, c_char_p, c_int, c_ubyte, c_uint, c_void_p
from typing import TYPE_CHECKING

from . import connection
from .library import load

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from .library import Library

__all__ = ["variable", "verify"]

_HOST_NAME = 0
_BIO_CTRL_INFO = 3
_CTRL_GET_GROUPS, _CTRL_GET_NEGOTIATED_GROUP = 90, 134
_CTRL_RAW_CIPHERS = 110
_GROUP_UNKNOWN = 0x1000000
_DIGEST_SIZE = 64

_RFC2253 = 0x1110317
_DAY = 86400


@contextmanager
def _certificate(library: Library, ssl: int) -> Iterator[int | None]:
    found = library.SSL_get1_peer_certificate(ssl)
    try:
        yield found
    finally:
        library.X509_free(found)


@contextmanager
def _writer(library: Library) -> Iterator[int]:
    bio = library.BIO_new(library.BIO_s_mem())
    try:
        yield bio
    finally:
        library.BIO_free(bio)


def _written(library: Library, bio: int) -> bytes:
    place = c_void_p()
    size = library.BIO_ctrl(bio, _BIO_CTRL_INFO, 0, ctypes.byref(place))
    return ctypes.string_at(place, size) if size > 0 else b""


def verify(ssl: float) -> tuple[bool, int, bytes, bool]:
    """Return whether the client's certificate is good, why not, and whether it is.

    Returns:
        Whether nothing is wrong; number and text of what is; whether the client
        has sent a certificate.
    """
    library = load()
    result: int = library.SSL_get_verify_result(int(ssl))
    text: bytes = library.X509_verify_cert_error_string(result)
    with _certificate(library, int(ssl)) as certificate:
        return result == 0, result, text, bool(certificate)


def variable(ssl: float, name: bytes) -> bytes | None:
    """Return the value of a variable without its ``ssl_``; None: it has none."""
    library, pointer = load(), int(ssl)
    if name in _OF_CONNECTION:
        return _OF_CONNECTION[name](library, pointer)
    with _certificate(library, pointer) as certificate:
        if name == b"client_verify":
            return _verdict(library, pointer, certificate)
        if not certificate:
            return None
        return _OF_CERTIFICATE[name](library, certificate)


# Connections ----------------------------------------------------------------


def _server_name(library: Library, ssl: int) -> bytes | None:
    name: bytes | None = library.SSL_get_servername(ssl, _HOST_NAME)
    return name


def _session_id(library: Library, ssl: int) -> bytes | None:
    session = library.SSL_get_session(ssl)
    if not session:
        return None
    size = c_uint()
    place = library.SSL_SESSION_get_id(session, ctypes.byref(size))
    return ctypes.string_at(place, size.value).hex().encode()


def _alpn(library: Library, ssl: int) -> bytes | None:
    place, size = c_void_p(), c_uint()
    library.SSL_get0_alpn_selected(ssl, ctypes.byref(place), ctypes.byref(size))
    return ctypes.string_at(place, size.value) if size.value else None


def _ciphers(library: Library, ssl: int) -> bytes | None:
    """Return the names of the client's ciphers: ``ngx_ssl_get_ciphers``."""
    data = POINTER(c_ubyte)()
    size = library.SSL_ctrl(ssl, _CTRL_RAW_CIPHERS, 0, ctypes.byref(data))
    # Asked for nothing, OpenSSL tells how long an entry is.
    width = library.SSL_ctrl(ssl, _CTRL_RAW_CIPHERS, 0, None)
    raw = bytes(data[:size])
    entries = (raw[i : i + width] for i in range(0, size, width))
    return b":".join(_cipher_name(library, ssl, one) for one in entries) or None


def _cipher_name(library: Library, ssl: int, entry: bytes) -> bytes:
    cipher = library.SSL_CIPHER_find(ssl, entry)
    if cipher:
        name: bytes = library.SSL_CIPHER_get_name(cipher)
        return name
    return b"0x" + entry.hex().encode()


def _group_name(library: Library, number: int) -> bytes:
    if number & _GROUP_UNKNOWN:
        return b"0x%04x" % (number & 0xFFFF)
    name: bytes | None = library.OBJ_nid2sn(number)
    return name or b""


def _curves(library: Library, ssl: int) -> bytes | None:
    count = library.SSL_ctrl(ssl, _CTRL_GET_GROUPS, 0, None)
    if count <= 0:
        return None
    numbers = (c_int * count)()
    library.SSL_ctrl(ssl, _CTRL_GET_GROUPS, 0, ctypes.cast(numbers, c_void_p))
    return b":".join(_group_name(library, number) for number in numbers)


def _curve(library: Library, ssl: int) -> bytes | None:
    number = library.SSL_ctrl(ssl, _CTRL_GET_NEGOTIATED_GROUP, 0, None)
    return _group_name(library, number) if number > 0 else None


def _reused(_library: Library, ssl: int) -> bytes:
    return b"r" if connection.is_reused(ssl) else b"."


def _version(_library: Library, ssl: int) -> bytes:
    return connection.version(ssl)[0]


def _cipher(_library: Library, ssl: int) -> bytes | None:
    return connection.cipher(ssl)


_OF_CONNECTION: dict[bytes, Callable[[Library, int], bytes | None]] = {
    b"protocol": _version,
    b"cipher": _cipher,
    b"ciphers": _ciphers,
    b"curve": _curve,
    b"curves": _curves,
    b"session_id": _session_id,
    b"session_reused": _reused,
    b"server_name": _server_name,
    b"alpn_protocol": _alpn,
    b"early_data": lambda _library, _ssl: None,
}


# Certificates ---------------------------------------------------------------


def _verdict(library: Library, ssl: int, certificate: int | None) -> bytes:
    if not certificate:
        return b"NONE"
    result = library.SSL_get_verify_result(ssl)
    if result == 0:
        return b"SUCCESS"
    text: bytes = library.X509_verify_cert_error_string(result)
    return b"FAILED:" + text


def _pem(library: Library, certificate: int) -> bytes:
    with _writer(library) as bio:
        library.PEM_write_bio_X509(bio, certificate)
        return _written(library, bio)


def _raw(library: Library, certificate: int) -> bytes:
    return _pem(library, certificate)


def _indented(library: Library, certificate: int) -> bytes:
    """Return it as a header may have it: lines but the first begin with a tab."""
    return _pem(library, certificate).rstrip(b"\n").replace(b"\n", b"\n\t")


def _escaped(library: Library, certificate: int) -> bytes:
    return urllib.parse.quote(_pem(library, certificate), safe="").encode()


def _name(function: str, legacy: bool) -> Callable[[Library, int], bytes]:
    def read(library: Library, certificate: int) -> bytes:
        name = getattr(library, function)(certificate)
        if legacy:
            text = library.X509_NAME_oneline(name, None, 0)
            value = ctypes.cast(text, c_char_p).value or b""
            library.CRYPTO_free(text, None, 0)
            return value
        with _writer(library) as bio:
            library.X509_NAME_print_ex(bio, name, 0, _RFC2253)
            return _written(library, bio)

    return read


def _serial(library: Library, certificate: int) -> bytes:
    with _writer(library) as bio:
        library.i2a_ASN1_INTEGER(bio, library.X509_get_serialNumber(certificate))
        return _written(library, bio)


def _fingerprint(library: Library, certificate: int) -> bytes:
    buffer, size = ctypes.create_string_buffer(_DIGEST_SIZE), c_uint()
    library.X509_digest(certificate, library.EVP_sha1(), buffer, ctypes.byref(size))
    return buffer.raw[: size.value].hex().encode()


def _time(function: str) -> Callable[[Library, int], bytes]:
    def read(library: Library, certificate: int) -> bytes:
        with _writer(library) as bio:
            library.ASN1_TIME_print(bio, getattr(library, function)(certificate))
            return _written(library, bio)

    return read


def _remaining(library: Library, certificate: int) -> bytes | None:
    text = _time("X509_get0_notAfter")(library, certificate).decode()
    try:
        end = datetime.datetime.strptime(text, "%b %d %H:%M:%S %Y GMT")
    except ValueError:
        return None
    now = datetime.datetime.now(datetime.UTC).replace(tzinfo=None)
    seconds = (end - now).total_seconds()
    return b"%d" % max(0, int(seconds // _DAY))


_OF_CERTIFICATE: dict[bytes, Callable[[Library, int], bytes | None]] = {
    b"client_cert": _indented,
    b"client_raw_cert": _raw,
    b"client_escaped_cert": _escaped,
    b"client_s_dn": _name("X509_get_subject_name", legacy=False),
    b"client_i_dn": _name("X509_get_issuer_name", legacy=False),
    b"client_s_dn_legacy": _name("X509_get_subject_name", legacy=True),
    b"client_i_dn_legacy": _name("X509_get_issuer_name", legacy=True),
    b"client_serial": _serial,
    b"client_fingerprint": _fingerprint,
    b"client_v_start": _time("X509_get0_notBefore"),
    b"client_v_end": _time("X509_get0_notAfter"),
    b"client_v_remain": _remaining,
}
