"""Contexts: what TLS is told by directives, an ``SSL_CTX`` for each set of them.

Source: ngx_ssl_create, ngx_ssl_trusted_certificate, ngx_ssl_crl and
ngx_ssl_conf_commands.
"""

from __future__ import annotations

import ctypes
import os
from contextlib import suppress
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Self, TypeVar

from .library import TlsError, load
from .protocols import PROTOCOLS

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from .library import Library

__all__ = ["ClientSettings", "Context", "new_client_context"]

_Settings = TypeVar("_Settings")

# SSL_OP_NO_COMPRESSION, SSL_OP_NO_ANTI_REPLAY, SSL_OP_IGNORE_UNEXPECTED_EOF.
_OPTIONS = 0x00020000 | 0x01000000 | 0x00000080

# SSL_MODE_ENABLE_PARTIAL_WRITE, _ACCEPT_MOVING_WRITE_BUFFER, _NO_AUTO_CHAIN and
# _RELEASE_BUFFERS: a write is repeated with the same bytes at another address.
_MODES = 0x1 | 0x2 | 0x8 | 0x10

_CTRL_MODE = 33
_CTRL_READ_AHEAD = 41
_CTRL_MIN_VERSION, _CTRL_MAX_VERSION = 123, 124
_MAX_VERSION = 0x0304

_FILETYPE_PEM = 1
_LOOKUP_CTRL_FILE = 1
_CRL_CHECK, _CRL_CHECK_ALL = 0x4, 0x8

# SSL_CONF_FLAG_FILE, _CLIENT, _SERVER, _CERTIFICATE and _SHOW_ERRORS.
_CONF_FLAGS = 0x2 | 0x4 | 0x8 | 0x20 | 0x10
_CONF_TYPE_FILE, _CONF_TYPE_DIR = 2, 3

_VERIFY_CALLBACK = ctypes.CFUNCTYPE(ctypes.c_int, ctypes.c_int, ctypes.c_void_p)
_KEY_LOG_CALLBACK = ctypes.CFUNCTYPE(None, ctypes.c_void_p, ctypes.c_char_p)


# Goes on whatever is wrong with a certificate: the result tells afterwards.
accept_any = _VERIFY_CALLBACK(lambda _ok, _store: 1)


@dataclass(frozen=True)
class ClientSettings:
    """What ``lua_ssl_*`` say; paths are absolute, None where nothing is said."""

    protocols: tuple[str, ...]
    ciphers: str
    trusted_certificate: str | None
    verify_depth: int
    crl: str | None
    certificate: str | None
    certificate_key: str | None
    key_log: str | None
    conf_commands: tuple[tuple[str, str], ...]


class Context:
    """An ``SSL_CTX`` and what must live as long as it does.

    Attributes:
        pointer: its address.
    """

    def __init__(self, library: Library) -> None:
        self.library = library
        self.pointer: int = library.SSL_CTX_new(library.TLS_method())
        if not self.pointer:
            raise library.failure("SSL_CTX_new() failed")
        self._kept: list[Any] = []
        self._key_log: int | None = None

    @classmethod
    def made(
        cls, apply: Callable[[Context, _Settings], None], given: _Settings
    ) -> Self:
        """Return a context to which *apply* gave what is *given*.

        Raises:
            HostError: OpenSSL is not installed; or what *apply* raises.
        """
        context = cls(load())
        try:
            apply(context, given)
        except BaseException:
            context.close()
            raise
        return context

    def close(self) -> None:
        """Let go of it; connections that were made with it keep it."""
        pointer, self.pointer = self.pointer, 0
        if pointer:
            self.library.SSL_CTX_set_keylog_callback(pointer, None)
            self.library.SSL_CTX_free(pointer)
        if self._key_log is not None:
            os.close(self._key_log)
            self._key_log = None

    def keep(self, callback: Any) -> Any:
        """Keep *callback* alive; return it."""
        self._kept.append(callback)
        return callback

    # Settings ---------------------------------------------------------------

    def set_up(self, protocols: Iterable[str]) -> None:
        """Set versions and modes: ``ngx_ssl_create``."""
        library, pointer = self.library, self.pointer
        allowed = set(protocols)
        refused = (bit for name, bit in PROTOCOLS.items() if name not in allowed)
        library.SSL_CTX_ctrl(pointer, _CTRL_MIN_VERSION, 0, None)
        library.SSL_CTX_ctrl(pointer, _CTRL_MAX_VERSION, _MAX_VERSION, None)
        library.SSL_CTX_set_options(pointer, sum(refused, _OPTIONS))
        library.SSL_CTX_ctrl(pointer, _CTRL_MODE, _MODES, None)
        library.SSL_CTX_ctrl(pointer, _CTRL_READ_AHEAD, 1, None)

    def set_ciphers(self, ciphers: str) -> None:
        """Set the ciphers of TLS up to 1.2, as OpenSSL lists them."""
        if not self.library.SSL_CTX_set_cipher_list(self.pointer, ciphers.encode()):
            raise self.library.failure(f'SSL_CTX_set_cipher_list("{ciphers}") failed')

    def ask_for_certificate(self, depth: int) -> None:
        """Ask clients for a certificate; whoever sends none may go on."""
        self.library.SSL_CTX_set_verify(self.pointer, 1, accept_any)
        self.library.SSL_CTX_set_verify_depth(self.pointer, depth)

    def trust(self, path: str, depth: int, mode: int = 0) -> None:
        """Trust the certificates in a file: ``ngx_ssl_trusted_certificate``."""
        library, pointer = self.library, self.pointer
        library.SSL_CTX_set_verify(pointer, mode, accept_any)
        library.SSL_CTX_set_verify_depth(pointer, depth)
        if not library.SSL_CTX_load_verify_locations(pointer, os.fsencode(path), None):
            raise library.failure(f'SSL_CTX_load_verify_locations("{path}") failed')
        # Certificates that are there twice leave errors.
        library.ERR_clear_error()

    def revoke(self, path: str) -> None:
        """Take a file of revocation lists into account: ``ngx_ssl_crl``."""
        library = self.library
        store = library.SSL_CTX_get_cert_store(self.pointer)
        lookup = library.X509_STORE_add_lookup(store, library.X509_LOOKUP_file())
        loaded = lookup and library.X509_LOOKUP_ctrl(
            lookup, _LOOKUP_CTRL_FILE, os.fsencode(path), _FILETYPE_PEM, None
        )
        if not loaded:
            raise library.failure(f'X509_LOOKUP_load_file("{path}") failed')
        library.X509_STORE_set_flags(store, _CRL_CHECK | _CRL_CHECK_ALL)

    def use_certificate(self, certificate: str, key: str) -> None:
        """Present the certificates in a file, with the key in another one."""
        library, pointer = self.library, self.pointer
        path = os.fsencode(certificate)
        if not library.SSL_CTX_use_certificate_chain_file(pointer, path):
            raise library.failure(f'cannot load certificate "{certificate}"')
        path = os.fsencode(key)
        if not library.SSL_CTX_use_PrivateKey_file(pointer, path, _FILETYPE_PEM):
            raise library.failure(f'cannot load certificate key "{key}"')

    def command(self, commands: Iterable[tuple[str, str]]) -> None:
        """Run configuration commands: ``ngx_ssl_conf_commands``."""
        library = self.library
        context = library.SSL_CONF_CTX_new()
        try:
            library.SSL_CONF_CTX_set_flags(context, _CONF_FLAGS)
            library.SSL_CONF_CTX_set_ssl_ctx(context, self.pointer)
            for name, value in commands:
                if library.SSL_CONF_cmd(context, name.encode(), value.encode()) <= 0:
                    raise library.failure(f'SSL_CONF_cmd("{name}", "{value}") failed')
            if not library.SSL_CONF_CTX_finish(context):
                raise library.failure("SSL_CONF_finish() failed")
        finally:
            library.SSL_CONF_CTX_free(context)

    def log_keys(self, path: str) -> None:
        """Append the secrets of connections to a file, as Wireshark reads them.

        Raises:
            TlsError: the file cannot be opened.
        """
        flags = os.O_WRONLY | os.O_APPEND | os.O_CREAT | os.O_CLOEXEC
        try:
            self._key_log = log = os.open(path, flags, 0o600)
        except OSError as exc:
            raise TlsError(
                f'open() "{path}" failed ({exc.errno}: {exc.strerror})'
            ) from exc

        def write(_ssl: int, line: bytes) -> None:
            with suppress(OSError):
                os.write(log, line + b"\n")

        callback = self.keep(_KEY_LOG_CALLBACK(write))
        self.library.SSL_CTX_set_keylog_callback(self.pointer, callback)


def new_client_context(settings: ClientSettings) -> Context:
    """Return the context of cosockets where *settings* are in force.

    Raises:
        TlsError: a file is missing or malformed, or there is no such cipher.
        HostError: OpenSSL is not installed.
    """
    return Context.made(_apply, settings)


def _apply(context: Context, settings: ClientSettings) -> None:
    context.set_up(settings.protocols)
    context.set_ciphers(settings.ciphers)
    if settings.certificate:
        if not settings.certificate_key:
            raise TlsError(
                'no "lua_ssl_certificate_key" is defined for certificate '
                f'"{settings.certificate}"'
            )
        context.use_certificate(settings.certificate, settings.certificate_key)
    if settings.trusted_certificate:
        context.trust(settings.trusted_certificate, settings.verify_depth)
    if settings.crl:
        context.revoke(settings.crl)
    if settings.conf_commands:
        context.command(settings.conf_commands)
    if settings.key_log:
        context.log_keys(settings.key_log)
