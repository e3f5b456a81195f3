"""TLS connections: handshakes, what they have agreed on, and their end.

An ``SSL *`` belongs to the Lua connection over its descriptor
(``lualib/resty_py/net/tls.lua``), which frees it.

Source: ngx_ssl_create_connection, ngx_ssl_handshake, ngx_ssl_shutdown,
ngx_ssl_check_host and ngx_http_lua_ffi_socket_tcp_sslhandshake.
"""

from __future__ import annotations

import ctypes
from typing import TYPE_CHECKING, Any

from ...vm import HostError, strerror
from .library import load

if TYPE_CHECKING:
    from .library import Library

__all__ = [
    "check",
    "cipher",
    "connect",
    "context_of",
    "description",
    "free",
    "free_session",
    "handshake",
    "is_reused",
    "resumable",
    "session",
    "shutdown",
    "version",
]

ERROR_SSL, ERROR_WANT_READ, ERROR_WANT_WRITE = 1, 2, 3
ERROR_WANT_LOOKUP, ERROR_SYSCALL, ERROR_ZERO_RETURN = 4, 5, 6
ERROR_WANT_CLIENT_HELLO = 11

_CTRL_HOST_NAME, _CTRL_STATUS_TYPE, _CTRL_CHAIN_CERT = 55, 65, 89
_CTRL_VERIFY_STORE = 106
_STATUS_OCSP = 1
_DESCRIPTION_SIZE = 128

#: What a handshake waits for, as Lua calls it.
_WAITS = {
    ERROR_WANT_READ: b"read",
    ERROR_WANT_WRITE: b"write",
    ERROR_WANT_LOOKUP: b"certificate",
    ERROR_WANT_CLIENT_HELLO: b"hello",
}


# Making ---------------------------------------------------------------------


def connect(
    context: float,
    fd: float,
    session: float | None = None,
    server_name: bytes | None = None,
    status: bool = False,
    chain: float | None = None,
    key: float | None = None,
    store: float | None = None,
) -> int:
    """Return a client's connection over *fd* that has not shaken hands yet.

    Args:
        context: an ``SSL_CTX *``.
        fd: a descriptor that is connected.
        session: an ``SSL_SESSION *`` to resume, or None.
        server_name: what to send as SNI, or None.
        status: whether to ask for an OCSP response.
        chain, key: a ``STACK_OF(X509) *`` and its ``EVP_PKEY *``, or None.
        store: an ``X509_STORE *`` to verify by, or None for the context's.

    Raises:
        HostError: OpenSSL refuses one of them; the text is OpenResty's.
    """
    library = load()
    ssl: int = library.SSL_new(int(context))
    if not ssl:
        library.ERR_clear_error()
        raise HostError("failed to create ssl connection")
    try:
        if not library.SSL_set_fd(ssl, int(fd)):
            raise HostError("failed to create ssl connection")
        library.SSL_set_connect_state(ssl)
        if session is not None and not library.SSL_set_session(ssl, int(session)):
            raise HostError("ssl set session failed")
        if chain is not None and key is not None:
            _present(library, ssl, int(chain), int(key))
        if server_name is not None:
            _name(library, ssl, server_name)
        if store is not None:
            library.SSL_ctrl(ssl, _CTRL_VERIFY_STORE, 1, int(store))
        if status:
            library.SSL_ctrl(ssl, _CTRL_STATUS_TYPE, _STATUS_OCSP, None)
    except BaseException:
        library.ERR_clear_error()
        library.SSL_free(ssl)
        raise
    return ssl


def _name(library: Library, ssl: int, server_name: bytes) -> None:
    name = ctypes.c_char_p(server_name)
    if not library.SSL_ctrl(ssl, _CTRL_HOST_NAME, 0, name):
        raise HostError("SSL_set_tlsext_host_name failed")


def _present(library: Library, ssl: int, chain: int, key: int) -> None:
    """Set the certificates that the client shows of itself."""
    count = library.OPENSSL_sk_num(chain)
    if count < 1:
        raise HostError("invalid client certificate chain")
    if not library.SSL_use_certificate(ssl, library.OPENSSL_sk_value(chain, 0)):
        raise HostError("ssl set client certificate failed")
    for place in range(1, count):
        certificate = library.OPENSSL_sk_value(chain, place)
        if not library.SSL_ctrl(ssl, _CTRL_CHAIN_CERT, 1, certificate):
            raise HostError("ssl set client intermediate certificate failed")
    if not library.SSL_use_PrivateKey(ssl, key):
        raise HostError("ssl set client private key failed")


# Shaking hands --------------------------------------------------------------


def handshake(ssl: float) -> Any:
    """Go on with the handshake.

    Returns:
        True when it is done; ``b"read"``, ``b"write"``, ``b"hello"`` or
        ``b"certificate"``: what it waits for; else None, what to log, the error
        number or None, and whether the peer is to blame.
    """
    library = load()
    pointer = int(ssl)
    library.ERR_clear_error()
    ctypes.set_errno(0)
    done = library.SSL_do_handshake(pointer)
    if done == 1:
        return True
    code = ctypes.get_errno()
    kind = library.SSL_get_error(pointer, done)
    if kind in _WAITS:
        return _WAITS[kind]
    if kind == ERROR_ZERO_RETURN or not library.ERR_peek_error():
        return _closed(code if kind == ERROR_SYSCALL else 0)
    failure = library.failure("SSL_do_handshake() failed")
    return None, failure.text.encode(), None, failure.is_peers


def _closed(code: int) -> tuple[None, bytes, int | None, bool]:
    text = b"peer closed connection in SSL handshake"
    if not code:
        return None, text, None, True
    shown = strerror(code)
    return None, text + b" (%d: %s)" % (code, shown[:1].upper() + shown[1:]), code, True


def check(ssl: float, name: bytes | None) -> Any:
    """Say what is wrong with the peer's certificate.

    Args:
        ssl: a connection that has shaken hands.
        name: the name that it must be for, or None for any.

    Returns:
        True; None, the number and text of what X509_verify_cert() found; None,
        0 where it is for somebody else.
    """
    library = load()
    result: int = library.SSL_get_verify_result(int(ssl))
    if result:
        return None, result, library.X509_verify_cert_error_string(result)
    if name is not None:
        certificate = library.SSL_get1_peer_certificate(int(ssl))
        matches = certificate and library.X509_check_host(
            certificate, name, len(name), 0, None
        )
        library.X509_free(certificate)
        if matches != 1:
            return None, 0
    return True


# Looking --------------------------------------------------------------------


def session(ssl: float) -> int | None:
    """Return the session, one reference of it, to resume later; or None."""
    found: int | None = load().SSL_get1_session(int(ssl))
    return found


def resumable(session: float) -> bool:
    """Say whether a session can be resumed."""
    return bool(load().SSL_SESSION_is_resumable(int(session)))


def free_session(session: float) -> None:
    """Give a reference of a session back."""
    load().SSL_SESSION_free(int(session))


def is_reused(ssl: float) -> bool:
    """Say whether the handshake has resumed a session."""
    return bool(load().SSL_session_reused(int(ssl)))


def version(ssl: float) -> tuple[bytes, int]:
    """Return the version of the protocol, such as ``TLSv1.3``, and its number."""
    library = load()
    return library.SSL_get_version(int(ssl)), library.SSL_version(int(ssl))


def cipher(ssl: float) -> bytes | None:
    """Return the name of the cipher; None before the handshake."""
    library = load()
    found = library.SSL_get_current_cipher(int(ssl))
    name: bytes | None = library.SSL_CIPHER_get_name(found) if found else None
    return name


def description(ssl: float) -> bytes:
    """Return what a debug line says of a handshake: ``ngx_ssl_handshake_log``."""
    library = load()
    name: bytes = library.SSL_get_version(int(ssl))
    found = library.SSL_get_current_cipher(int(ssl))
    if not found:
        return b"SSL no shared ciphers"
    buffer = ctypes.create_string_buffer(_DESCRIPTION_SIZE)
    library.SSL_CIPHER_description(found, buffer, _DESCRIPTION_SIZE)
    return b'SSL: %s, cipher: "%s"' % (name, b" ".join(buffer.value.split()))


def context_of(ssl: float) -> int:
    """Return the ``SSL_CTX *`` of a connection."""
    found: int = load().SSL_get_SSL_CTX(int(ssl))
    return found


# Ending ---------------------------------------------------------------------


def shutdown(ssl: float) -> None:
    """Send close_notify, as far as the descriptor takes it at once."""
    library = load()
    if not library.SSL_in_init(int(ssl)):
        library.SSL_shutdown(int(ssl))
        library.ERR_clear_error()


def free(ssl: float, is_sound: bool) -> None:
    """Let go of a connection without another word to the peer.

    Args:
        ssl: the connection.
        is_sound: it has not failed: its session may be resumed.
    """
    library = load()
    pointer = int(ssl)
    if is_sound and not library.SSL_in_init(pointer):
        # A session of which no end was seen or sent is not resumed.
        library.SSL_set_quiet_shutdown(pointer, 1)
        library.SSL_shutdown(pointer)
    library.ERR_clear_error()
    library.SSL_free(pointer)
